/** The state of a run from its end on. */
import type { End } from './end-reason.ts';
import { type Ended, type FinalizeStep, finalizeSteps, type Leader, type Outcome, type Run, type Stop } from './run.ts';

/**
 * Builds the ended state with the finalize steps that are due. `from`: its process, if there was one. `stop`: the stop
 * that ended it.
 */
export function end(
  run: Run,
  from: { leader: Leader | null; startedAt: number | null } | null,
  outcome: Outcome,
  why: End,
  at: number,
  stop: Stop | null = null,
): Ended {
  return {
    ...why,
    outcome,
    leader: from?.leader ?? null,
    startedAt: from?.startedAt ?? null,
    endedAt: at,
    stop,
    leaked: outcome.kind === 'not_started' ? [] : null,
    workspace: null,
    liveness: null,
    decision: null,
    acknowledged: null,
    pending: finalizeSteps.filter((name) => isDue(name, run, outcome)),
  };
}

/**
 * Returns whether a finalize step is due. A run without a process left nothing behind and changed nothing. Only runs of
 * agents and of tasks get a verdict.
 */
function isDue(name: FinalizeStep, { spec, lineage }: Run, outcome: Outcome): boolean {
  const judged = spec.agent !== null || lineage.taskId !== null;
  if (name === 'liveness') return judged;
  if (name === 'summary' || name === 'wake') return lineage.taskId !== null;
  if (name === 'workspace') return judged && outcome.kind !== 'not_started';
  return name === 'tidy' || outcome.kind !== 'not_started';
}
