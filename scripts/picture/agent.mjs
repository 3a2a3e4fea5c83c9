/** A scripted agent for the picture. It prints messages in the format of Claude Code's stream: `agent.mjs KIND` */
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const words = (text) => say({ type: 'assistant', message: { content: [{ type: 'text', text }] } });
const usage = (input, output, usd) => ({
  usage: { input_tokens: input, output_tokens: output, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 },
  total_cost_usd: usd,
});
const tool = (id, name, input, output, failed = false) => {
  say({ type: 'assistant', message: { content: [{ type: 'tool_use', id, name, input }] } });
  say({
    type: 'user',
    message: { content: [{ type: 'tool_result', tool_use_id: id, content: output, is_error: failed }] },
  });
};

readFileSync(0);
const kind = process.argv[2];
say({
  type: 'system',
  subtype: 'init',
  session_id: `session-${kind}`,
  model: 'claude-sonnet',
  permissionMode: 'acceptEdits',
});
if (kind !== 'plan') words('I will run the tests first.');
if (kind !== 'plan')
  tool('1', 'Bash', { command: 'npm test' }, ' ✗ adds two numbers\n   expected 5, got -1\n 1 failed, 41 passed', true);
if (kind === 'done' || kind === 'live') {
  writeFileSync('add.js', 'export const add = (a, b) => a + b;\n');
  tool(
    '2',
    'Edit',
    { file_path: `${process.cwd()}/add.js`, old_string: 'a - b', new_string: 'a + b' },
    'The file add.js has been updated.',
  );
  tool('3', 'Bash', { command: 'npm test' }, ' 42 passed');
}
if (kind === 'live' || kind === 'silent') {
  words(
    kind === 'live'
      ? 'The failing test passes now. Looking for other places that subtract.'
      : 'Reading the schema of the database.',
  );
  await pause(600_000);
}
if (kind === 'plan') words('I will split the parser into two files next, and then write tests for both.');
else if (kind === 'fails') words('API Error: 401 Invalid API key');
else words('Fixed add(): it subtracted. All 42 tests pass.');
say({
  type: 'result',
  subtype: 'success',
  is_error: kind === 'fails',
  result: kind === 'fails' ? 'API Error: 401 Invalid API key' : 'done',
  session_id: `session-${kind}`,
  ...usage(21_300, 1_840, 0.1184),
});
