/** Classifies a failure: its class, and when another attempt may succeed. */
import type { ErrorClass, Failure } from '#run/agent-event.ts';
import type { ReadAt } from './adapter.ts';
import { classOfText, refined } from './error-classes.ts';
import { resetIn } from './reset-time.ts';

/**
 * Returns the failure. `structured`: the class from a field, which outranks the text. `all`: further text that may name
 * a reset time, for example the whole response of the provider. `resetsAt`: the reset time from a field.
 */
export function classifyFailure(
  message: string,
  at: ReadAt,
  more: { readonly structured?: ErrorClass | null; readonly all?: string; readonly resetsAt?: number | null } = {},
): Failure {
  const { structured = null, all = message } = more;
  const resetsAt = more.resetsAt ?? resetIn(all, at);
  const errorClass = structured === null ? (classOfText(message) ?? classOfText(all)) : refined(structured, all);
  return { class: reopening(errorClass, resetsAt), message, resetsAt };
}

/** Returns a failure in clip's words, for a stream that gives no reason of its own. */
export function ownFailure(message: string, errorClass: ErrorClass | null = null): Failure {
  return { class: errorClass, message, resetsAt: null, by: 'clip' };
}

/**
 * Returns the class after the reset time is known. A quota that resets by itself at a known time is a rate limit: it
 * needs a wait, not a payment.
 */
function reopening(errorClass: ErrorClass | null, resetsAt: number | null): ErrorClass | null {
  return errorClass === 'quota_exhausted' && resetsAt !== null ? 'rate_limited' : errorClass;
}
