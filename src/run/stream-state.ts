/**
 * The stream state of a run: what its stream has shown so far, as a bounded, plain value. It is stored together with
 * the offsets in the logs up to which it was read, so nothing is counted twice or missed.
 */

import type { AgentEvent, Failure } from './agent-event.ts';
import { cutText } from './cut-text.ts';
import { limits } from './limits.ts';
import { completeFailure, cutFailure } from './stream-failure.ts';
import { countRefusal, endTool, findOpenTool, startTool, type ToolState } from './stream-tools.ts';
import { toTime, toWhole } from './stream-values.ts';
import { costed, emptyMeter, metered, type UsageMeterState } from './usage-meter.ts';

export type Retrying = {
  readonly attempt: number | null;
  readonly of: number | null;
  readonly message: string;
  readonly at: number;
};

export type StreamState = ToolState & {
  readonly sessionId: string | null;
  readonly model: string | null;
  /** The agent's permission, in the words of the agent CLI. */
  readonly permission: string | null;
  readonly version: string | null;
  readonly messages: number;
  /** The last message, cut at its end when it is long. */
  readonly text: string;
  /** Whether deltas may still extend the last message. */
  readonly speaking: boolean;
  readonly background: number;
  readonly meter: UsageMeterState;
  /**
   * Whether the stream has reported all usage that it reports. False while it may report more, and after an end without
   * a result.
   */
  readonly countedWhole: boolean;
  readonly lastError: Failure | null;
  readonly lastErrorAt: number | null;
  /** Whether a part of the stream could not be read, and no result followed it. */
  readonly gap: boolean;
  /** Whether a part of the stream could not be read at any time. Its usage is missing. */
  readonly hadGap: boolean;
  /** The last bytes that were read of each log. Other bytes in their place mean that the log was rewritten. */
  readonly guards: { readonly stdout: Guard | null; readonly stderr: Guard | null };
  /** A possible reason of a failure. No sign of life clears it. */
  readonly complaint: Failure | null;
  readonly retrying: Retrying | null;
  readonly limitResetsAt: number | null;
  readonly result: { readonly failure: Failure | null; readonly at: number } | null;
  /** The offset up to which the CLI's own session file was read. Null when there is none, or none was found yet. */
  readonly sessionFileOffset: number | null;
};

/** Bytes in hex, and the offset of the first of them in the log. */
export type Guard = { readonly from: number; readonly bytes: string };

export const emptyStreamState: StreamState = {
  sessionId: null,
  model: null,
  permission: null,
  version: null,
  toolCalls: 0,
  commands: 0,
  commandsFailed: 0,
  messages: 0,
  text: '',
  speaking: false,
  openTools: {},
  recentCommands: [],
  files: {},
  filesMore: 0,
  background: 0,
  meter: emptyMeter,
  countedWhole: false,
  lastError: null,
  lastErrorAt: null,
  gap: false,
  hadGap: false,
  guards: { stdout: null, stderr: null },
  complaint: null,
  retrying: null,
  limitResetsAt: null,
  denials: { count: 0, tools: [], worked: false },
  result: null,
  lastActionAt: null,
  sessionFileOffset: null,
};

/**
 * Returns the stream state after these agent events. `at`: the time at which they were read, in milliseconds since the
 * epoch.
 */
export function fold(streamState: StreamState, readings: readonly AgentEvent[], at: number): StreamState {
  return readings.reduce((sum, reading) => take(sum, reading, at), streamState);
}

