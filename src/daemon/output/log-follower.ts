/**
 * Reads the logs of agents as they grow. Adapters turn lines into agent events, which are folded into the stream
 * state of the run. The state is stored in one transaction with the offset up to which it was read. So after a crash
 * the next daemon continues there, and nothing is counted twice or missed.
 */
import { join } from 'node:path';
import { type Adapter, type ReadAt, type ReadState, read, readFrom, readRest, type Stream } from '#adapters/adapter.ts';
import { findAdapter } from '#adapters/registry.ts';
import { localeIn, timeZoneIn } from '#adapters/time-zone.ts';
import { failpoint } from '#launch/failpoints.ts';
import { runFiles } from '#process/run-folder.ts';
import { readEnvironment } from '#process/run-folder-writer.ts';
import { isLasting, type OpenTail, openTail } from '#process/tail.ts';
import { systemTimeZone } from '#process/time-zone.ts';
import { sessionOwner } from '#run/agent.ts';
import type { AgentEvent } from '#run/agent-event.ts';
import type { SentReport } from '#run/agent-report.ts';
import { cutText } from '#run/cut-text.ts';
import { limits } from '#run/limits.ts';
import { isAlive, type Run } from '#run/run.ts';
import { withoutSecrets } from '#run/secret.ts';
import type { StreamDigest } from '#run/stream-digest.ts';
import { isCountedWhole, judgeStream, type SeenExit, type StreamOutcome, unreadable } from '#run/stream-outcome.ts';
import { emptyStreamState, fold, type Guard, type StreamState } from '#run/stream-state.ts';
import { noTotals, type SessionTotals, totalsAfter } from '#run/usage.ts';
import type { StoredEvent } from '#store/events.ts';
import type { Store } from '#store/store.ts';
import type { WriteTransaction } from '#store/transaction.ts';
import { redact } from '#task/redact/redact.ts';
import type { RunTokens } from '../agents/run-tokens.ts';
import type { ChangeFeed } from '../core/change-feed.ts';
import type { LogFunction } from '../core/log.ts';
import type { Supervisor } from '../core/supervisor.ts';
import type { Reports } from './agent-reports.ts';
import { createSessionUsage } from './session-usage.ts';
import { findStreamChanges } from './stream-changes.ts';

export type LogFollower = ReturnType<typeof createLogFollower>;

type Tail = {
  readonly run: Run;
  readonly adapter: Adapter;
  readonly logs: Record<Stream, ReadState>;
  /** The stored stream state. */
  streamState: StreamState;
  /** The stream state including what was read since. */
  next: StreamState;
  before: SessionTotals | null;
  /** Reader of the session file, for CLIs whose session files report usage earlier than their stream. */
  readonly usage: ReturnType<typeof createSessionUsage> | null;
  /** The time zone of the run's environment, in which its CLI states times. */
  readonly timeZone: string;
  readonly locale: string;
  /** Reports that were read and are not stored yet. */
  reports: SentReport[];
  /** Secrets that are redacted in everything stored, because an agent may quote them: the run's token, and secret values of its variables. */
  readonly hidden: readonly string[];
  /** Chain of readings: each begins when the one before has been stored. */
  turn: Promise<void>;
  /** True after a reading could not be stored. */
  broken: boolean;
};

/** Number of bytes before the offset that are remembered as a guard. */
const guardBytes = 64;
const streams: readonly Stream[] = ['stdout', 'stderr'];
const readOffsets = ({ logs }: Tail) => ({ stdout: logs.stdout.offset, stderr: logs.stderr.offset });
const hasStream = ({ spec }: Run): boolean => findAdapter(spec.agent).stream !== null;
const describeOwner = ({ spec }: Run): string => (spec.agent === null ? spec.adapter : sessionOwner(spec.agent));

