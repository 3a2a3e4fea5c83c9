/** The verdict on a finished run of an agent: facts gathered, then judged by the rules of src/task. */
import { stripVTControlCharacters } from 'node:util';
import { adapterOf } from '../adapters/by-name.ts';
import { logPath } from '../process/log-files.ts';
import { readEnd } from '../process/tail.ts';
import { type Account, emptyAccount } from '../run/account.ts';
import { limits } from '../run/limits.ts';
import { isEnded, type LivenessRecord, type Run, type WorkspaceRecord } from '../run/run.ts';
import type { Store } from '../store/store.ts';
import { onlyReads } from '../task/commands/commands.ts';
import { isDurable } from '../task/next/continuation-budget.ts';
import { type AgentReport, countReports, lastUsefulReportAt } from '../task/reports.ts';
import { type Evidence, evidenceOf } from '../task/verdict/evidence.ts';
import { classifyLiveness } from '../task/verdict/liveness.ts';

export type Judge = ReturnType<typeof createJudge>;

export function createJudge(world: { store: Store; folderOf: (run: Pick<Run, 'id'>) => string }) {
  const { store } = world;

  /** What the run did by itself, as far as it is recorded; nothing that clip wrote is among it. */
  function gather(run: Run, workspace: WorkspaceRecord | null): { evidence: Evidence; text: string; reports: readonly AgentReport[] } {
    // Of an agent without a stream only reports were read: its account says nothing.
    const account = adapterOf(run.spec.agent).stream === null ? null : (store.accounts.ofRun(run.number)?.account ?? null);
    const reports = store.reports.ofRun(run.number);
    const { taskId } = run.lineage;
    const comments = taskId === null ? { count: 0, lastAt: null } : store.comments.ofRun(run.number, taskId);
    const documents = taskId === null ? { count: 0, plan: false, lastAt: null } : store.documents.ofRun(run.number, taskId);
    const counts = {
      comments: comments.count,
      documents: documents.count,
      planRevised: documents.plan,
      reports: countReports(reports),
      lastAt: newest(comments.lastAt, documents.lastAt, lastUsefulReportAt(reports)),
    };
    const evidence = evidenceOf(account, workspace, counts);
    return run.spec.agent === null
      ? { evidence: withCommand(evidence, run), text: '', reports }
      : { evidence, text: account?.text ?? lastWords(run) ?? '', reports };
  }

  /** Of an agent without a stream that can be read, its output is what it says; null for all others. */
  function lastWords({ id, number, spec }: Run): string | null {
    if (spec.agent?.adapter !== 'plain' || spec.agent.mapping !== null) return null;
    // Once its log is archived it is not read again.
    return store.archives.of(number)?.lastWords ?? stripVTControlCharacters(readEnd(logPath(world.folderOf({ id }), 'stdout'), limits.accountTextLength));
  }

  /** What a summary tells of it: what its stream has shown, or what is known without one. */
  function accountOf(run: Run): Account | null {
    const account = store.accounts.ofRun(run.number)?.account ?? null;
    if (adapterOf(run.spec.agent).stream !== null) return account;
    if (run.spec.agent !== null) return { ...emptyAccount, text: lastWords(run) ?? '' };
    const { commands: recentCommands } = withCommand(evidenceOf(null, null, nothingLeft), run);
    return { ...emptyAccount, commands: 1, commandsFailed: recentCommands[0]?.failed ? 1 : 0, recentCommands };
  }

  return {
    accountOf,
    lastWords,
    /** Whether it achieved anything. */
    judge(run: Run, workspace: WorkspaceRecord | null): LivenessRecord | null {
      if (!isEnded(run.state)) return null;
      const { taskId } = run.lineage;
      const { evidence, text, reports } = gather(run, workspace);
      const task = taskId === null ? null : store.tasks.byNumber(taskId);
      return classifyLiveness({ outcome: run.state, task, evidence, text, reports });
    },
    /** Whether something of what it did remains. */
    isDurable: (run: Run): boolean => isEnded(run.state) && isDurable(gather(run, run.state.workspace).evidence),
  };
}

const nothingLeft = { comments: 0, documents: 0, planRevised: false, reports: countReports([]), lastAt: null };

/** A command that a person runs for a task is itself what was done. */
function withCommand(evidence: Evidence, { spec, state }: Run): Evidence {
  const at = isEnded(state) ? state.endedAt : 0;
  const code = isEnded(state) && state.outcome.kind === 'exited' ? state.outcome.code : null;
  const command = spec.command.join(' ');
  const record = { command, exitCode: code, failed: code !== 0, at, readOnly: onlyReads(command) };
  return { ...evidence, commands: [record], commandsRun: 1, commandsFailed: code === 0 ? 0 : 1, lastUsefulAt: record.readOnly ? evidence.lastUsefulAt : at };
}

function newest(...times: readonly (number | null)[]): number | null {
  const known = times.filter((time) => time !== null);
  return known.length === 0 ? null : Math.max(...known);
}
