/** The verdict on a finished run of an agent: facts gathered, then judged by the rules of src/task. */
import { isEnded, type LivenessRecord, type Run, type WorkspaceRecord } from '../run/run.ts';
import type { Store } from '../store/store.ts';
import { evidenceOf } from '../task/evidence.ts';
import { classifyLiveness } from '../task/liveness.ts';
import { countReports } from '../task/reports.ts';

export function createJudge(world: { store: Store }) {
  return (run: Run, workspace: WorkspaceRecord | null): LivenessRecord | null => {
    if (!isEnded(run.state)) return null;
    const account = world.store.accounts.ofRun(run.number)?.account ?? null;
    const nothing = { comments: 0, documents: 0, planRevised: false, reports: countReports([]), lastAt: null };
    const evidence = evidenceOf(account, workspace, nothing);
    return classifyLiveness({ outcome: run.state, task: null, evidence, text: account?.text ?? '', reports: [] });
  };
}
