/**
 * Every change of a run goes through a transaction of the supervisor. Each change decides (pure `transition`), records
 * event and state, performs the effects after the commit, then notifies watchers. There is no await in between, so
 * changes never interleave. Changes that belong together, for example that of a task and the run that follows from
 * it, share one transaction: all of it is committed, or nothing.
 */
import { type Failpoint, failpoint } from '#launch/failpoints.ts';
import type { RunEvent } from '#run/events.ts';
import { isEnded, type Run } from '#run/run.ts';
import { type Effect, isSettled, transition } from '#run/state-machine.ts';
import { isTemporary } from '#store/database-errors.ts';
import type { StoredEvent } from '#store/events.ts';
import type { Store } from '#store/store.ts';
import type { WriteTransaction } from '#store/transaction.ts';
import type { ChangeFeed } from './change-feed.ts';
import { decisionFacts } from './decision-facts.ts';
import { describe, type LogFunction } from './log.ts';
import type { Change, HistoryEvent, NewRun, Submission, SubmitResult, Tx } from './transaction.ts';

type RetryReason = 'process_lost' | 'unknown_session';
/** What the supervisor needs from the rooms above it. */
export type SupervisorWiring = {
  /** Performs an effect after the commit. It must not submit synchronously. */
  readonly perform: (effect: Effect, run: Run) => void;
  /** Reads views in memory, such as the queue: updated with each changed run, read again after a failed transaction. */
  readonly views: readonly { readonly note: (run: Run) => void; readonly reload: () => void }[];
  /** Returns orders for the free slots. Called until it returns none. */
  readonly grants: () => readonly Submission[];
  /** Applies what follows from a change, in the same transaction. */
  readonly react: (tx: Tx, change: Change) => void;
  /** Prepares the automatic retry of a run, including its folder. Null if there is none. */
  readonly buildRetry: (tx: Tx, ended: Run, reason: RetryReason) => NewRun | null;
};

type Recorded =
  | { readonly run: Run; readonly event: StoredEvent; readonly effects: readonly Effect[] }
  | { readonly run: null; readonly event: StoredEvent };
type Delayed = {
  readonly submission: Submission;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
};

const unwired: SupervisorWiring = {
  perform: () => {},
  views: [],
  grants: () => [],
  react: () => {},
  buildRetry: () => null,
};

export class Supervisor {
  readonly #store: Store;
  readonly #changeFeed: ChangeFeed;
  readonly #now: () => number;
  readonly #log: LogFunction;
  /** Every unsettled run that is not queued: starting, running, stopping, or ended with steps left to do. */
  readonly #awake = new Map<number, Run>();
  #wiring = unwired;
  /** The changes of the open transaction, in order. */
  #recorded: Recorded[] = [];
  /** Callbacks that undo changes outside the database if the open transaction fails. */
  #rollbacks: (() => void)[] = [];
  /** Submissions that wait for the end of this turn of the event loop. */
  #delayed: Delayed[] = [];

  constructor(deps: { store: Store; changeFeed: ChangeFeed; now: () => number; log: LogFunction }) {
    this.#store = deps.store;
    this.#changeFeed = deps.changeFeed;
    this.#now = deps.now;
    this.#log = deps.log;
    this.#readAwake();
  }

  /** Connects the rooms that need the supervisor themselves. Called once, before the first change. */
  use(wiring: SupervisorWiring): void {
    this.#wiring = wiring;
  }

  /**
   * Runs changes in one transaction, and grants the slots that they free in the same transaction. All of it is on
   * disk when this returns. If `work` throws, nothing is changed.
   */
  transaction<T>(work: (tx: Tx) => T, committed: Failpoint | null = null): T {
    this.#recorded = [];
    this.#rollbacks = [];
    const result = this.#commit(work);
    const recorded = this.#recorded;
    this.#recorded = [];
    if (committed !== null) failpoint(committed);
    // The change is committed. A later error concerns one effect or one watcher, never the change.
    for (const each of recorded)
      if (each.run !== null)
        for (const effect of each.effects) this.#guard(() => this.#wiring.perform(effect, each.run));
    for (const { run, event } of recorded) this.#guard(() => this.#changeFeed.tell({ run, event }));
    return result;
  }

