/** What an agent's stream says about the end of its run: a failure, or none. */
import type { Account } from './account.ts';
import type { ErrorClass, Failure } from './reading.ts';

export type Report = { readonly failure: Failure | null };

export type ReportRules = {
  /** A run that ends well always says so: without a result it did not. */
  readonly needsResult: boolean;
  /** What an exit code alone tells; the last resort. */
  readonly classOfExit: (code: number) => ErrorClass | null;
};

/** How the process ended; null when nobody saw it. */
export type SeenExit = { readonly code: number | null; readonly signal: string | null } | null;

/**
 * Null when the stream alone decides nothing: then the exit does, or the run is lost. Fields of the
 * stream count first, then its texts (the adapters have ranked them), the exit code last.
 */
export function reportOf(account: Account, exit: SeenExit, rules: ReportRules): Report | null {
  const { result, lastError } = account;
  if (exit === null) {
    // Nobody saw the end: only a result with nothing left in the background is final.
    if (result === null || account.background > 0) return null;
    return { failure: result.failure ?? denial(account) };
  }
  // What it complained of on the side explains a bad exit, and makes none.
  const explained = exit.code === 0 ? null : account.complaint;
  const said = result ? (result.failure ?? denial(account)) : (lastError ?? explained);
  if (said) return { failure: { ...said, class: believed(said.class ?? classOf(exit, rules), account) } };
  if (result) return { failure: null };
  const denied = denial(account);
  if (denied) return { failure: denied };
  if (exit.signal !== null || exit.code === null) return null;
  const byExit = classOf(exit, rules);
  if (byExit !== null) return { failure: { class: byExit, message: `It exited with ${exit.code}, which is its code for ${byExit}.`, resetsAt: null } };
  if (exit.code === 0 && rules.needsResult) return { failure: { class: null, message: 'It exited with 0, but never said that it was done.', resetsAt: null } };
  return null;
}

function classOf({ code }: NonNullable<SeenExit>, { classOfExit }: ReportRules): ErrorClass | null {
  return code === null ? null : classOfExit(code);
}

/** Who has said or done something was in its session, whatever the words of its failure remind of. */
function believed(errorClass: ErrorClass | null, { messages, toolCalls }: Account): ErrorClass | null {
  return errorClass === 'unknown_session' && (messages > 0 || toolCalls > 0) ? null : errorClass;
}

/** It was refused a tool, and nothing it ran or changed succeeded: its polite last words are no success. */
function denial({ denials }: Account): Failure | null {
  if (denials.count === 0 || denials.worked) return null;
  const tools = denials.tools.join(', ');
  return { class: 'permission_denied', message: `It was not allowed to use ${tools}, and found no other way.`, resetsAt: null };
}
