/** The verdict on a finished run of an agent: facts gathered, then judged by the rules of src/task. */
import { isEnded, type LivenessRecord, type Run, type WorkspaceRecord } from '../run/run.ts';
import type { Store } from '../store/store.ts';
import { isDurable } from '../task/continuation-budget.ts';
import { type Evidence, evidenceOf } from '../task/evidence.ts';
import { classifyLiveness } from '../task/liveness.ts';
import { countReports } from '../task/reports.ts';

export type Judge = ReturnType<typeof createJudge>;

export function createJudge(world: { store: Store }) {
  const { store } = world;

  /** What the run did by itself, as far as it is recorded; nothing that clip wrote is among it. */
  function gather(run: Run, workspace: WorkspaceRecord | null): { evidence: Evidence; text: string } {
    const account = store.accounts.ofRun(run.number)?.account ?? null;
    const { taskId } = run.lineage;
    const comments = taskId === null ? { count: 0, lastAt: null } : store.comments.ofRun(run.number, taskId);
    const documents = taskId === null ? { count: 0, plan: false, lastAt: null } : store.documents.ofRun(run.number, taskId);
    const counts = {
      comments: comments.count,
      documents: documents.count,
      planRevised: documents.plan,
      reports: countReports([]),
      lastAt: newest(comments.lastAt, documents.lastAt),
    };
    return { evidence: evidenceOf(account, workspace, counts), text: account?.text ?? '' };
  }

  return {
    /** Whether it achieved anything. */
    judge(run: Run, workspace: WorkspaceRecord | null): LivenessRecord | null {
      if (!isEnded(run.state)) return null;
      const { taskId } = run.lineage;
      const { evidence, text } = gather(run, workspace);
      const task = taskId === null ? null : store.tasks.byNumber(taskId);
      return classifyLiveness({ outcome: run.state, task, evidence, text, reports: [] });
    },
    /** Whether something of what it did remains. */
    isDurable: (run: Run): boolean => isEnded(run.state) && isDurable(gather(run, run.state.workspace).evidence),
  };
}

function newest(...times: readonly (number | null)[]): number | null {
  const known = times.filter((time) => time !== null);
  return known.length === 0 ? null : Math.max(...known);
}
