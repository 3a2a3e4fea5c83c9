/** opencode (`opencode run --format json`), measured with 1.18. */
import type { Permission } from '../run/agent.ts';
import type { ErrorClass, Failure, FileChange, Reading, ToolKind } from '../run/reading.ts';
import type { Adapter, Json, Launch, ReadAt } from './adapter.ts';
import { classOfStatus, classOfText, refined } from './classes.ts';
import { at, listAt, numberAt, sum, textAt } from './json.ts';
import { resetIn } from './resets.ts';

/** It allows itself everything unless told otherwise. Nobody is there to be asked, and then "ask" is no. */
const rules: Readonly<Record<Permission, Readonly<Record<string, 'ask'>> | null>> = {
  ask: { edit: 'ask', bash: 'ask', webfetch: 'ask' },
  // Editing it allows itself, but for what the user's own settings forbid.
  edit: { bash: 'ask', webfetch: 'ask' },
  full: null,
};

export const opencode: Adapter = {
  prepare({ agent, sessionId }: Launch) {
    const options = ['--format', 'json', ...(agent.model === null ? [] : ['-m', agent.model]), ...(sessionId === null ? [] : ['-s', sessionId])];
    const auto = agent.permission === 'full' ? ['--auto'] : [];
    const rule = rules[agent.permission];
    // The variable outweighs all its files of settings (tried both ways).
    const env: Record<string, string> = rule === null ? {} : { OPENCODE_PERMISSION: JSON.stringify(rule) };
    return { argv: [agent.command ?? 'opencode', 'run', ...options, ...auto, ...agent.args], env, removeEnv: [], stdin: 'prompt' };
  },
  // It dies at once of any signal and leaves its tools.
  politeSignal: null,
  stream: { readEvent, readText, needsResult: true, toolsLeadSessions: true, classOfExit: () => null },
};

function readEvent(event: Json, now: ReadAt): readonly Reading[] {
  const part = event['part'];
  switch (event['type']) {
    case 'step_start':
      return session(event);
    case 'text':
      return [{ type: 'message', text: textAt(part, 'text') ?? '', delta: false }];
    case 'tool_use':
      return readTool(part);
    case 'step_finish':
      return [...usageIn(part), ...endIn(textAt(part, 'reason'))];
    case 'error':
      // It may be the only line there is.
      return [...session(event), { type: 'error', failure: failureIn(event['error'], now) }];
    default:
      return [];
  }
}

function session(event: Json): Reading[] {
  const id = textAt(event, 'sessionID');
  return id === null ? [] : [{ type: 'session', id, model: null, permission: null, version: null }];
}

const kinds: Readonly<Record<string, ToolKind>> = {
  bash: 'command',
  write: 'write',
  edit: 'write',
  multiedit: 'write',
  patch: 'write',
  apply_patch: 'write',
  read: 'read',
  glob: 'read',
  grep: 'read',
  list: 'read',
  webfetch: 'read',
  websearch: 'read',
  codesearch: 'read',
};

/** It tells of a tool only when the tool has ended. */
function readTool(part: unknown): readonly Reading[] {
  const [id, tool, state] = [textAt(part, 'callID'), textAt(part, 'tool'), at(part, 'state')];
  if (id === null || tool === null) return [];
  const kind = Object.hasOwn(kinds, tool) ? (kinds[tool] ?? 'other') : 'other';
  const path = textAt(state, 'input', 'filePath') ?? textAt(state, 'input', 'path');
  const command = kind === 'command' ? textAt(state, 'input', 'command') : null;
  const exitCode = kind === 'command' ? numberAt(state, 'metadata', 'exit') : null;
  // A tool that does not exist "completes" as the tool "invalid".
  const broken = textAt(state, 'status') !== 'completed' || tool === 'invalid';
  const denied = broken && /rejected permission|permission denied by|rule (which |that )?prevents/i.test(textAt(state, 'error') ?? '');
  const files = broken ? [] : filesIn(tool, state);
  return [
    { type: 'tool-started', id, tool, kind: kind === 'command' && command === null ? 'other' : kind, command, paths: path === null ? [] : [path] },
    { type: 'tool-ended', id, exitCode, failed: broken || (exitCode ?? 0) !== 0, denied, files },
  ];
}

