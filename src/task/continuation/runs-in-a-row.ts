/**
 * The limit on automatic runs of a task in a row. Progress restores the task's budget of starts. Without this limit, an
 * agent that always finds something to change, and never reports that it is done, would run endlessly.
 */
import type { Task } from '../task.ts';
import type { Decision, PlannedWake } from './decision.ts';

/** Returns the decision to ask a person when one more run would exceed the limit, or null when it may be started. */
export function tooMany(
  wake: PlannedWake,
  task: Task,
  { reason, runsMax }: { readonly reason: string; readonly runsMax: number },
): Decision | null {
  if (wake.payload.inARow <= runsMax) return null;
  const { number } = task;
  const goneOn =
    runsMax === 0 ? 'Runs are not started without a person' : `It has gone on by itself ${times(runsMax)} in a row`;
  return {
    action: 'block',
    reason: `${reason} ${goneOn} (automatic_runs_max).`,
    blockedReason: `${formatStarted(runsMax)} without you, and the task was not reported done.`,
    next: `Look at what was done (clip ledger T${number}), then: clip task done T${number}, or clip continue T${number}`,
    comment: null,
    exhausted: false,
  };
}

function formatStarted(runs: number): string {
  return runs === 0 ? 'No run is started' : runs === 1 ? '1 run was started' : `${runs} runs in a row were started`;
}

const times = (count: number): string => (count === 1 ? 'once' : `${count} times`);