export function createLogFollower(deps: {
  store: Store;
  supervisor: Supervisor;
  changeFeed: ChangeFeed;
  tokens: RunTokens;
  reports: Reports;
  now: () => number;
  log: LogFunction;
  folderOf: (run: Run) => string;
  /** Returns secret values of the variables of this run. */
  secretsOf: (run: Run) => readonly string[];
}) {
  const { store } = deps;
  const logFollower = new Map<number, Tail>();

  /** Returns the reading state of a run; null for a plain command. For an agent without a stream, only reports are read. */
  function findTail(run: Run): Tail | null {
    const known = logFollower.get(run.number);
    if (known) return known;
    if (run.spec.agent === null) return null;
    const adapter = findAdapter(run.spec.agent);
    const row = store.streamStates.ofRun(run.number);
    const environment = readEnvironment(deps.folderOf(run));
    const file = adapter.sessionFile;
    const tail: Tail = {
      run,
      adapter,
      logs: { stdout: readFrom(row?.offsets.stdout ?? 0), stderr: readFrom(row?.offsets.stderr ?? 0) },
      streamState: row?.streamState ?? emptyStreamState,
      next: row?.streamState ?? emptyStreamState,
      before: row?.before ?? null,
      usage: file === null ? null : createSessionUsage({ file, environment, log: deps.log }),
      timeZone: timeZoneIn(environment, systemTimeZone()),
      locale: localeIn(environment),
      reports: [],
      hidden: [deps.tokens.of(run), ...deps.secretsOf(run)],
      turn: Promise.resolve(),
      broken: false,
    };
    logFollower.set(run.number, tail);
    return tail;
  }

  /** Reads new output. */
  async function follow(run: Run): Promise<void> {
    const tail = findTail(run);
    if (tail) await inTurn(tail, () => readOn(tail, limits.tailBatchBytes));
  }

  /**
   * Reads the log of an ended process to the end and returns the outcome. If a log can never be read to its end,
   * because it is gone or no regular file any more, the outcome is unreadable. Throws for temporary errors.
   */
  async function finish(run: Run, exit: SeenExit): Promise<StreamOutcome | null> {
    const tail = findTail(run);
    if (!tail) return null;
    const { stream } = tail.adapter;
    let missing: string | null = null;
    await inTurn(tail, async () => {
      missing = await readToEnd(tail);
      if (stream !== null && missing === null)
        tail.next = { ...tail.next, countedWhole: isCountedWhole(tail.next, exit, stream) };
      record(tail);
    });
    if (stream === null) return null;
    // Neither a keeper nor the stream shows the end, so the run is lost and may be retried.
    if (missing !== null) return exit === null ? null : unreadable(missing);
    return judgeStream(tail.streamState, exit, stream);
  }

  /** Returns null, or why one of the logs can never be read to its end. The other log is read in any case. */
  async function readToEnd(tail: Tail): Promise<string | null> {
    while (await readOn(tail, limits.tailBatchBytes));
    let missing: string | null = null;
    for (const stream of streams) {
      const what = stream === 'stdout' ? 'its standard output' : 'its standard error';
      try {
        if ((await readLog(tail, stream, limits.tailBatchBytes)).size === null)
          missing ??= `the file with ${what} is gone`;
        else readLast(tail, stream);
      } catch (error) {
        if (!isLasting(error)) throw error;
        missing ??= `the file with ${what} cannot be read (${(error as Error).message})`;
      }
    }
    await readUsage(tail, limits.sessionFileEndBytes);
    return missing;
  }

  function inTurn(tail: Tail, work: () => Promise<unknown>): Promise<void> {
    const turn = tail.turn.then(async () => {
      if (tail.broken) throw new Error('The reading before this one failed; it begins again from what was stored.');
      await work();
    });
    // A failed reading (e.g. disk full) is discarded. The next one starts from the stored state.
    tail.turn = turn.catch(() => {
      tail.broken = true;
      if (logFollower.get(tail.run.number) === tail) logFollower.delete(tail.run.number);
    });
    return turn;
  }

  /** Reads one batch. Returns true if more may be waiting. */
  async function readOn(tail: Tail, bytesMax: number): Promise<boolean> {
    const before = readOffsets(tail);
    let most = 0;
    for (const stream of streams) most = Math.max(most, await readSoFar(tail, stream, bytesMax));
    const used = await readUsage(tail, bytesMax);
    const after = readOffsets(tail);
    if (used || after.stdout !== before.stdout || after.stderr !== before.stderr) record(tail);
    return most >= bytesMax;
  }

  /** Reads one log. A lasting error does not block the other log, and is reported at the end. */
  async function readSoFar(tail: Tail, stream: Stream, bytesMax: number): Promise<number> {
    try {
      return (await readLog(tail, stream, bytesMax)).bytes;
    } catch (error) {
      if (!isLasting(error)) throw error;
      return 0;
    }
  }

  /** Reads the session file of the CLI. Returns true if it had new usage. */
  async function readUsage(tail: Tail, bytesMax: number): Promise<boolean> {
    const { sessionId, sessionFileOffset, meter } = tail.next;
    if (tail.usage === null || sessionId === null) return false;
    const { state, queuedAt } = deps.supervisor.find(tail.run.number) ?? tail.run;
    const startedAt = isAlive(state) ? state.startedAt : queuedAt;
    const told = await tail.usage.read({ id: sessionId, startedAt, known: sessionFileOffset }, bytesMax);
    if (told === null) return false;
    // The session file holds the total of the session, including use between runs.
    if (told.before !== null)
      tail.before = { tokens: told.before, costUsd: (tail.before ?? totalsBefore(tail.run, sessionId)).costUsd };
    // The stream has already reported the sum, so single calls are ignored.
    const readings =
      meter.part === null
        ? told.readings
        : told.readings.filter((reading) => reading.type !== 'tokens' || reading.scope !== 'call');
    tail.next = { ...fold(tail.next, readings, deps.now()), sessionFileOffset: told.offset };
    return readings.length > 0;
  }

  async function readLog(
    tail: Tail,
    stream: Stream,
    bytesMax: number,
  ): Promise<{ readonly bytes: number; readonly size: number | null }> {
    const path = join(deps.folderOf(tail.run), stream === 'stdout' ? runFiles.stdout : runFiles.stderr);
    const begin = tail.logs[stream];
    const offset = begin.offset + begin.cut.bytes;
    const file = await openTail(path);
    if (file === null) return { bytes: 0, size: null };
    try {
      const expected = expectedInode(tail.run, stream);
      if (expected !== null && file.inode !== expected) throw replaced();
      if (await isRewritten(file, offset, tail.next.guards[stream])) {
        // It is unknown whether the present content was read, so it is skipped. Lines in it may be lost.
        const size = await file.size();
        take(tail, stream, { state: readFrom(size), readings: stream === 'stdout' ? [{ type: 'gap' }] : [] });
        await keepGuard(tail, stream, file);
        return { bytes: 0, size };
      }
      let bytes = 0;
      // Chunk by chunk, each in its own turn of the event loop, because a megabyte of short lines takes time.
      await file.read({ offset, bytesMax, chunkBytes: limits.tailChunkBytes }, (chunk) => {
        take(tail, stream, read(tail.adapter, tail.logs[stream], chunk, { stream, at: readAt(tail) }));
        bytes += chunk.length;
      });
      if (bytes > 0) await keepGuard(tail, stream, file);
      return { bytes, size: await file.size() };
    } finally {
      await file.close();
    }
  }

  /** Returns the inode of the original log; null if unknown. */
  function expectedInode(run: Run, stream: Stream): number | null {
    const { state } = deps.supervisor.find(run.number) ?? run;
    const logs = isAlive(state) ? state.leader.logs : undefined;
    return logs?.[stream] ?? null;
  }

  async function keepGuard(tail: Tail, stream: Stream, file: OpenTail): Promise<void> {
    const { offset } = tail.logs[stream];
    const from = Math.max(0, offset - guardBytes);
    const bytes = (await file.bytesAt(from, offset - from)).toString('hex');
    tail.next = { ...tail.next, guards: { ...tail.next.guards, [stream]: { from, bytes } } };
  }

  /** Reads a last line without a line break. */
  function readLast(tail: Tail, stream: Stream): void {
    const state = tail.logs[stream];
    if (state.cut.bytes === 0) return;
    const last = readRest(tail.adapter, state, { stream, at: readAt(tail) });
    // The line break was added here, so the log ends one byte earlier.
    take(tail, stream, { state: readFrom(last.state.offset - 1), readings: last.readings });
  }

  function take(
    tail: Tail,
    stream: Stream,
    { state, readings }: { state: ReadState; readings: readonly AgentEvent[] },
  ): void {
    tail.logs[stream] = state;
    for (const reading of readings) if (reading.type === 'report') tail.reports.push(reading);
    const next = fold(tail.next, withoutSecrets(readings.map(shown(tail)), tail.hidden), deps.now());
    // A secret that is split between two pieces of a message is found only in the joined text.
    tail.next = tail.hidden.some((secret) => next.text.includes(secret))
      ? { ...next, text: withoutSecrets(next.text, tail.hidden) }
      : next;
  }

  /** Returns a function that redacts failure messages, which lists and events show. Providers may quote the key that they refuse. */
  function shown({ hidden }: Tail): (reading: AgentEvent) => AgentEvent {
    return (reading) => {
      if (!('failure' in reading) || reading.failure === null) return reading;
      const message = redact(cutText(reading.failure.message, 2 * limits.errorLength), hidden);
      return { ...reading, failure: { ...reading.failure, message } };
    };
  }

  function readAt({ timeZone, locale }: Tail): ReadAt {
    return { at: deps.now(), timeZone, locale };
  }

  /** Stores the stream state, the offsets and the session. Notifies watchers of notable changes. */
  function record(tail: Tail): void {
    failpoint('tail.after-readings');
    const { run, next: streamState, reports } = tail;
    const at = deps.now();
    // Only reports can change the run itself, so only they need a transaction of the supervisor.
    const stored =
      reports.length === 0
        ? store.transaction((tx) => storeState(tx, tail, at))
        : deps.supervisor.transaction((tx) => {
            const state = storeState(tx, tail, at);
            deps.reports.read(tx, run.number, reports);
            return state;
          });
    tail.reports = [];
    tail.streamState = streamState;
    tail.before = stored.before;
    for (const event of stored.events) deps.changeFeed.tell({ run: deps.supervisor.find(run.number) ?? run, event });
  }

  function storeState(
    tx: WriteTransaction,
    tail: Tail,
    at: number,
  ): { readonly before: SessionTotals | null; readonly events: readonly StoredEvent[] } {
    const { run, next: streamState } = tail;
    const { sessionId } = streamState;
    const before = tail.before ?? (sessionId === null ? null : totalsBefore(run, sessionId));
    store.streamStates.put(tx, run.number, { streamState, offsets: readOffsets(tail), before });
    if (sessionId !== null) {
      const totals = totalsAfter(streamState.meter, before ?? noTotals);
      store.sessions.put(tx, { owner: describeOwner(run), id: sessionId, cwd: run.spec.cwd, totals }, run.number, at);
    }
    const about = { at, run: run.number, runId: run.id, taskId: run.lineage.taskId };
    const events = findStreamChanges(tail.streamState, streamState).map(({ type, ...data }) =>
      store.events.append(tx, { ...about, type, data: { type, ...data } }),
    );
    return { before, events };
  }

  function totalsBefore(run: Run, sessionId: string): SessionTotals {
    return store.sessions.totals(describeOwner(run), sessionId);
  }

  return {
    follow,
    finish,
    /** Returns the stream state of a live run; null without a stream. */
    streamStateOf: (run: Run): StreamState | null => (hasStream(run) ? (findTail(run)?.streamState ?? null) : null),
    /** Returns the stream digest for lists; null without a stream, or if nothing was read yet. */
    digestOf: (run: Run): StreamDigest | null => (hasStream(run) ? store.streamStates.glance(run.number) : null),
    /** Returns the session that a run has opened. No other run may resume it meanwhile. */
    sessionOf({ number, spec }: Run): string | null {
      if (spec.agent === null) return null;
      return logFollower.get(number)?.streamState.sessionId ?? store.streamStates.glance(number)?.sessionId ?? null;
    },
    forget(number: number): void {
      logFollower.delete(number);
    },
  };
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
