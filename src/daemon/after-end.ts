/**
 * What a run means for its task: as it comes to be, as it lives, as it ends, and what follows from its end. The
 * rules are in src/task; here they are asked, and what they say is carried out, in one transaction with the step
 * that asked: an end is followed up once, whatever crashes in between.
 */
import { ClipError } from '../run/errors.ts';
import { type DecisionRecord, isAlive, isEnded, type Run } from '../run/run.ts';
import type { Store } from '../store/store.ts';
import { afterEnd, resumed } from '../task/next/continuation.ts';
import { budgetMax, spend } from '../task/next/continuation-budget.ts';
import type { Decision, EndedRun, Situation } from '../task/next/decision.ts';
import { isClosed, type Task } from '../task/task.ts';
import { plainPayload, type Wake } from '../task/wake.ts';
import type { Admission } from './admission.ts';
import type { Judge } from './judge.ts';
import type { NewRun, Supervisor } from './supervisor.ts';
import type { Tasks } from './tasks.ts';
import type { Wakes } from './wakes.ts';

const clip = { kind: 'clip' } as const;

export function createAfterEnd(world: {
  store: Store;
  supervisor: Supervisor;
  tasks: Tasks;
  wakes: Wakes;
  admission: Admission;
  judge: Judge;
  now: () => number;
  attemptsMax: number;
  /** What is used up for this agent and task, in words; null when nothing is. */
  limitReached: (agentId: string | null, task: number) => string | null;
  /** Takes out of a text what nobody may read, values of this agent's variables among it. */
  redacted: (text: string, agentId: string | null) => string;
}) {
  const { store, supervisor, tasks, wakes } = world;

  /** Called in the transaction of every change of a run. */
  function consequences(before: Run | null, next: Run): void {
    wakes.note(before, next);
    const task = tasks.ofRun(next);
    if (task === null) return;
    const holder = task.executionRunId;
    const lives = before !== null && hasLived(next) && !hasLived(before);
    if ((before === null || lives) && holder === null && next.spec.agent !== null) tasks.keep(task.number, { executionRunId: next.id });
    if (isEnded(next.state) && tasks.ofRun(next)?.executionRunId === next.id) tasks.keep(task.number, { executionRunId: null });
    if (lives && next.spec.agent !== null && !isClosed(task.status)) tasks.change(task.number, { type: 'taken-up', runId: next.id }, clip);
  }

  /** The run that follows a lost one by itself; null when its task has no automatic start left, or needs none. */
  function retryOf(ended: Run, reason: 'process_lost' | 'unknown_session'): NewRun | null {
    const task = tasks.ofRun(ended);
    if (task === null || ended.spec.agent === null) return world.admission.retryOf(ended, reason);
    if (isClosed(task.status) || task.status === 'blocked' || task.status === 'in_review') return null;
    if (reason === 'unknown_session') return world.admission.retryOf(ended, reason);
    const left = spend(task.budgetLeft);
    if (left === null) return null;
    const run = world.admission.retryOf(ended, reason);
    const { attempt = 0, attemptsMax = 0 } = ended.lineage.origin ?? {};
    const inARow = (ended.lineage.origin === null ? 0 : (store.wakes.byId(ended.lineage.origin.wakeId)?.payload.inARow ?? 0)) + 1;
    const payload = { ...plainPayload, inARow, sourceRunId: ended.id, continuationAttempt: attempt, maxContinuationAttempts: attemptsMax };
    const wakeId = wakes.standFor(run.id, {
      task: task.number,
      agentId: ended.spec.agent.id,
      reason: 'process_lost_retry',
      key: `process_lost_retry:${ended.id}`,
      payload,
    });
    tasks.keep(task.number, { budgetLeft: left });
    return { ...run, lineage: { ...run.lineage, origin: { wakeId, reason: 'process_lost_retry', attempt, attemptsMax, ofRunId: ended.id } } };
  }

  /** Decides what follows, and sees to it. Does nothing when that was done before. */
  function followUp(number: number): void {
    supervisor.together(() => {
      const run = supervisor.find(number);
      if (!run || !isEnded(run.state) || !run.state.pending.includes('wake')) return;
      const task = tasks.ofRun(run);
      const now = situationOf(run, task);
      const decision = afterEnd(endedRun(run), now);
      if (task !== null && task.budgetLeft !== now.budgetLeft) tasks.keep(task.number, { budgetLeft: now.budgetLeft });
      supervisor.submit(number, { type: 'step-done', step: 'wake', decision: recordOf(decision) });
      if (task === null) return;
      carryOut(decision, run, task);
      lookAgain(task.number);
    });
  }

  /**
   * A task that was left where it stood, because its agent was paused, a limit was reached, or another run had it:
   * once that is over, what follows is decided again. Everything else was decided when its run ended.
   */
  function lookAgain(number: number): void {
    // Nearly always there is nothing to do: that is found out by reading alone, for a transaction has the whole queue looked at.
    const task = store.tasks.byNumber(number);
    const agent = task === null ? null : leftTo(task);
    if (task === null || agent === null) return;
    if (agent.removed) return supervisor.together(() => block(task, ...agentGone(agent.name, number)));
    const run = store.runs.latestOfTask(number, agent.id);
    if (run === null || !isEnded(run.state) || run.state.pending.includes('wake')) return;
    const before = run.state.decision?.action;
    if (before !== 'skip' && before !== 'follows') return;
    // What follows a lost run was made with its end, and is not made again.
    if (store.runs.retryOf(run.id) !== null || (before === 'follows' && run.state.errorCode === 'process_lost')) return;
    const now = situationOf(run, task);
    if (now.agent === null || now.agent.paused || now.limitReached !== null) return;
    const wasHeld = run.state.stopReason === 'paused' || run.state.stopReason === 'budget_paused';
    const decision = wasHeld ? resumed(endedRun(run), task, now.budgetLeft) : afterEnd(endedRun(run), now);
    if (decision.action === 'continue' || decision.action === 'block') supervisor.together(() => carryOut(decision, run, task));
  }

  /** The agent of an open task, if nothing of the task runs or waits. */
  function leftTo({ number, status, assignee }: Task): { id: string; name: string; removed: boolean } | null {
    if (assignee?.kind !== 'agent' || (status !== 'todo' && status !== 'in_progress')) return null;
    if (store.wakes.allWaiting({ task: number }).length > 0 || wakes.busyWith(number, '') !== null) return null;
    const { agentId: id } = assignee;
    return { id, name: store.agents.nameOf(id) ?? id, removed: store.agents.byId(id) === null };
  }

  /** The same for all tasks, or those of one agent: it was resumed, a limit was raised, or time went by. */
  function lookAtAll(agentId: string | null): void {
    for (const { number, assignee } of store.tasks.ofAgents()) {
      if (agentId === null || (assignee?.kind === 'agent' && assignee.agentId === agentId)) lookAgain(number);
    }
  }

  function situationOf(run: Run, task: Task | null): Situation {
    const agentId = run.spec.agent?.id ?? null;
    const durable = world.judge.isDurable(run);
    const retry = isEnded(run.state) ? store.runs.retryOf(run.id) : null;
    const wanted = isEnded(run.state) && run.state.errorCode === 'process_lost' && run.spec.onLoss === 'retry' && run.lineage.processLossRetryCount === 0;
    const full = retry === null ? budgetMax : budgetMax - 1;
    return {
      at: world.now(),
      task,
      budgetLeft: durable ? full : (task?.budgetLeft ?? 0),
      agent: agentId === null ? null : store.agents.byId(agentId),
      busy: task === null ? null : busyWords(task, run),
      asked: task !== null && store.wakes.allWaiting({ task: task.number }).length > 0,
      ownRetry: retry !== null ? { number: retry } : !wanted ? 'none' : task?.budgetLeft !== 0 ? 'withheld' : durable ? 'none' : 'spent',
      limitReached: task === null ? null : world.limitReached(agentId, task.number),
      attemptsMax: world.attemptsMax,
    };
  }

  function busyWords(task: Task, run: Run): string | null {
    const other = wakes.busyWith(task.number, '', run.id);
    if (other) return `Run ${other.number} of T${task.number} is ${isEnded(other.state) ? 'being dealt with' : other.state.status}.`;
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
      error: error === null ? null : world.redacted(error, run.spec.agent?.id ?? null),
      liveness,
      resetsAt: store.accounts.glance(run.number)?.resetsAt ?? null,
      retryReason: run.lineage.retryReason,
      limit: limitOf(run),
      wake: wake === null ? null : { reason: wake.reason, payload: wake.payload },
    };
  }

  /** Its history says which limit stopped it. */
  function limitOf({ number, state }: Run): EndedRun['limit'] {
    if (!isEnded(state) || state.stopReason !== 'budget_paused') return null;
    const reached = store.events.lastOfType(number, 'budget-reached')?.data;
    return reached === undefined ? null : (reached as NonNullable<EndedRun['limit']>);
  }

  function carryOut(decision: Decision, run: Run, task: Task): void {
    if (decision.action === 'continue' && run.spec.agent !== null) {
      tasks.keep(task.number, { budgetLeft: decision.budgetLeft });
      const { wake } = decision;
      const retryOf = wake.retryReason === null ? null : { id: run.id, reason: wake.retryReason };
      const made = wakes.wake({ ...wake, task: task.number, agentId: run.spec.agent.id, source: 'automation', retryOf, prompt: null });
      blockUnstarted(made, task);
    }
    if (decision.action === 'block') {
      block(task, decision.blockedReason, decision.next);
      if (decision.comment !== null)
        tasks.comment(task.number, { text: world.redacted(decision.comment, run.spec.agent?.id ?? null), key: `after-end:${run.id}` }, clip);
    }
    const next = tasks.ofRun(run);
    if (next !== null && decision.action !== 'continue') blockUnstarted(wakes.promote(next), next);
  }

  function blockUnstarted(wake: Wake | null, task: Task): void {
    if (wake?.status === 'failed') block(task, `It could not be started again: ${wake.error}`, `Mend that, then: clip continue T${task.number}`);
  }

  function block(task: Task, reason: string, next: string): void {
    try {
      tasks.change(task.number, { type: 'block', reason: world.redacted(reason, task.assignee?.kind === 'agent' ? task.assignee.agentId : null), next }, clip);
    } catch (error) {
      // Closed in the same breath: then there is nothing to block.
      if (!(error instanceof ClipError)) throw error;
    }
  }

  return { consequences, retryOf, followUp, lookAgain, lookAtAll };
}

/** Also one that had ended before anybody saw it live: while no daemon was there, say. */
function hasLived({ state }: Run): boolean {
  return isAlive(state) || (isEnded(state) && state.startedAt !== null);
}

/** Nothing else would say that nobody works on it any more. */
function agentGone(agent: string, task: number): [reason: string, next: string] {
  return [`Agent ${agent}, to which it is assigned, was removed.`, `Give it to another: clip continue T${task} --agent NAME`];
}

function recordOf(decision: Decision): DecisionRecord {
  return { action: decision.action, reason: decision.reason, exhausted: decision.action === 'block' && decision.exhausted };
}
