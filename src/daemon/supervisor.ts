/**
 * The one door. Every change of a run goes through `admit` (it comes to be) or `submit` (something
 * happens to it): decide (pure `step`), record (event and state in one transaction), act (the effects),
 * tell (the watchers). There is no await inside, so nothing slips between.
 */
import type { RunEvent } from '../run/events.ts';
import { isEnded, type Run } from '../run/run.ts';
import { type Effect, isSettled, type Step, step } from '../run/step.ts';
import type { StoredEvent } from '../store/events.ts';
import type { Store } from '../store/store.ts';
import type { Change, Watchers } from './watchers.ts';

export type Submission = { readonly number: number; readonly event: RunEvent };
export type Answer = { readonly step: Step; readonly run: Run };
export type Perform = (effect: Effect, run: Run) => void;
export type NewRun = Omit<Run, 'number' | 'state'>;
export type Supervisor = ReturnType<typeof createSupervisor>;

export function createSupervisor(world: {
  store: Store;
  watchers: Watchers;
  now: () => number;
  /** Prepares the run that repeats a lost one, its folder included; called inside the transaction that records the loss. */
  retryOf: (lost: Run) => NewRun;
}) {
  const { store, watchers, now } = world;
  /** Every run that is not at rest: starting, running, stopping, or ended with steps left to do. */
  const awake = new Map<number, Run>(store.runs.unsettled().map((run) => [run.number, run]));
  let perform: Perform = () => {};
  let changed: (runs: readonly Run[]) => void = () => {};

  /** Runs come to be: all of them, or none. From the return on they are on disk. */
  function admit(admitted: readonly NewRun[]): Run[] {
    const changes = store.transaction(() => admitted.map((run) => born(run)));
    settle(changes);
    return changes.map(({ run }) => run);
  }

  /** Something happens to a run. Null when there is no such run. */
  function submit(number: number, event: RunEvent): Answer | null {
    return submitAll([{ number, event }])[0] ?? null;
  }

  /** The same for several at once, in order and in one transaction: one flush of the disk for all of them. */
  function submitAll(submissions: readonly Submission[]): (Answer | null)[] {
    const changes: (Change & { effects: readonly Effect[] })[] = [];
    const answers = store.transaction(() => {
      const seen = new Map<number, Run>();
      return submissions.map(({ number, event }) => {
        const run = seen.get(number) ?? find(number);
        if (!run) return null;
        const at = now();
        const decided = step(run, event, at);
        if (decided.kind !== 'moved') return { step: decided, run };
        const next: Run = { ...run, state: decided.state };
        store.runs.setState(number, decided.state);
        const stored = record(next, event.type, event, at);
        seen.set(number, next);
        changes.push({ run: next, event: stored, effects: decided.effects });
        if (decided.effects.some(({ type }) => type === 'retry-lost')) changes.push({ ...born(world.retryOf(next)), effects: [] });
        return { step: decided, run: next };
      });
    });
    settle(changes);
    return answers;
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

  function born(run: NewRun): Change & { effects: readonly Effect[] } {
    const inserted = store.runs.insert({ ...run, state: { status: 'queued', notBefore: null } });
    const { spec, lineage } = inserted;
    const event = record(
      inserted,
      'admitted',
      { type: 'admitted', command: spec.command, cwd: spec.cwd, retryOfRunId: lineage.retryOfRunId, parentRunId: lineage.parentRunId },
      run.queuedAt,
    );
    return { run: inserted, event, effects: [] };
  }

  function record(run: Run, type: string, event: object, at: number): StoredEvent {
    return store.events.append({ at, run: run.number, runId: run.id, type, data: event });
  }

  /** After the commit: remember, act, tell. */
  function settle(changes: readonly (Change & { effects: readonly Effect[] })[]): void {
    for (const { run } of changes) {
      if (run.state.status === 'queued' || isSettled(run)) awake.delete(run.number);
      else awake.set(run.number, run);
    }
    for (const { run, effects } of changes) for (const effect of effects) perform(effect, run);
    for (const { run, event } of changes) watchers.tell({ run, event });
    if (changes.length > 0) changed(changes.map(({ run }) => run));
  }

  function find(number: number): Run | null {
    return awake.get(number) ?? store.runs.byNumber(number);
  }

  return {
    admit,
    submit,
    submitAll,
    submitSoon,
    find,
    findById: (id: string): Run | null => {
      for (const run of awake.values()) if (run.id === id) return run;
      return store.runs.byId(id);
    },
    /** Runs that are not at rest, queued ones not among them. */
    awake: (): Run[] => [...awake.values()],
    alive: (): Run[] => [...awake.values()].filter(({ state }) => !isEnded(state)),
    /** Wires the effects and the scheduler in; they need the supervisor themselves. */
    connect(wires: { perform: Perform; changed: (runs: readonly Run[]) => void }): void {
      perform = wires.perform;
      changed = wires.changed;
    },
  };
}
