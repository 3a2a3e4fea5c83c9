import { describe, expect, test } from 'vitest';
import { codex } from '#adapters/codex.ts';
import { endOf, recordedAt, recording, replay, type Table } from '../../support/recordings.ts';
import { launch, streamStateOf, testRecordings } from '../../support/streams.ts';

const nothing = '0 tools, 0 commands, 0 failed';
const command = '1 tools, 1 commands, 0 failed';
/** The call began, and its end was not reported. */
const begun = '1 tools, 0 commands, 0 failed';

const table: Table = {
  plain: [nothing, 'succeeded'],
  plan_only: [nothing, 'succeeded'],
  echo: [nothing, 'succeeded'],
  empty: [nothing, 'succeeded'],
  slow_stream: [nothing, 'succeeded'],
  http_429_once: [nothing, 'succeeded'],
  http_500_once: [nothing, 'succeeded'],
  // A call that codex could not parse is reported on stderr only.
  tool_unknown: [nothing, 'succeeded'],
  tool_bad_args: [nothing, 'succeeded'],
  tool_shell: [command, 'succeeded'],
  tool_write: [command, 'succeeded'],
  tool_daemon: [command, 'succeeded'],
  tool_nohup: [command, 'succeeded'],
  // It ends its background command without reporting it.
  tool_background: [begun, 'succeeded'],
  tool_then_500: [command, 'failed: provider_unavailable'],
  max_tokens: [nothing, 'failed: output_truncated'],
  context_exceeded: [nothing, 'failed: context_exhausted'],
  http_401: [nothing, 'failed: auth_required'],
  http_403: [nothing, 'failed: auth_required'],
  http_404_model: [nothing, 'failed: unclassed'],
  http_429: [nothing, 'failed: rate_limited'],
  http_500: [nothing, 'failed: provider_unavailable'],
  http_503: [nothing, 'failed: provider_unavailable'],
  disconnect: [nothing, 'failed: provider_unavailable'],
  stream_error: [nothing, 'failed: provider_unavailable'],
  // Stopped while it waited or worked, it prints no final message.
  http_429_long: [nothing, 'failed by its exit'],
  hang_before_headers: [nothing, 'failed by its exit'],
  hang_mid_stream: [nothing, 'failed by its exit'],
  tool_long: [begun, 'failed by its exit'],
  tool_trap: [begun, 'failed by its exit'],
  stdin_open_pipe: [nothing, 'failed by its exit'],
  idle5_hang_mid_stream: [nothing, 'failed: provider_unavailable'],
  resume_unknown_id: [nothing, 'failed: unknown_session'],
};

