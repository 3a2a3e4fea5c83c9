import { describe, expect, it } from 'vitest';
import { fromMapping } from '#adapters/mapping.ts';
import { presetNamed, presets } from '#adapters/presets.ts';
import type { AgentProfile } from '#run/agent.ts';
import { aLaunch, readAt, readStream } from '../../support/adapters.ts';

function adapter(name: string) {
  const preset = presetNamed(name);
  if (preset === null) throw new Error(`There is no preset ${name}.`);
  return fromMapping(preset.mapping);
}

const exits = (code: number) => ({ code, signal: null });

describe('presets', () => {
  it('are qwen, cursor, copilot, amp, aider and goose, and no other name is one', () => {
    expect(presets.map(({ name }) => name)).toEqual(['qwen', 'cursor', 'copilot', 'amp', 'aider', 'goose']);
    expect(presetNamed('brush')).toBe(null);
  });

  it('state what was verified of each', () => {
    expect(presets.flatMap(({ name, verified }) => (verified === null ? [] : [name]))).toEqual(['qwen', 'copilot']);
    for (const { note } of presets) expect(note).toMatch(/\.$/);
  });

  type Line = readonly [
    string,
    Partial<AgentProfile>,
    string | null,
    readonly string[],
    Readonly<Record<string, string>>,
  ];
  const lines: readonly Line[] = [
    ['qwen', { permission: 'ask' }, null, ['qwen', '-o', 'stream-json', '--approval-mode', 'default'], {}],
    ['qwen', { permission: 'edit' }, null, ['qwen', '-o', 'stream-json', '--approval-mode', 'auto-edit'], {}],
    [
      'qwen',
      { permission: 'full', model: 'm1' },
      's1',
      ['qwen', '-o', 'stream-json', '--resume', 's1', '--approval-mode', 'yolo', '--model', 'm1'],
      {},
    ],
    ['cursor', { permission: 'ask' }, null, ['cursor-agent', '-p', '--output-format', 'stream-json', '--trust'], {}],
    [
      'cursor',
      { permission: 'edit' },
      null,
      ['cursor-agent', '-p', '--output-format', 'stream-json', '--trust', '--force', '--sandbox', 'enabled'],
      {},
    ],
    [
      'cursor',
      { permission: 'full', model: 'm1' },
      's1',
      ['cursor-agent', '-p', '--output-format', 'stream-json', '--trust', '--resume', 's1', '--force', '--model', 'm1'],
      {},
    ],
    ['copilot', { permission: 'ask' }, null, ['copilot', '--output-format', 'json', '--session-id', 'new-1'], {}],
    [
      'copilot',
      { permission: 'edit' },
      null,
      ['copilot', '--output-format', 'json', '--session-id', 'new-1', '--allow-tool', 'write'],
      {},
    ],
    [
      'copilot',
      { permission: 'full', model: 'm1' },
      's1',
      ['copilot', '--output-format', 'json', '--resume=s1', '--allow-all-tools', '--allow-all-paths', '--model', 'm1'],
      {},
    ],
    ['amp', { permission: 'ask' }, null, ['amp', '--execute', '--stream-json'], {}],
    ['amp', { permission: 'edit' }, null, ['amp', '--execute', '--stream-json'], {}],
    [
      'amp',
      { permission: 'full', model: 'm1' },
      'T-1',
      ['amp', 'threads', 'continue', 'T-1', '--execute', '--stream-json', '--dangerously-allow-all'],
      {},
    ],
    [
      'aider',
      { permission: 'ask', model: 'm1' },
      's1',
      [
        'aider',
        '--message-file',
        '/runs/1/prompt.txt',
        '--yes-always',
        '--no-pretty',
        '--no-stream',
        '--no-check-update',
        '--no-fancy-input',
        '--chat-mode',
        'ask',
        '--model',
        'm1',
      ],
      {},
    ],
    ['goose', { permission: 'ask' }, null, ['goose', 'run', '-i', '/runs/1/prompt.txt'], { GOOSE_MODE: 'chat' }],
    [
      'goose',
      { permission: 'edit' },
      null,
      ['goose', 'run', '-i', '/runs/1/prompt.txt'],
      { GOOSE_MODE: 'smart_approve' },
    ],
    [
      'goose',
      { permission: 'full', model: 'm1' },
      's1',
      ['goose', 'run', '-i', '/runs/1/prompt.txt'],
      { GOOSE_MODE: 'auto', GOOSE_MODEL: 'm1' },
    ],
  ];
  it.each(lines)(
    'start %s with %j and session %s with the options of its command line',
    (name, agent, sessionId, argv, env) => {
      expect(adapter(name).prepare(aLaunch(agent, { sessionId }))).toEqual({
        argv,
        env,
        removeEnv: [],
        stdin: name === 'aider' || name === 'goose' ? 'none' : 'prompt',
        ...(name === 'copilot' && sessionId === null ? { newSessionId: 'new-1' } : {}),
      });
    },
  );

  it('pass the prompt on standard input where the CLI reads it there', () => {
    const fromFile = presets.filter(({ mapping }) => fromMapping(mapping).prepare(aLaunch()).stdin === 'none');
    expect(fromFile.map(({ name }) => name)).toEqual(['aider', 'goose']);
  });
});

