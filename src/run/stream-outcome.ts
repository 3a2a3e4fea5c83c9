/** The outcome of a run according to its agent's stream: a failure, or none. */

import type { ErrorClass, Failure } from './agent-event.ts';
import { unexplained } from './stream-failure.ts';
import type { StreamState } from './stream-state.ts';
import { hasOpenCalls } from './usage-meter.ts';

/** A failure. `stream_unreadable`: the outcome is unknown, so the run cannot be called a success. */
export type ReportedFailure = Omit<Failure, 'class'> & { readonly class: ErrorClass | 'stream_unreadable' | null };

/**
 * An outcome. `complete`: a successful result with no background work left, from a CLI that always reports one. No exit
 * code overrides it.
 */
export type StreamOutcome = { readonly failure: ReportedFailure | null; readonly complete?: true };

export type ReportRules = {
  /** Whether every successful run reports a result. Without a result, such a run failed. */
  readonly needsResult: boolean;
  /** Returns the class that an exit code alone implies. It is the last resort. */
  readonly classOfExit: (code: number) => ErrorClass | null;
};

/** How the process ended. Null when its end was not observed. */
export type SeenExit = { readonly code: number | null; readonly signal: string | null } | null;

/**
 * Derives the outcome from the stream. Returns null when the stream alone decides nothing: then the exit does, or the
 * run is lost. Fields of the stream count first, then its texts (the adapters have ranked them), and the exit code
 * last.
 */
export function judgeStream(streamState: StreamState, exit: SeenExit, rules: ReportRules): StreamOutcome | null {
  if (exit === null) return reportOfLost(streamState);
  const failure = findFailure(streamState, exit, rules);
  if (failure !== null)
    return { failure: { ...failure, class: believed(failure.class ?? refineClass(exit, rules), streamState) } };
  if (streamState.gap && exit.code === 0)
    return unreadable('a part of its output could not be read, and no result came after it');
  if (streamState.result !== null)
    return rules.needsResult && streamState.background === 0 ? { failure: null, complete: true } : { failure: null };
  if (exit.signal !== null || exit.code === null) return null;
  const byExit = refineClass(exit, rules);
  if (byExit !== null)
    return {
      failure: {
        class: byExit,
        message: `It exited with ${exit.code}, which is its code for ${byExit}.`,
        resetsAt: null,
        by: 'clip',
      },
    };
  if (exit.code !== 0 || !rules.needsResult) return null;
  return {
    failure: { class: null, message: 'It exited with 0, but never said that it was done.', resetsAt: null, by: 'clip' },
  };
}

/** Returns whether the stream has reported all usage that it reports. */
export function isCountedWhole(
  { result, meter, hadGap }: StreamState,
  exit: SeenExit,
  { needsResult }: ReportRules,
): boolean {
  if (meter.absurd || hadGap || hasOpenCalls(meter)) return false;
  return result !== null || (!needsResult && exit?.code === 0);
}

/** Returns the outcome of a run whose stream could not be read to its end: a failure, whatever the exit code is. */
export function unreadable(why: string): StreamOutcome {
  return {
    failure: { class: 'stream_unreadable', message: `How it went is not known: ${why}.`, resetsAt: null, by: 'clip' },
  };
}

/** Derives the outcome when the exit was not observed. Only a result with no background work left is final. */
function reportOfLost(streamState: StreamState): StreamOutcome | null {
  if (streamState.result === null || streamState.background > 0) return null;
  return { failure: streamState.result.failure ?? denial(streamState) };
}

/** Returns what failed, according to the result, to the last error when there is no result, or to a complaint. */
function findFailure(
  streamState: StreamState,
  exit: NonNullable<SeenExit>,
  { needsResult }: ReportRules,
): Failure | null {
  const { result, lastError, complaint } = streamState;
  if (result?.failure?.message === unexplained && complaint !== null) return complaint;
  if (result !== null) return result.failure ?? denial(streamState);
  // A complaint explains a failure, but does not cause one.
  const endsBadly = exit.code !== 0 || needsResult;
  return lastError ?? (endsBadly ? complaint : null) ?? denial(streamState);
}

function refineClass({ code }: NonNullable<SeenExit>, { classOfExit }: ReportRules): ErrorClass | null {
  return code === null ? null : classOfExit(code);
}

/**
 * Returns the class, or null for `unknown_session` when the agent has said or done something. Such an agent was in its
 * session, whatever its error text resembles.
 */
function believed(errorClass: ErrorClass | null, { messages, toolCalls }: StreamState): ErrorClass | null {
  return errorClass === 'unknown_session' && (messages > 0 || toolCalls > 0) ? null : errorClass;
}

/**
 * Returns a failure when a tool was refused and no command or change succeeded. Polite last words are not a success.
 */
function denial({ denials }: StreamState): Failure | null {
  if (denials.count === 0 || denials.worked) return null;
  const tools = denials.tools.join(', ');
  return {
    class: 'permission_denied',
    message: `It was not allowed to use ${tools}, and found no other way.`,
    resetsAt: null,
    by: 'clip',
  };
}
