/** The mappings of the presets: how each CLI is started, and what its lines mean. */
import type { Mapping, MappingRule } from '#run/agent.ts';
import { claudeShaped } from './claude-shaped.ts';

const base: Omit<Mapping, 'command'> = {
  prompt: 'stdin',
  start: {},
  resume: null,
  model: { args: ['--model', '{{model}}'] },
  permission: { ask: {}, edit: {}, full: {} },
  removeEnv: [],
  politeSignal: null,
  needsResult: false,
  text: 'ignored',
  errorPrefixes: [],
  exitCodes: {},
  rules: [],
};

/**
 * Events and exit codes were measured (0.15 and 0.24). Qwen reports "success" when the request to the model failed:
 * only the beginning of its text tells. Unverified: the approval mode `auto-edit`, the names of its tools, and that its
 * input count includes cached input, as in the API it uses.
 */
export const qwen: Mapping = {
  ...base,
  command: 'qwen',
  start: { args: ['-o', 'stream-json'] },
  resume: { args: ['-o', 'stream-json', '--resume', '{{session}}'] },
  permission: {
    ask: { args: ['--approval-mode', 'default'] },
    edit: { args: ['--approval-mode', 'auto-edit'] },
    full: { args: ['--approval-mode', 'yolo'] },
  },
  needsResult: true,
  exitCodes: { 53: 'max_turns_exhausted' },
  rules: [
    {
      when: { type: 'user' },
      each: 'message.content',
      where: { type: 'tool_result', content: { startsWith: 'Qwen Code requires permission' } },
      toolEnd: { id: 'tool_use_id', denied: true },
    },
    ...claudeShaped({
      inputHoldsCached: true,
      kinds: {
        run_shell_command: 'command',
        edit: 'write',
        write_file: 'write',
        read_file: 'read',
        read_many_files: 'read',
        list_directory: 'read',
        glob: 'read',
        grep_search: 'read',
        web_fetch: 'read',
      },
    }),
    {
      when: { type: 'system', subtype: 'retry' },
      retrying: { attempt: 'attempt', of: 'maxRetries', message: ['error.message', 'error', 'message'] },
    },
    { when: { type: 'result', result: { startsWith: '[API Error:' } }, result: { failed: true, message: 'result' } },
  ],
};

/** Builds the rules of a cursor tool. A tool call is under a key with the name of its kind. */
function cursorTool(key: string, tool: Omit<NonNullable<MappingRule['tool']>, 'id'>): MappingRule[] {
  const result = `tool_call.${key}.result`;
  return [
    {
      when: { type: 'tool_call', subtype: 'started', [`tool_call.${key}`]: { present: true } },
      tool: { id: 'call_id', ...tool },
    },
    {
      when: { type: 'tool_call', subtype: 'completed', [`tool_call.${key}`]: { present: true } },
      toolEnd: {
        id: 'call_id',
        exitCode: [`${result}.success.exitCode`, `${result}.failure.exitCode`],
        failed: [`${result}.failure`, `${result}.error`],
        denied: [`${result}.rejected`, `${result}.permissionDenied`],
      },
    },
  ];
}

/**
 * Unverified: from its documentation and from programs that read its stream. Cursor reports no tokens, and failures
 * only on stderr.
 */
export const cursor: Mapping = {
  ...base,
  command: 'cursor-agent',
  start: { args: ['-p', '--output-format', 'stream-json', '--trust'] },
  resume: { args: ['-p', '--output-format', 'stream-json', '--trust', '--resume', '{{session}}'] },
  // Without --force cursor only proposes changes.
  permission: { ask: {}, edit: { args: ['--force', '--sandbox', 'enabled'] }, full: { args: ['--force'] } },
  needsResult: true,
  rules: [
    {
      when: { type: 'system', subtype: 'init' },
      session: { id: 'session_id', model: 'model', permission: 'permissionMode' },
    },
    { when: { type: 'assistant' }, each: 'message.content', where: { type: 'text' }, message: { text: 'text' } },
    ...cursorTool('shellToolCall', { kind: 'command', command: 'tool_call.shellToolCall.args.command' }),
    ...cursorTool('editToolCall', { kind: 'write', file: 'tool_call.editToolCall.args.path' }),
    ...cursorTool('writeToolCall', { kind: 'write', file: 'tool_call.writeToolCall.args.path' }),
    ...cursorTool('deleteToolCall', { kind: 'write', file: 'tool_call.deleteToolCall.args.path' }),
    ...cursorTool('readToolCall', { kind: 'read', file: 'tool_call.readToolCall.args.path' }),
    { when: { type: 'tool_call', subtype: 'started' }, tool: { id: 'call_id' } },
    { when: { type: 'tool_call', subtype: 'completed' }, toolEnd: { id: 'call_id' } },
    { when: { type: 'result' }, result: { failed: 'is_error', message: ['error.message', 'result'] } },
    {
      when: { type: 'result', subtype: { startsWith: 'error' } },
      result: { failed: true, message: ['error.message', 'result', 'subtype'] },
    },
  ],
};