describe('the stream of qwen', () => {
  const qwen = adapter('qwen');
  const init = {
    type: 'system',
    subtype: 'init',
    session_id: 's1',
    model: 'qwen3',
    permission_mode: 'yolo',
    qwen_code_version: '0.24.4',
  };
  const says = (text: string) => ({ type: 'assistant', message: { content: [{ type: 'text', text }] } });
  const uses = (id: string, name: string, input: object) => ({
    type: 'assistant',
    message: { content: [{ type: 'tool_use', id, name, input }] },
  });
  const gets = (id: string, is_error = false) => ({
    type: 'user',
    message: { content: [{ type: 'tool_result', tool_use_id: id, is_error, content: 'x' }] },
  });
  const usage = { input_tokens: 1_000, cache_read_input_tokens: 600, output_tokens: 50 };
  const end = { type: 'result', subtype: 'success', is_error: false, result: 'Done.', usage };

  it('has every event of a run', () => {
    const lines = [
      init,
      says('I begin.'),
      uses('1', 'run_shell_command', { command: 'npm test' }),
      gets('1'),
      uses('2', 'write_file', { file_path: 'a.ts' }),
      gets('2'),
      says('Done.'),
      end,
    ];
    const { streamState, usage: used, report } = readStream(qwen, lines);
    expect(report).toMatchObject({ failure: null });
    expect(streamState).toMatchObject({
      sessionId: 's1',
      model: 'qwen3',
      permission: 'yolo',
      version: '0.24.4',
      text: 'Done.',
      messages: 2,
      toolCalls: 2,
      commands: 1,
    });
    expect(streamState.files).toMatchObject({ 'a.ts': { times: 1 } });
    expect(used).toEqual({ inputTokens: 1_000, cachedInputTokens: 600, outputTokens: 50, costUsd: null });
  });

  it('with a tool that its permission refused is a failure', () => {
    const refusal = 'Qwen Code requires permission to use "write_file", but it was declined.';
    const denied = {
      type: 'user',
      message: { content: [{ type: 'tool_result', tool_use_id: '1', is_error: true, content: refusal }] },
    };
    const { report } = readStream(qwen, [init, uses('1', 'write_file', { file_path: 'a.ts' }), denied, end]);
    expect(report?.failure?.class).toBe('permission_denied');
  });

  it('with an API error that is called a success is a failure', () => {
    const text = '[API Error: 401 Invalid API key]';
    expect(readStream(qwen, [init, says(text), { ...end, result: text }]).report?.failure).toEqual({
      class: 'auth_required',
      message: text,
      resetsAt: null,
    });
  });

  it('with a message about an API error is not a failure', () => {
    expect(readStream(qwen, [init, { ...end, result: 'It printed [API Error: 401].' }]).report).toMatchObject({
      failure: null,
    });
  });

  it('has errors, retries and the limit of turns', () => {
    const bad = {
      type: 'result',
      subtype: 'error_during_execution',
      is_error: true,
      error: { message: '429 Too Many Requests' },
    };
    expect(readStream(qwen, [init, bad], exits(1)).report?.failure).toMatchObject({
      class: 'rate_limited',
      message: '429 Too Many Requests',
    });
    const retry = { type: 'system', subtype: 'retry', attempt: 2, maxRetries: 10, delayMs: 60_000 };
    expect(readStream(qwen, [init, retry]).streamState.retrying).toMatchObject({ attempt: 2, of: 10, at: readAt.at });
    expect(readStream(qwen, [init], exits(53)).report?.failure?.class).toBe('max_turns_exhausted');
  });

  it('without a result is a failure, with the reason on stderr', () => {
    expect(readStream(qwen, [init, says('Hm.')]).report?.failure?.message).toContain('never said that it was done');
    const unknown = ['No saved session found with ID s9. Session not found'];
    expect(readStream(qwen, [], exits(1), unknown).report?.failure?.class).toBe('unknown_session');
  });
});

