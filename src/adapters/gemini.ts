/** Gemini CLI (`gemini -o stream-json`), measured with 0.61. */
import type { Permission } from '../run/agent.ts';
import type { ErrorClass, Failure, Reading, ToolKind } from '../run/reading.ts';
import type { Adapter, Json, Launch, ReadAt } from './adapter.ts';
import { classOfStatus, refined } from './classes.ts';
import { at, isObject, jsonIn, numberAt, textAt } from './json.ts';
import { resetIn } from './resets.ts';

/** An untrusted folder is refused whatever the mode; only who lets it work there trusts the folder. */
const modes: Readonly<Record<Permission, readonly string[]>> = {
  ask: ['--approval-mode', 'default'],
  edit: ['--approval-mode', 'auto_edit', '--skip-trust'],
  full: ['--approval-mode', 'yolo', '--skip-trust'],
};

export const gemini: Adapter = {
  prepare({ agent, sessionId }: Launch) {
    const options = ['-o', 'stream-json', ...(agent.model === null ? [] : ['-m', agent.model]), ...modes[agent.permission]];
    const resume = sessionId === null ? [] : ['--resume', sessionId];
    return { argv: [agent.command ?? 'gemini', ...options, ...resume, ...agent.args], env: {}, removeEnv: [], stdin: 'prompt' };
  },
  // No signal makes it end its tools.
  politeSignal: null,
  stream: { readEvent, readText, needsResult: true, toolsLeadSessions: true, classOfExit },
};

function readEvent(event: Json, now: ReadAt): readonly Reading[] {
  switch (event['type']) {
    case 'init': {
      const id = textAt(event, 'session_id');
      return id === null ? [] : [{ type: 'session', id, model: textAt(event, 'model'), permission: null, version: null }];
    }
    case 'message':
      // It repeats the prompt as a message of the user.
      if (textAt(event, 'role') !== 'assistant') return [];
      return [{ type: 'message', text: textAt(event, 'content') ?? '', delta: event['delta'] === true }];
    case 'tool_use':
      return toolStart(event);
    case 'tool_result':
      return toolEnd(event);
    case 'error':
      return textAt(event, 'severity') === 'error' ? [{ type: 'error', failure: failureOf(textAt(event, 'message') ?? '', now) }] : [];
    case 'result':
      return readResult(event, now);
    default:
      return [];
  }
}

const kinds: Readonly<Record<string, ToolKind>> = {
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

const kindOf = (tool: string): ToolKind => (Object.hasOwn(kinds, tool) ? (kinds[tool] ?? 'other') : 'other');

function toolStart(event: Json): readonly Reading[] {
  const [id, tool, input] = [textAt(event, 'tool_id'), textAt(event, 'tool_name'), event['parameters']];
  if (id === null || tool === null) return [];
  const kind = kindOf(tool);
  const command = kind === 'command' ? textAt(input, 'command') : null;
  const path = textAt(input, 'file_path') ?? textAt(input, 'absolute_path') ?? textAt(input, 'path') ?? textAt(input, 'dir_path');
  // A shell call without a command runs nothing.
  return [{ type: 'tool-started', id, tool, kind: kind === 'command' && command === null ? 'other' : kind, command, paths: path === null ? [] : [path] }];
}

function toolEnd(event: Json): readonly Reading[] {
  const id = textAt(event, 'tool_id');
  if (id === null) return [];
  const failed = textAt(event, 'status') !== 'success';
  // A command's code is told only when the command said nothing; otherwise "success" is all there is.
  const code = /^Command exited with code: (\d{1,3})$/.exec((textAt(event, 'output') ?? '').trim())?.[1];
  const exitCode = code === undefined ? null : Number(code);
  return [
    { type: 'tool-ended', id, exitCode, failed: failed || (exitCode ?? 0) !== 0, denied: failed && wasDenied(event['error']), files: failed ? [] : null },
  ];
}

/**
 * What its mode does not allow is not offered: then one of its own tools is "not registered", just like
 * one that the model made up. Only tools that change things or reach out are ever held back.
 */
function wasDenied(error: unknown): boolean {
  const type = textAt(error, 'type');
  if (type === 'policy_violation' || type === 'execution_denied') return true;
  const tool = /^Tool "([^"]+)" not found/.exec(textAt(error, 'message') ?? '')?.[1];
  return type === 'tool_not_registered' && tool !== undefined && gated.has(tool);
}

const gated: ReadonlySet<string> = new Set(['run_shell_command', 'write_file', 'replace', 'edit', 'web_fetch', 'save_memory']);

function readResult(event: Json, now: ReadAt): readonly Reading[] {
  const stats = usageIn(event['stats']);
  if (textAt(event, 'status') !== 'error') return [...stats, { type: 'result', failure: null }];
  // Sometimes an error event before it has told why, and the result itself does not.
  return [...stats, { type: 'result', failure: failureOf(textAt(event, 'error', 'message') ?? '', now) }];
}

function usageIn(stats: unknown): Reading[] {
  const [input, cached, output, total] = [
    numberAt(stats, 'input_tokens'),
    numberAt(stats, 'cached'),
    numberAt(stats, 'output_tokens'),
    numberAt(stats, 'total_tokens'),
  ];
  if (input === null && output === null) return [];
  // Thinking is in the total only.
  const said = input === null || total === null ? output : Math.max(output ?? 0, total - input);
  const models = at(stats, 'models');
  const names = isObject(models) ? Object.keys(models) : [];
  return [{ type: 'tokens', scope: 'part', tokens: { input, cached, output: said }, model: names.length === 1 ? (names[0] ?? null) : null }];
}

/** Retries are told on stderr only, and so is what it could not even begin with. */
function readText(line: string, stream: 'stdout' | 'stderr', now: ReadAt): readonly Reading[] {
  if (stream !== 'stderr') return [];
  const retry = /^Attempt (\d+) failed(?: with status (\d+))?/.exec(line);
  if (retry) return [{ type: 'retrying', attempt: Number(retry[1]), of: null, message: line.replace(/ _?ApiError:.*$/, '') }];
  const fatal =
    /^error (resuming session|loading|authenticating)|^error: |no previous sessions found|set an auth method|not running in a trusted|^invalid session/i.test(
      line,
    );
  return fatal ? [{ type: 'error', failure: failureOf(line, now) }] : [];
}

/** Its own codes; what the model API refused becomes its HTTP status modulo 256. */
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

/** "[API Error: {"error":{"code":401,"message":"…"}}]" says the status; other texts do not. */
function failureOf(text: string, now: ReadAt): Failure {
  const inner = /^\[API Error: (.*?)\]?$/s.exec(text.trim())?.[1];
  const error = at(jsonIn(inner ?? ''), 'error');
  const message = textAt(error, 'message') ?? text;
  return { class: refined(classOfStatus(numberAt(error, 'code')), message), message, resetsAt: resetIn(text, now) };
}
