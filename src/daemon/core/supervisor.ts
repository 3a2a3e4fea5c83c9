/**
 * Every change of a run goes through `admit` (creates runs) or `submit` (applies an event). Each change decides (pure
 * `transition`), records event and state in one transaction, performs the effects, then notifies watchers. There is
 * no await in between, so changes never interleave. Changes that belong together, for example that of a task and the
 * run that follows from it, share one `together`: all of it is committed, or nothing.
 */
import { type Failpoint, failpoint } from '#launch/failpoints.ts';
import type { FolderIdentity } from '#process/real-folder.ts';
import type { RunEvent } from '#run/events.ts';
import { isEnded, type Run } from '#run/run.ts';
import { type Effect, isSettled, type Transition, transition } from '#run/state-machine.ts';
import type { StoredEvent } from '#store/events.ts';
import type { Store } from '#store/store.ts';
import type { ChangeFeed } from './change-feed.ts';
import { describe, type LogFunction } from './log.ts';

export type Submission = { readonly number: number; readonly event: RunEvent };
export type SubmitResult = { readonly step: Transition; readonly run: Run };
export type Perform = (effect: Effect, run: Run) => void;
export type NewRun = Omit<Run, 'number' | 'state'> & {
  /** Earliest start; null for as soon as a slot is free. */
  readonly notBefore: number | null;
  /** Identity of the folder that was created for the run. It is kept in the history. */
  readonly folder: FolderIdentity | null;
};
/** An event in the history of a task. */
export type TaskEvent = {
  readonly task: number;
  readonly run: Pick<Run, 'number' | 'id'> | null;
  readonly type: string;
  readonly data: object;
};
export type Wires = {
  /** Performs an effect after the commit. Must not submit synchronously. */
  readonly perform: Perform;
  /** Updates the queue in memory. */
  readonly note: (run: Run) => void;
  /** Returns orders for the free slots. Called until it returns none. */
  readonly grants: () => readonly Submission[];
  /** Applies a change of a run to its task and wake, inside the same transaction. `before` is null for a new run. */
  readonly consequences: (before: Run | null, next: Run) => void;
  /** Called after a failed transaction: the queue must be read again. */
  readonly forget: () => void;
};
export type Supervisor = ReturnType<typeof createSupervisor>;

