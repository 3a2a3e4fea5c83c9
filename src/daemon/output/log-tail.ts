/** Reads the logs of one run as they grow, from where the last reading was stored. */
import { join } from 'node:path';
import { type Adapter, type ReadAt, type ReadState, read, readFrom, readRest, type Stream } from '#adapters/adapter.ts';
import { findAdapter } from '#adapters/registry.ts';
import { localeIn, timeZoneIn } from '#adapters/run-time-zone.ts';
import { runFiles } from '#process/run-folder.ts';
import { readEnvironment } from '#process/run-folder-writer.ts';
import { isLasting, type OpenTail, openTail } from '#process/tail.ts';
import { systemTimeZone } from '#process/time-zone.ts';
import type { AgentEvent } from '#run/agent-event.ts';
import type { SentReport } from '#run/agent-report.ts';
import { cutText } from '#run/cut-text.ts';
import { limits } from '#run/limits.ts';
import { isAlive, type Run } from '#run/run.ts';
import { withoutSecrets } from '#run/secret.ts';
import { isCountedWhole, type SeenExit } from '#run/stream-outcome.ts';
import { emptyStreamState, fold, type Guard, type StreamState } from '#run/stream-state.ts';
import type { SessionTotals } from '#run/usage.ts';
import { redact } from '#task/redact/redact.ts';
import type { LogFunction } from '../core/log.ts';
import { createSessionUsage } from './session-usage.ts';

/** What was stored of earlier readings. */
export type StoredReading = {
  readonly streamState: StreamState;
  readonly offsets: Readonly<Record<Stream, number>>;
  /** Totals of the session before this run; null if unknown. */
  readonly before: SessionTotals | null;
};

type TailDeps = {
  readonly folder: string;
  readonly stored: StoredReading | null;
  /** Values that are redacted in everything stored, because an agent may quote them. */
  readonly hidden: readonly string[];
  /** Returns the run as it is now. */
  readonly findRun: () => Run;
  /** Returns the totals of a session before this run. */
  readonly totalsBefore: (sessionId: string) => SessionTotals;
  readonly now: () => number;
  readonly log: LogFunction;
};

/** Number of bytes before the offset that are remembered as a guard. */
const guardBytes = 64;
const streams: readonly Stream[] = ['stdout', 'stderr'];

export class LogTail {
  readonly run: Run;
  readonly adapter: Adapter;
  readonly #deps: TailDeps;
  readonly #logs: Record<Stream, ReadState>;
  /** Reader of the session file, for CLIs whose session files report usage earlier than their stream. */
  readonly #usage: ReturnType<typeof createSessionUsage> | null;
  /** The time zone of the run's environment, in which its CLI states times. */
  readonly #timeZone: string;
  readonly #locale: string;
  #stored: StreamState;
  #next: StreamState;
  #before: SessionTotals | null;
  #reports: SentReport[] = [];

  constructor(run: Run, deps: TailDeps) {
    const { stored, folder, log } = deps;
    const environment = readEnvironment(folder);
    this.run = run;
    this.adapter = findAdapter(run.spec.agent);
    this.#deps = deps;
    this.#logs = { stdout: readFrom(stored?.offsets.stdout ?? 0), stderr: readFrom(stored?.offsets.stderr ?? 0) };
    this.#stored = stored?.streamState ?? emptyStreamState;
    this.#next = this.#stored;
    this.#before = stored?.before ?? null;
    const { sessionFile: file } = this.adapter;
    this.#usage = file === null ? null : createSessionUsage({ file, environment, log });
    this.#timeZone = timeZoneIn(environment, systemTimeZone());
    this.#locale = localeIn(environment);
  }

  /** The stored stream state. */
  get streamState(): StreamState {
    return this.#stored;
  }

