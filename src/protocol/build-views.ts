/** Builds the view of a run with the field names of the contract. It has no environment values and no prompts. */
import { isRestrained } from '#run/agent.ts';
import type { ReportWords } from '#run/agent-report.ts';
import { needsPerson } from '#run/attention.ts';
import type { RunEvent } from '#run/events.ts';
import { isoTime } from '#run/iso-time.ts';
import { findContainment } from '#run/leader.ts';
import { unseenMessage } from '#run/recovery.ts';
import { type Ended, isAlive, isEnded, type Outcome, type Run, type RunState, type WorkspaceRecord } from '#run/run.ts';
import { classifySilence, silentMs } from '#run/silence.ts';
import type { StreamDigest } from '#run/stream-digest.ts';
import type { EventView, ReportView, RunView } from './answers.ts';

/** Facts that are not in the run itself. Null where unknown. */
export type RunFacts = {
  readonly folder: string;
  readonly output: {
    readonly stdoutBytes: number | null;
    readonly stderrBytes: number | null;
    readonly lastOutputAt: number | null;
  } | null;
  /** The form of its logs after archiving. */
  readonly archive: {
    readonly stdoutForm: string;
    readonly stderrForm: string;
    readonly removedAt: number | null;
  } | null;
  readonly waitingFor: string | null;
  readonly sample: { readonly cpuPercent: number | null; readonly memoryBytes: number | null } | null;
  /** The digest of its stream. */
  readonly digest: StreamDigest | null;
  readonly retriedBy: number | null;
  /** Whether no keeper holds it and its processes are not visible from here. */
  readonly unseen: boolean;
  /** What the run left with its task. Null without a task. */
  readonly left: { readonly comments: number; readonly documents: number } | null;
  /** The number of its reports. */
  readonly reports: number;
  readonly at: number;
};

export function buildRunView(run: Run, seen: RunFacts): RunView {
  const { spec, lineage, state } = run;
  const ended = isEnded(state) ? state : null;
  const alive = isAlive(state) ? state : null;
  const leader = alive?.leader ?? ended?.leader ?? null;
  const startedAt = alive?.startedAt ?? ended?.startedAt ?? null;
  return {
    id: run.id,
    number: run.number,
    name: spec.name,
    key: run.key,
    status: state.status,
    adapter: spec.adapter,
    agentId: spec.agent?.id ?? null,
    agentName: spec.agent?.name ?? null,
    taskId: lineage.taskId,
    command: [...spec.command],
    cwd: spec.cwd,
    group: spec.group,
    labels: spec.labels,
    locks: [...spec.locks],
    priority: spec.priority,
    queuedAt: isoTime(run.queuedAt),
    startedAt: isoOrNull(startedAt),
    endedAt: isoOrNull(ended?.endedAt ?? null),
    notBefore: isoOrNull(state.status === 'queued' ? state.notBefore : null),
    deadlineAt: isoOrNull(alive?.deadlineAt ?? null),
    processPid: leader?.pid ?? null,
    processGroupId: leader?.pgid ?? null,
    processStartedAt: isoOrNull(startedAt),
    ...buildExitFields(ended?.outcome ?? null),
    ...buildReasonFields(state, seen),
    effectiveTimeoutSec: spec.timeoutMs / 1_000,
    timeoutConfigured: spec.timeoutMs > 0,
    timeoutSource: spec.timeoutSource,
    timeoutFired: ended?.timeoutFired ?? false,
    retryOfRunId: lineage.retryOfRunId,
    retriedBy: seen.retriedBy,
    retryReason: lineage.retryReason,
    processLossRetryCount: lineage.processLossRetryCount,
    parentRunId: lineage.parentRunId,
    environmentSource: lineage.environment,
    ...buildOrigin(run),
    ...buildStreamFields(run, seen),
    ...achieved(ended),
    // An ended run retries nothing, whatever it was doing when it ended.
    retrying: alive === null ? null : (seen.digest?.retrying ?? null),
    // The error of an ended run says what went wrong.
    lastError: alive === null ? null : buildLastError(seen.digest),
    leaked: ended?.leaked ? ended.leaked.map((process) => ({ ...process })) : null,
    containment: leader === null ? null : findContainment(leader),
    unexamined: ended?.leaked ? (ended.unexamined ?? null) : null,
    stdoutPath: logPath(seen, 'stdout'),
    stderrPath: spec.mergeOutput ? null : logPath(seen, 'stderr'),
    stdoutBytes: seen.output?.stdoutBytes ?? null,
    stderrBytes: seen.output?.stderrBytes ?? null,
    lastOutputAt: isoOrNull(seen.output?.lastOutputAt ?? null),
    logsRemovedAt: isoOrNull(seen.archive?.removedAt ?? null),
    silence: alive ? classifySilence(silentMs(alive, seen.output?.lastOutputAt ?? null, seen.at)) : null,
    waitingFor: seen.waitingFor,
    needsYou: needsPerson(run) && seen.retriedBy === null,
    cpuPercent: seen.sample?.cpuPercent ?? null,
    memoryBytes: seen.sample?.memoryBytes ?? null,
    settled: ended !== null && ended.pending.length === 0,
  };
}

