/**
 * What a run means for its task: as it comes to be, as it lives, as it ends, and what follows from its end. The
 * rules are in src/task; here they are asked, and what they say is carried out, in one transaction with the step
 * that asked: an end is followed up once, whatever crashes in between.
 */
import { ClipError } from '../run/errors.ts';
import { type DecisionRecord, isAlive, isEnded, type Run } from '../run/run.ts';
import type { Store } from '../store/store.ts';
import { afterEnd, resumed } from '../task/continuation.ts';
import { budgetMax, spend } from '../task/continuation-budget.ts';
import type { Decision, EndedRun, Situation } from '../task/decision.ts';
import { isClosed, type Task } from '../task/task.ts';
import { plainPayload } from '../task/wake.ts';
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
  /** Takes out of a text what nobody may read. */
  redacted: (text: string) => string;
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
    if (isClosed(task.status) || task.status === 'blocked') return null;
    if (reason === 'unknown_session') return world.admission.retryOf(ended, reason);
    const left = spend(task.budgetLeft);
    if (left === null) return null;
    const run = world.admission.retryOf(ended, reason);
    const { attempt = 0, attemptsMax = 0 } = ended.lineage.origin ?? {};
    const payload = { ...plainPayload, sourceRunId: ended.id, continuationAttempt: attempt, maxContinuationAttempts: attemptsMax };
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
    supervisor.together(() => {
      const task = store.tasks.byNumber(number);
      if (task === null || task.assignee?.kind !== 'agent' || (task.status !== 'todo' && task.status !== 'in_progress')) return;
      if (wakes.busyWith(number, '') !== null || store.wakes.allWaiting({ task: number }).length > 0) return;
      const run = store.runs.latestOfTask(number, task.assignee.agentId);
      if (run === null || !isEnded(run.state) || run.state.pending.includes('wake')) return;
      const before = run.state.decision?.action;
      if (before !== 'skip' && before !== 'follows') return;
      const now = situationOf(run, task);
      if (now.agent === null || now.agent.paused || now.limitReached !== null) return;
      const wasHeld = run.state.stopReason === 'paused' || run.state.stopReason === 'budget_paused';
      const decision = wasHeld ? resumed(endedRun(run), task, now.budgetLeft) : afterEnd(endedRun(run), now);
      if (decision.action === 'continue' || decision.action === 'block') carryOut(decision, run, task);
    });
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
      error: error === null ? null : world.redacted(error),
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
      if (made.status === 'failed') block(task, `It could not be started again: ${made.error}`, `Mend that, then: clip continue T${task.number}`);
    }
    if (decision.action === 'block') {
      block(task, decision.blockedReason, decision.next);
      if (decision.comment !== null) tasks.comment(task.number, { text: world.redacted(decision.comment), key: `after-end:${run.id}` }, clip);
    }
    const next = tasks.ofRun(run);
    if (next !== null && decision.action !== 'continue') wakes.promote(next);
  }

  function block(task: Task, reason: string, next: string): void {
    try {
      tasks.change(task.number, { type: 'block', reason: world.redacted(reason), next }, clip);
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

function recordOf(decision: Decision): DecisionRecord {
  return { action: decision.action, reason: decision.reason, exhausted: decision.action === 'block' && decision.exhausted };
}
