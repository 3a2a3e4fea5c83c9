/** Gemini CLI (`gemini -o stream-json`), measured with 0.61. */
import type { Permission } from '#run/agent.ts';
import type { AgentEvent, ErrorClass, Failure } from '#run/agent-event.ts';
import type { Adapter, Json, Launch, ReadAt } from './adapter.ts';
import { classifyFailure as commonFailure, ownFailure } from './classify-failure.ts';
import { classOfStatus } from './error-classes.ts';
import { at, isObject, jsonIn, numberAt, textAt } from './json.ts';
import { geminiSessionFile } from './session-files.ts';
import { buildToolStart, classifyTool, type ToolKinds } from './tool-call.ts';

/**
 * The approval mode of each permission. An untrusted folder is refused in any mode, so a permission to work includes
 * trust.
 */
const modes: Readonly<Record<Permission, readonly string[]>> = {
  ask: ['--approval-mode', 'default'],
  edit: ['--approval-mode', 'auto_edit', '--skip-trust'],
  full: ['--approval-mode', 'yolo', '--skip-trust'],
};

export const gemini: Adapter = {
  prepare({ agent, sessionId }: Launch) {
    const options = [
      '-o',
      'stream-json',
      ...(agent.model === null ? [] : ['-m', agent.model]),
      ...modes[agent.permission],
    ];
    const resume = sessionId === null ? [] : ['--resume', sessionId];
    return {
      argv: [agent.command ?? 'gemini', ...options, ...resume, ...agent.args],
      env: {},
      removeEnv: [],
      stdin: 'prompt',
    };
  },
  // No signal makes gemini end its tools.
  politeSignal: null,
  // The stream reports tokens at its end. Gemini's own session file has them after each call.
  tells: { tokens: 'live', cost: 'never' },
  sessionFile: geminiSessionFile,
  stream: { readEvent, readText, needsResult: true, toolsLeadSessions: true, classOfExit },
};

function readEvent(event: Json, now: ReadAt): readonly AgentEvent[] {
  switch (event['type']) {
    case 'init': {
      const id = textAt(event, 'session_id');
      return id === null
        ? []
        : [{ type: 'session', id, model: textAt(event, 'model'), permission: null, version: null }];
    }
    case 'message':
      // Gemini repeats the prompt as a message of the user.
      if (textAt(event, 'role') !== 'assistant') return [];
      return [{ type: 'message', text: textAt(event, 'content') ?? '', delta: event['delta'] === true }];
    case 'tool_use':
      return toolStart(event);
    case 'tool_result':
      return toolEnd(event);
    case 'error':
      return textAt(event, 'severity') === 'error'
        ? [{ type: 'error', failure: parseFailure(textAt(event, 'message') ?? '', now) }]
        : [];
    case 'result':
      return readResult(event, now);
    default:
      return [];
  }
}

const kinds: ToolKinds = {
  run_shell_command: 'command',
  write_file: 'write',
  replace: 'write',
  edit: 'write',
  read_file: 'read',
  read_many_files: 'read',
  list_directory: 'read',
  glob: 'read',
  grep_search: 'read',
  search_file_content: 'read',
  web_fetch: 'read',
  google_web_search: 'read',
};

function toolStart(event: Json): readonly AgentEvent[] {
  const [id, tool, input] = [textAt(event, 'tool_id'), textAt(event, 'tool_name'), event['parameters']];
  if (id === null || tool === null) return [];
  const path =
    textAt(input, 'file_path') ?? textAt(input, 'absolute_path') ?? textAt(input, 'path') ?? textAt(input, 'dir_path');
  const kind = classifyTool(kinds, tool);
  return [buildToolStart({ id, tool, kind, command: textAt(input, 'command'), path })];
}

function toolEnd(event: Json): readonly AgentEvent[] {
  const id = textAt(event, 'tool_id');
  if (id === null) return [];
  const failed = textAt(event, 'status') !== 'success';
  // The exit code is reported only when the command printed nothing. Otherwise there is only "success".
  const code = /^Command exited with code: (\d{1,3})$/.exec((textAt(event, 'output') ?? '').trim())?.[1];
  const exitCode = code === undefined ? null : Number(code);
  return [
    {
      type: 'tool-ended',
      id,
      exitCode,
      failed: failed || (exitCode ?? 0) !== 0,
      denied: failed && wasDenied(event['error']),
      files: failed ? [] : null,
    },
  ];
}