function logPath({ folder, archive }: RunFacts, stream: 'stdout' | 'stderr'): string {
  return `${folder}/${stream}.log${archive?.[`${stream}Form`] === 'gzip' ? '.gz' : ''}`;
}

/** Returns why the run was started and what follows from its end. Fields are null for a run without a task. */
function buildOrigin({
  lineage,
  state,
}: Run): Pick<
  RunView,
  'continuationAttempt' | 'maxContinuationAttempts' | 'continuationOf' | 'wakeReason' | 'decision'
> {
  const { origin, taskId } = lineage;
  const decision = isEnded(state) ? state.decision : null;
  return {
    continuationAttempt: taskId === null ? null : (origin?.attempt ?? 0),
    maxContinuationAttempts: origin === null || origin.attemptsMax === 0 ? null : origin.attemptsMax,
    continuationOf: origin?.ofRunId ?? null,
    wakeReason: origin?.reason ?? null,
    decision:
      decision === null
        ? null
        : { action: decision.exhausted ? 'exhausted' : decision.action, reason: decision.reason },
  };
}

/** Returns what the agent's stream has shown. */
function buildStreamFields(
  run: Run,
  { digest, left, reports }: Pick<RunFacts, 'digest' | 'left' | 'reports'>,
): Omit<Pick<RunView, StreamField>, 'retrying' | 'lastError'> {
  const { spec } = run;
  const permission = spec.agent !== null && isRestrained(spec.agent) ? spec.agent.permission : null;
  const sessionIdBefore = spec.sessionId;
  if (digest === null) {
    return {
      permission,
      sessionIdBefore,
      evidence: null,
      sessionIdAfter: null,
      usage: null,
      resetsAt: null,
      lastMessage: null,
    };
  }
  const {
    sessionId,
    toolCalls,
    commands,
    commandsFailed,
    commandsOpen,
    filesChanged,
    messages,
    usage,
    resetsAt,
    lastMessage,
  } = digest;
  const own = isEnded(run.state) ? (run.state.workspace?.own ?? null) : null;
  return {
    permission,
    sessionIdBefore,
    sessionIdAfter: sessionId,
    evidence: {
      toolCalls,
      commands,
      commandsFailed,
      commandsOpen,
      // While the run lives, the files that its stream reports. Afterwards, the files that differ from before.
      filesChanged: own?.files ?? filesChanged,
      commits: own?.commits ?? null,
      comments: left?.comments ?? null,
      documents: left?.documents ?? null,
      reports,
      messages,
    },
    usage:
      usage === null
        ? null
        : { ...usage, model: digest.model ?? spec.agent?.model ?? null, partial: digest.usageIsPart },
    resetsAt: isoOrNull(resetsAt),
    lastMessage,
  };
}