export function createSupervisor(deps: {
  store: Store;
  changeFeed: ChangeFeed;
  now: () => number;
  log: LogFunction;
  /** Prepares the automatic retry of a run, including its folder. Called inside the transaction that records the end. */
  retryOf: (ended: Run, reason: 'process_lost' | 'unknown_session') => NewRun | null;
}) {
  const { store, changeFeed, now } = deps;
  /** Every unsettled run that is not queued: starting, running, stopping, or ended with steps left to do. */
  const awake = new Map<number, Run>();
  let wires: Wires = { perform: () => {}, note: () => {}, grants: () => [], consequences: () => {}, forget: () => {} };
  readAwake();

  /** Admits all of these runs, or none. They are on disk when this returns, and start when slots are free. */
  function admit(admitted: readonly NewRun[]): Run[] {
    return together(() => {
      const runs = admitted.map((run) => born(run).run);
      failpoint('admit.before-commit');
      return runs;
    }, 'admit.after-commit');
  }

  /** Applies an event to a run. Returns null if there is no such run. */
  function submit(number: number, event: RunEvent): SubmitResult | null {
    return submitAll([{ number, event }])[0] ?? null;
  }

  /** Applies several events in order, in one transaction and thus with one disk flush. */
  function submitAll(submissions: readonly Submission[]): (SubmitResult | null)[] {
    return together(
      () => {
        const answers = submissions.map(happen);
        if (submissions.length > 0) failpoint('step.before-commit');
        return answers;
      },
      submissions.length > 0 ? 'step.after-commit' : null,
    );
  }

  type Recorded =
    | { readonly run: Run; readonly event: StoredEvent; readonly effects: readonly Effect[] }
    | { readonly run: null; readonly event: StoredEvent };
  let changes: Recorded[] = [];
  let open = false;
  /** Callbacks that undo changes outside the database if the open transaction fails. */
  let undoing: (() => void)[] = [];

  /** Runs `work` in one transaction. A nested call joins the outer transaction. */
  function together<T>(work: () => T, committed: Failpoint | null = null): T {
    return open ? work() : change(work, committed);
  }

  /** Runs changes in one transaction, and grants the slots that they free in the same transaction. */
  function change<T>(work: () => T, committed: Failpoint | null): T {
    changes = [];
    undoing = [];
    open = true;
    let result: T;
    try {
      result = store.transaction(() => {
        const done = work();
        for (let granted = wires.grants(); granted.length > 0; granted = wires.grants()) {
          const before = changes.length;
          granted.forEach(happen);
          // Orders without effect would be repeated endlessly. The queue in memory is wrong, so it is read again.
          if (changes.length === before) {
            deps.log('error', 'slots granted to runs that cannot take them', {
              runs: granted.map(({ number }) => number),
            });
            wires.forget();
            break;
          }
        }
        return done;
      });
    } catch (error) {
      // The transaction was rolled back, so the state in memory is read again.
      takeBack(0);
      readAwake();
      wires.forget();
      throw error;
    } finally {
      open = false;
    }
    const recorded = changes;
    changes = [];
    if (committed !== null) failpoint(committed);
    // The change is committed. A later error concerns one effect or one watcher, never the change.
    for (const each of recorded)
      if (each.run !== null) for (const effect of each.effects) guarded(() => wires.perform(effect, each.run));
    for (const { run, event } of recorded) guarded(() => changeFeed.tell({ run, event }));
    return result;
  }

  /** Registers a callback that runs if the open change fails. */
  function ifUndone(undo: () => void): void {
    if (open) undoing.push(undo);
  }

  function takeBack(from: number): void {
    for (const undo of undoing.splice(from)) guarded(undo);
  }

  function guarded(action: () => void): void {
    try {
      action();
    } catch (error) {
      deps.log('error', 'effect or watcher failed', { error: describe(error) });
    }
  }

  function happen({ number, event }: Submission): SubmitResult | null {
    const run = find(number);
    if (!run) return null;
    const at = now();
    const decided = transition(run, event, at);
    logDecision(run, event, decided);
    if (decided.kind !== 'moved') return { step: decided, run };
    const next: Run = { ...run, state: decided.state };
    store.runs.setState(next);
    remember(next, record(next, event.type, event, at), decided.effects);
    wires.consequences(run, next);
    for (const { type } of decided.effects) {
      if (type === 'retry-lost') again(next, 'process_lost', at);
      if (type === 'retry-fresh') again(next, 'unknown_session', at);
    }
    return { step: decided, run: next };
  }

  function logDecision({ number, state }: Run, event: RunEvent, decided: Transition): void {
    const outcome =
      decided.kind === 'moved'
        ? { to: decided.state.status, effects: decided.effects.map(({ type }) => type) }
        : decided.kind === 'refused'
          ? { refused: decided.why }
          : { late: true };
    deps.log('debug', 'event decided', {
      run: number,
      event: event.type,
      from: state.status,
      ...outcome,
      ...reasonIn(event),
    });
  }

  /** Admits the retry of an ended run. If it cannot be prepared, the end is still recorded, and the history says why there is no retry. */
  function again(ended: Run, reason: 'process_lost' | 'unknown_session', at: number): void {
    let next: NewRun | null;
    const before = undoing.length;
    try {
      next = deps.retryOf(ended, reason);
    } catch (error) {
      // A temporary error: the end is recorded later, together with the retry.
      if (isForNow(error)) throw error;
      takeBack(before);
      deps.log('error', 'run could not be retried', { run: ended.number, reason, error: describe(error) });
      const data = { type: 'retry-failed', reason, message: error instanceof Error ? error.message : String(error) };
      changes.push({ run: ended, event: record(ended, 'retry-failed', data, at), effects: [] });
      return;
    }
    if (next !== null) born(next);
  }

  function born({ notBefore, folder, ...run }: NewRun): { run: Run } {
    const inserted = store.runs.insert({ ...run, state: { status: 'queued', notBefore } });
    const { spec, lineage } = inserted;
    const data = {
      type: 'admitted',
      command: spec.command,
      cwd: spec.cwd,
      retryOfRunId: lineage.retryOfRunId,
      parentRunId: lineage.parentRunId,
      folder,
    };
    remember(inserted, record(inserted, 'admitted', data, run.queuedAt), []);
    wires.consequences(null, inserted);
    return { run: inserted };
  }

  function record(run: Run, type: string, event: object, at: number): StoredEvent {
    return store.events.append({ at, run: run.number, runId: run.id, taskId: run.lineage.taskId, type, data: event });
  }

  /** Appends an event to the history of a task, or to that of none. Watchers get it after the commit. */
  function note({ task, run, type, data }: Omit<TaskEvent, 'task'> & { readonly task: number | null }): void {
    together(() => {
      const event = store.events.append({
        at: now(),
        run: run?.number ?? null,
        runId: run?.id ?? null,
        taskId: task,
        type,
        data,
      });
      changes.push({ run: null, event });
    });
  }

  function remember(run: Run, event: StoredEvent, effects: readonly Effect[]): void {
    if (run.state.status === 'queued' || isSettled(run)) awake.delete(run.number);
    else awake.set(run.number, run);
    wires.note(run);
    changes.push({ run, event, effects });
  }

  function readAwake(): void {
    // Reads before clearing: if the database fails again, the old entries remain.
    const unsettled = store.runs.unsettled();
    awake.clear();
    for (const run of unsettled) awake.set(run.number, run);
  }

  function find(number: number): Run | null {
    return awake.get(number) ?? store.runs.byNumber(number);
  }

  let soon: { submission: Submission; resolve: () => void; reject: (error: unknown) => void }[] = [];

  /** Applies an event soon. All events of one turn of the event loop share one flush. */
  function submitSoon(number: number, event: RunEvent): Promise<void> {
    return new Promise((resolve, reject) => {
      soon.push({ submission: { number, event }, resolve, reject });
      if (soon.length === 1) setImmediate(flush);
    });
  }

  function flush(): void {
    const batch = soon;
    soon = [];
    try {
      submitAll(batch.map(({ submission }) => submission));
      for (const { resolve } of batch) resolve();
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  return {
    admit,
    submit,
    submitAll,
    submitSoon,
    together: <T>(work: () => T): T => together(work),
    ifUndone,
    note,
    find,
    findById: (id: string): Run | null => {
      for (const run of awake.values()) if (run.id === id) return run;
      return store.runs.byId(id);
    },
    /** Returns the unsettled runs, without queued ones. */
    awake: (): Run[] => [...awake.values()],
    alive: (): Run[] => [...awake.values()].filter(({ state }) => !isEnded(state)),
    /** Connects the parts that need the supervisor themselves. */
    connect(to: Wires): void {
      wires = to;
    },
  };
}

/** Returns true for temporary system errors (e.g. disk full, too many open files), which say nothing about the run. */
function isForNow(error: unknown): boolean {
  const { code = '' } = error as { code?: string };
  return code.startsWith('SQLITE_') || ['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE', 'EIO'].includes(code);
}

/** Returns the reason that an event carries, for the log. */
function reasonIn(event: RunEvent): { readonly reason?: string } {
  if (event.type === 'stop-requested') return { reason: event.order };
  if (event.type === 'step-done' && event.step === 'wake') return { reason: event.decision.reason };
  if (event.type === 'process-lost' || event.type === 'never-launched' || event.type === 'spawn-failed')
    return { reason: event.message };
  return {};
}
