import { describe, expect, test } from 'vitest';
import { opencode } from '#adapters/opencode.ts';
import { endOf, recordedAt, recording, replay, reported, type Table } from '../../support/recordings.ts';
import { launch, streamStateOf, testRecordings } from '../../support/streams.ts';

const nothing = '0 tools, 0 commands, 0 failed';
const command = '1 tools, 1 commands, 0 failed';
const call = '1 tools, 0 commands, 0 failed';
const written = `${call}, add written.txt`;

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
  max_tokens: [nothing, 'failed: output_truncated'],
  context_exceeded: [nothing, 'failed: context_exhausted'],
  http_401: [nothing, 'failed: auth_required'],
  http_404_model: [nothing, 'failed: unclassed'],
  http_429: [nothing, 'failed: rate_limited'],
  nat_http_500: [nothing, 'failed: provider_unavailable'],
  // It retries silently, and reports a tool only after it has ended.
  http_403: [nothing, 'failed by its exit'],
  http_429_long: [nothing, 'failed by its exit'],
  http_500: [nothing, 'failed by its exit'],
  http_503: [nothing, 'failed by its exit'],
  disconnect: [nothing, 'failed by its exit'],
  stream_error: [nothing, 'failed by its exit'],
  tool_then_500: [command, 'failed by its exit'],
  hang_before_headers: [nothing, 'failed by its exit'],
  hang_mid_stream: [nothing, 'failed by its exit'],
  tool_long: [nothing, 'failed by its exit'],
  tool_trap: [nothing, 'failed by its exit'],
  sig_429_term_pid: [nothing, 'failed by its exit'],
  stdin_open_pipe: [nothing, 'failed by its exit'],
  // It hangs in a folder that is not the session's own.
  resume_other_cwd: [nothing, 'failed by its exit'],
  resume_unknown_id: [nothing, 'failed: unknown_session'],
};

const tool = (name: string, state: object) => ({
  type: 'tool_use',
  part: { type: 'tool', tool: name, callID: 'c', state },
});
const finish = (reason: string, more: object = {}) => ({ type: 'step_finish', part: { reason, ...more } });
const rejected = tool('bash', {
  status: 'error',
  input: { command: 'ls' },
  error: 'The user rejected permission to use this specific tool call.',
});
const permissionOf = (permission: 'ask' | 'edit' | 'full') =>
  opencode.prepare(launch('opencode', { permission }, null)).env['OPENCODE_PERMISSION'];

