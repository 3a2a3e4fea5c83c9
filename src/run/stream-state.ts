/**
 * The stream state of a run: what its stream has shown so far, as a bounded, plain value. It is stored together with
 * the offsets in the logs up to which it was read, so nothing is counted twice or missed.
 */

import type { AgentEvent, Failure, FileChange, ToolKind } from './agent-event.ts';
import { cutText } from './cut-text.ts';
import { limits } from './limits.ts';
import { costed, emptyMeter, metered, type UsageMeterState } from './usage-meter.ts';

export type OpenTool = {
  readonly tool: string;
  readonly kind: ToolKind;
  readonly command: string | null;
  readonly paths: readonly string[];
  readonly at: number;
};
export type CommandRecord = {
  readonly command: string;
  readonly exitCode: number | null;
  readonly failed: boolean;
  readonly at: number;
};
export type FileRecord = { readonly kind: FileChange['kind']; readonly times: number; readonly at: number };
export type Retrying = {
  readonly attempt: number | null;
  readonly of: number | null;
  readonly message: string;
  readonly at: number;
};

export type StreamState = {
  readonly sessionId: string | null;
  readonly model: string | null;
  /** The agent's permission, in the words of the agent CLI. */
  readonly permission: string | null;
  readonly version: string | null;
  readonly toolCalls: number;
  readonly commands: number;
  readonly commandsFailed: number;
  readonly messages: number;
  /** The last message, cut at its end when it is long. */
  readonly text: string;
  /** Whether deltas may still extend the last message. */
  readonly speaking: boolean;
  readonly openTools: Readonly<Record<string, OpenTool>>;
  readonly recentCommands: readonly CommandRecord[];
  readonly files: Readonly<Record<string, FileRecord>>;
  /** The number of changed files beyond the listed ones. */
  readonly filesMore: number;
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
  /** Refused tools. `worked`: some command or change succeeded all the same. */
  readonly denials: { readonly count: number; readonly tools: readonly string[]; readonly worked: boolean };
  readonly result: { readonly failure: Failure | null; readonly at: number } | null;
  /** The time of its last command or file change. */
  readonly lastActionAt: number | null;
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

/** Returns the stream state after these agent events. `at`: the time at which they were read, in milliseconds since the epoch. */
export function fold(streamState: StreamState, readings: readonly AgentEvent[], at: number): StreamState {
  return readings.reduce((sum, reading) => take(sum, reading, at), streamState);
}

function take(streamState: StreamState, reading: AgentEvent, at: number): StreamState {
  switch (reading.type) {
    case 'session': {
      // An id longer than the limit could not be stored whole, so none is stored.
      const sessionId = reading.id.length > limits.sessionIdLength ? null : reading.id;
      const isAnother = streamState.sessionId !== null && streamState.sessionId !== sessionId;
      return {
        ...streamState,
        // A session that begins again takes its result back. Claude does so when a background task has ended.
        result: null,
        sessionId,
        model: named(reading.model) ?? streamState.model,
        permission: named(reading.permission) ?? streamState.permission,
        version: named(reading.version) ?? streamState.version,
        meter: isAnother ? { ...streamState.meter, session: null } : streamState.meter,
      };
    }
    case 'message':
      return said(goingOn(streamState), reading);
    case 'tool-started':
      return toolStarted(goingOn(streamState), reading, at);
    case 'tool-ended':
      return toolEnded(streamState, reading, at);
    case 'refused':
      // It may be in another log and be read late, so it is not a sign of life.
      return denied(streamState, clip(reading.tool, limits.nameLength));
    case 'background':
      return { ...streamState, background: Math.max(0, whole(reading.tasks) ?? 0) };
    case 'tokens':
      return {
        ...streamState,
        model: named(reading.model) ?? streamState.model,
        meter: metered(streamState.meter, reading),
      };
    case 'cost':
      return { ...streamState, meter: costed(streamState.meter, reading) };
    case 'limit':
      return { ...streamState, limitResetsAt: instant(reading.resetsAt) ?? streamState.limitResetsAt };
    case 'error':
      return {
        ...streamState,
        lastError: clipped(reading.failure),
        lastErrorAt: at,
        limitResetsAt: instant(reading.failure.resetsAt) ?? streamState.limitResetsAt,
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
      return { ...streamState, complaint: clipped(reading.failure) };
    case 'retrying':
      // The event may come from the other log and be read after the result that followed it.
      if (streamState.result !== null) return streamState;
      return {
        ...streamState,
        retrying: {
          attempt: whole(reading.attempt),
          of: whole(reading.of),
          message: clip(reading.message, limits.errorLength),
          at,
        },
      };
    case 'result':
      return {
        ...streamState,
        speaking: false,
        retrying: null,
        gap: false,
        result: { failure: reading.failure === null ? null : told(reading.failure, streamState.lastError), at },
        limitResetsAt: instant(reading.failure?.resetsAt ?? null) ?? streamState.limitResetsAt,
      };
  }
}

/** Applies a sign of life. The agent is no longer retrying, has recovered from its last error, and its result was not final. */
function goingOn(streamState: StreamState): StreamState {
  if (streamState.retrying === null && streamState.lastError === null && streamState.result === null)
    return streamState;
  return { ...streamState, retrying: null, lastError: null, lastErrorAt: null, result: null };
}

function said(streamState: StreamState, { text, delta }: Extract<AgentEvent, { type: 'message' }>): StreamState {
  if (text.trim() === '' && !(delta && streamState.speaking)) return streamState;
  const more = delta && streamState.speaking;
  const words = more ? streamState.text + text : text;
  return {
    ...streamState,
    speaking: delta,
    messages: streamState.messages + (more ? 0 : 1),
    text: delta && words.length <= limits.accountTextLength ? unfinished(words) : clip(words, limits.accountTextLength),
  };
}

/** Returns well-formed text, but keeps half a character at the end, because the next delta may bring the other half. */
function unfinished(words: string): string {
  const last = words.charCodeAt(words.length - 1);
  const half = last >= 0xd800 && last <= 0xdbff;
  return half ? `${words.slice(0, -1).toWellFormed()}${words.at(-1)}` : words.toWellFormed();
}

function toolStarted(
  streamState: StreamState,
  reading: Extract<AgentEvent, { type: 'tool-started' }>,
  at: number,
): StreamState {
  const { id, tool, kind, command, paths } = reading;
  const key = clip(id, limits.keyLength);
  // A tool that is reported at its start and at its end is still one call.
  if (Object.hasOwn(streamState.openTools, key)) return streamState;
  const open: OpenTool = {
    tool: clip(tool, limits.nameLength),
    kind,
    command: command === null ? null : clip(command, limits.accountCommandLength),
    paths: paths.slice(0, limits.accountPathsPerTool).map((path) => clip(path, limits.accountPathLength)),
    at,
  };
  const others = Object.entries(streamState.openTools).slice(-(limits.accountOpenTools - 1));
  return {
    ...streamState,
    speaking: false,
    toolCalls: streamState.toolCalls + 1,
    openTools: Object.fromEntries([...others, [key, open]]),
  };
}

function toolEnded(
  streamState: StreamState,
  reading: Extract<AgentEvent, { type: 'tool-ended' }>,
  at: number,
): StreamState {
  const key = clip(reading.id, limits.keyLength);
  if (!Object.hasOwn(streamState.openTools, key)) return streamState;
  const { [key]: tool, ...openTools } = streamState.openTools;
  if (tool === undefined) return streamState;
  const ended: StreamState = { ...goingOn(streamState), openTools };
  // A refused read does not keep the agent from its work.
  if (reading.denied) return tool.kind === 'read' ? ended : denied(ended, tool.tool);
  const worked = !reading.failed && (tool.kind === 'command' || tool.kind === 'write');
  const acted = tool.kind === 'command' || worked;
  const counted: StreamState = {
    ...ended,
    denials: worked ? { ...ended.denials, worked: true } : ended.denials,
    lastActionAt: acted ? at : ended.lastActionAt,
  };
  const withCommand = tool.kind === 'command' ? withRecord(counted, tool, reading, at) : counted;
  const files =
    reading.files ?? (worked && tool.kind === 'write' ? tool.paths.map((path) => ({ path, kind: null })) : []);
  return withFiles(withCommand, files, at);
}

function denied(streamState: StreamState, tool: string): StreamState {
  const { count, tools } = streamState.denials;
  const known = tools.includes(tool) || tools.length >= limits.accountDeniedTools;
  return {
    ...streamState,
    denials: { ...streamState.denials, count: count + 1, tools: known ? tools : [...tools, tool] },
  };
}

function withRecord(
  streamState: StreamState,
  tool: OpenTool,
  { exitCode, failed }: { exitCode: number | null; failed: boolean },
  at: number,
): StreamState {
  const record: CommandRecord = { command: tool.command ?? tool.tool, exitCode: whole(exitCode), failed, at };
  return {
    ...streamState,
    commands: streamState.commands + 1,
    commandsFailed: streamState.commandsFailed + (failed ? 1 : 0),
    recentCommands: [...streamState.recentCommands, record].slice(-limits.accountCommands),
  };
}

/** Adds all changes at once. One event with a hundred thousand files then copies the list once. */
function withFiles(streamState: StreamState, changes: readonly FileChange[], at: number): StreamState {
  if (changes.length === 0) return streamState;
  const files = new Map(Object.entries(streamState.files));
  let more = streamState.filesMore;
  for (const change of changes) {
    const path = clip(change.path, limits.accountPathLength);
    const before = files.get(path);
    if (before === undefined && files.size >= limits.accountFiles) {
      more += 1;
      continue;
    }
    // A file that was added and then changed is still a new one.
    const kind = before?.kind === 'add' && change.kind !== 'delete' ? 'add' : change.kind;
    files.set(path, { kind, times: (before?.times ?? 0) + 1, at });
  }
  return { ...streamState, files: Object.fromEntries(files), filesMore: more };
}

/** Returns whether only a person gets past the failure. The agent cannot, however long it stays. */
export function isFatal(failure: Failure): boolean {
  return failure.final === true || failure.class === 'auth_required' || failure.class === 'quota_exhausted';
}

export const unexplained = 'It said that it failed, but not why.';

/** Completes a failed result without a message or class from the preceding error. */
function told(failure: Failure, before: Failure | null): Failure {
  const rest = {
    class: failure.class ?? before?.class ?? null,
    resetsAt: failure.resetsAt ?? before?.resetsAt ?? null,
  };
  if (failure.message !== '') return clipped({ ...failure, ...rest });
  return before === null ? { ...rest, message: unexplained, by: 'clip' } : clipped({ ...before, ...rest });
}

function named<T extends string | null>(text: T): T | string {
  return text === null ? text : clip(text, limits.nameLength);
}

function clipped(failure: Failure): Failure {
  return { ...failure, message: clip(failure.message, limits.errorLength), resetsAt: instant(failure.resetsAt) };
}

/** Returns null for anything but a whole number. Values of a stream are not trusted. */
function whole(value: number | null): number | null {
  return value !== null && Number.isSafeInteger(value) ? value : null;
}

/** Returns null for an invalid time. The largest date is 100 million days from 1970. */
function instant(ms: number | null): number | null {
  return ms !== null && Math.abs(ms) <= 8.64e15 ? Math.round(ms) : null;
}

const clip = cutText;
