/**
 * What clip knows of one agent CLI: how to start it, and how to read its stream.
 *
 * An adapter is pure. It gets what a run was asked to do and says which command that is; it gets lines
 * of the run's logs, whole, in order, each once, and says what they mean. It never throws for a line it
 * does not understand: other programs change their words without asking.
 */
import type { AgentProfile } from '../run/agent.ts';
import { reportMarker } from '../run/agent-report.ts';
import type { ErrorClass, Reading } from '../run/reading.ts';
import { isObject, type Json, jsonIn } from './json.ts';
import { type Cut, cutLines, noCut } from './lines.ts';
import { reportsIn } from './reports.ts';

export type Launch = {
  readonly agent: AgentProfile;
  /** The session to go on with; null for a new one. */
  readonly sessionId: string | null;
  /** Where the prompt lies, for the few that cannot read it from standard input. */
  readonly promptPath: string;
  /** The environment the run gets; looked at, for variables that are merged. */
  readonly environment: Readonly<Record<string, string>>;
};

/** How a run of an agent is started. The prompt comes on standard input, whatever its length. */
export type Prepared = {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Variables of the caller that would confuse the agent. */
  readonly removeEnv: readonly string[];
  readonly stdin: 'prompt' | 'none';
};

export type Stream = 'stdout' | 'stderr';

/** When and where a line was read: words like "try again at 1:21 PM" mean nothing without. */
export type ReadAt = { readonly at: number; readonly timeZone: string };

export type { Json } from './json.ts';

export type Adapter = {
  readonly prepare: (launch: Launch) => Prepared;
  /** The signal that makes it end its own tools and save its session; null where SIGTERM does no worse (measured, docs/agents.md). */
  readonly politeSignal: 'SIGINT' | null;
  /** Null for commands without a stream that could be read; of them only reports are. */
  readonly stream: {
    /** A line that is a JSON object. */
    readonly readEvent: (event: Json, at: ReadAt) => readonly Reading[];
    /** Any other line. */
    readonly readText: (line: string, stream: Stream, at: ReadAt) => readonly Reading[];
    readonly needsResult: boolean;
    /** Its tools lead sessions of their own (measured): what else lives in its session is the CLI itself, and no sign of work. */
    readonly toolsLeadSessions: boolean;
    readonly classOfExit: (code: number) => ErrorClass | null;
  } | null;
};

/** How far one log was read. `offset`: bytes up to the end of the last whole line, where a new reader begins. */
export type ReadState = { readonly offset: number; readonly cut: Cut };

export const readFrom = (offset: number): ReadState => ({ offset, cut: noCut });

/** Reads the next bytes of a log, cut wherever they happen to be. Never throws. */
export function read(adapter: Adapter, state: ReadState, chunk: Uint8Array, from: { stream: Stream; at: ReadAt }): { state: ReadState; readings: Reading[] } {
  const { lines, consumed, cut } = cutLines(state.cut, chunk);
  const readings = lines.flatMap((line) => (line === null ? [] : readLine(adapter, line, from)));
  return { state: { offset: state.offset + consumed, cut }, readings };
}

/** What is left when the log has ended without a final line break. */
export function readRest(adapter: Adapter, state: ReadState, from: { stream: Stream; at: ReadAt }): { state: ReadState; readings: Reading[] } {
  return read(adapter, state, lineBreak, from);
}

const lineBreak = new Uint8Array([0x0a]);

function readLine({ stream: reader }: Adapter, text: string, { stream, at }: { stream: Stream; at: ReadAt }): readonly Reading[] {
  const line = text.trim();
  if (line === '' || (reader === null && !line.includes(reportMarker))) return [];
  try {
    const events = eventsIn(line);
    const reports = line.includes(reportMarker) ? reportsIn(events ?? withoutControls(line)) : [];
    // A line that is a report and nothing else is nobody's words.
    if (reader === null || (reports.length > 0 && line.startsWith(reportMarker))) return reports;
    const readings = events ? events.flatMap((event) => reader.readEvent(event, at)) : reader.readText(withoutControls(line), stream, at);
    return [...readings, ...reports];
  } catch {
    // A line of a shape nobody has seen: the others still count.
    return [];
  }
}

/** Null for a line that is text. Told to give JSON but no stream of it, some give all their events at the end in one list. */
export function eventsIn(line: string): readonly Json[] | null {
  if (!line.startsWith('{') && !line.startsWith('[{')) return null;
  const value = jsonIn(line);
  if (Array.isArray(value)) return value.filter(isObject);
  return isObject(value) ? [value] : null;
}

/** Colours and other terminal control sequences: they are no part of what is said. */
export function withoutControls(line: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed here
  return line.replace(/\u001b\[[0-9;?]*[ -/]*[@-~]/g, '');
}