describe('the stream of cursor', () => {
  const cursor = adapter('cursor');
  const init = {
    type: 'system',
    subtype: 'init',
    session_id: 's1',
    model: 'gpt',
    permissionMode: 'default',
    apiKeySource: 'login',
    cwd: '/x',
  };
  const call = (subtype: string, call_id: string, tool_call: object) => ({
    type: 'tool_call',
    subtype,
    call_id,
    tool_call,
  });
  const shell = (result: object) => ({ shellToolCall: { args: { command: 'npm test' }, result } });
  const end = {
    type: 'result',
    subtype: 'success',
    is_error: false,
    result: 'Done.',
    session_id: 's1',
    duration_ms: 1,
  };

  it('has every event of a run', () => {
    const lines = [
      init,
      { type: 'user', message: { role: 'user', content: [{ type: 'text', text: 'The prompt' }] } },
      { type: 'thinking', subtype: 'delta', text: 'Hm.' },
      call('started', 'c1', shell({})),
      call('completed', 'c1', shell({ success: { exitCode: 0 } })),
      call('started', 'c2', { editToolCall: { args: { path: 'a.ts' } } }),
      call('completed', 'c2', { editToolCall: { args: { path: 'a.ts' }, result: { success: {} } } }),
      call('started', 'c3', { mcpToolCall: { args: {} } }),
      call('completed', 'c3', { mcpToolCall: { args: {}, result: {} } }),
      { type: 'assistant', message: { role: 'assistant', content: [{ type: 'text', text: 'Done.' }] } },
      end,
    ];
    const { streamState, usage, report } = readStream(cursor, lines);
    expect(report).toMatchObject({ failure: null });
    expect(streamState).toMatchObject({
      sessionId: 's1',
      model: 'gpt',
      permission: 'default',
      text: 'Done.',
      toolCalls: 3,
      commands: 1,
      openTools: {},
    });
    expect(streamState.recentCommands).toMatchObject([{ command: 'npm test', exitCode: 0, failed: false }]);
    expect([Object.keys(streamState.files), usage]).toEqual([['a.ts'], null]);
  });

  it('has failed commands', () => {
    const lines = [
      init,
      call('started', 'c1', shell({})),
      call('completed', 'c1', shell({ failure: { exitCode: 3 } })),
      end,
    ];
    expect(readStream(cursor, lines).streamState.recentCommands).toMatchObject([{ exitCode: 3, failed: true }]);
  });

  it('that ends after a refused command is a failure', () => {
    const lines = [
      init,
      call('started', 'c1', shell({})),
      call('completed', 'c1', shell({ rejected: { reason: '' } })),
      end,
    ];
    expect(readStream(cursor, lines).report?.failure?.class).toBe('permission_denied');
  });

  it('has the reason of a failure on stderr only', () => {
    expect(
      readStream(cursor, [init], exits(1), ['Error: Not logged in. Please run cursor-agent login.']).report?.failure
        ?.class,
    ).toBe('auth_required');
    expect(
      readStream(cursor, [init, { ...end, is_error: true, result: 'Usage limit reached' }], exits(1)).report?.failure
        ?.class,
    ).toBe('rate_limited');
  });
});

