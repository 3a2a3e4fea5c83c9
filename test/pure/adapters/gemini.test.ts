import { describe, expect, test } from 'vitest';
import { gemini } from '#adapters/gemini.ts';
import { endOf, recording, replay, reported, type Table } from '../../support/recordings.ts';
import { launch, streamStateOf, testRecordings } from '../../support/streams.ts';

const nothing = '0 tools, 0 commands, 0 failed';
const command = '1 tools, 1 commands, 0 failed';
const call = '1 tools, 0 commands, 0 failed';

const table: Table = {
  plain: [nothing, 'succeeded'],
  plan_only: [nothing, 'succeeded'],
  echo: [nothing, 'succeeded'],
  slow_stream: [nothing, 'succeeded'],
  http_429_once: [nothing, 'succeeded'],
  http_500_once: [nothing, 'succeeded'],
  // It exits with 0, but its result is an error.
  empty: [nothing, 'failed: unclassed'],
  // Its stream does not show that the answer was cut off.
  max_tokens: [nothing, 'succeeded'],
  tool_unknown: [call, 'succeeded'],
  tool_bad_args: [call, 'succeeded'],
  tool_shell: [command, 'succeeded'],
  tool_daemon: [command, 'succeeded'],
  tool_nohup: [command, 'succeeded'],
  tool_background: [command, 'succeeded'],
  tool_write: [`${call}, null written.txt`, 'succeeded'],
  // The model requested a tool that gemini does not have ("Bash"). This is not a refusal.
  safe_shell: [call, 'succeeded'],
  safe_write: [call, 'succeeded'],
  context_exceeded: [nothing, 'failed: context_exhausted'],
  http_401: [nothing, 'failed: auth_required'],
  http_403: [nothing, 'failed: auth_required'],
  http_404_model: [nothing, 'failed: unclassed'],
  http_429_long: [nothing, 'failed: rate_limited'],
  nat_http_500: [nothing, 'failed: provider_unavailable'],
  disconnect: [nothing, 'failed: provider_unavailable'],
  stream_error: [nothing, 'failed: provider_unavailable'],
  // When it is stopped it still exits with 0, but without a result.
  http_429: [nothing, 'failed: unclassed'],
  http_500: [nothing, 'failed: unclassed'],
  http_503: [nothing, 'failed: unclassed'],
  tool_then_500: [command, 'failed: unclassed'],
  hang_before_headers: [nothing, 'failed: unclassed'],
  hang_mid_stream: [nothing, 'failed: unclassed'],
  tool_long: [call, 'failed: unclassed'],
  tool_trap: [call, 'failed: unclassed'],
  sig_tool_kill_group: [call, 'failed by its exit'],
  sig_tool_kill_pid: [call, 'failed by its exit'],
  sig_trap_kill_group: [call, 'failed by its exit'],
  resume_6_kill_tool_long_a: [call, 'failed by its exit'],
  resume_6_kill_hang_mid_stream_a: [nothing, 'failed by its exit'],
  ns_kill_outer: [call, 'failed by its exit'],
  ns_term_outer: [call, 'failed by its exit'],
  resume_unknown_id: [nothing, 'failed: unknown_session'],
  resume_other_cwd: [nothing, 'failed: unknown_session'],
};

const replayed = (name: string) => replay(gemini, recording('gemini', name));
const use = (tool: string, parameters: object = {}) => ({
  type: 'tool_use',
  tool_name: tool,
  tool_id: `${tool}__1`,
  parameters,
});
const ended = (tool: string, more: object) => ({
  type: 'tool_result',
  tool_id: `${tool}__1`,
  status: 'success',
  ...more,
});
const missing = (tool: string) =>
  ended(tool, {
    status: 'error',
    error: { type: 'tool_not_registered', message: `Tool "${tool}" not found. Did you mean one of: "glob"?` },
  });
const done = { type: 'result', status: 'success' };

