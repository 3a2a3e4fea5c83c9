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
import type { Admission } from '../runs/admission.ts';

export type Wakes = ReturnType<typeof createWakes>;
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

export function createWakes(deps: { store: Store; supervisor: Supervisor; admission: Admission; now: () => number }) {
  const { store, supervisor, now } = deps;

  /** Stores a wake and returns it in its new state. Returns the existing wake if its key is known or another one is pending. */
  function wake(request: WakeRequest): Wake {
    return supervisor.together(() => {
      const known = request.key === null ? null : store.wakes.byKey(request.key);
      if (known) return known;
      const waiting = store.wakes.waiting(request);
      if (waiting) return coalesce(waiting, request);
      const busy = busyWith(request.task, request.agentId);
      // A wake without a task may be skipped: the next timer comes anyway.
      if (busy !== null && request.task === null)
        return put(request, { status: 'skipped', error: `Run ${busy.number} is still at work.`, finishedAt: now() });
      if (busy !== null) return put(request, { status: 'deferred' });
      return begin(put(request, { status: 'queued' }), request);
    });
  }

  /** Merges the request into the pending wake: the earlier start time, the newer instruction. */
  function coalesce(waiting: Wake, request: WakeRequest): Wake {
    put(request, { status: 'coalesced', finishedAt: now() });
    const soonest =
      request.notBefore === null || waiting.notBefore === null ? null : Math.min(request.notBefore, waiting.notBefore);
    const instruction = request.payload.instruction ?? waiting.payload.instruction;
    const next = {
      ...waiting,
      coalescedCount: waiting.coalescedCount + 1,
      notBefore: soonest,
      payload: { ...waiting.payload, instruction },
    };
    store.wakes.put(next);
    const run = waiting.runId === null ? null : store.runs.byId(waiting.runId);
    if (run !== null && soonest === null) supervisor.submit(run.number, { type: 'start-now' });
    return next;
  }

  /**
   * Returns the agent's run that works on the task or is not yet finalized; a person's own commands do not count.
   * Without a task, returns the unfinished run of this agent's own wakes.
   */
  function busyWith(task: number | null, agentId: string, but: string | null = null): Run | null {
    if (task !== null)
      return (
        store.runs
          .openOfTask(task)
          .find(
            ({ id, spec, state }) =>
              id !== but && spec.agent !== null && (!isEnded(state) || state.pending.includes('wake')),
          ) ?? null
      );
    return (
      supervisor
        .awake()
        .find(
          ({ spec, lineage, state }) =>
            !isEnded(state) && spec.agent?.id === agentId && lineage.taskId === null && lineage.origin !== null,
        ) ?? null
    );
  }

  function put(request: WakeRequest, given: Pick<Wake, 'status'> & Partial<Wake>): Wake {
    const { task, agentId, source, reason, payload, key, notBefore } = request;
    const at = now();
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
    store.wakes.insert(wake);
    supervisor.note({
      task,
      run: null,
      type: 'wake',
      data: { wakeId: wake.id, agentId, source, reason, status: wake.status, notBefore },
    });
    return wake;
  }

  /** Stores the wake of an existing run. Returns its id. */
  function standFor(
    runId: string,
    given: Pick<WakeRequest, 'task' | 'agentId' | 'reason' | 'key' | 'payload'>,
  ): string {
    return put(
      { ...given, source: 'automation', notBefore: null, retryOf: null, prompt: null },
      { status: 'queued', runId },
    ).id;
  }

  /** Admits the run of a wake. A wake whose run cannot start fails with the reason. */
  function begin(wake: Wake, { retryOf, prompt }: Pick<WakeRequest, 'retryOf' | 'prompt'>): Wake {
    const agent = store.agents.byId(wake.agentId);
    if (agent === null) return end(wake, 'skipped', 'Its agent was removed.');
    const task = wake.task === null ? null : store.tasks.byNumber(wake.task);
    const {
      continuationAttempt: attempt,
      maxContinuationAttempts: attemptsMax,
      sourceRunId: ofRunId,
      fresh,
    } = wake.payload;
    const origin = { wakeId: wake.id, reason: wake.reason, attempt, attemptsMax, ofRunId };
    try {
      const run = deps.admission.runOfWake({ agent, task, prompt, fresh, notBefore: wake.notBefore, retryOf, origin });
      const started: Wake = { ...wake, status: 'queued', runId: run.id };
      store.wakes.put(started);
      supervisor.admit([run]);
      return started;
    } catch (error) {
      if (!(error instanceof ClipError)) throw error;
      return end(wake, 'failed', error.message);
    }
  }

  function end(wake: Wake, status: 'skipped' | 'failed' | 'completed' | 'cancelled', error: string | null): Wake {
    const ended: Wake = { ...wake, status, error, finishedAt: now() };
    store.wakes.put(ended);
    return ended;
  }

  /**
   * Starts the oldest deferred wake of a task that is free again, unless the task is closed. Returns the last wake
   * that was tried; null if there was none.
   */
  function promote(task: Task): Wake | null {
    let last: Wake | null = null;
    for (const deferred of store.wakes
      .allWaiting({ task: task.number })
      .filter(({ status }) => status === 'deferred')) {
      const wanted = task.status === 'todo' || task.status === 'in_progress';
      if (!wanted) end(deferred, 'skipped', `T${task.number} is ${task.status}.`);
      else if (task.assignee?.kind !== 'agent' || task.assignee.agentId !== deferred.agentId)
        end(deferred, 'skipped', `T${task.number} is not this agent's any more.`);
      else {
        last = begin(deferred, { retryOf: null, prompt: null });
        if (last.status !== 'queued') continue;
        failpoint('wake.promoted');
        return last;
      }
    }
    return last;
  }

  /** Cancels what is pending for this task or agent: deferred wakes, and queued runs of wakes. */
  function drop(of: { readonly task?: number; readonly agentId?: string }, why: string): void {
    supervisor.together(() => {
      for (const wake of store.wakes.allWaiting(of)) {
        if (wake.status === 'deferred') end(wake, 'cancelled', why);
        const run = wake.runId === null ? null : store.runs.byId(wake.runId);
        if (run?.state.status === 'queued')
          supervisor.submit(run.number, { type: 'stop-requested', order: 'cancelled', graceMs: null, now: false });
      }
    });
  }

  /** Updates the status of a wake when its run changes. */
  function note(before: Run | null, next: Run): void {
    if (next.lineage.origin === null || before === null || before.state.status === next.state.status) return;
    const wake = store.wakes.byId(next.lineage.origin.wakeId);
    if (wake === null || (!isWaiting(wake.status) && wake.status !== 'claimed')) return;
    const { state } = next;
    if (isEnded(state)) end(wake, wakeStatusOf[state.status], state.error);
    else if (state.status !== 'queued' && wake.status === 'queued')
      store.wakes.put({ ...wake, status: 'claimed', claimedAt: now() });
    else if (state.status === 'queued' && wake.status === 'claimed')
      store.wakes.put({ ...wake, status: 'queued', claimedAt: null });
  }

  return { wake, standFor, promote, drop, note, busyWith };
}

const wakeStatusOf = { succeeded: 'completed', failed: 'failed', timed_out: 'failed', cancelled: 'cancelled' } as const;
