/** Recorded runs of real agent CLIs, and functions that replay them through an adapter. */
import { readdirSync, readFileSync } from 'node:fs';
import { type Adapter, type ReadState, read, readFrom, readRest, type Stream } from '#adapters/adapter.ts';
import { judgeStream, type StreamOutcome } from '#run/stream-outcome.ts';
import { emptyStreamState, fold, type StreamState } from '#run/stream-state.ts';

export type Recording = {
  readonly cli: string;
  readonly name: string;
  readonly scenario: string;
  readonly sessionId: string | null;
  readonly exit: { readonly code: number | null; readonly signal: string | null };
  /** The files in its folder afterwards. */
  readonly files: readonly string[];
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
};

const folder = new URL('../fixtures/streams/', import.meta.url);
/** The time of the recordings: 2026-11-22 12:20 in UTC. */
export const recordedAt = { at: Date.UTC(2026, 10, 22, 12, 20), timeZone: 'UTC' };

export function recordings(cli: string): readonly Recording[] {
  const names = readdirSync(new URL(`${cli}/`, folder)).flatMap((file) =>
    file.endsWith('.meta.json') ? [file.slice(0, -'.meta.json'.length)] : [],
  );
  return names.map((name) => recording(cli, name));
}

export function recording(cli: string, name: string): Recording {
  const file = (ending: string) => readFileSync(new URL(`${cli}/${name}.${ending}`, folder));
  const meta = JSON.parse(file('meta.json').toString());
  const files = (meta.files as string[]).map((each) => each.split(' ')[0] ?? each);
  const streams = { stdout: file('stdout.jsonl'), stderr: file('stderr.txt') };
  return { cli, name, scenario: meta.scenario, sessionId: meta.session_id, exit: meta.exit, files, ...streams };
}

/** Returns the pieces of these bytes in order. */
export type Cutter = (bytes: Uint8Array) => readonly Uint8Array[];
export const whole: Cutter = (bytes) => [bytes];
export const inBytes: Cutter = (bytes) => Array.from(bytes, (_, index) => bytes.subarray(index, index + 1));

type Pieces = readonly { readonly stream: Stream; readonly bytes: Uint8Array }[];

export function replay(
  adapter: Adapter,
  { stdout, stderr }: Pick<Recording, 'stdout' | 'stderr'>,
  cut: Cutter = whole,
): StreamState {
  const of = (stream: Stream, bytes: Uint8Array): Pieces => cut(bytes).map((piece) => ({ stream, bytes: piece }));
  return replayPieces(adapter, [...of('stderr', stderr), ...of('stdout', stdout)]);
}

/** Reads the pieces of the two logs in any interleaving, as the daemon may. */
export function replayPieces(adapter: Adapter, pieces: Pieces): StreamState {
  const states: Record<Stream, ReadState> = { stdout: readFrom(0), stderr: readFrom(0) };
  let streamState = emptyStreamState;
  const take = (stream: Stream, next: ReturnType<typeof read>) => {
    states[stream] = next.state;
    streamState = fold(streamState, next.readings, recordedAt.at);
  };
  for (const { stream, bytes } of pieces)
    take(stream, read(adapter, states[stream], bytes, { stream, at: recordedAt }));
  for (const stream of ['stderr', 'stdout'] as const)
    take(stream, readRest(adapter, states[stream], { stream, at: recordedAt }));
  return streamState;
}

export function reported(adapter: Adapter, streamState: StreamState, exit: Recording['exit']): StreamOutcome | null {
  return judgeStream(streamState, exit, adapter.stream ?? { needsResult: false, classOfExit: () => null });
}

/** Returns the end of a run in short. The exit decides when the stream does not. */
export function endOf(adapter: Adapter, streamState: StreamState, exit: Recording['exit']): string {
  const report = reported(adapter, streamState, exit);
  if (report?.failure) return `failed: ${report.failure.class ?? 'unclassed'}`;
  if (report) return 'succeeded';
  return exit.code === 0 ? 'succeeded' : 'failed by its exit';
}

/** The row of a table for a recording: what it did, and how it ended. */
export type Row = readonly [did: string, end: string];
/** Rows by recording, or by scenario for recordings without a row of their own. */
export type Table = Readonly<Record<string, Row>>;

/** Returns in short what a run did: tool calls, ended commands and reported file changes. */
export function describeActions({ toolCalls, commands, commandsFailed, files }: StreamState): string {
  const changes = Object.entries(files).map(([path, { kind }]) => `${kind} ${path.split('/').at(-1)}`);
  const counts = `${toolCalls} tools, ${commands} commands, ${commandsFailed} failed`;
  return [counts, ...changes].join(', ');
}
