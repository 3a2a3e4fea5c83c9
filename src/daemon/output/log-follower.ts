/**
 * Reads the logs of agents as they grow. Adapters turn lines into agent events, which are folded into the stream
 * state of the run. The state is stored in one transaction with the offset up to which it was read. So after a crash
 * the next daemon continues there, and nothing is counted twice or missed.
 */
import { findAdapter } from '#adapters/registry.ts';
import { failpoint } from '#launch/failpoints.ts';
import { sessionOwner } from '#run/agent.ts';
import { limits } from '#run/limits.ts';
import type { Run } from '#run/run.ts';
import type { StreamDigest } from '#run/stream-digest.ts';
import { judgeStream, type SeenExit, type StreamOutcome, unreadable } from '#run/stream-outcome.ts';
import type { StreamState } from '#run/stream-state.ts';
import { noTotals, type SessionTotals, totalsAfter } from '#run/usage.ts';
import type { StoredEvent } from '#store/events.ts';
import type { WriteTransaction } from '#store/transaction.ts';
import type { RunTokens } from '../agents/run-tokens.ts';
import type { Core } from '../core/core.ts';
import type { LogFunction } from '../core/log.ts';
import type { Reports } from './agent-reports.ts';
import { LogTail } from './log-tail.ts';
import { findStreamChanges } from './stream-changes.ts';

type FollowerDeps = {
  readonly tokens: Pick<RunTokens, 'of'>;
  readonly reports: Pick<Reports, 'read'>;
  /** Returns secret values of the variables of this run. */
  readonly secretsOf: (run: Run) => readonly string[];
};

type Follow = {
  readonly tail: LogTail;
  /** Chain of readings: each begins when the one before has been stored. */
  turn: Promise<void>;
  /** True after a reading could not be stored. */
  isBroken: boolean;
};

const hasStream = ({ spec }: Run): boolean => findAdapter(spec.agent).stream !== null;
const describeOwner = ({ spec }: Run): string => (spec.agent === null ? spec.adapter : sessionOwner(spec.agent));

export class LogFollower {
  readonly #core: Core;
  readonly #deps: FollowerDeps;
  readonly #log: LogFunction;
  readonly #follows = new Map<number, Follow>();

  constructor(core: Core, deps: FollowerDeps) {
    this.#core = core;
    this.#deps = deps;
    this.#log = core.logOf('log-follower');
  }

  /** Reads new output of an agent. */
  async follow(run: Run): Promise<void> {
    const follow = this.#find(run);
    if (follow) await this.#inTurn(follow, () => this.#readBatch(follow.tail));
  }