/** Returns what the run did to its work folder, and its verdict. */
function achieved(
  ended: Ended | null,
): Pick<RunView, 'livenessState' | 'livenessReason' | 'nextAction' | 'lastUsefulActionAt' | 'workspace'> {
  const { liveness = null, workspace = null } = ended ?? {};
  return {
    livenessState: liveness?.state ?? null,
    livenessReason: liveness?.reason ?? null,
    nextAction: liveness?.nextAction ?? null,
    lastUsefulActionAt: isoOrNull(liveness?.lastUsefulActionAt ?? null),
    workspace: workspace === null ? null : viewOfWorkspace(workspace),
  };
}

function viewOfWorkspace(workspace: WorkspaceRecord): RunView['workspace'] {
  const { headBefore, headAfter, commits, filesChanged, insertions, deletions, dirty, files, own } = workspace;
  const named = files.map((file) => ({ ...file }));
  return {
    headBefore,
    headAfter,
    commits,
    filesChanged,
    insertions,
    deletions,
    dirty,
    files: named,
    progress: own?.progress ?? null,
  };
}

type StreamField =
  | 'permission'
  | 'evidence'
  | 'sessionIdBefore'
  | 'sessionIdAfter'
  | 'usage'
  | 'retrying'
  | 'lastError'
  | 'resetsAt'
  | 'lastMessage';

function buildLastError(digest: StreamDigest | null): RunView['lastError'] {
  return digest?.lastError == null ? null : { ...digest.lastError, at: isoOrNull(digest.lastError.at) };
}

function buildExitFields(outcome: Outcome | null): Pick<RunView, 'exitCode' | 'signal' | 'exitKnown'> {
  switch (outcome?.kind) {
    case 'exited':
      return { exitCode: outcome.code, signal: null, exitKnown: true };
    case 'killed':
      return { exitCode: null, signal: outcome.signal, exitKnown: true };
    case 'lost':
    case 'not_started':
      return { exitCode: null, signal: null, exitKnown: false };
    case undefined:
      return { exitCode: null, signal: null, exitKnown: null };
  }
}

function buildReasonFields(
  state: RunState,
  { unseen }: Pick<RunFacts, 'unseen'>,
): Pick<RunView, 'errorCode' | 'error' | 'errorBy' | 'remark' | 'stopReason'> {
  if (isEnded(state)) {
    const { errorCode, error, errorBy, remark, stopReason } = state;
    return { errorCode, error, errorBy, remark, stopReason };
  }
  if (isAlive(state) && state.detachedWarning) {
    const error = unseen
      ? unseenMessage
      : `Its keeper was lost; process ${state.leader.pid} goes on, but its exit code will be unknown.`;
    return { errorCode: 'process_detached', error, errorBy: 'clip', remark: null, stopReason: null };
  }
  return { errorCode: null, error: null, errorBy: null, remark: null, stopReason: null };
}

export type EventFacts = {
  readonly seq: number;
  readonly at: number;
  readonly run: number | null;
  readonly runId: string | null;
  readonly taskId: number | null;
  readonly type: RunEvent['type'] | string;
  readonly data: Readonly<Record<string, unknown>>;
};

export function buildEventView(event: EventFacts): EventView {
  const { type: _, ...data } = event.data;
  return {
    seq: event.seq,
    at: isoTime(event.at),
    runId: event.runId,
    run: event.run,
    taskId: event.taskId,
    type: event.type,
    data,
  };
}

export function buildReportView({
  id,
  kind,
  text,
  who,
  at,
}: ReportWords & { readonly id: string; readonly at: number }): ReportView {
  return { id, kind, text, who, at: isoTime(at) };
}

function isoOrNull(at: number | null): string | null {
  return at === null ? null : isoTime(at);
}
