import type { Ended, Outcome, RunSpec, StopOrder } from './run.ts';

/** The part of an end that says why. */
export type End = Pick<Ended, 'status' | 'stopReason' | 'errorCode' | 'timeoutFired'> & { readonly error: string | null };

/** A stop order carries its end: it holds even if the process then exits with 0, as some agents do. */
export function endOfOrder(order: StopOrder): End {
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

/** The end of a run that nobody stopped. Plain commands are judged by how they ended. */
export function endOfOutcome(spec: RunSpec, outcome: Outcome): End {
  const none = { error: null, timeoutFired: false };
  switch (outcome.kind) {
    case 'exited':
      if (outcome.code === 0) return { status: 'succeeded', stopReason: 'completed', errorCode: null, ...none };
      return { ...failed(spec, 'exit_nonzero'), error: `Exited with code ${outcome.code}.` };
    case 'killed':
      return { ...failed(spec, 'signalled'), error: `Killed by ${outcome.signal}.` };
    case 'lost':
      return { status: 'failed', stopReason: 'process_lost', errorCode: 'process_lost', error: 'How its process ended is not known.', timeoutFired: false };
    case 'not_started':
      return { status: 'failed', stopReason: 'not_started', errorCode: 'launch_failed', ...none };
  }
}

function failed(spec: RunSpec, plainReason: 'exit_nonzero' | 'signalled'): End {
  const reason = spec.adapter === 'plain' ? plainReason : 'adapter_failed';
  return { status: 'failed', stopReason: reason, errorCode: reason, error: null, timeoutFired: false };
}
