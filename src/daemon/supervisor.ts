/**
 * The one door. Every change of a run goes through `admit` (it comes to be) or `submit` (something
 * happens to it): decide (pure `step`), record (event and state in one transaction), act (the effects),
 * tell (the watchers). There is no await inside, so nothing slips between. What belongs together, a task's
 * change and the run that follows from it, say, happens in one `together`: all of it, or nothing.
 */
import { type CrashPoint, crashPoint } from '../launch/crash-point.ts';
import type { RunEvent } from '../run/events.ts';
import { isEnded, type Run } from '../run/run.ts';
import { type Effect, isSettled, type Step, step } from '../run/step.ts';
import type { StoredEvent } from '../store/events.ts';
import type { Store } from '../store/store.ts';
import { describe, type Log } from './log.ts';
import type { Watchers } from './watchers.ts';

export type Submission = { readonly number: number; readonly event: RunEvent };
export type Answer = { readonly step: Step; readonly run: Run };
export type Perform = (effect: Effect, run: Run) => void;
export type NewRun = Omit<Run, 'number' | 'state'> & { /** Not before this moment; null for as soon as there is room. */ readonly notBefore: number | null };
/** What happened to a task, for its history. */
export type TaskEvent = { readonly task: number; readonly run: Pick<Run, 'number' | 'id'> | null; readonly type: string; readonly data: object };
export type Wires = {
  /** Acts, once a change is on disk. Never submits before it has returned. */
  readonly perform: Perform;
  /** Keeps the queue up to date. */
  readonly note: (run: Run) => void;
  /** Slots that are free now, as orders; called until there are none. */
  readonly grants: () => readonly Submission[];
  /** What a change of a run means for its task and its wake; inside the same transaction. `before`: null for one that has come to be. */
  readonly consequences: (before: Run | null, next: Run) => void;
  /** A transaction failed: read the queue again. */
  readonly forget: () => void;
};
/** What work of others that is stored together with changes of runs may do; only while it is being done. */
export type Supervisor = ReturnType<typeof createSupervisor>;

