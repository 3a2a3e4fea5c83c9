/** The verdict on a finished run of an agent: facts gathered, then judged by the rules of src/task. */
import { adapterOf } from '../adapters/by-name.ts';
import { isEnded, type LivenessRecord, type Run, type WorkspaceRecord } from '../run/run.ts';
import type { Store } from '../store/store.ts';
import { evidenceOf } from '../task/evidence.ts';
import { classifyLiveness } from '../task/liveness.ts';
import { countReports, lastUsefulReportAt } from '../task/reports.ts';

export function createJudge(world: { store: Store }) {
  return (run: Run, workspace: WorkspaceRecord | null): LivenessRecord | null => {
    if (!isEnded(run.state)) return null;
    // Of an agent without a stream only reports were read: its account says nothing.
    const account = adapterOf(run.spec.agent).stream === null ? null : (world.store.accounts.ofRun(run.number)?.account ?? null);
    const reports = world.store.reports.ofRun(run.number);
    const records = { comments: 0, documents: 0, planRevised: false, reports: countReports(reports), lastAt: lastUsefulReportAt(reports) };
    const evidence = evidenceOf(account, workspace, records);
    return classifyLiveness({ outcome: run.state, task: null, evidence, text: account?.text ?? '', reports });
  };
}
