/** opencode (`opencode run --format json`), measured with 1.18. */
import type { Permission } from '#run/agent.ts';
import type { AgentEvent, ErrorClass, Failure, FileChange } from '#run/agent-event.ts';
import type { Adapter, Json, Launch, ReadAt } from './adapter.ts';
import { classifyFailure, ownFailure } from './classify-failure.ts';
import { classOfStatus } from './error-classes.ts';
import { at, isObject, listAt, lookUp, numberAt, sum, textAt } from './json.ts';
import { resetInHeaders } from './reset-time.ts';
import { buildToolStart, classifyTool, printed, type ToolKinds, toFileChange } from './tool-call.ts';

/** The permission rules. By default opencode allows everything. A run is unattended, so "ask" means a refusal. */
const rules: Readonly<Record<Permission, Readonly<Record<string, 'ask'>> | null>> = {
  ask: { edit: 'ask', bash: 'ask', webfetch: 'ask' },
  // Editing is allowed by default, unless the user's own settings forbid it.
  edit: { bash: 'ask', webfetch: 'ask' },
  full: null,
};

export const opencode: Adapter = {
  prepare({ agent, sessionId }: Launch) {
    const options = [
      '--format',
      'json',
      ...(agent.model === null ? [] : ['-m', agent.model]),
      ...(sessionId === null ? [] : ['-s', sessionId]),
    ];
    const auto = agent.permission === 'full' ? ['--auto'] : [];
    const rule = rules[agent.permission];
    // The variable overrides all settings files (tried both ways).
    const env: Record<string, string> = rule === null ? {} : { OPENCODE_PERMISSION: JSON.stringify(rule) };
    return {
      argv: [agent.command ?? 'opencode', 'run', ...options, ...auto, ...agent.args],
      env,
      removeEnv: [],
      stdin: 'prompt',
    };
  },
  // Any signal ends opencode and leaves its tools running. For some seconds after its start it ignores the first
  // signal, whichever it is (measured).
  politeSignal: 'SIGINT',
  tells: { tokens: 'live', cost: 'live' },
  sessionFile: null,
  stream: { readEvent, readText, needsResult: true, toolsLeadSessions: true, classOfExit: () => null },
};

function readEvent(event: Json, now: ReadAt): readonly AgentEvent[] {
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
      // It may be the only line of the stream.
      return [...session(event), { type: 'error', failure: failureIn(event['error'], now) }];
    default:
      return [];
  }
}

function session(event: Json): AgentEvent[] {
  const id = textAt(event, 'sessionID');
  return id === null ? [] : [{ type: 'session', id, model: null, permission: null, version: null }];
}

const kinds: ToolKinds = {
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

/** Reads a tool. Opencode reports a tool only when it has ended. */
function readTool(part: unknown): readonly AgentEvent[] {
  const [id, tool, state] = [textAt(part, 'callID'), textAt(part, 'tool'), at(part, 'state')];
  if (id === null || tool === null) return [];
  const kind = classifyTool(kinds, tool);
  const path = textAt(state, 'input', 'filePath') ?? textAt(state, 'input', 'path');
  const exitCode = kind === 'command' ? numberAt(state, 'metadata', 'exit') : null;
  // A call of an unknown tool "completes" as the tool "invalid".
  const broken = textAt(state, 'status') !== 'completed' || tool === 'invalid';
  const denied =
    broken &&
    /rejected permission|permission denied by|rule (which |that )?prevents/i.test(textAt(state, 'error') ?? '');
  const files = broken ? [] : filesIn(tool, state);
  const failed = broken || (exitCode ?? 0) !== 0;
  const output = kind === 'command' ? (textAt(state, 'output') ?? textAt(state, 'error')) : null;
  return [
    buildToolStart({ id, tool, kind, command: textAt(state, 'input', 'command'), path }),
    { type: 'tool-ended', id, exitCode, failed, denied, files, ...printed(failed, output) },
  ];
}

/** Returns the changed files, or null when only the path of the input is known. */
function filesIn(tool: string, state: unknown): readonly FileChange[] | null {
  const patched = listAt(state, 'metadata', 'files').flatMap(patchedFile);
  if (patched.length > 0) return patched;
  const path = textAt(state, 'input', 'filePath');
  if (tool !== 'write' || path === null) return null;
  return [{ path, kind: at(state, 'metadata', 'exists') === false ? 'add' : 'update' }];
}

function patchedFile(file: unknown): FileChange[] {
  return toFileChange(textAt(file, 'filePath') ?? textAt(file, 'path'), textAt(file, 'type'));
}

/** Reads the usage of a step. Reasoning is counted separately from output, and cached input separately from input. */
function usageIn(part: unknown): readonly AgentEvent[] {
  const tokens = (...path: string[]) => numberAt(part, 'tokens', ...path);
  const input = sum(tokens('input'), tokens('cache', 'read'), tokens('cache', 'write'));
  const output = sum(tokens('output'), tokens('reasoning'));
  const cost = numberAt(part, 'cost');
  const used: AgentEvent[] =
    input === null && output === null
      ? []
      : [{ type: 'tokens', scope: 'part', tokens: { input, cached: tokens('cache', 'read'), output }, model: null }];
  return cost === null ? used : [...used, { type: 'cost', scope: 'part', usd: cost }];
}

const cutOff = 'Its answer was cut off at the largest length its model gives.';

/**
 * Returns the result. There is no final event, so the reason of the last step tells how it ended. After "tool-calls"
 * and "unknown" the agent continues.
 */
function endIn(reason: string | null): AgentEvent[] {
  switch (reason) {
    case 'stop':
    case 'other':
      return [{ type: 'result', failure: null }];
    case 'length':
      return [{ type: 'result', failure: ownFailure(cutOff, 'output_truncated') }];
    case 'content-filter':
      return [{ type: 'result', failure: ownFailure('Its answer was stopped by a filter of its provider.') }];
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
  const structured = lookUp(names, name) ?? classOfStatus(numberAt(error, 'data', 'statusCode'));
  // The provider's response often says more than its message: which limit was reached, and for how long.
  const all = `${message} ${textAt(error, 'data', 'responseBody') ?? ''}`;
  const headers = at(error, 'data', 'responseHeaders');
  const failure = classifyFailure(message, now, {
    structured,
    all,
    resetsAt: isObject(headers) ? resetInHeaders(headers, now) : null,
  });
  return at(error, 'data', 'isRetryable') === false ? { ...failure, final: true } : failure;
}

/**
 * Reads lines that are not JSON: an unknown session, and a refused permission. The refused call is also reported as a
 * failed tool. This line counts only when the run ends without one.
 */
function readText(line: string, stream: 'stdout' | 'stderr', now: ReadAt): readonly AgentEvent[] {
  if (stream !== 'stderr' || !/auto-rejecting|^error: /i.test(line)) return [];
  const message = line.replace(/^(error: |! ?)/i, '').trim();
  return [{ type: 'complaint', failure: classifyFailure(message, now) }];
}
