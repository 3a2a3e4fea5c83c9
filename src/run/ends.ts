import type { ErrorClass, Failure } from './reading.ts';
import type { Report } from './report.ts';
import type { Ended, Outcome, RunSpec, Stop, StopOrder } from './run.ts';

/** The part of an end that says why. */
export type End = Pick<Ended, 'status' | 'stopReason' | 'errorCode' | 'timeoutFired'> & { readonly error: string | null };

/** A stop order carries its end: it holds even if the process then exits with 0, as some agents do. */
export function endOfOrder(order: Exclude<StopOrder, 'lingering'>): End {
  switch (order) {
    case 'cancelled':
    case 'paused':
    case 'budget_paused':
      return { status: 'cancelled', stopReason: order, errorCode: 'cancelled', error: null, timeoutFired: false };
    case 'timeout':
      return { status: 'timed_out', stopReason: 'timeout', errorCode: 'timeout', error: 'The time limit was reached.', timeoutFired: true };
    case 'silence':
      return { status: 'timed_out', stopReason: 'silence', errorCode: 'timeout', error: 'The silence limit was reached.', timeoutFired: false };
    case 'output_limit':
      return { status: 'failed', stopReason: 'output_limit', errorCode: 'output_limit', error: 'The output limit was reached.', timeoutFired: false };
  }
}

/** The end of a run that was told to stop. One that only lingered after its result ends as it had reported. */
export function endOfStop(spec: RunSpec, stop: Stop, outcome: Outcome, report: Report | null): End {
  if (stop.order !== 'lingering') return endOfOrder(stop.order);
  return report === null ? endOfOutcome(spec, outcome, null) : endOfReport(report);
}

/** The end of a run that nobody stopped: success needs exit code 0, no signal, and no failure reported by the agent. */
export function endOfOutcome(spec: RunSpec, outcome: Outcome, report: Report | null): End {
  const none = { error: null, timeoutFired: false };
  if (outcome.kind === 'lost') {
    if (report !== null) return endOfReport(report);
    return { status: 'failed', stopReason: 'process_lost', errorCode: 'process_lost', error: 'How its process ended is not known.', timeoutFired: false };
  }
  if (report?.failure) return endOfFailure(report.failure);
  switch (outcome.kind) {
    case 'exited':
      if (outcome.code === 0) return { status: 'succeeded', stopReason: 'completed', errorCode: null, ...none };
      return { ...failed(spec, 'exit_nonzero'), error: `Exited with code ${outcome.code}.` };
    case 'killed':
      return { ...failed(spec, 'signalled'), error: `Killed by ${outcome.signal}.` };
    case 'not_started':
      return { status: 'failed', stopReason: 'not_started', errorCode: 'launch_failed', ...none };
  }
}

function endOfReport({ failure }: Report): End {
  return failure === null ? { status: 'succeeded', stopReason: 'completed', errorCode: null, error: null, timeoutFired: false } : endOfFailure(failure);
}

const ownReasons: readonly (ErrorClass | null)[] = ['rate_limited', 'context_exhausted', 'max_turns_exhausted'];

function endOfFailure(failure: Failure): End {
  const stopReason = ownReasons.includes(failure.class) ? String(failure.class) : 'adapter_failed';
  return { status: 'failed', stopReason, errorCode: failure.class ?? 'adapter_failed', error: failure.message, timeoutFired: false };
}

function failed(spec: RunSpec, plainReason: 'exit_nonzero' | 'signalled'): End {
  const reason = spec.agent === null ? plainReason : 'adapter_failed';
  return { status: 'failed', stopReason: reason, errorCode: reason, error: null, timeoutFired: false };
}