  /** What was read so far, to be stored. */
  get reading(): StoredReading & { readonly reports: readonly SentReport[] } {
    return { streamState: this.#next, offsets: this.#offsets, before: this.#before, reports: this.#reports };
  }

  /** Notes that the reading was stored, with these totals before the run. */
  noteStored({ streamState }: StoredReading, before: SessionTotals | null): void {
    this.#reports = [];
    this.#stored = streamState;
    this.#before = before;
  }

  /** Reads one batch. `isMore`: more may be waiting. */
  async readBatch(bytesMax: number): Promise<{ readonly isNew: boolean; readonly isMore: boolean }> {
    const before = this.#offsets;
    let most = 0;
    for (const stream of streams) most = Math.max(most, await this.#readSoFar(stream, bytesMax));
    const used = await this.#readUsage(bytesMax);
    const after = this.#offsets;
    const isNew = used || after.stdout !== before.stdout || after.stderr !== before.stderr;
    return { isNew, isMore: most >= bytesMax };
  }

  /**
   * Reads what is left of the logs of an ended process, last lines without a line break included. Returns null, or
   * why one of the logs can never be read to its end. The other log is read in any case.
   */
  async readLast(): Promise<string | null> {
    let missing: string | null = null;
    for (const stream of streams) {
      const what = stream === 'stdout' ? 'its standard output' : 'its standard error';
      try {
        if ((await this.#readLog(stream, limits.tailBatchBytes)).size === null)
          missing ??= `the file with ${what} is gone`;
        else this.#readLastLine(stream);
      } catch (error) {
        if (!isLasting(error)) throw error;
        missing ??= `the file with ${what} cannot be read (${(error as Error).message})`;
      }
    }
    await this.#readUsage(limits.sessionFileEndBytes);
    return missing;
  }

  /** Notes whether the usage was counted to the end of the process. */
  noteEnd(exit: SeenExit): void {
    const { stream } = this.adapter;
    if (stream !== null) this.#next = { ...this.#next, countedWhole: isCountedWhole(this.#next, exit, stream) };
  }

  get #offsets(): Record<Stream, number> {
    return { stdout: this.#logs.stdout.offset, stderr: this.#logs.stderr.offset };
  }

  /** Reads one log. A lasting error does not block the other log, and is reported at the end. */
  async #readSoFar(stream: Stream, bytesMax: number): Promise<number> {
    try {
      return (await this.#readLog(stream, bytesMax)).bytes;
    } catch (error) {
      if (!isLasting(error)) throw error;
      return 0;
    }
  }

  /** Reads the session file of the CLI. Returns true if it had new usage. */
  async #readUsage(bytesMax: number): Promise<boolean> {
    const { sessionId, sessionFileOffset, meter } = this.#next;
    if (this.#usage === null || sessionId === null) return false;
    const { state, queuedAt } = this.#deps.findRun();
    const startedAt = isAlive(state) ? state.startedAt : queuedAt;
    const told = await this.#usage.read({ id: sessionId, startedAt, known: sessionFileOffset }, bytesMax);
    if (told === null) return false;
    // The session file holds the total of the session, including use between runs.
    if (told.before !== null) {
      const { costUsd } = this.#before ?? this.#deps.totalsBefore(sessionId);
      this.#before = { tokens: told.before, costUsd };
    }
    // The stream has already reported the sum, so single calls are ignored.
    const readings =
      meter.part === null
        ? told.readings
        : told.readings.filter((reading) => reading.type !== 'tokens' || reading.scope !== 'call');
    this.#next = { ...fold(this.#next, readings, this.#deps.now()), sessionFileOffset: told.offset };
    return readings.length > 0;
  }

  async #readLog(stream: Stream, bytesMax: number): Promise<{ readonly bytes: number; readonly size: number | null }> {
    const path = join(this.#deps.folder, stream === 'stdout' ? runFiles.stdout : runFiles.stderr);
    const begin = this.#logs[stream];
    const offset = begin.offset + begin.cut.bytes;
    const file = await openTail(path);
    if (file === null) return { bytes: 0, size: null };
    try {
      const expected = this.#findInode(stream);
      if (expected !== null && file.inode !== expected) throw replaced();
      if (await isRewritten(file, offset, this.#next.guards[stream])) return await this.#skip(stream, file);
      let bytes = 0;
      // Chunk by chunk, each in its own turn of the event loop, because a megabyte of short lines takes time.
      await file.read({ offset, bytesMax, chunkBytes: limits.tailChunkBytes }, (chunk) => {
        this.#take(stream, read(this.adapter, this.#logs[stream], chunk, { stream, at: this.#readAt() }));
        bytes += chunk.length;
      });
      if (bytes > 0) await this.#keepGuard(stream, file);
      return { bytes, size: await file.size() };
    } finally {
      await file.close();
    }
  }

  /** Skips the present content of a rewritten log: it is unknown whether it was read. Lines in it may be lost. */
  async #skip(stream: Stream, file: OpenTail): Promise<{ readonly bytes: 0; readonly size: number }> {
    const size = await file.size();
    this.#take(stream, { state: readFrom(size), readings: stream === 'stdout' ? [{ type: 'gap' }] : [] });
    await this.#keepGuard(stream, file);
    return { bytes: 0, size };
  }

  /** Returns the inode of the original log; null if unknown. */
  #findInode(stream: Stream): number | null {
    const { state } = this.#deps.findRun();
    const logs = isAlive(state) ? state.leader.logs : undefined;
    return logs?.[stream] ?? null;
  }

  async #keepGuard(stream: Stream, file: OpenTail): Promise<void> {
    const { offset } = this.#logs[stream];
    const from = Math.max(0, offset - guardBytes);
    const bytes = (await file.bytesAt(from, offset - from)).toString('hex');
    this.#next = { ...this.#next, guards: { ...this.#next.guards, [stream]: { from, bytes } } };
  }

  /** Reads a last line without a line break. */
  #readLastLine(stream: Stream): void {
    const state = this.#logs[stream];
    if (state.cut.bytes === 0) return;
    const last = readRest(this.adapter, state, { stream, at: this.#readAt() });
    // The line break was added here, so the log ends one byte earlier.
    this.#take(stream, { state: readFrom(last.state.offset - 1), readings: last.readings });
  }

  #take(stream: Stream, { state, readings }: { state: ReadState; readings: readonly AgentEvent[] }): void {
    const { hidden, now } = this.#deps;
    this.#logs[stream] = state;
    for (const reading of readings) if (reading.type === 'report') this.#reports.push(reading);
    const shown = readings.map((reading) => redactFailure(reading, hidden));
    const next = fold(this.#next, withoutSecrets(shown, hidden), now());
    // A secret that is split between two pieces of a message is found only in the joined text.
    this.#next = hidden.some((secret) => next.text.includes(secret))
      ? { ...next, text: withoutSecrets(next.text, hidden) }
      : next;
  }

  #readAt(): ReadAt {
    return { at: this.#deps.now(), timeZone: this.#timeZone, locale: this.#locale };
  }
}

/** Redacts failure messages, which lists and events show. Providers may quote the key that they refuse. */
function redactFailure(reading: AgentEvent, hidden: readonly string[]): AgentEvent {
  if (!('failure' in reading) || reading.failure === null) return reading;
  const message = redact(cutText(reading.failure.message, 2 * limits.errorLength), hidden);
  return { ...reading, failure: { ...reading.failure, message } };
}

/** Returns whether the log was truncated: it is shorter than what was read, or has other bytes before the offset because it has grown again. */
async function isRewritten(file: OpenTail, offset: number, guard: Guard | null): Promise<boolean> {
  if ((await file.size()) < offset) return true;
  if (guard === null) return false;
  const wanted = Buffer.from(guard.bytes, 'hex');
  return !(await file.bytesAt(guard.from, wanted.length)).equals(wanted);
}

function replaced(): NodeJS.ErrnoException {
  return Object.assign(new Error('it is not the file that the run was started with'), { code: 'EREPLACED' });
}
