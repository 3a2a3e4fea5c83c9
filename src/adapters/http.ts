/**
 * An agent behind HTTP. The program clip-http sends the request and runs as a process like any other agent. Its output
 * is the agent's response, plus lines of its own about pending work and errors.
 */

import { type AgentEvent, type ErrorClass, errorClasses, type Failure, type FileChange } from '#run/agent-event.ts';
import { limits } from '#run/limits.ts';
import type { Adapter, Json, Launch, ReadAt } from './adapter.ts';
import { classOfStatus, refined } from './error-classes.ts';
import { listAt, numberAt, textAt, at as valueAt } from './json.ts';
import { buildWriteStart, toFileChange } from './tool-call.ts';

export const http: Adapter = {
  prepare({ agent, sessionId }: Launch) {
    // Name and value form one argument, so that a value may begin with a dash.
    const option = (name: string, value: string | null) => (value === null ? [] : [`--${name}=${value}`]);
    const context = [
      ...option('agent', agent.name),
      ...option('role', agent.role),
      ...option('model', agent.model),
      ...option('session', sessionId),
    ];
    // The launcher replaces the name with the path of clip-http.
    return {
      argv: ['clip-http', agent.command ?? '', ...agent.args, ...context],
      env: {},
      removeEnv: [],
      stdin: 'prompt',
    };
  },
  // On SIGINT, clip-http cancels the agent's work and exits within two seconds.
  politeSignal: 'SIGINT',
  // Usage is known as far as the responses report it.
  tells: { tokens: 'end', cost: 'end' },
  sessionFile: null,
  // The exit code decides about success, because plain text is a valid response.
  stream: { readEvent, readText, readOwnError, needsResult: false, toolsLeadSessions: false, classOfExit: () => null },
};

function readEvent(event: Json, at: ReadAt): readonly AgentEvent[] {
  switch (event['type']) {
    case 'clip-http.pending':
      return waiting(1);
    case 'clip-http.final':
      return waiting(0);
    case 'clip-http.failed':
      return [
        { type: 'background', tasks: 0 },
        { type: 'result', failure: failureOfOurs(event, at) },
      ];
    case 'clip-http.cancel':
      return [];
    default:
      return [...sessionIn(event), ...messageIn(event), ...filesIn(event), ...usageIn(event), ...resultIn(event, at)];
  }
}

/** Reads a retry of a failed status request. Only clip-http writes to this standard error. */
function readOwnError(event: Json): readonly AgentEvent[] {
  if (event['type'] !== 'clip-http.retrying') return [];
  return [{ type: 'retrying', attempt: numberAt(event, 'attempt'), of: null, message: textAt(event, 'message') ?? '' }];
}

/**
 * Returns the events of a pending job. Its earlier response was not final, whatever its status was called. A message
 * takes back a result, and an empty message has no other effect.
 */
function waiting(tasks: number): readonly AgentEvent[] {
  return [
    { type: 'background', tasks },
    { type: 'message', text: '', delta: false },
  ];
}

/** Reads a plain-text response as one message. */
function readText(line: string, stream: 'stdout' | 'stderr'): readonly AgentEvent[] {
  return stream === 'stdout' ? [{ type: 'message', text: `${line}\n`, delta: true }] : [];
}

function sessionIn(event: Json): AgentEvent[] {
  const id = textAt(event, 'sessionId');
  return id === null || id === ''
    ? []
    : [{ type: 'session', id, model: textAt(event, 'model'), permission: null, version: null }];
}

function messageIn(event: Json): AgentEvent[] {
  const text = textAt(event, 'message');
  return text === null || text === '' ? [] : [{ type: 'message', text, delta: false }];
}

/** Reads file names, or {path, kind}, as one tool that wrote them all. */
function filesIn(event: Json): AgentEvent[] {
  const files = listAt(event, 'files').flatMap(parseFileChanges);
  if (files.length === 0) return [];
  return [
    buildWriteStart('files', 'files', files),
    { type: 'tool-ended', id: 'files', exitCode: null, failed: false, denied: false, files },
  ];
}

function parseFileChanges(file: unknown): FileChange[] {
  if (typeof file === 'string') return [{ path: file, kind: null }];
  return toFileChange(textAt(file, 'path'), textAt(file, 'kind'));
}

function usageIn(event: Json): AgentEvent[] {
  const usage = event['usage'];
  const tokens = {
    input: numberAt(usage, 'inputTokens'),
    cached: numberAt(usage, 'cachedInputTokens'),
    output: numberAt(usage, 'outputTokens'),
  };
  const usd = numberAt(usage, 'costUsd');
  return [
    ...(tokens.input === null && tokens.output === null
      ? []
      : [{ type: 'tokens', scope: 'part', tokens, model: textAt(event, 'model') } as const]),
    ...(usd === null ? [] : [{ type: 'cost', scope: 'part', usd } as const]),
  ];
}

/** The status words of clip-http (src/http/status-words.ts). A test checks that both lists are equal. */
export const unfinishedWords = ['accepted', 'pending', 'queued', 'starting', 'running', 'in_progress', 'processing'];
export const failedWords = ['failed', 'failure', 'error', 'cancelled', 'canceled', 'timed_out'];

function resultIn(event: Json, at: ReadAt): AgentEvent[] {
  const status = textAt(event, 'status');
  if (status === null || status === '' || unfinishedWords.includes(status)) return [];
  return [{ type: 'result', failure: failedWords.includes(status) ? parseFailure(event, status, at) : null }];
}

function parseFailure(event: Json, status: string, at: ReadAt): Failure {
  const message =
    textAt(event, 'error', 'message') ??
    textAt(event, 'error') ??
    textAt(event, 'message') ??
    `The agent says: ${status}.`;
  const code = valueAt(event, 'error', 'code');
  return {
    class: classifyStatus(code, message),
    message,
    resetsAt: after(numberAt(event, 'error', 'retryAfterSec'), at),
  };
}

/** Returns the class of a class name, an HTTP status, or an error text. */
function classifyStatus(code: unknown, message: string): ErrorClass | null {
  const named = errorClasses.find((name) => name === code);
  if (named !== undefined) return named;
  if (typeof code === 'number') return refined(classOfStatus(code), message);
  return refined(null, typeof code === 'string' ? `${code}: ${message}` : message);
}

function failureOfOurs(event: Json, at: ReadAt): Failure {
  const message = textAt(event, 'message') ?? 'clip-http failed.';
  const resetsAt = after(numberAt(event, 'retryAfterSec'), at);
  switch (event['code']) {
    case 'status':
      return { class: refined(classOfStatus(numberAt(event, 'status')), message), message, resetsAt };
    case 'unreachable':
    case 'broken_off':
      return { class: 'provider_unavailable', message, resetsAt };
    default:
      return { class: null, message, resetsAt };
  }
}

function after(seconds: number | null, { at }: ReadAt): number | null {
  return seconds === null || seconds < 0 || seconds * 1_000 > limits.resetMsMax
    ? null
    : at + Math.round(seconds * 1_000);
}
