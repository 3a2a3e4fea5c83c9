import type { Account } from './account.ts';
import { limits } from './limits.ts';
import type { Running, RunSpec, StopOrder, Stopping } from './run.ts';

/** How long a running run has said and done nothing. */
export type Silence = 'talking' | 'quiet' | 'stalled';

export function silenceOf(silentMs: number): Silence {
  if (silentMs >= limits.stalledMs) return 'stalled';
  return silentMs >= limits.quietMs ? 'quiet' : 'talking';
}

/** Since when nothing was heard: the last growth of a log, but not before the run started or the machine woke up. */
export function silentMs(state: Running | Stopping, lastOutputAt: number | null, at: number): number {
  return Math.max(0, at - Math.max(state.silentSince, lastOutputAt === null ? 0 : knownBy(lastOutputAt, at)));
}

/** A moment that lies well in the future was taken before the clock was set back: it says nothing any more. */
export function knownBy(moment: number, at: number): number {
  return moment - at > limits.sleptMs ? 0 : moment;
}

/**
 * Since when an agent that has said its last word could have left; null while it has reason to stay. A
 * result with work still going on in the background is not the last word.
 */
export function lingersSince(account: Account, state: Running | Stopping, at: number): number | null {
  if (state.status !== 'running' || account.result === null || account.background > 0) return null;
  return Math.max(knownBy(account.result.at, at), state.silentSince);
}

export type Looked = { readonly outputBytes: number; readonly lastOutputAt: number | null; readonly at: number };

/** The limit that this run has now reached, if any. Silence still has to be confirmed: a working child is no silence. */
export function limitReached(spec: RunSpec, state: Running, looked: Looked): Extract<StopOrder, 'timeout' | 'silence' | 'output_limit'> | null {
  if (state.deadlineAt !== null && looked.at >= state.deadlineAt) return 'timeout';
  if (looked.outputBytes > spec.outputBytesMax) return 'output_limit';
  if (spec.silenceMs !== null && silentMs(state, looked.lastOutputAt, looked.at) >= spec.silenceMs) return 'silence';
  return null;
}
