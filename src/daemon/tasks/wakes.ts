/**
 * Wakes: stored requests to run an agent. If the task is free, a wake becomes a queued run at once. If a run works on
 * it, the wake is deferred until that run is finalized. If another wake is pending, it is merged into that one. All
 * of it happens in the transaction of the cause.
 */
import { failpoint } from '#launch/failpoints.ts';
import { ClipError } from '#run/errors.ts';
import { isEnded, type RetryReason, type Run } from '#run/run.ts';
import type { Store } from '#store/store.ts';
import type { Task } from '#task/task.ts';
import { isWaiting, type Wake, type WakePayload, type WakeReason, type WakeSource } from '#task/wake.ts';
import { newId } from '../core/new-id.ts';
import type { Supervisor } from '../core/supervisor.ts';
import type { Tx } from '../core/transaction.ts';
import type { AutomaticRuns } from '../runs/automatic-runs.ts';

export type WakeRequest = {
  readonly task: number | null;
  readonly agentId: string;
  readonly source: WakeSource;
  readonly reason: WakeReason;
  readonly payload: WakePayload;
  readonly key: string | null;
  readonly notBefore: number | null;
  /** The run that the new run repeats. */
  readonly retryOf: { readonly id: string; readonly reason: RetryReason } | null;
  /** The prompt of a wake without a task. */
  readonly prompt: string | null;
};

export class Wakes {
  readonly #store: Store;
  readonly #supervisor: Pick<Supervisor, 'awake'>;
  readonly #automaticRuns: Pick<AutomaticRuns, 'buildRunOfWake'>;
  readonly #now: () => number;

  constructor(deps: {
    store: Store;
    supervisor: Pick<Supervisor, 'awake'>;
    automaticRuns: Pick<AutomaticRuns, 'buildRunOfWake'>;
    now: () => number;
  }) {
    this.#store = deps.store;
    this.#supervisor = deps.supervisor;
    this.#automaticRuns = deps.automaticRuns;
    this.#now = deps.now;
  }

  /** Stores a wake and returns it in its new state. Returns the existing wake if its key is known or another one is pending. */
  wake(tx: Tx, request: WakeRequest): Wake {
    const known = request.key === null ? null : this.#store.wakes.byKey(request.key);
    if (known) return known;
    const waiting = this.#store.wakes.waiting(request);
    if (waiting) return this.#coalesce(tx, waiting, request);
    const busy = this.busyWith(request.task, request.agentId);
    if (busy === null) return this.#begin(tx, this.#put(tx, request, { status: 'queued' }), request);
    if (request.task !== null) return this.#put(tx, request, { status: 'deferred' });
    // A wake without a task may be skipped: the next timer comes anyway.
    const error = `Run ${busy.number} is still at work.`;
    return this.#put(tx, request, { status: 'skipped', error, finishedAt: this.#now() });
  }

