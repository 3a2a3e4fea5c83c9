import { describe, expect, test } from 'vitest';
import { claude } from '#adapters/claude.ts';
import type { Tokens } from '#run/agent-event.ts';
import { noTotals, toUsage } from '#run/usage.ts';
import { countedTokens } from '#run/usage-meter.ts';
import {
  endOf,
  type Recording,
  recording,
  recordings,
  replay,
  reported,
  type Table,
} from '../../support/recordings.ts';
import { launch, streamStateOf, testRecordings } from '../../support/streams.ts';

const nothing = '0 tools, 0 commands, 0 failed';
const command = '1 tools, 1 commands, 0 failed';
/** A tool call that is no command, or whose end was not reported. */
const call = '1 tools, 0 commands, 0 failed';
const written = `${call}, add written.txt`;
/** The end of a command that claude ended because it was stopped itself. */
const cutShort = '1 tools, 1 commands, 1 failed';

const table: Table = {
  plain: [nothing, 'succeeded'],
  plan_only: [nothing, 'succeeded'],
  echo: [nothing, 'succeeded'],
  empty: [nothing, 'succeeded'],
  slow_stream: [nothing, 'succeeded'],
  http_429_once: [nothing, 'succeeded'],
  http_500_once: [nothing, 'succeeded'],
  tool_unknown: [call, 'succeeded'],
  tool_bad_args: [call, 'succeeded'],
  tool_shell: [command, 'succeeded'],
  tool_daemon: [command, 'succeeded'],
  tool_nohup: [command, 'succeeded'],
  tool_background: [command, 'succeeded'],
  tool_write: [written, 'succeeded'],
  safe_shell: [call, 'failed: permission_denied'],
  safe_write: [call, 'failed: permission_denied'],
  x_root_refused: [nothing, 'failed: permission_denied'],
  tool_three: [command, 'failed: max_turns_exhausted'],
  max_tokens: [nothing, 'failed: output_truncated'],
  context_exceeded: [nothing, 'failed: context_exhausted'],
  stream_context: [nothing, 'failed: context_exhausted'],
  http_400: [nothing, 'failed: unclassed'],
  http_403: [nothing, 'failed: auth_required'],
  http_404_model: [nothing, 'failed: unclassed'],
  http_429_long: [nothing, 'failed: rate_limited'],
  bad_json: [nothing, 'failed: provider_unavailable'],
  http_529: [nothing, 'failed: provider_unavailable'],
  // With few retries, or with enough time for its own retries, claude reports the kind of the error.
  few_http_401: [nothing, 'failed: auth_required'],
  nat_http_401: [nothing, 'failed: auth_required'],
  few_http_429: [nothing, 'failed: rate_limited'],
  nat_http_429: [nothing, 'failed: rate_limited'],
  few_http_500: [nothing, 'failed: provider_unavailable'],
  nat_http_500: [nothing, 'failed: provider_unavailable'],
  few_disconnect: [nothing, 'failed: provider_unavailable'],
  few_stream_error: [nothing, 'failed: provider_unavailable'],
  // When it is stopped during its retries, it reports nothing.
  http_401: [nothing, 'failed by its exit'],
  http_429: [nothing, 'failed by its exit'],
  http_500: [nothing, 'failed by its exit'],
  http_503: [nothing, 'failed by its exit'],
  disconnect: [nothing, 'failed by its exit'],
  stream_error: [nothing, 'failed by its exit'],
  tool_then_500: [command, 'failed by its exit'],
  hang_before_headers: [nothing, 'failed by its exit'],
  hang_mid_stream: [nothing, 'failed by its exit'],
  // After SIGINT it exits with 0, but its result says that it was interrupted.
  sig_hang_int_pid: [nothing, 'failed: unclassed'],
  sig_tool_int_pid: [cutShort, 'failed: unclassed'],
  sig_tool_int_then_term: [cutShort, 'failed: unclassed'],
  sig_tool_int_twice: [cutShort, 'failed: unclassed'],
  sig_trap_int_pid: [cutShort, 'failed: unclassed'],
  v197_sig_tool_int_pid: [cutShort, 'failed: unclassed'],
  tool_long: [cutShort, 'failed by its exit'],
  tool_trap: [cutShort, 'failed by its exit'],
  // After SIGKILL, and with 2.1.197 after SIGTERM, the end of the command is not reported.
  sig_tool_kill_group: [call, 'failed by its exit'],
  sig_tool_kill_pid: [call, 'failed by its exit'],
  sig_trap_kill_group: [call, 'failed by its exit'],
  resume_6_kill_tool_long_a: [call, 'failed by its exit'],
  v197_sig_tool_term_pid: [call, 'failed by its exit'],
  resume_unknown_id: [nothing, 'failed: unknown_session'],
};