describe('with gemini,', () => {
  testRecordings('gemini', gemini, table);

  test('a folder is trusted only with a permission to work in it', () => {
    expect(gemini.prepare(launch('gemini'))).toMatchObject({
      argv: ['gemini', '-o', 'stream-json', '--approval-mode', 'default'],
      stdin: 'prompt',
    });
    const edit = gemini.prepare(launch('gemini', { permission: 'edit', model: 'flash', args: ['--debug'] }, 'abc'));
    expect(edit.argv.slice(3)).toEqual([
      '-m',
      'flash',
      '--approval-mode',
      'auto_edit',
      '--skip-trust',
      '--resume',
      'abc',
      '--debug',
    ]);
    expect(gemini.prepare(launch('gemini', { permission: 'full' })).argv.slice(3)).toEqual([
      '--approval-mode',
      'yolo',
      '--skip-trust',
    ]);
  });

  test('an answer is joined from its pieces and counts as one message', () => {
    expect(replayed('slow_stream')).toMatchObject({
      messages: 1,
      text: 'This answer arrives one word at a time and takes around ten seconds in all to be complete.',
    });
  });

  test('the prompt in its output is not its answer', () => {
    expect(replayed('stdin_prompt')).toMatchObject({
      messages: 1,
      text: expect.stringMatching(/^History: 1 typed prompts/),
    });
  });

  test('a tool that the mode holds back is refused, and an unknown tool is not', () => {
    const refused = streamStateOf(gemini, [
      use('run_shell_command', { command: 'ls' }),
      missing('run_shell_command'),
      done,
    ]);
    expect(refused.denials).toEqual({ count: 1, tools: ['run_shell_command'], worked: false });
    expect(endOf(gemini, refused, { code: 0, signal: null })).toBe('failed: permission_denied');
    expect(streamStateOf(gemini, [use('no_such_tool'), missing('no_such_tool')]).denials.count).toBe(0);
    expect(streamStateOf(gemini, [use('read_file'), missing('read_file')]).denials.count).toBe(0);
    const policy = ended('write_file', {
      status: 'error',
      error: { type: 'policy_violation', message: 'Tool execution denied by policy.' },
    });
    expect(streamStateOf(gemini, [use('write_file'), policy]).denials.count).toBe(1);
  });

  test('a command has an exit code only when it had no other output', () => {
    const run = (output: string) =>
      streamStateOf(gemini, [use('run_shell_command', { command: 'x' }), ended('run_shell_command', { output })])
        .recentCommands[0];
    expect(run('Command exited with code: 3')).toMatchObject({ exitCode: 3, failed: true });
    expect(run('Command exited with code: 3\nof 5')).toMatchObject({ exitCode: null, failed: false });
  });

  test.each(['cancelled', 'partial', '', undefined, 7, null])('a result with the status %j is no success', (status) => {
    const streamState = streamStateOf(gemini, [{ type: 'result', status }]);
    expect(endOf(gemini, streamState, { code: 0, signal: null })).toBe('failed: unclassed');
    expect(streamState.result?.failure?.by).toBe('clip');
  });

  test('retries are read from stderr', () => {
    expect(replayed('http_500').retrying).toMatchObject({
      attempt: 4,
      message: 'Attempt 4 failed with status 500. Retrying with backoff...',
    });
    expect(replayed('http_429').retrying).toMatchObject({ attempt: 4 });
  });

  test('an error event is the reason for a result with an error', () => {
    const { failure } = reported(gemini, replayed('empty'), { code: 0, signal: null }) ?? {};
    expect(failure?.message).toMatch(/^The model returned an empty response/);
  });

  test('the response of the model API is read from inside the error text', () => {
    expect(reported(gemini, replayed('http_401'), { code: 145, signal: null })?.failure?.message).toBe(
      'Fake: invalid API key.',
    );
    expect(reported(gemini, replayed('http_429_long'), { code: 173, signal: null })?.failure?.resetsAt).toBe(
      Date.UTC(2026, 10, 22, 13, 20),
    );
  });

  test('thinking counts as output', () => {
    const stats = {
      total_tokens: 1500,
      input_tokens: 1000,
      output_tokens: 200,
      cached: 400,
      models: { 'gemini-2.5-pro': {} },
    };
    const { meter, model } = streamStateOf(gemini, [{ ...done, stats }]);
    expect({ ...meter.part, model }).toEqual({ input: 1000, cached: 400, output: 500, model: 'gemini-2.5-pro' });
  });

  test.each([
    [41, 'failed: auth_required'],
    [42, 'failed: unknown_session'],
    [53, 'failed: max_turns_exhausted'],
    [55, 'failed: permission_denied'],
    [144, 'failed by its exit'],
    [145, 'failed: auth_required'],
    [147, 'failed: auth_required'],
    [173, 'failed: rate_limited'],
    [244, 'failed: provider_unavailable'],
    [247, 'failed: provider_unavailable'],
    [1, 'failed by its exit'],
    [0, 'failed: unclassed'],
  ])('without an error text, exit code %i means: %s', (code, end) => {
    expect(endOf(gemini, streamStateOf(gemini, []), { code, signal: null })).toBe(end);
  });

  test('the reason of a failed start is read from stderr', () => {
    const end = (line: string) => endOf(gemini, streamStateOf(gemini, [], `${line}\n`), { code: 1, signal: null });
    expect(end('Error resuming session: Invalid session identifier "0".')).toBe('failed: unknown_session');
    expect(end('Error executing tool no_such_tool: Tool "no_such_tool" not found.')).toBe('failed by its exit');
  });

  test('an exit code gives an error code to a result without one', () => {
    const streamState = streamStateOf(gemini, [
      { type: 'result', status: 'error', error: { type: 'unknown', message: 'Stopped.' } },
    ]);
    expect(endOf(gemini, streamState, { code: 53, signal: null })).toBe('failed: max_turns_exhausted');
  });
});