/**
 * Options from its own help (1.0.102). Unverified: its events, and that it reads the prompt from standard input without
 * -p.
 */
export const copilot: Mapping = {
  ...base,
  command: 'copilot',
  start: { args: ['--output-format', 'json', '--session-id', '{{newSession}}'] },
  resume: { args: ['--output-format', 'json', '--resume={{session}}'] },
  // In an unattended run nothing can be confirmed: whatever is not allowed beforehand is refused.
  permission: {
    ask: {},
    edit: { args: ['--allow-tool', 'write'] },
    full: { args: ['--allow-all-tools', '--allow-all-paths'] },
  },
  rules: [
    {
      when: { type: 'session.start' },
      session: { id: 'data.sessionId', model: 'data.selectedModel', version: 'data.copilotVersion' },
    },
    {
      when: { type: 'assistant.message' },
      message: { text: 'data.content' },
      tokens: { output: 'data.outputTokens', scope: 'part' },
    },
    {
      when: { type: 'tool.execution_start' },
      tool: {
        id: 'data.toolCallId',
        name: 'data.toolName',
        kinds: {
          bash: 'command',
          powershell: 'command',
          edit: 'write',
          create: 'write',
          view: 'read',
          grep: 'read',
          glob: 'read',
        },
        command: 'data.arguments.command',
        file: 'data.arguments.path',
      },
    },
    {
      when: { type: 'tool.execution_complete', 'data.error.code': ['denied', 'rejected'] },
      toolEnd: { id: 'data.toolCallId', denied: true },
    },
    {
      when: { type: 'tool.execution_complete', 'data.success': false },
      toolEnd: { id: 'data.toolCallId', failed: true },
    },
    {
      when: { type: 'tool.execution_complete' },
      toolEnd: { id: 'data.toolCallId', exitCode: 'data.shellExecution.exitCode' },
    },
    {
      when: { type: 'model.call_failure' },
      retrying: { attempt: 'data.retryAttempt', message: ['data.message', 'data.statusCode'] },
    },
    { when: { type: 'session.error' }, error: { message: 'data.message', status: 'data.statusCode' } },
    { when: { type: 'result' }, session: { id: 'sessionId' } },
    { when: { type: 'result', exitCode: 0 }, result: {} },
  ],
};

/** Unverified: from its SDK and its documentation. Amp's threads are on its server, and it chooses the model itself. */
export const amp: Mapping = {
  ...base,
  command: 'amp',
  start: { args: ['--execute', '--stream-json'] },
  resume: { args: ['threads', 'continue', '{{session}}', '--execute', '--stream-json'] },
  model: {},
  permission: { ask: {}, edit: {}, full: { args: ['--dangerously-allow-all'] } },
  needsResult: true,
  rules: claudeShaped({
    inputHoldsCached: false,
    kinds: {
      Bash: 'command',
      shell_command: 'command',
      edit_file: 'write',
      create_file: 'write',
      apply_patch: 'write',
      Read: 'read',
      Grep: 'read',
      glob: 'read',
    },
  }),
};

/**
 * Unverified. Aider has no JSON output, so its commits are the only visible result. Shell commands stay unapproved even
 * with --yes-always.
 */
export const aider: Mapping = {
  ...base,
  command: 'aider',
  prompt: 'file',
  start: {
    args: [
      '--message-file',
      '{{promptFile}}',
      '--yes-always',
      '--no-pretty',
      '--no-stream',
      '--no-check-update',
      '--no-fancy-input',
    ],
  },
  permission: { ask: { args: ['--chat-mode', 'ask'] }, edit: {}, full: {} },
  text: 'words',
  errorPrefixes: ['litellm.'],
};

/** Unverified. Newer versions have an output format; their text is the same without it. */
export const goose: Mapping = {
  ...base,
  command: 'goose',
  prompt: 'file',
  start: { args: ['run', '-i', '{{promptFile}}'] },
  model: { env: { GOOSE_MODEL: '{{model}}' } },
  permission: {
    ask: { env: { GOOSE_MODE: 'chat' } },
    edit: { env: { GOOSE_MODE: 'smart_approve' } },
    full: { env: { GOOSE_MODE: 'auto' } },
  },
  text: 'words',
  errorPrefixes: ['error: ', 'Error: '],
};
