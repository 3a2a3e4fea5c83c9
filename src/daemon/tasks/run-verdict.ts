/** Gathers the evidence of a finished run and derives its verdict by the rules of src/task. */
import { stripVTControlCharacters } from 'node:util';
import { findAdapter } from '#adapters/registry.ts';
import { logPath } from '#process/log-files.ts';
import { readEnd } from '#process/tail.ts';
import { cancelOpenCommands } from '#run/control-chars.ts';
import { limits } from '#run/limits.ts';
import { isEnded, type LivenessRecord, type Run } from '#run/run.ts';
import { emptyStreamState, type StreamState } from '#run/stream-state.ts';
import type { WorkspaceRecord } from '#run/workspace-record.ts';
import type { Store } from '#store/store.ts';
import { type AgentReport, countReports, lastUsefulReportAt } from '#task/agent-reports.ts';
import { isDurable } from '#task/continuation/continuation-budget.ts';
import { buildEvidence, type Evidence, type RecordCounts } from '#task/liveness/evidence.ts';
import { classifyLiveness } from '#task/liveness/liveness.ts';
import { onlyReads } from '#task/shell/is-read-only.ts';

/** What a run itself has done, as far as it is recorded. */
type Gathered = {
  readonly evidence: Evidence;
  /** The last words of the agent. */
  readonly text: string;
  readonly reports: readonly AgentReport[];
};

export class RunJudge {
  readonly #store: Store;
  readonly #folderOf: (run: Pick<Run, 'id'>) => string;

  constructor(deps: { store: Store; folderOf: (run: Pick<Run, 'id'>) => string }) {
    this.#store = deps.store;
    this.#folderOf = deps.folderOf;
  }

  /** Returns the verdict of an ended run; null for a run that has not ended. */
  judge(run: Run, workspace: WorkspaceRecord | null): LivenessRecord | null {
    if (!isEnded(run.state)) return null;
    const { taskId } = run.lineage;
    const { evidence, text, reports } = this.#gather(run, workspace);
    const task = taskId === null ? null : this.#store.tasks.byNumber(taskId);
    return classifyLiveness({ outcome: run.state, task, evidence, text, reports });
  }

  /** Returns whether any of the run's work remains. */
  isDurable(run: Run): boolean {
    return isEnded(run.state) && isDurable(this.#gather(run, run.state.workspace).evidence);
  }

  /** Returns the last output of an agent without a readable stream; null for all others. */
  lastWords({ id, number, spec }: Run): string | null {
    if (spec.agent?.adapter !== 'plain' || spec.agent.mapping !== null) return null;
    // An archived log is not read again.
    return (
      this.#store.archives.of(number)?.lastWords ??
      stripVTControlCharacters(
        cancelOpenCommands(readEnd(logPath(this.#folderOf({ id }), 'stdout'), limits.accountTextLength)),
      )
    );
  }

  /** Returns the stream state for a summary, built from other facts if there is no stream; null if none is stored. */
  streamStateOf(run: Run): StreamState | null {
    const streamState = this.#store.streamStates.ofRun(run.number)?.streamState ?? null;
    if (findAdapter(run.spec.agent).stream !== null) return streamState;
    if (run.spec.agent !== null) return { ...emptyStreamState, text: this.lastWords(run) ?? '' };
    const { commands: recentCommands } = withCommand(buildEvidence(null, null, nothingLeft), run);
    return { ...emptyStreamState, commands: 1, commandsFailed: recentCommands[0]?.failed ? 1 : 0, recentCommands };
  }

  /** Gathers what the run itself has done. Nothing that clip wrote counts. */
  #gather(run: Run, workspace: WorkspaceRecord | null): Gathered {
    // For an agent without a stream only reports were read, so its stream state holds no evidence.
    const hasStream = findAdapter(run.spec.agent).stream !== null;
    const streamState = hasStream ? (this.#store.streamStates.ofRun(run.number)?.streamState ?? null) : null;
    const reports = this.#store.reports.ofRun(run.number);
    const evidence = buildEvidence(streamState, workspace, this.#countLeft(run, reports));
    return run.spec.agent === null
      ? { evidence: withCommand(evidence, run), text: '', reports }
      : { evidence, text: streamState?.text ?? this.lastWords(run) ?? '', reports };
  }

  /** Counts what the run has left on its task, and its reports. */
  #countLeft({ number, lineage }: Run, reports: readonly AgentReport[]): RecordCounts {
    const { taskId } = lineage;
    const comments = taskId === null ? null : this.#store.comments.ofRun(number, taskId);
    const documents = taskId === null ? null : this.#store.documents.ofRun(number, taskId);
    return {
      comments: comments?.count ?? 0,
      documents: documents?.fresh ?? 0,
      planRevised: documents?.freshPlan ?? false,
      reports: countReports(reports),
      lastAt: newest(comments?.lastAt ?? null, documents?.lastAt ?? null, lastUsefulReportAt(reports)),
    };
  }
}

const nothingLeft: RecordCounts = {
  comments: 0,
  documents: 0,
  planRevised: false,
  reports: countReports([]),
  lastAt: null,
};

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
