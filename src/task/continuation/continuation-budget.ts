/** The budget of automatic starts of a task, shared by all kinds of start. */
import type { Evidence } from '../liveness/evidence.ts';

/**
 * Automatic starts without durable progress before a person is asked: two continuations and one recovery, as in the
 * reference.
 */
export const budgetMax = 3;

/** Returns the remaining budget after one start, or null when none is left. */
export function spend(left: number): number | null {
  return left > 0 ? Math.min(left, budgetMax) - 1 : null;
}

/**
 * Returns whether a run left something new: a state of the files, a document, or `report done`. Commands and comments
 * alone do not count.
 */
export function isDurable({ progress, documents, reports }: Evidence): boolean {
  return progress || documents > 0 || reports.done > 0;
}
