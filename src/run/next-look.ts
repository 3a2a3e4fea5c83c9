/** When the heartbeat has to look at a live run again. Runs that nothing can happen to are looked at less often. */
import { limits } from './limits.ts';
import { isAlive, type Run } from './run.ts';
import { silentMs } from './silence.ts';

export type OutputAt = {
  readonly outputBytes: number;
  readonly lastOutputAt: number | null;
  /** Time of the observation, in ms since the epoch. */
  readonly at: number;
  /** Whether a connected keeper is the parent of the run. Without one, only a look shows that its process is gone. */
  readonly held: boolean;
};

/**
 * Returns after how many ms the run has to be looked at again: before it can reach its next limit, but at least one
 * tick from now and at most `limits.quietTickMs`. An agent is looked at in each tick, because its stream is read then.
 * So is a run that is starting, is being stopped, is stalled or has lost its keeper.
 */
export function nextLookMs({ spec, state }: Run, { outputBytes, lastOutputAt, at, held }: OutputAt): number {
  if (!isAlive(state) || state.status !== 'running' || spec.agent !== null) return limits.tickMs;
  if (!held || state.detachedWarning || state.stall !== null) return limits.tickMs;
  const untilFull = Math.max(0, spec.outputBytesMax - outputBytes) / limits.writtenBytesPerMsMax;
  const untilSilent =
    spec.silenceMs === null ? Number.POSITIVE_INFINITY : spec.silenceMs - silentMs(state, lastOutputAt, at);
  return Math.max(limits.tickMs, Math.min(limits.quietTickMs, untilFull, untilSilent));
}
