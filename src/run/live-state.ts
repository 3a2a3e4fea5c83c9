/** The parts of the state of a run whose process lives. */
import type { RunEvent } from './events.ts';
import type { Leader } from './leader.ts';
import type { Run, Running, Stopping } from './run.ts';
import type { Stop } from './stop.ts';

type StartedProcess = { readonly leader: Leader; readonly startedAt: number };

/** Returns the state of a run whose process lives, without its status. `held`: whether a keeper is its parent. */
export function buildLive(
  { spec }: Run,
  { leader, startedAt }: StartedProcess,
  held: boolean,
): Omit<Running, 'status'> {
  return {
    leader,
    startedAt,
    deadlineAt: spec.timeoutMs > 0 ? startedAt + spec.timeoutMs : null,
    silentSince: startedAt,
    held,
    detachedWarning: !held,
    stall: null,
  };
}

/** Returns a stop that begins now. Without a grace of its own it has that of the run. */
export function orderStop(run: Run, event: Extract<RunEvent, { type: 'stop-requested' }>, at: number): Stop {
  return {
    order: event.order,
    ...(event.because === undefined ? {} : { because: event.because }),
    orderedAt: at,
    graceMs: event.graceMs ?? run.spec.graceMs,
    phase: 'ordered',
    phaseAt: at,
    now: event.now,
  };
}

type Jump = Extract<RunEvent, { type: 'clock-jumped' }>;

/**
 * Moves the limits by the gap. After a negative gap the clock was set back, and the times of a stop move with it.
 * Otherwise its grace would last until the clock has caught up.
 */
export function jump(state: Running | Stopping, { gapMs, limitsMs = gapMs }: Jump, at: number): Running | Stopping {
  const moves = { deadlineAt: state.deadlineAt === null ? null : state.deadlineAt + limitsMs, silentSince: at };
  if (state.status === 'running' || gapMs >= 0) return { ...state, ...moves };
  const { stop } = state;
  return { ...state, ...moves, stop: { ...stop, orderedAt: stop.orderedAt + gapMs, phaseAt: stop.phaseAt + gapMs } };
}
