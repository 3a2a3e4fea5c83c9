/** Which runs a person should look at. */
import { isAlive, isEnded, type Run } from './run.ts';

/**
 * Returns whether a person should look at this run: an agent's run without a task that ended without doing its work, or
 * a live agent run that hangs. Ended runs of a task are reported through the task, and nested runs through their outer
 * run. A run that a person has seen, retried or dismissed needs no more attention.
 */
export function needsPerson({ spec, lineage, state }: Pick<Run, 'spec' | 'lineage' | 'state'>): boolean {
  if (spec.agent === null) return false;
  if (isAlive(state)) return state.stall !== null && !state.stall.acknowledged;
  if (!isEnded(state) || lineage.taskId !== null || lineage.depth > 0) return false;
  if (state.acknowledged !== null || state.pending.includes('liveness')) return false;
  if (state.status === 'cancelled') return state.stopReason === 'budget_paused' || state.stopReason === 'paused';
  const verdict = state.liveness?.state ?? null;
  return verdict !== 'completed' && verdict !== 'advanced';
}
