/**
 * Applies the life of a run to its task: its creation, its start, its end, and what follows from the end. The rules
 * are in src/task. This module gathers their input and carries out their decisions, in one transaction with the step
 * that asked, so an end is followed up once, whatever crashes in between.
 */
import { ClipError } from '#run/errors.ts';
import { type DecisionRecord, isAlive, isEnded, type Run } from '#run/run.ts';
import type { Store } from '#store/store.ts';
import { spend } from '#task/continuation/continuation-budget.ts';
import type { Decision } from '#task/continuation/decision.ts';
import { afterEnd, resumed } from '#task/continuation/rules.ts';
import { isClosed, type Task } from '#task/task.ts';
import { plainPayload, type Wake } from '#task/wake.ts';
import type { Budgets } from '../budgets/budgets.ts';
import type { Supervisor } from '../core/supervisor.ts';
import type { NewRun, Tx } from '../core/transaction.ts';
import type { AutomaticRuns } from '../runs/automatic-runs.ts';
import type { RunJudge } from './run-verdict.ts';
import { describeEnd, describeSituation, isAnotherAgents } from './situation.ts';
import type { Tasks } from './tasks.ts';
import type { Wakes } from './wakes.ts';

const clip = { kind: 'clip' } as const;

type Deps = {
  readonly store: Store;
  readonly supervisor: Supervisor;
  readonly tasks: Tasks;
  readonly wakes: Wakes;
  readonly automaticRuns: Pick<AutomaticRuns, 'buildRetry'>;
  readonly runJudge: Pick<RunJudge, 'isDurable'>;
  readonly budgets: Pick<Budgets, 'mayStart'>;
  readonly now: () => number;
  readonly attemptsMax: number;
  /** Maximum number of automatic runs in a row. */
  readonly runsMax: number;
  /** Redacts secrets in a text, including variables of this agent. */
  readonly redacted: (text: string, agentId: string | null) => string;
};

export class Continuation {
  readonly #deps: Deps;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Applies a change of a run to its task and wake. */
  followRun(tx: Tx, before: Run | null, next: Run): void {
    const { tasks, wakes } = this.#deps;
    wakes.noteRun(tx, before, next);
    const task = tasks.ofRun(next);
    if (task === null) return;
    const isOfAgent = next.spec.agent !== null;
    const starts = before !== null && hasLived(next) && !hasLived(before);
    if ((before === null || starts) && task.executionRunId === null && isOfAgent)
      tasks.keep(tx, task.number, { executionRunId: next.id, dismissedAt: null });
    if (isEnded(next.state) && tasks.ofRun(next)?.executionRunId === next.id)
      tasks.keep(tx, task.number, { executionRunId: null });
    if (starts && isOfAgent && !isClosed(task.status))
      tasks.change(tx, task.number, { type: 'picked-up', runId: next.id }, clip);
  }

  /** Returns the automatic retry of a run. Null if the task has no automatic start left, or needs none. */
  buildRetry(tx: Tx, ended: Run, reason: 'process_lost' | 'unknown_session'): NewRun | null {
    const { tasks, automaticRuns } = this.#deps;
    const task = tasks.ofRun(ended);
    if (task === null || ended.spec.agent === null) return automaticRuns.buildRetry(tx, ended, reason);
    if (isClosed(task.status) || task.status === 'blocked' || task.status === 'in_review') return null;
    // Another agent has been woken. With a retry of this run, two agents would work on one task.
    if (isAnotherAgents(task, ended.spec.agent.id)) return null;
    if (reason === 'unknown_session') return automaticRuns.buildRetry(tx, ended, reason);
    // What a person has asked for since starts when this run is finalized. It is the next run of the task.
    if (this.#deps.wakes.isAskedFor(task.number)) return null;
    const left = spend(task.budgetLeft);
    if (left === null) return null;
    const run = automaticRuns.buildRetry(tx, ended, reason);
    tasks.keep(tx, task.number, { budgetLeft: left });
    return this.#withWake(tx, run, ended, { task: task.number, agentId: ended.spec.agent.id });
  }

  /** Adds the wake of an automatic retry. */
  #withWake(tx: Tx, run: NewRun, ended: Run, place: { readonly task: number; readonly agentId: string }): NewRun {
    const { wakes } = this.#deps;
    const { attempt = 0, attemptsMax = 0 } = ended.lineage.origin ?? {};
    const payload = {
      ...plainPayload,
      inARow: wakes.countInARow(ended) + 1,
      sourceRunId: ended.id,
      continuationAttempt: attempt,
      maxContinuationAttempts: attemptsMax,
    };
    const reason = 'process_lost_retry';
    const wakeId = wakes.addForRun(tx, run.id, { ...place, reason, key: `process_lost_retry:${ended.id}`, payload });
    return { ...run, lineage: { ...run.lineage, origin: { wakeId, reason, attempt, attemptsMax, ofRunId: ended.id } } };
  }