/**
 * Returns whether a tool was denied. Tools that the mode does not allow are not offered: a call of one fails as "not
 * registered", like a call of an invented tool. Only tools that change something or access the network are gated.
 */
function wasDenied(error: unknown): boolean {
  const type = textAt(error, 'type');
  if (type === 'policy_violation' || type === 'execution_denied') return true;
  const tool = /^Tool "([^"]+)" not found/.exec(textAt(error, 'message') ?? '')?.[1];
  return type === 'tool_not_registered' && tool !== undefined && gated.has(tool);
}

const gated: ReadonlySet<string> = new Set([
  'run_shell_command',
  'write_file',
  'replace',
  'edit',
  'web_fetch',
  'save_memory',
]);

function readResult(event: Json, now: ReadAt): readonly AgentEvent[] {
  const stats = usageIn(event['stats']);
  const status = textAt(event, 'status');
  if (status === 'success') return [...stats, { type: 'result', failure: null }];
  // An unknown status is not a success.
  const unknown =
    status === null
      ? 'Its result has no status.'
      : `Its result has the status ${JSON.stringify(status)}, which clip does not know.`;
  if (status !== 'error') return [...stats, { type: 'result', failure: ownFailure(unknown) }];
  // An earlier error event may have given the reason, and the result itself none.
  return [...stats, { type: 'result', failure: parseFailure(textAt(event, 'error', 'message') ?? '', now) }];
}

function usageIn(stats: unknown): AgentEvent[] {
  const [input, cached, output, total] = [
    numberAt(stats, 'input_tokens'),
    numberAt(stats, 'cached'),
    numberAt(stats, 'output_tokens'),
    numberAt(stats, 'total_tokens'),
  ];
  if (input === null && output === null) return [];
  // Thinking tokens are only in the total.
  const said = input === null || total === null ? output : Math.max(output ?? 0, total - input);
  const models = at(stats, 'models');
  const names = isObject(models) ? Object.keys(models) : [];
  return [
    {
      type: 'tokens',
      scope: 'part',
      tokens: { input, cached, output: said },
      model: names.length === 1 ? (names[0] ?? null) : null,
    },
  ];
}

/** Reads retries and errors at startup, which appear only on stderr. */
function readText(line: string, stream: 'stdout' | 'stderr', now: ReadAt): readonly AgentEvent[] {
  if (stream !== 'stderr') return [];
  const retry = /^Attempt (\d+) failed(?: with status (\d+))?/.exec(line);
  if (retry)
    return [{ type: 'retrying', attempt: Number(retry[1]), of: null, message: line.replace(/ _?ApiError:.*$/, '') }];
  const fatal =
    /^error (resuming session|loading|authenticating|when talking)|^error: |quotaerror|no previous sessions found|set an auth method|not running in a trusted|^invalid session/i.test(
      line,
    );
  return fatal ? [{ type: 'complaint', failure: parseFailure(line, now) }] : [];
}

/** Returns the class of gemini's own exit codes. An error of the model API exits with its HTTP status modulo 256. */
function classOfExit(code: number): ErrorClass | null {
  switch (code) {
    case 41:
      return 'auth_required';
    case 42:
      return 'unknown_session';
    case 53:
      return 'max_turns_exhausted';
    case 55:
      return 'permission_denied';
    default:
      return classOfStatus(statuses.find((status) => status % 256 === code) ?? null);
  }
}

const statuses: readonly number[] = [400, 401, 402, 403, 404, 408, 409, 429, 500, 502, 503, 504];

/** Parses "[API Error: {"error":{"code":401,"message":"…"}}]", which has the status. Other texts do not. */
function parseFailure(text: string, now: ReadAt): Failure {
  const inner = /^\[API Error: (.*?)\]?$/s.exec(text.trim())?.[1];
  const error = at(jsonIn(inner ?? ''), 'error');
  const message = textAt(error, 'message') ?? text;
  return commonFailure(message, now, { structured: classOfStatus(numberAt(error, 'code')), all: text });
}
