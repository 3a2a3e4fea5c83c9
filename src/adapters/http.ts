/**
 * An agent behind HTTP. It is asked by clip-http, a program of ours that is a process like any other
 * agent; its output is the agent's answer, and in lines of its own whether it is waited for and what went
 * wrong on the way.
 */
import { type ErrorClass, errorClasses, type Failure, type FileChange, type Reading } from '../run/reading.ts';
import type { Adapter, Json, Launch, ReadAt } from './adapter.ts';
import { classOfStatus, refined } from './classes.ts';
import { listAt, numberAt, textAt, at as valueAt } from './json.ts';

export const http: Adapter = {
  prepare({ agent, sessionId }: Launch) {
    // Written as one argument: a value that begins with a dash stays a value.
    const option = (name: string, value: string | null) => (value === null ? [] : [`--${name}=${value}`]);
    const context = [...option('agent', agent.name), ...option('role', agent.role), ...option('model', agent.model), ...option('session', sessionId)];
    // Whoever launches it knows where clip-http lies.
    return { argv: ['clip-http', agent.command ?? '', ...agent.args, ...context], env: {}, removeEnv: [], stdin: 'prompt' };
  },
  // It tells the agent, and leaves within two seconds.
  politeSignal: 'SIGINT',
  // The exit code says whether it went well: plain text is a good answer too.
  stream: { readEvent, readText, needsResult: false, toolsLeadSessions: false, classOfExit: () => null },
};

function readEvent(event: Json, at: ReadAt): readonly Reading[] {
  switch (event['type']) {
    case 'clip-http.retrying':
      return [{ type: 'retrying', attempt: numberAt(event, 'attempt'), of: null, message: textAt(event, 'message') ?? '' }];
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

/**
 * The agent works elsewhere, or has done so until now. What it said so far was no end, whatever its status
 * was called: a message takes back a result that was read from it, and one without words does nothing else.
 */
function waiting(tasks: number): readonly Reading[] {
  return [
    { type: 'background', tasks },
    { type: 'message', text: '', delta: false },
  ];
}

/** What an answer of plain text says is one message. */
function readText(line: string, stream: 'stdout' | 'stderr'): readonly Reading[] {
  return stream === 'stdout' ? [{ type: 'message', text: `${line}\n`, delta: true }] : [];
}

function sessionIn(event: Json): Reading[] {
  const id = textAt(event, 'sessionId');
  return id === null || id === '' ? [] : [{ type: 'session', id, model: textAt(event, 'model'), permission: null, version: null }];
}

function messageIn(event: Json): Reading[] {
  const text = textAt(event, 'message');
  return text === null || text === '' ? [] : [{ type: 'message', text, delta: false }];
}

/** Names of files, or {path, kind}: one tool that wrote them all. */
function filesIn(event: Json): Reading[] {
  const files = listAt(event, 'files').flatMap(changeOf);
  if (files.length === 0) return [];
  return [
    { type: 'tool-started', id: 'files', tool: 'files', kind: 'write', command: null, paths: files.map(({ path }) => path) },
    { type: 'tool-ended', id: 'files', exitCode: null, failed: false, denied: false, files },
  ];
}

function changeOf(file: unknown): FileChange[] {
  if (typeof file === 'string') return [{ path: file, kind: null }];
  const path = textAt(file, 'path');
  const kind = textAt(file, 'kind');
  return path === null ? [] : [{ path, kind: kind === 'add' || kind === 'update' || kind === 'delete' ? kind : null }];
}

function usageIn(event: Json): Reading[] {
  const usage = event['usage'];
  const tokens = { input: numberAt(usage, 'inputTokens'), cached: numberAt(usage, 'cachedInputTokens'), output: numberAt(usage, 'outputTokens') };
  const usd = numberAt(usage, 'costUsd');
  return [
    ...(tokens.input === null && tokens.output === null ? [] : [{ type: 'tokens', scope: 'part', tokens, model: textAt(event, 'model') } as const]),
    ...(usd === null ? [] : [{ type: 'cost', scope: 'part', usd } as const]),
  ];
}

/** The words of clip-http for an end (src/http/words.ts); a test sees that they are the same. */
export const unfinishedWords = ['accepted', 'pending', 'queued', 'starting', 'running', 'in_progress', 'processing'];
export const failedWords = ['failed', 'failure', 'error', 'cancelled', 'canceled', 'timed_out'];

function resultIn(event: Json, at: ReadAt): Reading[] {
  const status = textAt(event, 'status');
  if (status === null || status === '' || unfinishedWords.includes(status)) return [];
  return [{ type: 'result', failure: failedWords.includes(status) ? failureOf(event, status, at) : null }];
}

function failureOf(event: Json, status: string, at: ReadAt): Failure {
  const message = textAt(event, 'error', 'message') ?? textAt(event, 'error') ?? textAt(event, 'message') ?? `The agent says: ${status}.`;
  const code = valueAt(event, 'error', 'code');
  return { class: classOf(code, message), message, resetsAt: after(numberAt(event, 'error', 'retryAfterSec'), at) };
}

/** A name of ours, an HTTP status, or words that are looked at. */
function classOf(code: unknown, message: string): ErrorClass | null {
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
  return seconds === null || seconds < 0 ? null : at + Math.round(seconds * 1_000);
}