  /**
   * Reads the log of an ended process to the end and returns the outcome. If a log can never be read to its end,
   * because it is gone or no regular file any more, the outcome is unreadable. Null for a plain command, and for an
   * agent without a stream. Throws for temporary errors.
   */
  async finish(run: Run, exit: SeenExit): Promise<StreamOutcome | null> {
    const follow = this.#find(run);
    if (!follow) return null;
    const { tail } = follow;
    let missing: string | null = null;
    await this.#inTurn(follow, async () => {
      while (await this.#readBatch(tail));
      missing = await tail.readLast();
      if (missing === null) tail.noteEnd(exit);
      this.#record(tail);
    });
    const { stream } = tail.adapter;
    if (stream === null) return null;
    // Neither a keeper nor the stream shows the end, so the run is lost and may be retried.
    if (missing !== null) return exit === null ? null : unreadable(missing);
    return judgeStream(tail.streamState, exit, stream);
  }

  /** Returns the stream state of a live run; null without a stream. */
  streamStateOf(run: Run): StreamState | null {
    return hasStream(run) ? (this.#find(run)?.tail.streamState ?? null) : null;
  }

  /** Returns the stream digest for lists; null without a stream, or if nothing was read yet. */
  digestOf(run: Run): StreamDigest | null {
    return hasStream(run) ? this.#core.store.streamStates.glance(run.number) : null;
  }

  /** Returns the session that a run has opened. No other run may resume it meanwhile. */
  sessionOf({ number, spec }: Run): string | null {
    if (spec.agent === null) return null;
    const { sessionId } = this.#follows.get(number)?.tail.streamState ?? { sessionId: null };
    return sessionId ?? this.#core.store.streamStates.glance(number)?.sessionId ?? null;
  }

  /** Forgets what was read of a run. What was stored remains. */
  forget(number: number): void {
    this.#follows.delete(number);
  }

  /** Returns the reading of a run; null for a plain command. For an agent without a stream, only reports are read. */
  #find(run: Run): Follow | null {
    const known = this.#follows.get(run.number);
    if (known) return known;
    if (run.spec.agent === null) return null;
    const { store, supervisor, now, folderOf } = this.#core;
    const tail = new LogTail(run, {
      folder: folderOf(run),
      stored: store.streamStates.ofRun(run.number),
      hidden: [this.#deps.tokens.of(run), ...this.#deps.secretsOf(run)],
      findRun: () => supervisor.find(run.number) ?? run,
      totalsBefore: (sessionId) => this.#totalsBefore(run, sessionId),
      now,
      log: this.#log,
    });
    const follow: Follow = { tail, turn: Promise.resolve(), isBroken: false };
    this.#follows.set(run.number, follow);
    return follow;
  }

  #inTurn(follow: Follow, work: () => Promise<unknown>): Promise<void> {
    const turn = follow.turn.then(async () => {
      if (follow.isBroken) throw new Error('The reading before this one failed; it begins again from what was stored.');
      await work();
    });
    // A failed reading (e.g. disk full) is discarded. The next one starts from the stored state.
    follow.turn = turn.catch(() => {
      follow.isBroken = true;
      const { number } = follow.tail.run;
      if (this.#follows.get(number) === follow) this.#follows.delete(number);
    });
    return turn;
  }

  /** Reads one batch and stores it. Returns true if more may be waiting. */
  async #readBatch(tail: LogTail): Promise<boolean> {
    const { isNew, isMore } = await tail.readBatch(limits.tailBatchBytes);
    if (isNew) this.#record(tail);
    return isMore;
  }

  /** Stores the stream state, the offsets and the session. Notifies watchers of notable changes. */
  #record(tail: LogTail): void {
    failpoint('tail.after-readings');
    const { store, supervisor, changeFeed } = this.#core;
    const { run, reading } = tail;
    // Only reports can change the run itself, so only they need a transaction of the supervisor.
    const { before, events } =
      reading.reports.length === 0
        ? store.transaction((tx) => this.#store(tx, tail))
        : supervisor.transaction((tx) => {
            const stored = this.#store(tx, tail);
            this.#deps.reports.read(tx, run.number, reading.reports);
            return stored;
          });
    tail.noteStored(reading, before);
    for (const event of events) changeFeed.tell({ run: supervisor.find(run.number) ?? run, event });
  }

  #store(
    tx: WriteTransaction,
    { run, reading, streamState: stored }: LogTail,
  ): { readonly before: SessionTotals | null; readonly events: readonly StoredEvent[] } {
    const { store, now } = this.#core;
    const { streamState, offsets } = reading;
    const { sessionId } = streamState;
    const at = now();
    const before = reading.before ?? (sessionId === null ? null : this.#totalsBefore(run, sessionId));
    store.streamStates.put(tx, run.number, { streamState, offsets, before });
    if (sessionId !== null) {
      const totals = totalsAfter(streamState.meter, before ?? noTotals);
      store.sessions.put(tx, { owner: describeOwner(run), id: sessionId, cwd: run.spec.cwd, totals }, run.number, at);
    }
    const about = { at, run: run.number, runId: run.id, taskId: run.lineage.taskId };
    const events = findStreamChanges(stored, streamState).map(({ type, ...data }) =>
      store.events.append(tx, { ...about, type, data: { type, ...data } }),
    );
    return { before, events };
  }

  #totalsBefore(run: Run, sessionId: string): SessionTotals {
    return this.#core.store.sessions.totals(describeOwner(run), sessionId);
  }
}