describe('with opencode,', () => {
  testRecordings('opencode', opencode, table);

  test('a run gets its prompt on standard input, its model and its session', () => {
    const { argv, stdin } = opencode.prepare(launch('opencode', { model: 'p/m', args: ['--title', 't'] }, 'ses_1'));
    expect({ argv, stdin }).toEqual({
      argv: ['opencode', 'run', '--format', 'json', '-m', 'p/m', '-s', 'ses_1', '--title', 't'],
      stdin: 'prompt',
    });
  });

  test('a run may do everything only with the permission full', () => {
    expect(JSON.parse(permissionOf('ask') ?? '')).toEqual({ edit: 'ask', bash: 'ask', webfetch: 'ask' });
    // An edit permission that the user's own settings deny stays denied, because clip does not set it.
    expect(JSON.parse(permissionOf('edit') ?? '')).toEqual({ bash: 'ask', webfetch: 'ask' });
    expect(permissionOf('full')).toBeUndefined();
    expect(opencode.prepare(launch('opencode', { permission: 'full' })).argv).toEqual([
      'opencode',
      'run',
      '--format',
      'json',
      '--auto',
    ]);
  });

  test('steps are added up, with cached input and reasoning', () => {
    const tokens = { input: 10, output: 5, reasoning: 2, cache: { read: 100, write: 1000 } };
    const { meter } = streamStateOf(opencode, [
      finish('tool-calls', { tokens, cost: 0.25 }),
      finish('stop', { tokens, cost: 0.5 }),
    ]);
    expect(meter).toMatchObject({ part: { input: 2220, cached: 200, output: 14 }, partCostUsd: 0.75 });
    expect(replay(opencode, recording('opencode', 'tool_shell')).meter.part).toEqual({
      input: 7368 + 7429,
      cached: 0,
      output: 29,
    });
  });

  test('a failed command with the state "completed" has its exit code', () => {
    const streamState = streamStateOf(opencode, [
      tool('bash', { status: 'completed', input: { command: 'exit 3' }, output: 'no\n', metadata: { exit: 3 } }),
    ]);
    expect(streamState.recentCommands).toMatchObject([{ command: 'exit 3', exitCode: 3, failed: true, output: 'no' }]);
  });

  test('a call of an unknown tool has failed despite the state "completed"', () => {
    const event = tool('invalid', { status: 'completed', input: { tool: 'no_such_tool' } });
    expect(opencode.stream?.readEvent(event, recordedAt)).toMatchObject([
      { type: 'tool-started' },
      { type: 'tool-ended', failed: true, denied: false },
    ]);
  });

  test('a patch lists all its files, an edit only its own', () => {
    const files = [
      { filePath: '/home/demo/a', type: 'add' },
      { filePath: '/home/demo/b', type: 'move' },
    ];
    expect(
      Object.entries(
        streamStateOf(opencode, [tool('apply_patch', { status: 'completed', metadata: { files } })]).files,
      ).map(([path, { kind }]) => [path, kind]),
    ).toEqual([
      ['/home/demo/a', 'add'],
      ['/home/demo/b', null],
    ]);
    expect(
      Object.keys(streamStateOf(opencode, [tool('edit', { status: 'completed', input: { filePath: 'c' } })]).files),
    ).toEqual(['c']);
  });

  test('a file that existed before was updated', () => {
    const wrote = (exists: boolean) =>
      streamStateOf(opencode, [tool('write', { status: 'completed', input: { filePath: 'f' }, metadata: { exists } })])
        .files['f']?.kind;
    expect([wrote(false), wrote(true)]).toEqual(['add', 'update']);
  });

  test.each([
    ['stop', 'succeeded'],
    ['other', 'succeeded'],
    ['length', 'failed: output_truncated'],
    ['content-filter', 'failed: unclassed'],
    ['error', 'failed: unclassed'],
    ['tool-calls', 'failed: unclassed'],
    ['unknown', 'failed: unclassed'],
  ])('a run whose last step ends for the reason %s has %s', (reason, end) => {
    expect(endOf(opencode, streamStateOf(opencode, [finish(reason)]), { code: 0, signal: null })).toBe(end);
  });

  test('the name of an error takes precedence over its text', () => {
    const named = (name: string) =>
      streamStateOf(opencode, [{ type: 'error', sessionID: 's', error: { name, data: { message: 'No.' } } }]).lastError
        ?.class;
    expect(
      ['ContextOverflowError', 'ProviderAuthError', 'MessageOutputLengthError', 'UnknownError', 'toString'].map(named),
    ).toEqual(['context_exhausted', 'auth_required', 'output_truncated', null, null]);
  });

  test('a refused call ends a run without other work, even a successful one', () => {
    const stopped = streamStateOf(
      opencode,
      [rejected, finish('tool-calls')],
      '! permission requested: bash (ls); auto-rejecting\n',
    );
    expect(stopped.denials).toEqual({ count: 1, tools: ['bash'], worked: false });
    expect(endOf(opencode, stopped, { code: 0, signal: null })).toBe('failed: permission_denied');
    const wentOn = streamStateOf(opencode, [
      rejected,
      { type: 'text', part: { text: 'I could not.' } },
      finish('stop'),
    ]);
    expect(endOf(opencode, wentOn, { code: 0, signal: null })).toBe('failed: permission_denied');
  });

  test('a refusal on stderr is the reason of a run that fails without an end', () => {
    const streamState = streamStateOf(
      opencode,
      [finish('tool-calls')],
      '\u001b[93m\u001b[1m! \u001b[0mpermission requested: external_directory (/etc/*); auto-rejecting\n',
    );
    const failure = reported(opencode, streamState, { code: 0, signal: null })?.failure;
    expect(failure).toMatchObject({
      class: 'permission_denied',
      message: 'permission requested: external_directory (/etc/*); auto-rejecting',
    });
  });

  test('an error after the last step is a failure', () => {
    const streamState = streamStateOf(opencode, [
      finish('stop'),
      { type: 'error', sessionID: 's', error: { name: 'ProviderAuthError', data: { message: 'no' } } },
    ]);
    expect(endOf(opencode, streamState, { code: 1, signal: null })).toBe('failed: auth_required');
  });

  test('a run that stops between its steps has no result', () => {
    expect(endOf(opencode, streamStateOf(opencode, [finish('tool-calls')]), { code: 0, signal: null })).toBe(
      'failed: unclassed',
    );
  });

  test('a limit has its reset time when the provider gives one', () => {
    const error = {
      name: 'APIError',
      data: { message: 'Slow down.', statusCode: 429, responseHeaders: { 'retry-after': '90' } },
    };
    expect(streamStateOf(opencode, [{ type: 'error', sessionID: 's', error }]).lastError?.resetsAt).toBe(
      recordedAt.at + 90_000,
    );
  });

  test('a used up quota is distinguished from a limit by the text of the provider', () => {
    const data = { message: 'Too many.', statusCode: 429, responseBody: '{"error":{"code":"insufficient_quota"}}' };
    const streamState = streamStateOf(opencode, [{ type: 'error', sessionID: 's', error: { name: 'APIError', data } }]);
    expect(endOf(opencode, streamState, { code: 1, signal: null })).toBe('failed: quota_exhausted');
  });
});