  /** Admits all of these runs, or none. They are on disk when this returns, and start when slots are free. */
  admit(runs: readonly NewRun[]): Run[] {
    return this.transaction((tx) => {
      const admitted = tx.admit(runs);
      failpoint('admit.before-commit');
      return admitted;
    }, 'admit.after-commit');
  }

  /** Applies an event to a run. Returns null if there is no such run. */
  submit(number: number, event: RunEvent): SubmitResult | null {
    return this.submitAll([{ number, event }])[0] ?? null;
  }

  /** Applies several events in order, in one transaction and thus with one disk flush. */
  submitAll(submissions: readonly Submission[]): (SubmitResult | null)[] {
    if (submissions.length === 0) return this.transaction(() => []);
    return this.transaction((tx) => {
      const results = submissions.map(({ number, event }) => tx.submit(number, event));
      failpoint('step.before-commit');
      return results;
    }, 'step.after-commit');
  }

  /** Applies an event soon. All events of one turn of the event loop share one flush. */
  submitSoon(number: number, event: RunEvent): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#delayed.push({ submission: { number, event }, resolve, reject });
      if (this.#delayed.length === 1) setImmediate(() => this.#submitDelayed());
    });
  }

  /** Looks at the queue although no run has changed: a rule has, or time has passed. */
  checkQueue(): void {
    this.submitAll([]);
  }

  find(number: number): Run | null {
    return this.#awake.get(number) ?? this.#store.runs.byNumber(number);
  }

  findById(id: string): Run | null {
    for (const run of this.#awake.values()) if (run.id === id) return run;
    return this.#store.runs.byId(id);
  }

  /** Returns the unsettled runs, without queued ones. */
  awake(): Run[] {
    return [...this.#awake.values()];
  }

  /** Returns the runs that have started and not ended. */
  alive(): Run[] {
    return this.awake().filter(({ state }) => !isEnded(state));
  }

  #commit<T>(work: (tx: Tx) => T): T {
    try {
      return this.#store.transaction((open) => {
        const tx = this.#createTx(open);
        const result = work(tx);
        this.#grantSlots(tx);
        return result;
      });
    } catch (error) {
      // The transaction was rolled back, so the state in memory is read again.
      this.#rollBack(0);
      this.#readAwake();
      this.#reloadViews();
      throw error;
    }
  }

  #createTx(open: WriteTransaction): Tx {
    const tx: Tx = Object.assign(open, {
      admit: (runs: readonly NewRun[]): Run[] => runs.map((run) => this.#insert(tx, run)),
      submit: (number: number, event: RunEvent) => this.#apply(tx, { number, event }),
      record: (event: HistoryEvent) => this.#appendEvent(tx, event),
      react: (change: Change) => this.#wiring.react(tx, change),
      onRollback: (undo: () => void) => void this.#rollbacks.push(undo),
    });
    return tx;
  }

  #grantSlots(tx: Tx): void {
    for (let granted = this.#wiring.grants(); granted.length > 0; granted = this.#wiring.grants()) {
      const before = this.#recorded.length;
      for (const submission of granted) this.#apply(tx, submission);
      if (this.#recorded.length > before) continue;
      // Orders without effect would be repeated endlessly. The queue in memory is wrong, so it is read again.
      const runs = granted.map(({ number }) => number);
      this.#log('error', 'slots granted to runs that cannot take them', { runs });
      return this.#reloadViews();
    }
  }

  #apply(tx: Tx, { number, event }: Submission): SubmitResult | null {
    const run = this.find(number);
    if (!run) return null;
    const at = this.#now();
    const decided = transition(run, event, at);
    this.#log('debug', 'event decided', decisionFacts(run, event, decided));
    if (decided.kind !== 'moved') return { step: decided, run };
    const next: Run = { ...run, state: decided.state };
    this.#store.runs.setState(tx, next);
    this.#remember(next, this.#append(tx, next, { type: event.type, data: event, at }), decided.effects);
    tx.react({ type: 'run', before: run, next });
    for (const { type } of decided.effects) {
      if (type === 'retry-lost') this.#retry(tx, next, 'process_lost', at);
      if (type === 'retry-fresh') this.#retry(tx, next, 'unknown_session', at);
    }
    return { step: decided, run: next };
  }

  /** Admits the retry of an ended run. If it cannot be prepared, the end is still recorded, and the history says why there is no retry. */
  #retry(tx: Tx, ended: Run, reason: RetryReason, at: number): void {
    let next: NewRun | null;
    const before = this.#rollbacks.length;
    try {
      next = this.#wiring.buildRetry(tx, ended, reason);
    } catch (error) {
      // A temporary error: the end is recorded later, together with the retry.
      if (isTemporary(error)) throw error;
      this.#rollBack(before);
      this.#log('error', 'run could not be retried', { run: ended.number, reason, error: describe(error) });
      const data = { type: 'retry-failed', reason, message: error instanceof Error ? error.message : String(error) };
      const event = this.#append(tx, ended, { type: 'retry-failed', data, at });
      this.#recorded.push({ run: ended, event, effects: [] });
      return;
    }
    if (next !== null) this.#insert(tx, next);
  }

  #insert(tx: Tx, { notBefore, folder, ...run }: NewRun): Run {
    const inserted = this.#store.runs.insert(tx, { ...run, state: { status: 'queued', notBefore } });
    const { spec, lineage } = inserted;
    const data = {
      type: 'admitted',
      command: spec.command,
      cwd: spec.cwd,
      retryOfRunId: lineage.retryOfRunId,
      parentRunId: lineage.parentRunId,
      folder,
    };
    this.#remember(inserted, this.#append(tx, inserted, { type: 'admitted', data, at: run.queuedAt }), []);
    tx.react({ type: 'run', before: null, next: inserted });
    return inserted;
  }

  #append(tx: Tx, run: Run, { type, data, at }: { type: string; data: object; at: number }): StoredEvent {
    const about = { run: run.number, runId: run.id, taskId: run.lineage.taskId };
    return this.#store.events.append(tx, { at, ...about, type, data });
  }

  #appendEvent(tx: Tx, { task, run, type, data }: HistoryEvent): void {
    const about = { run: run?.number ?? null, runId: run?.id ?? null, taskId: task };
    this.#recorded.push({ run: null, event: this.#store.events.append(tx, { at: this.#now(), ...about, type, data }) });
  }

  #remember(run: Run, event: StoredEvent, effects: readonly Effect[]): void {
    if (run.state.status === 'queued' || isSettled(run)) this.#awake.delete(run.number);
    else this.#awake.set(run.number, run);
    for (const view of this.#wiring.views) view.note(run);
    this.#recorded.push({ run, event, effects });
  }

  #submitDelayed(): void {
    const batch = this.#delayed;
    this.#delayed = [];
    try {
      this.submitAll(batch.map(({ submission }) => submission));
      for (const { resolve } of batch) resolve();
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  #readAwake(): void {
    // Reads before clearing: if the database fails again, the old entries remain.
    const unsettled = this.#store.runs.unsettled();
    this.#awake.clear();
    for (const run of unsettled) this.#awake.set(run.number, run);
  }

  #reloadViews(): void {
    for (const view of this.#wiring.views) view.reload();
  }

  #rollBack(from: number): void {
    for (const undo of this.#rollbacks.splice(from)) this.#guard(undo);
  }

  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#log('error', 'effect or watcher failed', { error: describe(error) });
    }
  }
}
