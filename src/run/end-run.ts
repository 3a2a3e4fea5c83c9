/** The state of a run from its end on. */
import { type End, endOfOrder, endOfOutcome, endOfStop } from './end-reason.ts';
import type { RunEvent } from './events.ts';
import type { Leader } from './leader.ts';
import { type Ended, type FinalizeStep, finalizeSteps, type Outcome, type Run } from './run.ts';
import type { Stop } from './stop.ts';

/**
 * A stop that was ordered longer than this after the process had ended was not ordered while its stream was being read.
 */
const lateOrderMsMax = 3_600_000;

type Exited = Extract<RunEvent, { type: 'exited' }>;
type Lost = Extract<RunEvent, { type: 'process-lost' }>;
/** What is known of the process of a run. */
type Started = { readonly leader: Leader | null; readonly startedAt: number | null };

const neverBegun: Outcome = { kind: 'not_started' };

/** Returns the end of a run whose process never began. */
export function endNotStarted(run: Run, why: End, at: number): Ended {
  return end(run, null, neverBegun, why, at);
}

/** Returns the end of a run that was stopped before its process began. */
export function endStoppedEarly(run: Run, stop: Stop, at: number): Ended {
  return endNotStarted(run, endOfStop(run.spec, stop, neverBegun, null), at);
}

/** Returns the end of a run whose process has exited. `ordered`: the stop that was under way. */
export function endExited(run: Run, event: Exited, ordered: Stop | null, process: Started | null): Ended {
  const { report, endedAt } = event;
  const outcome = toOutcome(event);
  // A stop that was ordered while the rest of the stream was being read came too late: the process had ended by itself.
  const stop = ordered !== null && isTooLate(ordered, endedAt) ? null : ordered;
  const why = stop
    ? endOfStop(run.spec, stop, outcome, report)
    : event.byDeadline
      ? endOfOrder('timeout')
      : endOfOutcome(run.spec, outcome, report, event.lastWords ?? null);
  const { leader, startedAt } = process ?? event;
  // From its end on, the number of its session may be reused.
  const from = { leader: leader === null ? null : { ...leader, endTick: event.tick ?? null }, startedAt };
  return end(run, from, outcome, why, endedAt, stop);
}

/** Returns the end of a run whose process vanished. `stop`: the stop that was under way. */
export function endLost(run: Run, event: Lost, stop: Stop | null, process: Started | null, at: number): Ended {
  const outcome: Outcome = { kind: 'lost' };
  // A run that was being stopped gets its ordered end. Only the exit code stays unknown.
  if (stop) {
    const ordered = endOfStop(run.spec, stop, outcome, event.report);
    // When it is uncertain what became of the run, that is reported beside the ordered end.
    const error = ordered.error ?? (event.certain ? null : event.message);
    return end(run, process, outcome, { ...ordered, error }, at, stop);
  }
  const why = endOfOutcome(run.spec, outcome, event.report);
  // What the stream reported before the loss stands. Only the exit code is unknown.
  if (event.report !== null) return end(run, process, outcome, why, at);
  return end(run, process, outcome, { ...why, error: event.message, errorBy: 'clip' }, at);
}

function toOutcome(event: Exited): Outcome {
  if (event.signal !== null) return { kind: 'killed', signal: event.signal };
  // A record with neither code nor signal means that its writer did not know the exit.
  return event.code === null ? { kind: 'lost' } : { kind: 'exited', code: event.code };
}

/**
 * Returns whether a stop was ordered after the end. A much larger difference means that the clock was set back in
 * between.
 */
function isTooLate({ orderedAt }: Stop, endedAt: number): boolean {
  return orderedAt > endedAt && orderedAt - endedAt < lateOrderMsMax;
}

/**
 * Builds the ended state with the finalize steps that are due. `from`: its process, if there was one. `stop`: the stop
 * that ended it.
 */
function end(run: Run, from: Started | null, outcome: Outcome, why: End, at: number, stop: Stop | null = null): Ended {
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