  /**
   * Merges the request into the pending wake: the earlier start time, the newer instruction, a new session if either
   * wants one. What a person asks for is a person's wake, even if an agent asked first.
   */
  #coalesce(tx: Tx, waiting: Wake, request: WakeRequest): Wake {
    this.#put(tx, request, { status: 'coalesced', finishedAt: this.#now() });
    const soonest =
      request.notBefore === null || waiting.notBefore === null ? null : Math.min(request.notBefore, waiting.notBefore);
    const { payload } = waiting;
    const next = {
      ...waiting,
      ...(isByPerson(request) ? { source: request.source, reason: request.reason } : {}),
      coalescedCount: waiting.coalescedCount + 1,
      notBefore: soonest,
      payload: {
        ...payload,
        instruction: request.payload.instruction ?? payload.instruction,
        fresh: payload.fresh || request.payload.fresh,
        inARow: Math.min(payload.inARow, request.payload.inARow),
      },
    };
    this.#store.wakes.put(tx, next);
    const run = waiting.runId === null ? null : this.#store.runs.byId(waiting.runId);
    if (run !== null && soonest === null) tx.submit(run.number, { type: 'start-now' });
    return next;
  }

  /**
   * Returns the agent's run that works on the task or is not yet finalized; a person's own commands do not count.
   * Without a task, returns the unfinished run of this agent's own wakes.
   */
  busyWith(task: number | null, agentId: string, but: string | null = null): Run | null {
    if (task !== null)
      return (
        this.#store.runs
          .openOfTask(task)
          .find(
            ({ id, spec, state }) =>
              id !== but && spec.agent !== null && (!isEnded(state) || state.pending.includes('wake')),
          ) ?? null
      );
    return (
      this.#supervisor
        .awake()
        .find(
          ({ spec, lineage, state }) =>
            !isEnded(state) && spec.agent?.id === agentId && lineage.taskId === null && lineage.origin !== null,
        ) ?? null
    );
  }

  #put(tx: Tx, request: WakeRequest, given: Pick<Wake, 'status'> & Partial<Wake>): Wake {
    const { task, agentId, source, reason, payload, key, notBefore } = request;
    const at = this.#now();
    const rest = { coalescedCount: 0, runId: null, requestedAt: at, claimedAt: null, finishedAt: null, error: null };
    const wake: Wake = {
      id: newId('w', 15),
      task,
      agentId,
      source,
      reason,
      payload,
      key,
      notBefore,
      ...rest,
      ...given,
    };
    this.#store.wakes.insert(tx, wake);
    const data = { wakeId: wake.id, agentId, source, reason, status: wake.status, notBefore };
    tx.record({ task, run: null, type: 'wake', data });
    return wake;
  }

  /** Stores the wake of an existing run. Returns its id. */
  addForRun(
    tx: Tx,
    runId: string,
    given: Pick<WakeRequest, 'task' | 'agentId' | 'reason' | 'key' | 'payload'>,
  ): string {
    const request = { ...given, source: 'automation', notBefore: null, retryOf: null, prompt: null } as const;
    return this.#put(tx, request, { status: 'queued', runId }).id;
  }

  /** Admits the run of a wake. A wake whose run cannot start fails with the reason. */
  #begin(tx: Tx, wake: Wake, { retryOf, prompt }: Pick<WakeRequest, 'retryOf' | 'prompt'>): Wake {
    const agent = this.#store.agents.byId(wake.agentId);
    if (agent === null) return this.#end(tx, wake, 'skipped', 'Its agent was removed.');
    const task = wake.task === null ? null : this.#store.tasks.byNumber(wake.task);
    const {
      continuationAttempt: attempt,
      maxContinuationAttempts: attemptsMax,
      sourceRunId: ofRunId,
      fresh,
    } = wake.payload;
    const origin = { wakeId: wake.id, reason: wake.reason, attempt, attemptsMax, ofRunId };
    try {
      const run = this.#automaticRuns.buildRunOfWake(tx, {
        agent,
        task,
        prompt,
        fresh,
        notBefore: wake.notBefore,
        retryOf,
        origin,
      });
      const started: Wake = { ...wake, status: 'queued', runId: run.id };
      this.#store.wakes.put(tx, started);
      tx.admit([run]);
      return started;
    } catch (error) {
      if (!(error instanceof ClipError)) throw error;
      return this.#end(tx, wake, 'failed', error.message);
    }
  }

  #end(tx: Tx, wake: Wake, status: 'skipped' | 'failed' | 'completed' | 'cancelled', error: string | null): Wake {
    const ended: Wake = { ...wake, status, error, finishedAt: this.#now() };
    this.#store.wakes.put(tx, ended);
    return ended;
  }

  /**
   * Starts the oldest deferred wake of a task that is free again, unless the task is closed. Returns the last wake
   * that was tried; null if there was none.
   */
  promote(tx: Tx, task: Task): Wake | null {
    let last: Wake | null = null;
    for (const deferred of this.#store.wakes
      .allWaiting({ task: task.number })
      .filter(({ status }) => status === 'deferred')) {
      const wanted = task.status === 'todo' || task.status === 'in_progress';
      // Two agents must not work on one task. The wake is tried again when the other run has ended.
      if (wanted && this.busyWith(task.number, deferred.agentId) !== null) continue;
      if (!wanted) this.#end(tx, deferred, 'skipped', `T${task.number} is ${task.status}.`);
      else if (task.assignee?.kind !== 'agent' || task.assignee.agentId !== deferred.agentId)
        this.#end(tx, deferred, 'skipped', `T${task.number} is not this agent's any more.`);
      else {
        last = this.#begin(tx, deferred, { retryOf: null, prompt: null });
        if (last.status !== 'queued') continue;
        failpoint('wake.promoted');
        return last;
      }
    }
    return last;
  }

  /** Cancels what is pending for this task or agent: deferred wakes, and queued runs of wakes. */
  drop(tx: Tx, of: { readonly task?: number; readonly agentId?: string }, why: string): void {
    for (const wake of this.#store.wakes.allWaiting(of)) {
      if (wake.status === 'deferred') this.#end(tx, wake, 'cancelled', why);
      const run = wake.runId === null ? null : this.#store.runs.byId(wake.runId);
      if (run?.state.status === 'queued')
        tx.submit(run.number, { type: 'stop-requested', order: 'cancelled', because: why, graceMs: null, now: false });
    }
  }

  /** Returns whether a person has asked for a further run of this task that has not begun. */
  isAskedFor(task: number): boolean {
    return this.#store.wakes.allWaiting({ task }).some(isByPerson);
  }

  /** Returns the number of automatic runs in a row before this run; 0 for a run that a person started. */
  countInARow(run: Run | null): number {
    const origin = run?.lineage.origin ?? null;
    return origin === null ? 0 : (this.#store.wakes.byId(origin.wakeId)?.payload.inARow ?? 0);
  }

  /** Updates the status of a wake when its run changes. */
  noteRun(tx: Tx, before: Run | null, next: Run): void {
    if (next.lineage.origin === null || before === null || before.state.status === next.state.status) return;
    const wake = this.#store.wakes.byId(next.lineage.origin.wakeId);
    if (wake === null || (!isWaiting(wake.status) && wake.status !== 'claimed')) return;
    const { state } = next;
    if (isEnded(state)) this.#end(tx, wake, wakeStatusOf[state.status], state.error);
    else if (state.status !== 'queued' && wake.status === 'queued')
      this.#store.wakes.put(tx, { ...wake, status: 'claimed', claimedAt: this.#now() });
    else if (state.status === 'queued' && wake.status === 'claimed')
      this.#store.wakes.put(tx, { ...wake, status: 'queued', claimedAt: null });
  }
}

const wakeStatusOf = { succeeded: 'completed', failed: 'failed', timed_out: 'failed', cancelled: 'cancelled' } as const;

/** Returns whether a person asked for this wake, by continuing or assigning the task. Every other start counts as one in a row. */
function isByPerson({ reason, payload }: Pick<Wake, 'reason' | 'payload'>): boolean {
  return (reason === 'issue_continued' || reason === 'issue_assigned') && payload.inARow === 0;
}
