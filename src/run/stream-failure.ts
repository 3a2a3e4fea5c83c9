/** The failures that a stream reports, bounded so that they can be stored. */
import type { Failure } from './agent-event.ts';
import { cutText } from './cut-text.ts';
import { limits } from './limits.ts';
import { toTime } from './stream-values.ts';

/** What a failed result without a message or a preceding error says. */
export const unexplained = 'It said that it failed, but not why.';

/** Returns whether only a person gets past the failure. The agent cannot, however long it stays. */
export function isFatal(failure: Failure): boolean {
  return failure.final === true || failure.class === 'auth_required' || failure.class === 'quota_exhausted';
}

/** Returns the failure of a result. What it does not say comes from the preceding error. */
export function completeFailure(failure: Failure, before: Failure | null): Failure {
  const rest = {
    class: failure.class ?? before?.class ?? null,
    resetsAt: failure.resetsAt ?? before?.resetsAt ?? null,
  };
  if (failure.message !== '') return cutFailure({ ...failure, ...rest });
  return before === null ? { ...rest, message: unexplained, by: 'clip' } : cutFailure({ ...before, ...rest });
}

/** Returns the failure with a message of bounded length and a valid time. */
export function cutFailure(failure: Failure): Failure {
  return { ...failure, message: cutText(failure.message, limits.errorLength), resetsAt: toTime(failure.resetsAt) };
}