describe('with codex,', () => {
  testRecordings('codex', codex, table);

  test('a run needs no repository, and has its sandbox and prompt on stdin', () => {
    expect(codex.prepare(launch('codex')).argv).toEqual([
      'codex',
      'exec',
      '--json',
      '--skip-git-repo-check',
      '--sandbox',
      'read-only',
      '-',
    ]);
    expect(codex.prepare(launch('codex', { permission: 'edit', model: 'm' })).argv.slice(4)).toEqual([
      '--sandbox',
      'workspace-write',
      '--model',
      'm',
      '-',
    ]);
    const full = codex.prepare(launch('codex', { permission: 'full', args: ['-c', 'a=1'] }, 'abc'));
    expect(full.argv.slice(4)).toEqual([
      '--dangerously-bypass-approvals-and-sandbox',
      '-c',
      'a=1',
      'resume',
      'abc',
      '-',
    ]);
  });

  test('totals continue when the session is resumed', () => {
    const totals = ['resume_1_first', 'resume_3_third', 'resume_other_cwd'].map(
      (name) => replay(codex, recording('codex', name)).meter.session?.input,
    );
    expect(totals).toEqual([9848, 29810, 40070]);
  });

  test.each([
    ['/bin/bash -lc ls', 'ls'],
    ["/bin/bash -lc 'echo hi > out.txt'", 'echo hi > out.txt'],
    ['/bin/zsh -lc "printf \'%s\' \\"a\\\\n\\" > b"', 'printf \'%s\' "a\\n" > b'],
    ["/bin/bash -lc \"trap '' TERM; echo \\\"\"'$$ > tool.pid'", "trap '' TERM; echo \"$$ > tool.pid"],
    ['bash -c ls -l', 'bash -c ls -l'],
    ["/bin/bash -lc 'unfinished", "/bin/bash -lc 'unfinished"],
    ['make test', 'make test'],
  ])('%s is reported as the command inside the shell call', (told, meant) => {
    const item = { id: 'i', type: 'command_execution', command: told, exit_code: 0, status: 'completed' };
    expect(streamStateOf(codex, [{ type: 'item.completed', item }]).recentCommands[0]?.command).toBe(meant);
  });

  const item = (type: string, more: object) => ({ type: 'item.completed', item: { id: 'i', type, ...more } });

  test('a patch lists its files; one that failed or was declined changed no file', () => {
    const changes = [
      { path: '/home/demo/a', kind: 'add' },
      { path: '/home/demo/b', kind: 'update' },
    ];
    const patched = (status: string) => streamStateOf(codex, [item('file_change', { changes, status })]);
    expect(Object.values(patched('completed').files).map(({ kind }) => kind)).toEqual(['add', 'update']);
    expect(patched('failed')).toMatchObject({ files: {}, denials: { count: 0 }, lastActionAt: null });
    expect(patched('declined')).toMatchObject({ files: {}, denials: { count: 1, tools: ['apply_patch'] } });
    expect(codex.stream?.readEvent(item('file_change', { changes, status: 'failed' }), recordedAt)).toMatchObject([
      {},
      { failed: true, files: [] },
    ]);
  });

  test('a declined command did not run, a failed command did', () => {
    const ran = (status: string, exit_code: number | null) =>
      streamStateOf(codex, [item('command_execution', { command: 'x', status, exit_code })]);
    expect(ran('declined', null)).toMatchObject({ commands: 0, denials: { count: 1 } });
    expect(ran('failed', null)).toMatchObject({ commands: 1, commandsFailed: 1 });
    expect(ran('failed', 3).recentCommands).toMatchObject([{ exitCode: 3, failed: true }]);
  });

  test('a failed command has its output', () => {
    const ran = (exit_code: number) =>
      streamStateOf(codex, [item('command_execution', { command: 'x', exit_code, aggregated_output: 'no\n' })]);
    expect(ran(1).recentCommands[0]?.output).toBe('no');
    expect(ran(0).recentCommands[0]).not.toHaveProperty('output');
  });

  test('messages count when they are complete, warnings do not count', () => {
    const message = { id: 'i', type: 'agent_message', text: 'Hello' };
    const events = [
      { type: 'item.started', item: message },
      { type: 'item.updated', item: message },
      { type: 'item.completed', item: message },
    ];
    expect(streamStateOf(codex, [...events, item('error', { message: 'Model metadata not found.' })])).toMatchObject({
      messages: 1,
      lastError: null,
    });
  });

  test.each([
    ['Error: thread/resume failed: no rollout found for thread id 0 (code -32600)', 'failed: unknown_session'],
    ['thread/resume failed: no rollout found for thread id 0', 'failed: unknown_session'],
    ['Not inside a trusted directory and --skip-git-repo-check was not specified.', 'failed: permission_denied'],
    ['thread 0 already has an active writer', 'failed: unclassed'],
    [
      '2026-11-22T12:27:01Z ERROR codex_core::session: failed to record rollout items: thread 0 not found',
      'failed by its exit',
    ],
    ['Reading additional input from stdin...', 'failed by its exit'],
  ])('the line "%s" on stderr means: %s', (line, end) => {
    expect(endOf(codex, streamStateOf(codex, [], `${line}\n`), { code: 1, signal: null })).toBe(end);
  });

  test('a reconnect is a retry, not a failure', () => {
    const { retrying, lastError } = replay(codex, recording('codex', 'http_429_long'));
    expect(retrying).toMatchObject({ attempt: 1, of: 2 });
    expect(lastError).toBeNull();
  });

  test('a write prevented by the sandbox is refused; a file with such words is not', () => {
    const after = (output: string) => {
      const item = {
        id: 'i',
        type: 'command_execution',
        command: 'x',
        aggregated_output: output,
        exit_code: 0,
        status: 'completed',
      };
      return streamStateOf(codex, [{ type: 'item.completed', item }]);
    };
    expect(after('bash: line 1: out.txt: Read-only file system\n').denials).toEqual({
      count: 1,
      tools: ['shell'],
      worked: false,
    });
    expect(after('docs.md: "Read-only file system" means…\n')).toMatchObject({ commands: 1, denials: { count: 0 } });
  });

  test('a patch that the sandbox refused is known from stderr, whenever read', () => {
    const rejected = 'patch rejected: writing is blocked by read-only sandbox; rejected by user approval settings';
    const stderr = `2026-11-22T22:20:49.469105Z ERROR codex_core::tools::router: error=${rejected}\n`;
    const streamState = streamStateOf(
      codex,
      [{ type: 'turn.completed', usage: { input_tokens: 1, output_tokens: 1 } }],
      stderr,
    );
    expect(streamState.denials).toEqual({ count: 1, tools: ['apply_patch'], worked: false });
    expect(endOf(codex, streamState, { code: 0, signal: null })).toBe('failed: permission_denied');
  });
});