const replayed = (name: string) => replay(claude, recording('claude', name));
const answer = (text: string, more: object = {}) => ({
  type: 'assistant',
  message: { model: 'm', content: [{ type: 'text', text }] },
  ...more,
});
const toolUse = (id: string, name: string, input: object) => ({
  type: 'assistant',
  message: { model: 'm', content: [{ type: 'tool_use', id, name, input }] },
});
const toolResult = (id: string, content: unknown, more: object = {}) => ({
  type: 'user',
  message: { content: [{ type: 'tool_result', tool_use_id: id, content, ...more }] },
});
const result = (more: object = {}) => ({ type: 'result', subtype: 'success', is_error: false, ...more });

describe('with claude,', () => {
  testRecordings('claude', claude, table);

  test('a run has the rules of its permission and no variables of an outer one', () => {
    const base = ['claude', '-p', '--output-format', 'stream-json', '--verbose'];
    const mayReport = '--allowedTools=Bash(clip report:*),Bash(clip task doc:*),Bash(clip task comment:*)';
    expect(claude.prepare(launch('claude'))).toMatchObject({
      argv: [...base, mayReport],
      removeEnv: ['CLAUDECODE', 'CLAUDE_CODE_ENTRYPOINT', 'CLAUDE_CODE_SSE_PORT'],
      stdin: 'prompt',
    });
    const edit = claude.prepare(
      launch('claude', { permission: 'edit', model: 'opus', args: ['--max-turns', '3'] }, 'abc'),
    );
    expect(edit.argv).toEqual([
      ...base,
      '--model',
      'opus',
      '--permission-mode',
      'acceptEdits',
      mayReport,
      '--resume',
      'abc',
      '--max-turns',
      '3',
    ]);
    expect(claude.prepare(launch('claude', { permission: 'full', command: '/x/claude' })).argv).toEqual([
      '/x/claude',
      ...base.slice(1),
      '--permission-mode',
      'bypassPermissions',
    ]);
  });

  test('a run reports its version, model and mode at its start', () => {
    expect(replayed('tool_shell')).toMatchObject({
      model: 'fake-model',
      permission: 'bypassPermissions',
      version: '2.1.330',
    });
  });

  test('a run with a background task has two results, and both count', () => {
    const { meter, messages, background, result } = replayed('tool_background');
    expect(meter).toMatchObject({
      part: { input: 24509 + 12603, cached: 0, output: 29 + 9 },
      sessionCostUsd: 0.149208,
    });
    expect({ messages, background, result }).toMatchObject({ messages: 2, background: 0, result: { failure: null } });
  });

  test('a result during a background task is not the end', () => {
    const task = { type: 'system', subtype: 'background_tasks_changed', tasks: [{ task_id: 'a' }, { task_id: 'b' }] };
    const streamState = streamStateOf(claude, [task, answer('Started.'), result()]);
    expect(streamState).toMatchObject({ background: 2, result: { failure: null } });
    expect(endOf(claude, streamState, { code: 0, signal: null })).toBe('succeeded');
  });

  test('a turn that begins after a result cancels the result', () => {
    const again = { type: 'system', subtype: 'init', session_id: 's' };
    expect(streamStateOf(claude, [answer('Started.'), result(), again]).result).toBeNull();
  });

  test('costs of a resumed session are running totals, tokens are not', () => {
    const meters = ['resume_1_first', 'resume_3_third', 'resume_other_cwd'].map((name) => replayed(name).meter);
    expect(meters.map(({ part, sessionCostUsd }) => [part?.input, sessionCostUsd?.toFixed(4)])).toEqual([
      [12172, '0.0489'],
      [12263, '0.1479'],
      [12357, '0.1978'],
    ]);
  });

  test('input includes what was read from the cache and written to it', () => {
    const usage = {
      input_tokens: 10,
      cache_creation_input_tokens: 200,
      cache_read_input_tokens: 3000,
      output_tokens: 7,
    };
    expect(streamStateOf(claude, [result({ usage })]).meter.part).toEqual({ input: 3210, cached: 3000, output: 7 });
  });

  test('tokens of subagents count when the result lists all its models', () => {
    const model_usage_since_last_result = {
      big: { inputTokens: 1, cacheReadInputTokens: 2, cacheCreationInputTokens: 4, outputTokens: 8 },
      small: { inputTokens: 16, outputTokens: 32 },
    };
    expect(
      streamStateOf(claude, [result({ usage: { input_tokens: 1, output_tokens: 8 }, model_usage_since_last_result })])
        .meter.part,
    ).toEqual({
      input: 23,
      cached: 2,
      output: 40,
    });
  });

  test('a request that the model API refused is not a message', () => {
    expect(replayed('few_http_401')).toMatchObject({ messages: 0, text: '' });
    expect(replayed('max_tokens').text).toBe('This answer was cut off because');
  });

  test('messages of subagents, and synthetic ones, are not the messages of the agent', () => {
    const invented = {
      type: 'assistant',
      message: { model: '<synthetic>', content: [{ type: 'text', text: 'No response requested.' }] },
    };
    const { text, messages } = streamStateOf(claude, [
      answer('Mine.'),
      answer('Below.', { parent_tool_use_id: 't' }),
      invented,
    ]);
    expect({ text, messages }).toEqual({ text: 'Mine.', messages: 1 });
  });

  test('a command has an exit code only when it failed, and none is made up', () => {
    const run = (id: string, words: string, more: object, tool_use_result: object | string) => [
      toolUse(id, 'Bash', { command: id }),
      { ...toolResult(id, words, more), tool_use_result },
    ];
    const good = { stdout: '', stderr: '', interrupted: false };
    const { recentCommands } = streamStateOf(claude, [
      ...run('true', '', { is_error: false }, good),
      ...run('exit 3', 'Exit code 3\nno', { is_error: true }, 'Error: Exit code 3\nno'),
      ...run('grep x y', '', { is_error: false }, { ...good, returnCodeInterpretation: 'No matches found' }),
      ...run('sleep 9 &', 'Command running in background', { is_error: false }, { ...good, backgroundTaskId: 'b' }),
    ]);
    expect(recentCommands.map((each) => [each.command, each.exitCode, each.failed])).toEqual([
      ['true', 0, false],
      ['exit 3', 3, true],
      ['grep x y', null, false],
      ['sleep 9 &', null, false],
    ]);
    expect(recentCommands.map(({ output = null }) => output)).toEqual([null, 'Exit code 3\nno', null, null]);
  });

  test('an edited file counts as changed, and a created file as added', () => {
    const events = [
      toolUse('1', 'Edit', { file_path: '/home/demo/a' }),
      { ...toolResult('1', 'ok'), tool_use_result: { filePath: '/home/demo/a', oldString: 'x' } },
      toolUse('2', 'Write', { file_path: '/home/demo/b' }),
      { ...toolResult('2', 'ok'), tool_use_result: { type: 'create', filePath: '/home/demo/b' } },
      toolUse('3', 'NotebookEdit', { notebook_path: '/home/demo/c' }),
      toolResult('3', 'ok'),
      toolUse('4', 'Write', { file_path: '/home/demo/d' }),
      { ...toolResult('4', 'no room', { is_error: true }), tool_use_result: { filePath: '/home/demo/d' } },
      toolUse('5', 'Bash', { command: 'x' }),
      { ...toolResult('5', 'no', { is_error: true }), tool_use_result: { filePath: '/home/demo/e' } },
    ];
    const kinds = Object.entries(streamStateOf(claude, events).files).map(([path, { kind }]) => [path.at(-1), kind]);
    expect(kinds).toEqual([
      ['a', 'update'],
      ['b', 'add'],
      ['c', null],
    ]);
  });

  test('a refused tool is reported three times and counted once', () => {
    expect(replayed('safe_shell').denials).toEqual({ count: 1, tools: ['Bash'], worked: false });
  });

  test.each([
    ['an event of its own', [{ type: 'system', subtype: 'permission_denied', tool_name: 'Write', tool_use_id: '1' }]],
    [
      'the decision beside its result',
      [
        {
          ...toolResult('1', 'no', { is_error: true }),
          tool_result_meta: [{ id: '1', permission_decision: { decision: 'reject' } }],
        },
      ],
    ],
    [
      'the words of its result',
      [
        toolResult('1', "Claude requested permissions to write to a, but you haven't granted it yet.", {
          is_error: true,
        }),
      ],
    ],
    ['the list of its result', [result({ permission_denials: [{ tool_name: 'Write', tool_use_id: '1' }] })]],
  ])('a refused tool is recognized by %s alone', (_, events) => {
    expect(streamStateOf(claude, [toolUse('1', 'Write', { file_path: 'a' }), ...events]).denials.count).toBe(1);
  });

  test('an interruption is reported as such, and not as a refused tool', () => {
    expect(reported(claude, replayed('sig_tool_int_pid'), { code: 0, signal: null })?.failure?.message).toBe(
      'It was interrupted.',
    );
    expect(replayed('sig_tool_int_pid').denials.count).toBe(0);
  });

  test('a limit has its reset time in seconds, and is reported once reached', () => {
    const event = (status: string) => ({
      type: 'rate_limit_event',
      rate_limit_info: { status, resetsAt: 1_795_356_000 },
    });
    expect(streamStateOf(claude, [event('allowed')]).limitResetsAt).toBeNull();
    expect(streamStateOf(claude, [event('rejected')]).limitResetsAt).toBe(1_795_356_000_000);
  });

  test.each([{ is_error: true }, { is_error: false }, { is_error: undefined }])(
    'a result whose subtype is an error is a failure with %j',
    (said) => {
      const ends = (subtype: string, more: object = {}) => {
        const streamState = streamStateOf(claude, [answer('So far.'), { ...result(), subtype, ...said, ...more }]);
        return endOf(claude, streamState, { code: 0, signal: null });
      };
      expect(ends('error_max_turns')).toBe('failed: max_turns_exhausted');
      expect(ends('error_during_execution', { errors: ['x'] })).toBe('failed: unclassed');
      expect(ends('error_max_budget_usd')).toBe('failed: quota_exhausted');
    },
  );

  test('a result that does not report success is a failure', () => {
    const ends = (event: object) =>
      endOf(claude, streamStateOf(claude, [answer('So far.'), event]), { code: 0, signal: null });
    expect(ends({ type: 'result', result: 'So far.' })).toBe('failed: unclassed');
    expect(ends({ type: 'result', result: 'So far.', is_error: 'no' })).toBe('failed: unclassed');
    expect(ends({ type: 'result', result: 'So far.', is_error: false })).toBe('succeeded');
    expect(ends({ type: 'result', result: 'So far.', subtype: 'success' })).toBe('succeeded');
  });

  test('a malformed list of background tasks leaves their number unchanged', () => {
    const begun = { type: 'system', subtype: 'background_tasks_changed', tasks: [{}] };
    expect(streamStateOf(claude, [begun, { ...begun, tasks: 'gone' }]).background).toBe(1);
    expect(streamStateOf(claude, [begun, { ...begun, tasks: [] }]).background).toBe(0);
  });

  test('each model call counts once as it arrives, and the result has the sum', () => {
    const usage = (input: number, cached: number, output: number) => ({
      input_tokens: input,
      cache_creation_input_tokens: 5,
      cache_read_input_tokens: cached,
      output_tokens: output,
    });
    const call = (id: string, content: object[], counts: object, more: object = {}) => ({
      type: 'assistant',
      message: { id, model: 'm', content, usage: counts },
      ...more,
    });
    const words = { type: 'text', text: 'On it.' };
    const tool = { type: 'tool_use', id: 't1', name: 'Bash', input: { command: 'ls' } };
    const calls = [
      // The parts of one answer arrive one by one, each with the counts of the whole answer.
      call('m1', [words], usage(100, 50, 1)),
      call('m1', [tool], usage(100, 50, 1)),
      call('m2', [words], usage(10, 150, 1), { parent_tool_use_id: 't1' }),
      // This is the message claude prints when a model could not be reached.
      { type: 'assistant', message: { id: 'm3', model: '<synthetic>', content: [words], usage: usage(0, 0, 0) } },
    ];
    const live = streamStateOf(claude, calls);
    expect(toUsage(live.meter, noTotals)).toMatchObject({ inputTokens: 320, cachedInputTokens: 200, outputTokens: 2 });
    const ended = streamStateOf(claude, [...calls, result({ usage: usage(120, 200, 44) })]);
    expect(toUsage(ended.meter, noTotals)).toMatchObject({
      inputTokens: 325,
      cachedInputTokens: 200,
      outputTokens: 44,
    });
  });

  test('calls sum to at most the result, with exact input after a success', () => {
    for (const each of recordings('claude')) {
      const { calls, result: ended } = callsOf(each);
      if (ended === null || calls === null) continue;
      expect(calls.input ?? 0, each.name).toBeLessThanOrEqual(ended.input ?? 0);
      expect(calls.output ?? 0, each.name).toBeLessThanOrEqual(ended.output ?? 0);
      if (each.exit.code === 0 && ['plain', 'tool_shell', 'tool_write', 'echo'].includes(each.name))
        expect(calls.input, each.name).toBe(ended.input);
    }
  });

  test('a reset time in milliseconds is read, and an implausible one is dropped', () => {
    const limit = (resetsAt: number) =>
      streamStateOf(claude, [{ type: 'rate_limit_event', rate_limit_info: { status: 'rejected', resetsAt } }])
        .limitResetsAt;
    expect(limit(1_795_400_000)).toBe(1_795_400_000_000);
    expect(limit(1_795_400_000_000)).toBe(1_795_400_000_000);
    expect(limit(1_900_000_000)).toBeNull();
  });

  test('a reached plan limit is a limit with its reset time', () => {
    const words = "You've hit your 5-hour limit · resets 1:20pm (UTC)";
    const refused = answer(words, {
      error: 'rate_limit',
      api_error: 'usage_limit_reached',
      api_error_status: 429,
      is_api_error_message: true,
    });
    const streamState = streamStateOf(claude, [
      refused,
      result({ is_error: true, result: words, terminal_reason: 'api_error', api_error_status: 429 }),
    ]);
    expect(reported(claude, streamState, { code: 1, signal: null })?.failure).toEqual({
      class: 'rate_limited',
      message: words,
      resetsAt: Date.UTC(2026, 10, 22, 13, 21),
    });
  });

  test('a result without an error code has that of the error before it', () => {
    const refused = answer('It went wrong.', { error: 'billing_error', is_api_error_message: true });
    const streamState = streamStateOf(claude, [
      refused,
      result({ is_error: true, result: 'It went wrong.', terminal_reason: 'api_error' }),
    ]);
    expect(endOf(claude, streamState, { code: 1, signal: null })).toBe('failed: quota_exhausted');
  });

  test.each([
    ['rate_limit', 'rate_limited'],
    ['authentication_failed', 'auth_required'],
    ['server_error', 'provider_unavailable'],
    ['model_not_found', null],
    ['constructor', null],
  ])('an error field takes precedence over an error text: %s', (error, expected) => {
    expect(streamStateOf(claude, [answer('It went wrong.', { error })]).lastError).toMatchObject({
      class: expected,
      message: 'It went wrong.',
    });
  });

  test('a retry has its number, and the maximum number of retries', () => {
    expect(replayed('http_401').retrying).toMatchObject({ attempt: 7, of: 10, message: 'authentication_failed (401)' });
    expect(replayed('disconnect').retrying).toMatchObject({ message: 'unknown' });
  });

  test.each([
    ['error_max_budget_usd', 'failed: quota_exhausted'],
    ['error_max_turns', 'failed: max_turns_exhausted'],
    ['error_during_execution', 'failed: unclassed'],
  ])('a result of the kind %s, without a text, means %s', (subtype, end) => {
    expect(endOf(claude, streamStateOf(claude, [result({ is_error: true, subtype })]), { code: 1, signal: null })).toBe(
      end,
    );
  });
});

/** Returns the sum of the calls of a recording without its result, and the sum in the result. */
function callsOf(recorded: Recording): { calls: Tokens | null; result: Tokens | null } {
  const lines = Buffer.from(recorded.stdout).toString().split('\n');
  const without = lines.filter((line) => !/"type":"result"/.test(line)).join('\n');
  const empty = new Uint8Array();
  return {
    calls: countedTokens(replay(claude, { stdout: Buffer.from(without), stderr: empty }).meter),
    result: replay(claude, { stdout: recorded.stdout, stderr: empty }).meter.part,
  };
}
