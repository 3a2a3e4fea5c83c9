/** Gathers the evidence of a finished run and derives its verdict by the rules of src/task. */
import { stripVTControlCharacters } from 'node:util';
import { findAdapter } from '#adapters/registry.ts';
import { logPath } from '#process/log-files.ts';
import { readEnd } from '#process/tail.ts';
import { limits } from '#run/limits.ts';
import { isEnded, type LivenessRecord, type Run } from '#run/run.ts';
import { emptyStreamState, type StreamState } from '#run/stream-state.ts';
import type { WorkspaceRecord } from '#run/workspace-record.ts';
import type { Store } from '#store/store.ts';
import { type AgentReport, countReports, lastUsefulReportAt } from '#task/agent-reports.ts';
import { isDurable } from '#task/continuation/continuation-budget.ts';
import { buildEvidence, type Evidence } from '#task/liveness/evidence.ts';
import { classifyLiveness } from '#task/liveness/liveness.ts';
import { onlyReads } from '#task/shell/is-read-only.ts';

export type RunJudge = ReturnType<typeof createRunJudge>;

export function createRunJudge(deps: { store: Store; folderOf: (run: Pick<Run, 'id'>) => string }) {
  const { store } = deps;

  /** Gathers what the run itself has done, as far as it is recorded. Nothing that clip wrote counts. */
  function gather(
    run: Run,
    workspace: WorkspaceRecord | null,
  ): { evidence: Evidence; text: string; reports: readonly AgentReport[] } {
    // For an agent without a stream only reports were read, so its stream state holds no evidence.
    const streamState =
      findAdapter(run.spec.agent).stream === null ? null : (store.streamStates.ofRun(run.number)?.streamState ?? null);
    const reports = store.reports.ofRun(run.number);
    const { taskId } = run.lineage;
    const comments = taskId === null ? { count: 0, lastAt: null } : store.comments.ofRun(run.number, taskId);
    const documents =
      taskId === null
        ? { count: 0, fresh: 0, freshPlan: false, lastAt: null }
        : store.documents.ofRun(run.number, taskId);
    const counts = {
      comments: comments.count,
      documents: documents.fresh,
      planRevised: documents.freshPlan,
      reports: countReports(reports),
      lastAt: newest(comments.lastAt, documents.lastAt, lastUsefulReportAt(reports)),
    };
    const evidence = buildEvidence(streamState, workspace, counts);
    return run.spec.agent === null
      ? { evidence: withCommand(evidence, run), text: '', reports }
      : { evidence, text: streamState?.text ?? formatLast(run) ?? '', reports };
  }

  /** Returns the last output of an agent without a readable stream; null for all others. */
  function formatLast({ id, number, spec }: Run): string | null {
    if (spec.agent?.adapter !== 'plain' || spec.agent.mapping !== null) return null;
    // An archived log is not read again.
    return (
      store.archives.of(number)?.lastWords ??
      stripVTControlCharacters(readEnd(logPath(deps.folderOf({ id }), 'stdout'), limits.accountTextLength))
    );
  }

  /** Returns the stream state for a summary, built from other facts if there is no stream. */
  function readStreamState(run: Run): StreamState | null {
    const streamState = store.streamStates.ofRun(run.number)?.streamState ?? null;
    if (findAdapter(run.spec.agent).stream !== null) return streamState;
    if (run.spec.agent !== null) return { ...emptyStreamState, text: formatLast(run) ?? '' };
    const { commands: recentCommands } = withCommand(buildEvidence(null, null, nothingLeft), run);
    return { ...emptyStreamState, commands: 1, commandsFailed: recentCommands[0]?.failed ? 1 : 0, recentCommands };
  }

  return {
    streamStateOf: readStreamState,
    lastWords: formatLast,
    /** Returns the verdict of an ended run; null for a run that has not ended. */
    judge(run: Run, workspace: WorkspaceRecord | null): LivenessRecord | null {
      if (!isEnded(run.state)) return null;
      const { taskId } = run.lineage;
      const { evidence, text, reports } = gather(run, workspace);
      const task = taskId === null ? null : store.tasks.byNumber(taskId);
      return classifyLiveness({ outcome: run.state, task, evidence, text, reports });
    },
    /** Returns whether any of the run's work remains. */
    isDurable: (run: Run): boolean => isEnded(run.state) && isDurable(gather(run, run.state.workspace).evidence),
  };
}

const nothingLeft = { comments: 0, documents: 0, planRevised: false, reports: countReports([]), lastAt: null };

/** Adds the command of a plain run: a command that a person runs for a task is itself the work. */
function withCommand(evidence: Evidence, { spec, state }: Run): Evidence {
  const at = isEnded(state) ? state.endedAt : 0;
  const code = isEnded(state) && state.outcome.kind === 'exited' ? state.outcome.code : null;
  const command = spec.command.join(' ');
  const record = { command, exitCode: code, failed: code !== 0, at, readOnly: onlyReads(command), open: false };
  return {
    ...evidence,
    commands: [record],
    commandsRun: 1,
    commandsFailed: code === 0 ? 0 : 1,
    lastUsefulAt: record.readOnly ? evidence.lastUsefulAt : at,
  };
}

function newest(...times: readonly (number | null)[]): number | null {
  const known = times.filter((time) => time !== null);
  return known.length === 0 ? null : Math.max(...known);
}
