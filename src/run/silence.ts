import { limits } from './limits.ts';
import type { Run, Running, RunSpec, Stall, Stopping } from './run.ts';
import type { StopOrder } from './stop.ts';
import { isFatal } from './stream-failure.ts';
import type { StreamState } from './stream-state.ts';

/** The silence after which a run counts as stalled. */
const stalledMs = 600_000;
/** The stall limit of an open tool, or of an agent without a stream. Builds and tests may be silent for longer. */
const toolStalledMs = 1_800_000;

/** How long a running run has been silent. */
export type Silence = 'talking' | 'quiet' | 'stalled';

/** Returns how long silence of this many milliseconds is to be described. */
export function classifySilence(silentMs: number): Silence {
  if (silentMs >= stalledMs) return 'stalled';
  return silentMs >= limits.quietMs ? 'quiet' : 'talking';
}

/**
 * Returns the time since the last growth of a log, counted at the earliest from the start of the run or the wake-up of
 * the machine.
 */
export function silentMs(state: Running | Stopping, lastOutputAt: number | null, at: number): number {
  return Math.max(0, at - Math.max(state.silentSince, lastOutputAt === null ? 0 : knownBy(lastOutputAt, at)));
}

/** Returns the time, or 0 when it lies well in the future. Such a time was taken before the clock was set back. */
export function knownBy(moment: number, at: number): number {
  return moment - at > limits.sleptMs ? 0 : moment;
}

/**
 * Returns since when an agent could have exited after its final result. Returns null while it has reason to stay. A
 * result with background work still going on is not final. A fatal error is final even without a result.
 */
export function idleSinceResult(streamState: StreamState, state: Running | Stopping, at: number): number | null {
  const saidAt = lastWordAt(streamState);
  return state.status !== 'running' || saidAt === null ? null : Math.max(knownBy(saidAt, at), state.silentSince);
}

function lastWordAt({ result, background, lastError, lastErrorAt, retrying }: StreamState): number | null {
  if (result !== null) return background > 0 ? null : result.at;
  return lastError !== null && isFatal(lastError) && retrying === null ? lastErrorAt : null;
}

export type Looked = { readonly outputBytes: number; readonly lastOutputAt: number | null; readonly at: number };

/**
 * Returns the limit that this run has now reached, or null. Silence must still be confirmed, because a busy child
 * process is not silence.
 */
export function limitReached(
  spec: RunSpec,
  state: Running,
  looked: Looked,
): Extract<StopOrder, 'timeout' | 'silence' | 'output_limit'> | null {
  if (state.deadlineAt !== null && looked.at >= state.deadlineAt) return 'timeout';
  if (looked.outputBytes > spec.outputBytesMax) return 'output_limit';
  if (spec.silenceMs !== null && silentMs(state, looked.lastOutputAt, looked.at) >= spec.silenceMs) return 'silence';
  return null;
}

type StreamActivity = {
  readonly streamState: StreamState | null;
  readonly lastOutputAt: number | null;
  readonly at: number;
};

/**
 * Returns how an agent's live run hangs. Returns null when it does not, or when that was found before. Without a
 * stream, the agent's activity is unknown, so it is given as long as an open tool.
 */
export function detectStall(
  { spec }: Pick<Run, 'spec'>,
  state: Running,
  heard: StreamActivity,
): Omit<Stall, 'acknowledged'> | null {
  if (spec.agent === null || state.stall !== null || heard.streamState?.result) return null;
  const silent = silentMs(state, heard.lastOutputAt, heard.at);
  const [open] =
    heard.streamState === null ? [] : Object.values(heard.streamState.openTools).sort((a, b) => a.at - b.at);
  const known = heard.streamState !== null && open === undefined;
  if (silent < (known ? stalledMs : toolStalledMs)) return null;
  const since = heard.at - silent;
  const lastError = heard.streamState?.lastError?.message.toWellFormed() ?? null;
  return open === undefined
    ? { why: 'silent', since, tool: null, lastError }
    : { why: 'tool', since, tool: open.command ?? open.tool, lastError };
}