/** Null: the path of its input is all that is known. */
function filesIn(tool: string, state: unknown): readonly FileChange[] | null {
  const patched = listAt(state, 'metadata', 'files').flatMap(patchedFile);
  if (patched.length > 0) return patched;
  const path = textAt(state, 'input', 'filePath');
  if (tool !== 'write' || path === null) return null;
  return [{ path, kind: at(state, 'metadata', 'exists') === false ? 'add' : 'update' }];
}

function patchedFile(file: unknown): FileChange[] {
  const [path, type] = [textAt(file, 'filePath') ?? textAt(file, 'path'), textAt(file, 'type')];
  return path === null ? [] : [{ path, kind: type === 'add' || type === 'delete' || type === 'update' ? type : null }];
}

/** What each step used; reasoning is counted apart from output, and cached input apart from input. */
function usageIn(part: unknown): readonly Reading[] {
  const tokens = (...path: string[]) => numberAt(part, 'tokens', ...path);
  const input = sum(tokens('input'), tokens('cache', 'read'), tokens('cache', 'write'));
  const output = sum(tokens('output'), tokens('reasoning'));
  const cost = numberAt(part, 'cost');
  const used: Reading[] =
    input === null && output === null ? [] : [{ type: 'tokens', scope: 'part', tokens: { input, cached: tokens('cache', 'read'), output }, model: null }];
  return cost === null ? used : [...used, { type: 'cost', scope: 'part', usd: cost }];
}

/** There is no last event; the reason of the last step says how it ended. After "tool-calls" and "unknown" it goes on. */
function endIn(reason: string | null): Reading[] {
  switch (reason) {
    case 'stop':
    case 'other':
      return [{ type: 'result', failure: null }];
    case 'length':
      return [
        { type: 'result', failure: { class: 'output_truncated', message: 'Its answer was cut off at the largest length its model gives.', resetsAt: null } },
      ];
    case 'content-filter':
      return [{ type: 'result', failure: { class: null, message: 'Its answer was stopped by a filter of its provider.', resetsAt: null } }];
    case 'error':
      return [{ type: 'result', failure: { class: null, message: '', resetsAt: null } }];
    default:
      return [];
  }
}

const names: Readonly<Record<string, ErrorClass>> = {
  ContextOverflowError: 'context_exhausted',
  ProviderAuthError: 'auth_required',
  MessageOutputLengthError: 'output_truncated',
};

function failureIn(error: unknown, now: ReadAt): Failure {
  const name = textAt(error, 'name') ?? '';
  const message = textAt(error, 'data', 'message') ?? name;
  const structured = (Object.hasOwn(names, name) ? names[name] : undefined) ?? classOfStatus(numberAt(error, 'data', 'statusCode'));
  // The provider's whole answer often says more than its message: which limit it was, and for how long.
  const all = `${message} ${textAt(error, 'data', 'responseBody') ?? ''}`;
  const wait = Number(textAt(error, 'data', 'responseHeaders', 'retry-after') ?? Number.NaN);
  return { class: refined(structured, all), message, resetsAt: Number.isFinite(wait) && wait > 0 ? now.at + Math.round(wait * 1000) : resetIn(all, now) };
}

/**
 * Without a line of JSON: an unknown session, and that a permission was refused. The refused call itself
 * comes as a tool that failed, too; this line counts only where the run ends without that.
 */
function readText(line: string, stream: 'stdout' | 'stderr', now: ReadAt): readonly Reading[] {
  if (stream !== 'stderr' || !/auto-rejecting|^error: /i.test(line)) return [];
  const message = line.replace(/^(error: |! ?)/i, '').trim();
  return [{ type: 'error', failure: { class: classOfText(message), message, resetsAt: resetIn(message, now) } }];
}
