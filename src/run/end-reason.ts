import { cutText } from './cut-text.ts';
import { limits } from './limits.ts';
import type { Ended, Outcome, RunSpec } from './run.ts';
import type { Stop, StopOrder } from './stop.ts';
import type { ReportedFailure, StreamOutcome } from './stream-outcome.ts';

/** The fields of an end that say why it happened. */
export type End = Pick<Ended, 'status' | 'stopReason' | 'errorCode' | 'timeoutFired' | 'error' | 'errorBy' | 'remark'>;

const unexplained = { error: null, errorBy: null, remark: null, timeoutFired: false } as const;
/** Builds the error fields for a sentence of clip's own. */
const ours = (error: string) => ({ ...unexplained, error, errorBy: 'clip' }) as const;

/** Returns the end that a stop order determines. It holds even if the process then exits with 0, as some agents do. */
export function endOfOrder(order: Exclude<StopOrder, 'lingering'>): End {
  switch (order) {
    case 'cancelled':
    case 'paused':
    case 'budget_paused':
      return { status: 'cancelled', stopReason: order, errorCode: 'cancelled', ...unexplained };
    case 'timeout':
      return {
        status: 'timed_out',
        stopReason: 'timeout',
        errorCode: 'timeout',
        ...ours('The time limit was reached.'),
        timeoutFired: true,
      };
    case 'silence':
      return {
        status: 'timed_out',
        stopReason: 'silence',
        errorCode: 'timeout',
        ...ours('The silence limit was reached.'),
      };
    case 'output_limit':
      return {
        status: 'failed',
        stopReason: 'output_limit',
        errorCode: 'output_limit',
        ...ours('The output limit was reached.'),
      };
  }
}

/** Returns the end of a run that was stopped. A run that only lingered after its result ends as its stream reported. */
export function endOfStop(spec: RunSpec, stop: Stop, outcome: Outcome, report: StreamOutcome | null): End {
  if (stop.order !== 'lingering')
    return {
      ...endOfOrder(stop.order),
      ...(stop.because === undefined ? {} : { error: stop.because, errorBy: 'clip' }),
    };
  return report === null ? endOfOutcome(spec, outcome, null) : endOfReport(report);
}

/**
 * Returns the end of a run that was not stopped. A complete, successful result holds however the process ended: a hook
 * or a crash at teardown undoes no work. Without such a result, success requires exit code 0, no signal, and no failure
 * reported by the agent. `lastWords` is the reason found on standard error. It explains an end that nothing else
 * explains.
 */
export function endOfOutcome(
  spec: RunSpec,
  outcome: Outcome,
  report: StreamOutcome | null,
  lastWords: string | null = null,
): End {
  if (outcome.kind === 'lost') {
    if (report?.failure) return endOfFailure(report.failure);
    if (report !== null)
      return succeededAnyway('Its stream tells that it finished; its exit was not seen, and its exit code is unknown.');
    return {
      status: 'failed',
      stopReason: 'process_lost',
      errorCode: 'process_lost',
      ...ours('How its process ended is not known.'),
    };
  }
  if (report?.failure) return endOfFailure(report.failure);
  switch (outcome.kind) {
    case 'exited':
      if (outcome.code === 0) return { status: 'succeeded', stopReason: 'completed', errorCode: null, ...unexplained };
      if (report?.complete) return succeededAnyway(`It exited with code ${outcome.code} after its complete result.`);
      return { ...failed(spec, 'exit_nonzero'), ...explained(`Exited with code ${outcome.code}`, lastWords) };
    case 'killed':
      if (report?.complete) return succeededAnyway(`It was killed by ${outcome.signal} after its complete result.`);
      return {
        ...failed(spec, 'signalled'),
        ...explained(`Killed by ${outcome.signal}`, isCrash(outcome.signal) ? lastWords : null),
      };
    case 'not_started':
      return { status: 'failed', stopReason: 'not_started', errorCode: 'launch_failed', ...unexplained };
  }
}

function succeededAnyway(remark: string): End {
  return { status: 'succeeded', stopReason: 'completed', errorCode: null, ...unexplained, remark };
}

/** Builds the error of an end. With a quote, the author is the agent, because the text is not entirely clip's own. */
function explained(how: string, lastWords: string | null): Pick<End, 'error' | 'errorBy'> {
  if (lastWords === null) return { error: `${how}.`, errorBy: 'clip' };
  return { error: cutText(`${how}: ${lastWords}`, limits.errorLength), errorBy: 'agent' };
}

/**
 * Returns whether a program raises this signal itself by crashing. Other signals come from outside and are unrelated to
 * its last output.
 */
export function isCrash(signal: string): boolean {
  return ['SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGSEGV', 'SIGSYS', 'SIGTRAP'].includes(signal);
}

function endOfReport({ failure }: StreamOutcome): End {
  return failure === null
    ? { status: 'succeeded', stopReason: 'completed', errorCode: null, ...unexplained }
    : endOfFailure(failure);
}

const ownReasons: readonly ReportedFailure['class'][] = ['rate_limited', 'context_exhausted', 'max_turns_exhausted'];

function endOfFailure({ class: errorClass, message, by }: ReportedFailure): End {
  const stopReason = ownReasons.includes(errorClass) ? String(errorClass) : 'adapter_failed';
  return {
    status: 'failed',
    stopReason,
    errorCode: errorClass ?? 'adapter_failed',
    ...unexplained,
    error: message,
    errorBy: by ?? 'agent',
  };
}

function failed(
  spec: RunSpec,
  plainReason: 'exit_nonzero' | 'signalled',
): Pick<End, 'status' | 'stopReason' | 'errorCode' | 'remark' | 'timeoutFired'> {
  const reason = spec.agent === null ? plainReason : 'adapter_failed';
  return { status: 'failed', stopReason: reason, errorCode: reason, remark: null, timeoutFired: false };
}

/** Returns the end of a run whose process could not be started, in clip's words. */
export function notStarted(errorCode: string, message: string): End {
  return { status: 'failed', stopReason: 'not_started', errorCode, ...ours(message) };
}

/** Returns the end of a run that waited for one that did not succeed. */
export function endOfDependency({ after, status }: { readonly after: number; readonly status: string }): End {
  const error = `Run ${after} had to succeed first, but it ended ${status}.`;
  return { status: 'cancelled', stopReason: 'dependency_failed', errorCode: 'cancelled', ...ours(error) };
}
