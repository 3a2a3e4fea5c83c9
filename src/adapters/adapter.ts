/**
 * The adapter of an agent CLI: how to start it, and how to read its stream.
 *
 * An adapter is pure. It turns a request into a command, and log lines into agent events. It gets whole lines, in
 * order, each once. It never throws for an unknown line, because other programs change their output without notice.
 */
import type { AgentProfile } from '#run/agent.ts';
import type { AgentEvent, ErrorClass } from '#run/agent-event.ts';
import { reportMarker } from '#run/agent-report.ts';
import type { Tells } from '#run/budget.ts';
import { isObject, type Json, jsonIn } from './json.ts';
import { cutLines, type LineCut, noCut } from './log-lines.ts';
import { reportsIn } from './printed-reports.ts';
import { withoutControls } from './strip-controls.ts';

export type Launch = {
  readonly agent: AgentProfile;
  /** The session to resume. Null for a new one. */
  readonly sessionId: string | null;
  /** A UUID for the new session, for CLIs that let the caller choose it. */
  readonly newSessionId: string;
  /** The path of the prompt, for the few CLIs that cannot read it from standard input. */
  readonly promptPath: string;
  /** The environment of the run. Adapters read it to merge variables. */
  readonly environment: Readonly<Record<string, string>>;
};

/** How a run of an agent is started. The prompt is passed on standard input, whatever its length. */
export type PreparedInvocation = {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Variables of the caller's environment that would confuse the agent. */
  readonly removeEnv: readonly string[];
  readonly stdin: 'prompt' | 'none';
  /** The id of the session that begins, where the caller has chosen it. A run that is killed can then be resumed. */
  readonly newSessionId?: string;
};

export type Stream = 'stdout' | 'stderr';

/**
 * The time at which a line was read, with the time zone and language of the run. Times like "try again at 1:21 PM" or
 * "resets 1/12" cannot be resolved without them.
 */
export type ReadAt = { readonly at: number; readonly timeZone: string; readonly locale?: string };

/**
 * Returns the type of an error in plain text. On standard error, where tools and logs write as well, an error explains
 * a failure but does not cause one.
 */
export function errorOn(stream: Stream): 'error' | 'complaint' {
  return stream === 'stdout' ? 'error' : 'complaint';
}

export type { Json } from './json.ts';

/** The file in which a CLI stores a session, when it reports usage earlier than the stream does. */
export type SessionFile = {
  /** Returns the possible places of the file, the likeliest first. Returns none when the environment does not tell. */
  readonly places: (session: SessionOfRun) => readonly SessionPlace[];
  /** Whether its counts are totals of the session, so that the newest one is enough. Otherwise each count is added. */
  readonly hasTotals: boolean;
  /** A text that every line with usage contains. Other lines are not parsed. */
  readonly marker: string;
  /** Returns whether a file with this first line belongs to the session. */
  readonly isOf: (first: Json, id: string) => boolean;
  /** Reads the events of a line and the time at which it was written. */
  readonly read: (event: Json) => { readonly at: number | null; readonly readings: readonly AgentEvent[] };
};
export type SessionOfRun = {
  readonly id: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly startedAt: number;
};
/**
 * A place of a session file: steps of a path from the root, where `*` stands for any folder, and the prefix and suffix
 * of the file name.
 */
export type SessionPlace = { readonly folders: readonly string[]; readonly prefix: string; readonly suffix: string };