describe('the stream of copilot', () => {
  const copilot = adapter('copilot');
  const event = (type: string, data: object) => ({ type, id: 'e', timestamp: 't', data });
  const end = (exitCode: number) => ({ type: 'result', sessionId: 's1', exitCode, usage: { premiumRequests: 1 } });

  it('has every event of a run', () => {
    const lines = [
      event('user.message', { content: 'The prompt' }),
      event('tool.execution_start', { toolCallId: 't1', toolName: 'bash', arguments: { command: 'npm test' } }),
      event('tool.execution_complete', { toolCallId: 't1', success: true, result: { content: 'ok' } }),
      event('tool.execution_start', { toolCallId: 't2', toolName: 'create', arguments: { path: 'a.ts' } }),
      event('tool.execution_complete', { toolCallId: 't2', success: true }),
      event('tool.execution_start', { toolCallId: 't3', toolName: 'edit', arguments: { path: 'b.ts' } }),
      event('tool.execution_complete', { toolCallId: 't3', success: false, error: { message: 'no such file' } }),
      event('assistant.message', { messageId: 'm', content: 'Done.', outputTokens: 12 }),
      end(0),
    ];
    const { streamState, usage, report } = readStream(copilot, lines);
    expect(report).toMatchObject({ failure: null });
    expect(streamState).toMatchObject({ sessionId: 's1', text: 'Done.', toolCalls: 3, commands: 1, openTools: {} });
    expect(Object.keys(streamState.files)).toEqual(['a.ts']);
    expect(usage).toEqual({ inputTokens: null, cachedInputTokens: null, outputTokens: 12, costUsd: null });
  });

  it('has the exit codes of commands, and retries', () => {
    const { streamState } = readStream(copilot, [
      event('tool.execution_start', { toolCallId: 't1', toolName: 'bash', arguments: { command: 'npm test' } }),
      event('tool.execution_complete', { toolCallId: 't1', success: true, shellExecution: { exitCode: 3 } }),
      event('model.call_failure', { statusCode: 429, retryAttempt: 2 }),
    ]);
    expect(streamState).toMatchObject({ commands: 1, commandsFailed: 1, retrying: { attempt: 2 } });
  });

  it('has errors and refused tools', () => {
    const error = event('session.error', { errorType: 'query', message: 'You have no quota', statusCode: 402 });
    expect(readStream(copilot, [error, end(1)], exits(1)).report?.failure).toMatchObject({
      class: 'quota_exhausted',
      message: 'You have no quota',
    });
    const denied = [
      event('tool.execution_start', { toolCallId: 't1', toolName: 'bash', arguments: { command: 'rm x' } }),
      event('tool.execution_complete', { toolCallId: 't1', success: false, error: { code: 'denied', message: 'no' } }),
      end(0),
    ];
    expect(readStream(copilot, denied).report?.failure?.class).toBe('permission_denied');
  });
});

describe('the stream of amp', () => {
  const amp = adapter('amp');

  it('has every event of a run', () => {
    const lines = [
      { type: 'system', subtype: 'init', session_id: 'T-1', tools: ['Bash'], cwd: '/x' },
      {
        type: 'assistant',
        message: { content: [{ type: 'tool_use', id: '1', name: 'Bash', input: { cmd: 'npm test' } }] },
      },
      { type: 'user', message: { content: [{ type: 'tool_result', tool_use_id: '1', is_error: false }] } },
      { type: 'assistant', message: { content: [{ type: 'text', text: 'Done.' }] } },
      {
        type: 'result',
        subtype: 'success',
        is_error: false,
        result: 'Done.',
        session_id: 'T-1',
        usage: { input_tokens: 10, cache_read_input_tokens: 90, cache_creation_input_tokens: 5, output_tokens: 7 },
      },
    ];
    const { streamState, usage, report } = readStream(amp, lines);
    expect(report).toMatchObject({ failure: null });
    expect(streamState).toMatchObject({ sessionId: 'T-1', text: 'Done.', commands: 1 });
    expect(streamState.recentCommands).toMatchObject([{ command: 'npm test' }]);
    expect(usage).toEqual({ inputTokens: 105, cachedInputTokens: 90, outputTokens: 7, costUsd: null });
  });

  it('has errors', () => {
    const end = { type: 'result', subtype: 'error_during_execution', is_error: true, error: 'Out of credits' };
    expect(readStream(amp, [end], exits(1)).report?.failure).toMatchObject({
      class: 'quota_exhausted',
      message: 'Out of credits',
    });
  });
});

describe('the output of aider and goose', () => {
  it('is read as one message, and the exit code decides', () => {
    for (const name of ['aider', 'goose']) {
      const { streamState, report } = readStream(adapter(name), ['Looking at a.ts.', 'Applied edit to a.ts']);
      expect([streamState.text, streamState.messages, report]).toEqual([
        'Looking at a.ts.\nApplied edit to a.ts\n',
        1,
        null,
      ]);
    }
  });

  it('may begin with an error of the CLI', () => {
    expect(readStream(adapter('aider'), ['litellm.AuthenticationError: invalid api key']).report?.failure?.class).toBe(
      'auth_required',
    );
    expect(readStream(adapter('goose'), [], exits(1), ['error: Rate limit exceeded']).report?.failure?.class).toBe(
      'rate_limited',
    );
  });
});