function take(streamState: StreamState, reading: AgentEvent, at: number): StreamState {
  switch (reading.type) {
    case 'session':
      return inSession(streamState, reading);
    case 'message':
      return said(goingOn(streamState), reading);
    case 'tool-started':
      return toolStarted(goingOn(streamState), reading, at);
    case 'tool-ended':
      // The end of a tool that is not open changes nothing.
      return findOpenTool(streamState, reading.id) === null ? streamState : endTool(goingOn(streamState), reading, at);
    case 'refused':
      // It may be in another log and be read late, so it is not a sign of life.
      return countRefusal(streamState, cutText(reading.tool, limits.nameLength));
    case 'background':
      return { ...streamState, background: Math.max(0, toWhole(reading.tasks) ?? 0) };
    case 'tokens':
      return {
        ...streamState,
        model: named(reading.model) ?? streamState.model,
        meter: metered(streamState.meter, reading),
      };
    case 'cost':
      return { ...streamState, meter: costed(streamState.meter, reading) };
    case 'limit':
      return { ...streamState, limitResetsAt: toTime(reading.resetsAt) ?? streamState.limitResetsAt };
    case 'error':
      return {
        ...streamState,
        lastError: cutFailure(reading.failure),
        lastErrorAt: at,
        limitResetsAt: toTime(reading.failure.resetsAt) ?? streamState.limitResetsAt,
      };
    case 'gap':
      // The missing part may have said that the agent goes on.
      return { ...streamState, gap: true, hadGap: true, result: null };
    case 'report':
      // Reports are not part of the stream state. They are stored separately.
      return streamState;
    case 'complaint':
      // A complaint with a class explains more than a later one without.
      if (streamState.complaint?.class != null && reading.failure.class === null) return streamState;
      return { ...streamState, complaint: cutFailure(reading.failure) };
    case 'retrying':
      return retrying(streamState, reading, at);
    case 'result':
      return concluded(streamState, reading, at);
  }
}

type Of<T extends AgentEvent['type']> = Extract<AgentEvent, { type: T }>;

/** Begins or resumes a session. It takes back the result: claude begins again when a background task has ended. */
function inSession(streamState: StreamState, { id, model, permission, version }: Of<'session'>): StreamState {
  // An id longer than the limit could not be stored whole, so none is stored.
  const sessionId = id.length > limits.sessionIdLength ? null : id;
  const isAnother = streamState.sessionId !== null && streamState.sessionId !== sessionId;
  return {
    ...streamState,
    result: null,
    sessionId,
    model: named(model) ?? streamState.model,
    permission: named(permission) ?? streamState.permission,
    version: named(version) ?? streamState.version,
    meter: isAnother ? { ...streamState.meter, session: null } : streamState.meter,
  };
}

function retrying(streamState: StreamState, { attempt, of, message }: Of<'retrying'>, at: number): StreamState {
  // The event may come from the other log and be read after the result that followed it.
  if (streamState.result !== null) return streamState;
  const text = cutText(message, limits.errorLength);
  return { ...streamState, retrying: { attempt: toWhole(attempt), of: toWhole(of), message: text, at } };
}

function concluded(streamState: StreamState, { failure }: Of<'result'>, at: number): StreamState {
  return {
    ...streamState,
    speaking: false,
    retrying: null,
    gap: false,
    result: { failure: failure === null ? null : completeFailure(failure, streamState.lastError), at },
    limitResetsAt: toTime(failure?.resetsAt ?? null) ?? streamState.limitResetsAt,
  };
}

/**
 * Applies a sign of life. The agent is no longer retrying, has recovered from its last error, and its result was not
 * final.
 */
function goingOn(streamState: StreamState): StreamState {
  if (streamState.retrying === null && streamState.lastError === null && streamState.result === null)
    return streamState;
  return { ...streamState, retrying: null, lastError: null, lastErrorAt: null, result: null };
}

function said(streamState: StreamState, { text, delta }: Of<'message'>): StreamState {
  if (text.trim() === '' && !(delta && streamState.speaking)) return streamState;
  const more = delta && streamState.speaking;
  const words = more ? streamState.text + text : text;
  return {
    ...streamState,
    speaking: delta,
    messages: streamState.messages + (more ? 0 : 1),
    text:
      delta && words.length <= limits.accountTextLength ? unfinished(words) : cutText(words, limits.accountTextLength),
  };
}

/** Returns well-formed text, but keeps half a character at the end, because the next delta may bring the other half. */
function unfinished(words: string): string {
  const last = words.charCodeAt(words.length - 1);
  const half = last >= 0xd800 && last <= 0xdbff;
  return half ? `${words.slice(0, -1).toWellFormed()}${words.at(-1)}` : words.toWellFormed();
}

function toolStarted(streamState: StreamState, reading: Of<'tool-started'>, at: number): StreamState {
  const next = startTool(streamState, reading, at);
  return next === streamState ? streamState : { ...next, speaking: false };
}

function named(text: string | null): string | null {
  return text === null ? null : cutText(text, limits.nameLength);
}