export type Adapter = {
  readonly prepare: (launch: Launch) => PreparedInvocation;
  /**
   * The signal on which the CLI ends its tools and saves its session. Null where SIGTERM has the same effect (measured,
   * docs/agents/what-is-known.md).
   */
  readonly politeSignal: 'SIGINT' | null;
  readonly tells: Tells;
  readonly sessionFile: SessionFile | null;
  /** How its stream is read. Null for commands without a readable stream, from which only reports are read. */
  readonly stream: {
    /** Reads a line of standard output that is a JSON object. */
    readonly readEvent: (event: Json, at: ReadAt) => readonly AgentEvent[];
    /** Reads any other line. On standard error only text counts, and only lines that the adapter recognizes. */
    readonly readText: (line: string, stream: Stream, at: ReadAt) => readonly AgentEvent[];
    /**
     * Reads a JSON object on the standard error of a program of clip's own, which is the only writer there. Absent for
     * every other CLI.
     */
    readonly readOwnError?: (event: Json) => readonly AgentEvent[];
    readonly needsResult: boolean;
    /**
     * Whether its tools lead sessions of their own (measured). Other processes in its session are then the CLI itself,
     * and no sign of work.
     */
    readonly toolsLeadSessions: boolean;
    readonly classOfExit: (code: number) => ErrorClass | null;
  } | null;
};

/** How far one log was read. `offset`: the end of the last whole line, where a new reader begins. */
export type ReadState = { readonly offset: number; readonly cut: LineCut };

export const readFrom = (offset: number): ReadState => ({ offset, cut: noCut });

/** Reads the next bytes of a log, which may end anywhere. It never throws: what cannot be read becomes a gap. */
export function read(
  adapter: Adapter,
  state: ReadState,
  chunk: Uint8Array,
  from: { stream: Stream; at: ReadAt },
): { state: ReadState; readings: AgentEvent[] } {
  const { lines, consumed, cut } = cutLines(state.cut, chunk);
  const readings = lines.flatMap((line) => {
    if (typeof line === 'string') return readLine(adapter, line, from);
    return line.tooLong === 'event' ? gapIn(adapter, from.stream) : [];
  });
  return { state: { offset: state.offset + consumed, cut }, readings };
}

/** Reads the rest of a log that has ended without a final line break. */
export function readRest(
  adapter: Adapter,
  state: ReadState,
  from: { stream: Stream; at: ReadAt },
): { state: ReadState; readings: AgentEvent[] } {
  return read(adapter, state, lineBreak, from);
}

const lineBreak = new Uint8Array([0x0a]);

function readLine(
  adapter: Adapter,
  text: string,
  { stream, at }: { stream: Stream; at: ReadAt },
): readonly AgentEvent[] {
  const { stream: reader } = adapter;
  const line = text.trim();
  if (line === '' || (reader === null && !line.includes(reportMarker))) return [];
  try {
    const events = eventsIn(line);
    const reports = line.includes(reportMarker) ? reportsIn(events ?? withoutControls(line)) : [];
    // A line that is only a report is not a message of the agent.
    if (reader === null || (reports.length > 0 && line.startsWith(reportMarker))) return reports;
    return [...parseRecord(reader, { line, events, stream }, at), ...reports];
  } catch {
    // A line of unknown form. The other lines still count, but the content of this one is unknown.
    return gapIn(adapter, stream);
  }
}

/** Returns a gap for standard output. Lines of standard error are text, and may be skipped. */
function gapIn({ stream: reader }: Adapter, stream: Stream): readonly AgentEvent[] {
  return reader === null || stream === 'stderr' ? [] : [{ type: 'gap' }];
}

type Line = { readonly line: string; readonly events: readonly Json[] | null; readonly stream: Stream };

/**
 * Reads one line. Only standard output is the stream. JSON on standard error comes from a log or a tool, so it is
 * neither an event nor a message of this agent.
 */
function parseRecord(
  reader: NonNullable<Adapter['stream']>,
  { line, events, stream }: Line,
  at: ReadAt,
): readonly AgentEvent[] {
  if (events === null) return reader.readText(withoutControls(line), stream, at);
  if (stream === 'stdout') return events.flatMap((event) => reader.readEvent(event, at));
  return events.flatMap((event) => reader.readOwnError?.(event) ?? []);
}

/** Returns the events of a JSON line, or null for text. Some CLIs print all events at the end in one list. */
export function eventsIn(line: string): readonly Json[] | null {
  if (!line.startsWith('{') && !line.startsWith('[{')) return null;
  const value = jsonIn(line);
  if (Array.isArray(value)) return value.filter(isObject);
  return isObject(value) ? [value] : null;
}
