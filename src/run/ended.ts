/** The state of a run from its end on. */
import type { End } from './ends.ts';
import { type Ended, type FinaliseStep, finaliseSteps, type Leader, type Outcome, type Run, type Stop } from './run.ts';

/** With the finalising steps that are due. `from`: its process, if there was one; `stop`: the order that ended it. */
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
    pending: finaliseSteps.filter((name) => isDue(name, run, outcome)),
  };
}

/** Without a process there is nothing that could be left behind or changed; and only agents, and what serves a task, are judged by what they achieved. */
function isDue(name: FinaliseStep, { spec, lineage }: Run, outcome: Outcome): boolean {
  const judged = spec.agent !== null || lineage.taskId !== null;
  if (name === 'liveness') return judged;
  if (name === 'summary' || name === 'wake') return lineage.taskId !== null;
  if (name === 'workspace') return judged && outcome.kind !== 'not_started';
  return name === 'tidy' || outcome.kind !== 'not_started';
}