  /** Decides what follows the run and carries it out. Does nothing if that was done before. */
  followUp(number: number): void {
    const { supervisor, tasks } = this.#deps;
    supervisor.transaction((tx) => {
      const run = supervisor.find(number);
      if (!run || !isEnded(run.state) || !run.state.pending.includes('wake')) return;
      const task = tasks.ofRun(run);
      const situation = describeSituation(this.#deps, run, task);
      const decision = afterEnd(describeEnd(this.#deps, run), situation);
      if (task !== null && task.budgetLeft !== situation.budgetLeft)
        tasks.keep(tx, task.number, { budgetLeft: situation.budgetLeft });
      tx.submit(number, { type: 'step-done', step: 'wake', decision: toDecisionRecord(decision) });
      if (task === null) return;
      this.#carryOut(tx, decision, run, task);
      this.reconsider(tx, task.number);
    });
  }

  /**
   * Decides again for a task that was skipped because its agent was paused, a limit was reached, or another run had
   * it. All other tasks were decided when their run ended.
   */
  reconsider(tx: Tx, number: number): void {
    this.#decideAgain(number)?.(tx);
  }

  /** Decides again for all skipped tasks: an agent was resumed, a limit was raised, or time has passed. */
  reconsiderAll(): void {
    for (const { number } of this.#deps.store.tasks.ofAgents()) {
      // Usually there is nothing to do. Reading alone shows that, while a transaction triggers a look at the whole queue.
      const carryOut = this.#decideAgain(number);
      if (carryOut !== null) this.#deps.supervisor.transaction(carryOut);
    }
  }

  /** Returns what is to be done for a skipped task, or null. */
  #decideAgain(number: number): ((tx: Tx) => void) | null {
    const { store } = this.#deps;
    const task = store.tasks.byNumber(number);
    const agent = task === null ? null : this.#findIdleAgent(task);
    if (task === null || agent === null) return null;
    if (agent.removed) return (tx) => this.#block(tx, task, ...agentGone(agent.name, number));
    const run = store.runs.latestOfTask(number, agent.id);
    if (run === null || !isEnded(run.state) || run.state.pending.includes('wake')) return null;
    const before = run.state.decision?.action;
    if (before !== 'skip' && before !== 'follows') return null;
    // The retry of a lost run was created with its end.
    if (store.runs.retryOf(run.id) !== null || (before === 'follows' && run.state.errorCode === 'process_lost'))
      return null;
    const situation = describeSituation(this.#deps, run, task);
    if (situation.agent === null || situation.agent.paused || situation.limitReached !== null) return null;
    const wasHeld = run.state.stopReason === 'paused' || run.state.stopReason === 'budget_paused';
    const end = describeEnd(this.#deps, run);
    const decision = wasHeld ? resumed(end, task, situation.budgetLeft) : afterEnd(end, situation);
    const isDue = decision.action === 'continue' || decision.action === 'block' || decision.action === 'review';
    return isDue ? (tx) => this.#carryOut(tx, decision, run, task) : null;
  }

  /** Returns the agent of an open task for which nothing runs or is pending, else null. */
  #findIdleAgent({ number, status, assignee }: Task): { id: string; name: string; removed: boolean } | null {
    const { store, wakes } = this.#deps;
    if (assignee?.kind !== 'agent' || (status !== 'todo' && status !== 'in_progress')) return null;
    if (store.wakes.allWaiting({ task: number }).length > 0 || wakes.busyWith(number, '') !== null) return null;
    const { agentId: id } = assignee;
    return { id, name: store.agents.nameOf(id) ?? id, removed: store.agents.byId(id) === null };
  }

  #carryOut(tx: Tx, decision: Decision, run: Run, task: Task): void {
    const { tasks, wakes } = this.#deps;
    if (decision.action === 'continue') this.#continue(tx, decision, run, task);
    if (decision.action === 'review' && task.status !== 'in_review')
      tasks.change(tx, task.number, { type: 'review' }, clip);
    if (decision.action === 'block') {
      this.#block(tx, task, decision.blockedReason, decision.next);
      this.#explainBlock(tx, decision.comment, run, task);
    }
    const next = tasks.ofRun(run);
    if (next !== null && decision.action !== 'continue') this.#blockUnstarted(tx, wakes.promote(tx, next), next);
  }

  #continue(tx: Tx, { budgetLeft, wake }: Extract<Decision, { action: 'continue' }>, run: Run, task: Task): void {
    if (run.spec.agent === null) return;
    const { tasks, wakes } = this.#deps;
    tasks.keep(tx, task.number, { budgetLeft });
    const place = { task: task.number, agentId: run.spec.agent.id };
    const retryOf = wake.retryReason === null ? null : { id: run.id, reason: wake.retryReason };
    const made = wakes.wake(tx, { ...wake, ...place, source: 'automation', retryOf, prompt: null });
    this.#blockUnstarted(tx, made, task);
  }

  #explainBlock(tx: Tx, comment: string | null, run: Run, task: Task): void {
    if (comment === null) return;
    const text = this.#deps.redacted(comment, run.spec.agent?.id ?? null);
    this.#deps.tasks.comment(tx, task.number, { text, key: `after-end:${run.id}` }, clip);
  }

  #blockUnstarted(tx: Tx, wake: Wake | null, task: Task): void {
    if (wake?.status !== 'failed') return;
    const reason = `It could not be started again: ${wake.error}`;
    this.#block(tx, task, reason, `Fix that, then: clip continue T${task.number}`);
  }

  #block(tx: Tx, task: Task, reason: string, next: string): void {
    const agentId = task.assignee?.kind === 'agent' ? task.assignee.agentId : null;
    try {
      const redacted = this.#deps.redacted(reason, agentId);
      this.#deps.tasks.change(tx, task.number, { type: 'block', reason: redacted, next }, clip);
    } catch (error) {
      // The task was closed in the meantime, so there is nothing to block.
      if (!(error instanceof ClipError)) throw error;
    }
  }
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
