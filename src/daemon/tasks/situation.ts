/** Gathers what the rules of src/task need to know to decide what follows a run. */
import { isEnded, type Run } from '#run/run.ts';
import type { Store } from '#store/store.ts';
import { budgetMax } from '#task/continuation/continuation-budget.ts';
import type { EndedRun, Situation } from '#task/continuation/decision.ts';
import type { Task } from '#task/task.ts';
import type { Budgets } from '../budgets/budgets.ts';
import type { RunJudge } from './run-verdict.ts';
import type { Wakes } from './wakes.ts';

export type SituationDeps = {
  readonly store: Store;
  readonly wakes: Pick<Wakes, 'busyWith' | 'isAskedFor'>;
  readonly runJudge: Pick<RunJudge, 'isDurable'>;
  readonly budgets: Pick<Budgets, 'mayStart'>;
  readonly now: () => number;
  readonly attemptsMax: number;
  /** Maximum number of automatic runs in a row. */
  readonly runsMax: number;
  /** Redacts secrets in a text, including variables of this agent. */
  readonly redacted: (text: string, agentId: string | null) => string;
};

/** Returns the circumstances in which it is decided what follows a run. */
export function describeSituation(deps: SituationDeps, run: Run, task: Task | null): Situation {
  const { store, runJudge, budgets, now, attemptsMax, runsMax } = deps;
  const agentId = run.spec.agent?.id ?? null;
  const durable = runJudge.isDurable(run);
  const retry = isEnded(run.state) ? store.runs.retryOf(run.id) : null;
  const full = retry === null ? budgetMax : budgetMax - 1;
  return {
    at: now(),
    task,
    budgetLeft: durable ? full : (task?.budgetLeft ?? 0),
    agent: agentId === null ? null : store.agents.byId(agentId),
    busy: task === null ? null : describeBusy(deps, task, run),
    asked: task !== null && store.wakes.allWaiting({ task: task.number }).length > 0,
    ownRetry: retry !== null ? { number: retry } : findMissingRetry(deps, run, task, durable),
    limitReached: task === null ? null : budgets.mayStart(agentId, task.number),
    attemptsMax,
    runsMax,
  };
}

/** Returns why a lost run has no automatic retry, or `none` if it should have none. */
function findMissingRetry(
  deps: SituationDeps,
  run: Run,
  task: Task | null,
  durable: boolean,
): Exclude<Situation['ownRetry'], object> {
  const { store, wakes } = deps;
  const lost = isEnded(run.state) && run.state.errorCode === 'process_lost';
  const isWanted = lost && run.spec.onLoss === 'retry' && run.lineage.processLossRetryCount === 0;
  if (!isWanted || isAnotherAgents(task, run.spec.agent?.id ?? null)) return 'none';
  const isGone = store.events.lastOfType(run.number, 'process-lost')?.data['certain'] === true;
  if (task !== null && isGone && wakes.isAskedFor(task.number)) return 'none';
  if (task?.budgetLeft !== 0) return 'withheld';
  return durable ? 'none' : 'spent';
}

function describeBusy(deps: SituationDeps, task: Task, run: Run): string | null {
  const other = deps.wakes.busyWith(task.number, '', run.id);
  if (other)
    return `Run ${other.number} of T${task.number} is ${isEnded(other.state) ? 'being dealt with' : other.state.status}.`;
  const [waiting] = deps.store.wakes.allWaiting({ task: task.number });
  return waiting === undefined ? null : `T${task.number} is woken already (${waiting.reason}).`;
}

/** Returns what the decision needs to know of an ended run. Throws if it has not ended. */
export function describeEnd(deps: SituationDeps, run: Run): EndedRun {
  if (!isEnded(run.state)) throw new Error(`Run ${run.number} has not ended.`);
  const { store, redacted, runJudge } = deps;
  const { status, stopReason, errorCode, error, liveness, stop, outcome } = run.state;
  const cancelledBecause = (outcome.kind === 'not_started' ? error : stop?.because) ?? null;
  const wake = run.lineage.origin === null ? null : store.wakes.byId(run.lineage.origin.wakeId);
  const agentId = run.spec.agent?.id ?? null;
  return {
    id: run.id,
    number: run.number,
    agentId,
    permission: run.spec.agent?.permission ?? null,
    status,
    stopReason,
    errorCode,
    error: error === null ? null : redacted(error, agentId),
    cancelledBecause: stopReason === 'cancelled' ? cancelledBecause : null,
    liveness,
    resetsAt: store.streamStates.glance(run.number)?.resetsAt ?? null,
    retryReason: run.lineage.retryReason,
    limit: findReachedLimit(deps, run),
    progress: runJudge.isDurable(run),
    wake: wake === null ? null : { reason: wake.reason, payload: wake.payload },
  };
}

/** Returns the limit that stopped a run, according to its history. */
function findReachedLimit(deps: SituationDeps, { number, state }: Run): EndedRun['limit'] {
  if (!isEnded(state) || state.stopReason !== 'budget_paused') return null;
  const reached = deps.store.events.lastOfType(number, 'budget-reached')?.data;
  return reached === undefined ? null : (reached as NonNullable<EndedRun['limit']>);
}

/** Returns whether the task belongs to another agent now. */
export function isAnotherAgents(task: Task | null, agentId: string | null): boolean {
  return task?.assignee?.kind === 'agent' && task.assignee.agentId !== agentId;
}
