/**
 * Applies the life of a run to its task: its creation, its start, its end, and what follows from the end. The rules
 * are in src/task. This module gathers their input and carries out their decisions, in one transaction with the step
 * that asked, so an end is followed up once, whatever crashes in between.
 */
import { ClipError } from '#run/errors.ts';
import { type DecisionRecord, isAlive, isEnded, type Run } from '#run/run.ts';
import type { Store } from '#store/store.ts';
import { budgetMax, spend } from '#task/continuation/continuation-budget.ts';
import type { Decision, EndedRun, Situation } from '#task/continuation/decision.ts';
import { afterEnd, resumed } from '#task/continuation/rules.ts';
import { isClosed, type Task } from '#task/task.ts';
import { plainPayload, type Wake } from '#task/wake.ts';
import type { NewRun, Supervisor } from '../core/supervisor.ts';
import type { Admission } from '../runs/admission.ts';
import type { RunJudge } from './run-verdict.ts';
import type { Tasks } from './tasks.ts';
import type { Wakes } from './wakes.ts';

const clip = { kind: 'clip' } as const;

export function createAfterEnd(deps: {
  store: Store;
  supervisor: Supervisor;
  tasks: Tasks;
  wakes: Wakes;
  admission: Admission;
  runJudge: RunJudge;
  now: () => number;
  attemptsMax: number;
  /** Maximum number of automatic runs in a row. */
  runsMax: number;
  /** Describes the limit that is used up for this agent and task, or returns null. */
  limitReached: (agentId: string | null, task: number) => string | null;
  /** Redacts secrets in a text, including variables of this agent. */
  redacted: (text: string, agentId: string | null) => string;
}) {
  const { store, supervisor, tasks, wakes } = deps;

  /** Applies a change of a run to its task and wake. Called in the same transaction. */
  function consequences(before: Run | null, next: Run): void {
    wakes.note(before, next);
    const task = tasks.ofRun(next);
    if (task === null) return;
    const holder = task.executionRunId;
    const lives = before !== null && hasLived(next) && !hasLived(before);
    if ((before === null || lives) && holder === null && next.spec.agent !== null)
      tasks.keep(task.number, { executionRunId: next.id, dismissedAt: null });
    if (isEnded(next.state) && tasks.ofRun(next)?.executionRunId === next.id)
      tasks.keep(task.number, { executionRunId: null });
    if (lives && next.spec.agent !== null && !isClosed(task.status))
      tasks.change(task.number, { type: 'picked-up', runId: next.id }, clip);
  }

  /** Returns the automatic retry of a run. Null if the task has no automatic start left, or needs none. */
  function buildRetry(ended: Run, reason: 'process_lost' | 'unknown_session'): NewRun | null {
    const task = tasks.ofRun(ended);
    if (task === null || ended.spec.agent === null) return deps.admission.retryOf(ended, reason);
    if (isClosed(task.status) || task.status === 'blocked' || task.status === 'in_review') return null;
    // Another agent has been woken. With a retry of this run, two agents would work on one task.
    if (isAnotherAgents(task, ended.spec.agent.id)) return null;
    if (reason === 'unknown_session') return deps.admission.retryOf(ended, reason);
    const left = spend(task.budgetLeft);
    if (left === null) return null;
    const run = deps.admission.retryOf(ended, reason);
    const { attempt = 0, attemptsMax = 0 } = ended.lineage.origin ?? {};
    const inARow =
      (ended.lineage.origin === null ? 0 : (store.wakes.byId(ended.lineage.origin.wakeId)?.payload.inARow ?? 0)) + 1;
    const payload = {
      ...plainPayload,
      inARow,
      sourceRunId: ended.id,
      continuationAttempt: attempt,
      maxContinuationAttempts: attemptsMax,
    };
    const wakeId = wakes.standFor(run.id, {
      task: task.number,
      agentId: ended.spec.agent.id,
      reason: 'process_lost_retry',
      key: `process_lost_retry:${ended.id}`,
      payload,
    });
    tasks.keep(task.number, { budgetLeft: left });
    return {
      ...run,
      lineage: {
        ...run.lineage,
        origin: { wakeId, reason: 'process_lost_retry', attempt, attemptsMax, ofRunId: ended.id },
      },
    };
  }

  /** Decides what follows the run and carries it out. Does nothing if that was done before. */
  function followUp(number: number): void {
    supervisor.together(() => {
      const run = supervisor.find(number);
      if (!run || !isEnded(run.state) || !run.state.pending.includes('wake')) return;
      const task = tasks.ofRun(run);
      const now = buildSituation(run, task);
      const decision = afterEnd(endedRun(run), now);
      if (task !== null && task.budgetLeft !== now.budgetLeft) tasks.keep(task.number, { budgetLeft: now.budgetLeft });
      supervisor.submit(number, { type: 'step-done', step: 'wake', decision: toDecisionRecord(decision) });
      if (task === null) return;
      carryOut(decision, run, task);
      lookAgain(task.number);
    });
  }

  /**
   * Decides again for a task that was skipped because its agent was paused, a limit was reached, or another run had
   * it. All other tasks were decided when their run ended.
   */
  function lookAgain(number: number): void {
    // Usually there is nothing to do. Reading alone shows that, while a transaction triggers a look at the whole queue.
    const task = store.tasks.byNumber(number);
    const agent = task === null ? null : leftTo(task);
    if (task === null || agent === null) return;
    if (agent.removed) return supervisor.together(() => block(task, ...agentGone(agent.name, number)));
    const run = store.runs.latestOfTask(number, agent.id);
    if (run === null || !isEnded(run.state) || run.state.pending.includes('wake')) return;
    const before = run.state.decision?.action;
    if (before !== 'skip' && before !== 'follows') return;
    // The retry of a lost run was created with its end.
    if (store.runs.retryOf(run.id) !== null || (before === 'follows' && run.state.errorCode === 'process_lost')) return;
    const now = buildSituation(run, task);
    if (now.agent === null || now.agent.paused || now.limitReached !== null) return;
    const wasHeld = run.state.stopReason === 'paused' || run.state.stopReason === 'budget_paused';
    const decision = wasHeld ? resumed(endedRun(run), task, now.budgetLeft) : afterEnd(endedRun(run), now);
    if (decision.action === 'continue' || decision.action === 'block' || decision.action === 'review')
      supervisor.together(() => carryOut(decision, run, task));
  }

  /** Returns the agent of an open task for which nothing runs or is pending, else null. */
  function leftTo({ number, status, assignee }: Task): { id: string; name: string; removed: boolean } | null {
    if (assignee?.kind !== 'agent' || (status !== 'todo' && status !== 'in_progress')) return null;
    if (store.wakes.allWaiting({ task: number }).length > 0 || wakes.busyWith(number, '') !== null) return null;
    const { agentId: id } = assignee;
    return { id, name: store.agents.nameOf(id) ?? id, removed: store.agents.byId(id) === null };
  }

  /** Decides again for all skipped tasks, or those of one agent: it was resumed, a limit was raised, or time has passed. */
  function lookAtAll(agentId: string | null): void {
    for (const { number, assignee } of store.tasks.ofAgents()) {
      if (agentId === null || (assignee?.kind === 'agent' && assignee.agentId === agentId)) lookAgain(number);
    }
  }

  function buildSituation(run: Run, task: Task | null): Situation {
    const agentId = run.spec.agent?.id ?? null;
    const durable = deps.runJudge.isDurable(run);
    const retry = isEnded(run.state) ? store.runs.retryOf(run.id) : null;
    const lost = isEnded(run.state) && run.state.errorCode === 'process_lost';
    const wanted =
      lost && run.spec.onLoss === 'retry' && run.lineage.processLossRetryCount === 0 && !isAnotherAgents(task, agentId);
    const full = retry === null ? budgetMax : budgetMax - 1;
    return {
      at: deps.now(),
      task,
      budgetLeft: durable ? full : (task?.budgetLeft ?? 0),
      agent: agentId === null ? null : store.agents.byId(agentId),
      busy: task === null ? null : formatBusy(task, run),
      asked: task !== null && store.wakes.allWaiting({ task: task.number }).length > 0,
      ownRetry:
        retry !== null
          ? { number: retry }
          : !wanted
            ? 'none'
            : task?.budgetLeft !== 0
              ? 'withheld'
              : durable
                ? 'none'
                : 'spent',
      limitReached: task === null ? null : deps.limitReached(agentId, task.number),
      attemptsMax: deps.attemptsMax,
      runsMax: deps.runsMax,
    };
  }

  function formatBusy(task: Task, run: Run): string | null {
    const other = wakes.busyWith(task.number, '', run.id);
    if (other)
      return `Run ${other.number} of T${task.number} is ${isEnded(other.state) ? 'being dealt with' : other.state.status}.`;
    const [waiting] = store.wakes.allWaiting({ task: task.number });
    return waiting === undefined ? null : `T${task.number} is woken already (${waiting.reason}).`;
  }

  function endedRun(run: Run): EndedRun {
    if (!isEnded(run.state)) throw new Error(`Run ${run.number} has not ended.`);
    const { status, stopReason, errorCode, error, liveness } = run.state;
    const wake = run.lineage.origin === null ? null : store.wakes.byId(run.lineage.origin.wakeId);
    return {
      id: run.id,
      number: run.number,
      agentId: run.spec.agent?.id ?? null,
      status,
      stopReason,
      errorCode,
      error: error === null ? null : deps.redacted(error, run.spec.agent?.id ?? null),
      liveness,
      resetsAt: store.streamStates.glance(run.number)?.resetsAt ?? null,
      retryReason: run.lineage.retryReason,
      limit: findReachedLimit(run),
      progress: deps.runJudge.isDurable(run),
      wake: wake === null ? null : { reason: wake.reason, payload: wake.payload },
    };
  }

  /** Returns the limit that stopped a run, according to its history. */
  function findReachedLimit({ number, state }: Run): EndedRun['limit'] {
    if (!isEnded(state) || state.stopReason !== 'budget_paused') return null;
    const reached = store.events.lastOfType(number, 'budget-reached')?.data;
    return reached === undefined ? null : (reached as NonNullable<EndedRun['limit']>);
  }

  function carryOut(decision: Decision, run: Run, task: Task): void {
    if (decision.action === 'continue' && run.spec.agent !== null) {
      tasks.keep(task.number, { budgetLeft: decision.budgetLeft });
      const { wake } = decision;
      const retryOf = wake.retryReason === null ? null : { id: run.id, reason: wake.retryReason };
      const made = wakes.wake({
        ...wake,
        task: task.number,
        agentId: run.spec.agent.id,
        source: 'automation',
        retryOf,
        prompt: null,
      });
      blockUnstarted(made, task);
    }
    if (decision.action === 'review' && task.status !== 'in_review')
      tasks.change(task.number, { type: 'review' }, clip);
    if (decision.action === 'block') {
      block(task, decision.blockedReason, decision.next);
      if (decision.comment !== null)
        tasks.comment(
          task.number,
          { text: deps.redacted(decision.comment, run.spec.agent?.id ?? null), key: `after-end:${run.id}` },
          clip,
        );
    }
    const next = tasks.ofRun(run);
    if (next !== null && decision.action !== 'continue') blockUnstarted(wakes.promote(next), next);
  }

  function blockUnstarted(wake: Wake | null, task: Task): void {
    if (wake?.status === 'failed')
      block(task, `It could not be started again: ${wake.error}`, `Fix that, then: clip continue T${task.number}`);
  }

  function block(task: Task, reason: string, next: string): void {
    try {
      tasks.change(
        task.number,
        {
          type: 'block',
          reason: deps.redacted(reason, task.assignee?.kind === 'agent' ? task.assignee.agentId : null),
          next,
        },
        clip,
      );
    } catch (error) {
      // The task was closed in the meantime, so there is nothing to block.
      if (!(error instanceof ClipError)) throw error;
    }
  }

  return { consequences, retryOf: buildRetry, followUp, lookAgain, lookAtAll };
}

function isAnotherAgents(task: Task | null, agentId: string | null): boolean {
  return task?.assignee?.kind === 'agent' && task.assignee.agentId !== agentId;
}

/** Returns whether the run has ever been alive, even if it ended unseen, for example while no daemon was running. */
function hasLived({ state }: Run): boolean {
  return isAlive(state) || (isEnded(state) && state.startedAt !== null);
}

/** Returns the words for a task whose agent was removed, which nothing else would report. */
function agentGone(agent: string, task: number): [reason: string, next: string] {
  return [
    `Agent ${agent}, to which it is assigned, was removed.`,
    `Give it to another: clip continue T${task} --agent NAME`,
  ];
}

function toDecisionRecord(decision: Decision): DecisionRecord {
  return {
    action: decision.action,
    reason: decision.reason,
    exhausted: decision.action === 'block' && decision.exhausted,
  };
}
