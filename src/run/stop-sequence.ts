import { limits } from './limits.ts';
import type { Stop, StopPhase } from './stop.ts';

/** The time between an agent's polite signal and SIGTERM. Codex and claude end their tools within 1.5 s. */
const politeMs = 3_000;

export type Move =
  | {
      readonly kind: 'signal';
      readonly signal: 'SIGINT' | 'SIGTERM' | 'SIGKILL';
      readonly phase: Exclude<StopPhase, 'ordered'>;
      readonly to: 'leader' | 'family';
    }
  | { readonly kind: 'wait'; readonly untilAt: number };

/**
 * Returns the next move of the stop sequence: the agent's polite signal to its leader, if it has one → 3 s → SIGTERM to
 * all processes of the run → grace → SIGKILL to the same, repeated until the leader has ended.
 */
export function nextSignal(stop: Stop, politeSignal: 'SIGINT' | null, at: number): Move {
  const kill: Move = { kind: 'signal', signal: 'SIGKILL', phase: 'killed', to: 'family' };
  const terminate: Move = { kind: 'signal', signal: 'SIGTERM', phase: 'terminated', to: 'family' };
  if (stop.phase === 'killed') return wait(stop.phaseAt + limits.sweepPauseMs, kill, at);
  if (stop.now) return kill;
  switch (stop.phase) {
    case 'ordered':
      return politeSignal ? { kind: 'signal', signal: politeSignal, phase: 'interrupted', to: 'leader' } : terminate;
    case 'interrupted':
      return wait(stop.phaseAt + politeMs, terminate, at);
    case 'terminated':
      return wait(stop.phaseAt + stop.graceMs, kill, at);
  }
}

function wait(untilAt: number, then: Move, at: number): Move {
  return at >= untilAt ? then : { kind: 'wait', untilAt };
}

/**
 * Returns the time until which processes that outlive their leader may end by themselves: the rest of the stop's grace,
 * or a short one.
 */
export function killLeftoversAt(stop: Stop | null, at: number): number {
  if (stop?.now || stop?.phase === 'killed') return at;
  const short = at + limits.leftoverGraceMs;
  return stop?.phase === 'terminated' ? Math.max(short, stop.phaseAt + stop.graceMs) : short;
}
