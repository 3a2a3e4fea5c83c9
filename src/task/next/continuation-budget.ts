/** The one budget of automatic starts that a task has, whatever they are for. */
import type { Evidence } from '../verdict/evidence.ts';

/** Automatic starts without durable progress before a person is asked: two continuations and one recovery, as the reference allows. */
export const budgetMax = 3;

/** Null when there is nothing left. */
export function spend(left: number): number | null {
  return left > 0 ? Math.min(left, budgetMax) - 1 : null;
}

/** What remains when the work of a run is lost sight of: commits, changed files, documents, `report done`. Commands and comments alone do not. */
export function isDurable(evidence: Evidence): boolean {
  const { workspace, sawWritingTool, hasStream } = evidence;
  const own = !hasStream || sawWritingTool;
  const moved = own && workspace !== null && ((workspace.commits ?? 0) > 0 || workspace.treeChanged === true);
  return moved || evidence.filesChanged > 0 || evidence.documents > 0 || evidence.reports.done > 0;
}