export function createSupervisor(world: {
  store: Store;
  watchers: Watchers;
  now: () => number;
  log: Log;
  /** Prepares the run that follows this one by itself, its folder included; called inside the transaction that records the end. */
  retryOf: (ended: Run, reason: 'process_lost' | 'unknown_session') => NewRun | null;
}) {
  const { store, watchers, now } = world;
  /** Every run that is not at rest: starting, running, stopping, or ended with steps left to do. */
  const awake = new Map<number, Run>();
  let wires: Wires = { perform: () => {}, note: () => {}, grants: () => [], consequences: () => {}, forget: () => {} };
  readAwake();

  /** Runs come to be: all of them, or none. From the return on they are on disk, and started if there is room. */
  function admit(admitted: readonly NewRun[]): Run[] {
    return together(() => {
      const runs = admitted.map((run) => born(run).run);
      crashPoint('admit.before-commit');
      return runs;
    }, 'admit.after-commit');
  }

  /** Something happens to a run. Null when there is no such run. */
  function submit(number: number, event: RunEvent): Answer | null {
    return submitAll([{ number, event }])[0] ?? null;
  }

  /** The same for several at once, in order and in one transaction: one flush of the disk for all of them. */
  function submitAll(submissions: readonly Submission[]): (Answer | null)[] {
    return together(
      () => {
        const answers = submissions.map(happen);
        if (submissions.length > 0) crashPoint('step.before-commit');
        return answers;
      },
      submissions.length > 0 ? 'step.after-commit' : null,
    );
  }

  type Recorded = { readonly run: Run; readonly event: StoredEvent; readonly effects: readonly Effect[] } | { readonly run: null; readonly event: StoredEvent };
  let changes: Recorded[] = [];
  let open = false;
  /** What takes back what was done outside the database for the change under way. */
  let undoing: (() => void)[] = [];

  /** One transaction for all that `work` does here and in the store; what is inside another is a part of it. */
  function together<T>(work: () => T, committed: CrashPoint | null = null): T {
    return open ? work() : change(work, committed);
  }

  /** One transaction around some changes and the slots that they free: whoever waits for one gets it in the same breath. */
  function change<T>(work: () => T, committed: CrashPoint | null): T {
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
          // Orders that move nobody would be given again and again: the queue in memory is wrong, so it is read anew.
          if (changes.length === before) {
            world.log('error', 'slots were granted to runs that cannot take them', { runs: granted.map(({ number }) => number) });
            wires.forget();
            break;
          }
        }
        return done;
      });
    } catch (error) {
      // Nothing of it happened: what was remembered of it is read again.
      takeBack(0);
      readAwake();
      wires.forget();
      throw error;
    } finally {
      open = false;
    }
    const recorded = changes;
    changes = [];
    if (committed !== null) crashPoint(committed);
    // It is on disk: whatever goes wrong from here on concerns one effect or one watcher, never the change.
    for (const each of recorded) if (each.run !== null) for (const effect of each.effects) guarded(() => wires.perform(effect, each.run));
    for (const { run, event } of recorded) guarded(() => watchers.tell({ run, event }));
    return result;
  }

  /** What was done outside the database for the open change is taken back if nothing comes of it. */
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
      world.log('error', 'an effect or a watcher failed', { error: describe(error) });
    }
  }

  function happen({ number, event }: Submission): Answer | null {
    const run = find(number);
    if (!run) return null;
    const at = now();
    const decided = step(run, event, at);
    if (decided.kind !== 'moved') return { step: decided, run };
    const next: Run = { ...run, state: decided.state };
    store.runs.setState(number, decided.state);
    remember(next, record(next, event.type, event, at), decided.effects);
    wires.consequences(run, next);
    for (const { type } of decided.effects) {
      if (type === 'retry-lost') again(next, 'process_lost', at);
      if (type === 'retry-fresh') again(next, 'unknown_session', at);
    }
    return { step: decided, run: next };
  }

  /** A run that cannot be prepared must not undo the end that calls for it: the history says why there is none. */
  function again(ended: Run, reason: 'process_lost' | 'unknown_session', at: number): void {
    let next: NewRun | null;
    const before = undoing.length;
    try {
      next = world.retryOf(ended, reason);
    } catch (error) {
      // There will be room again: then the end is recorded, and the run that follows with it.
      if (isForNow(error)) throw error;
      takeBack(before);
      world.log('error', 'a run could not be tried again', { run: ended.number, reason, error: describe(error) });
      const data = { type: 'retry-failed', reason, message: error instanceof Error ? error.message : String(error) };
      changes.push({ run: ended, event: record(ended, 'retry-failed', data, at), effects: [] });
      return;
    }
    if (next !== null) born(next);
  }

  function born({ notBefore, ...run }: NewRun): { run: Run } {
    const inserted = store.runs.insert({ ...run, state: { status: 'queued', notBefore } });
    const { spec, lineage } = inserted;
    const data = { type: 'admitted', command: spec.command, cwd: spec.cwd, retryOfRunId: lineage.retryOfRunId, parentRunId: lineage.parentRunId };
    remember(inserted, record(inserted, 'admitted', data, run.queuedAt), []);
    wires.consequences(null, inserted);
    return { run: inserted };
  }

  function record(run: Run, type: string, event: object, at: number): StoredEvent {
    return store.events.append({ at, run: run.number, runId: run.id, taskId: run.lineage.taskId, type, data: event });
  }

  /** A line in the history of a task, or of nobody in particular; told to the watchers with the rest. */
  function note({ task, run, type, data }: Omit<TaskEvent, 'task'> & { readonly task: number | null }): void {
    together(() => {
      const event = store.events.append({ at: now(), run: run?.number ?? null, runId: run?.id ?? null, taskId: task, type, data });
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
    // Read before the old ones are forgotten: a database that fails twice must not leave us with nothing.
    const unsettled = store.runs.unsettled();
    awake.clear();
    for (const run of unsettled) awake.set(run.number, run);
  }

  function find(number: number): Run | null {
    return awake.get(number) ?? store.runs.byNumber(number);
  }

  let soon: { submission: Submission; resolve: () => void; reject: (error: unknown) => void }[] = [];

  /** The same for facts that nobody waits for in this turn: all that come in one turn of the loop share one flush. */
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
    /** Runs that are not at rest, queued ones not among them. */
    awake: (): Run[] => [...awake.values()],
    alive: (): Run[] => [...awake.values()].filter(({ state }) => !isEnded(state)),
    /** Wires in what needs the supervisor itself. */
    connect(to: Wires): void {
      wires = to;
    },
  };
}

/** A full disk, or too many open files: nothing that says anything about the run itself. */
function isForNow(error: unknown): boolean {
  const { code = '' } = error as { code?: string };
  return code.startsWith('SQLITE_') || ['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE', 'EIO'].includes(code);
}
