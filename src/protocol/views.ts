/** What may be shown of a run: the contract's field names over what we know. No environment values, no prompts. */
import { isRestrained } from '../run/agent.ts';
import type { ReportWords } from '../run/agent-report.ts';
import type { RunEvent } from '../run/events.ts';
import type { Glance } from '../run/glance.ts';
import { type Ended, isAlive, isEnded, type Outcome, type Run, type RunState, type WorkspaceRecord } from '../run/run.ts';
import { silenceOf, silentMs } from '../run/silence.ts';
import { isoTime } from '../run/time.ts';
import type { EventView, ReportView, RunView } from './answers.ts';

/** What is not in the run itself; null where nobody looked. */
export type Seen = {
  readonly folder: string;
  readonly output: { readonly stdoutBytes: number | null; readonly stderrBytes: number | null; readonly lastOutputAt: number | null } | null;
  /** How its logs lie since somebody has looked after them. */
  readonly archive: { readonly stdoutForm: string; readonly stderrForm: string; readonly removedAt: number | null } | null;
  readonly waitingFor: string | null;
  readonly sample: { readonly cpuPercent: number | null; readonly memoryBytes: number | null } | null;
  /** What its stream has shown. */
  readonly glance: Glance | null;
  readonly retriedBy: number | null;
  /** What the run left with its task; null without a task. */
  readonly left: { readonly comments: number; readonly documents: number } | null;
  /** How often it has reported. */
  readonly reports: number;
  readonly at: number;
};

export function viewOf(run: Run, seen: Seen): RunView {
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
    ...exitOf(ended?.outcome ?? null),
    ...whyOf(state),
    effectiveTimeoutSec: spec.timeoutMs / 1_000,
    timeoutConfigured: spec.timeoutMs > 0,
    timeoutSource: spec.timeoutSource,
    timeoutFired: ended?.timeoutFired ?? false,
    retryOfRunId: lineage.retryOfRunId,
    retriedBy: seen.retriedBy,
    retryReason: lineage.retryReason,
    processLossRetryCount: lineage.processLossRetryCount,
    parentRunId: lineage.parentRunId,
    ...originOf(run),
    ...streamOf(run, seen),
    ...achieved(ended),
    // An ended run retries nothing any more, whatever it was doing when it ended.
    retrying: alive === null ? null : (seen.glance?.retrying ?? null),
    leaked: ended?.leaked ? ended.leaked.map((process) => ({ ...process })) : null,
    stdoutPath: pathOf(seen, 'stdout'),
    stderrPath: spec.mergeOutput ? null : pathOf(seen, 'stderr'),
    stdoutBytes: seen.output?.stdoutBytes ?? null,
    stderrBytes: seen.output?.stderrBytes ?? null,
    lastOutputAt: isoOrNull(seen.output?.lastOutputAt ?? null),
    logsRemovedAt: isoOrNull(seen.archive?.removedAt ?? null),
    silence: alive ? silenceOf(silentMs(alive, seen.output?.lastOutputAt ?? null, seen.at)) : null,
    waitingFor: seen.waitingFor,
    cpuPercent: seen.sample?.cpuPercent ?? null,
    memoryBytes: seen.sample?.memoryBytes ?? null,
    settled: ended !== null && ended.pending.length === 0,
  };
}

function pathOf({ folder, archive }: Seen, stream: 'stdout' | 'stderr'): string {
  return `${folder}/${stream}.log${archive?.[`${stream}Form`] === 'gzip' ? '.gz' : ''}`;
}

/** Why it was started, and what follows from its end; null for a run without a task. */
function originOf({ lineage, state }: Run): Pick<RunView, 'continuationAttempt' | 'maxContinuationAttempts' | 'continuationOf' | 'wakeReason' | 'decision'> {
  const { origin, taskId } = lineage;
  const decision = isEnded(state) ? state.decision : null;
  return {
    continuationAttempt: taskId === null ? null : (origin?.attempt ?? 0),
    maxContinuationAttempts: origin === null || origin.attemptsMax === 0 ? null : origin.attemptsMax,
    continuationOf: origin?.ofRunId ?? null,
    wakeReason: origin?.reason ?? null,
    decision: decision === null ? null : { action: decision.exhausted ? 'exhausted' : decision.action, reason: decision.reason },
  };
}

/** What the agent's stream has shown. */
function streamOf(run: Run, { glance, left, reports }: Pick<Seen, 'glance' | 'left' | 'reports'>): Omit<Pick<RunView, StreamField>, 'retrying'> {
  const { spec } = run;
  const permission = spec.agent !== null && isRestrained(spec.agent) ? spec.agent.permission : null;
  const sessionIdBefore = spec.sessionId;
  if (glance === null) {
    return { permission, sessionIdBefore, evidence: null, sessionIdAfter: null, usage: null, resetsAt: null, lastMessage: null };
  }
  const { sessionId, toolCalls, commands, commandsFailed, filesChanged, messages, usage, resetsAt, lastMessage } = glance;
  return {
    permission,
    sessionIdBefore,
    sessionIdAfter: sessionId,
    evidence: {
      toolCalls,
      commands,
      commandsFailed,
      filesChanged,
      commits: isEnded(run.state) ? (run.state.workspace?.commits ?? null) : null,
      comments: left?.comments ?? null,
      documents: left?.documents ?? null,
      reports,
      messages,
    },
    usage: usage === null ? null : { ...usage, model: glance.model ?? spec.agent?.model ?? null },
    resetsAt: isoOrNull(resetsAt),
    lastMessage,
  };
}

/** What it did to its work folder, and whether that was anything. */
function achieved(ended: Ended | null): Pick<RunView, 'livenessState' | 'livenessReason' | 'nextAction' | 'lastUsefulActionAt' | 'workspace'> {
  const { liveness = null, workspace = null } = ended ?? {};
  return {
    livenessState: liveness?.state ?? null,
    livenessReason: liveness?.reason ?? null,
    nextAction: liveness?.nextAction ?? null,
    lastUsefulActionAt: isoOrNull(liveness?.lastUsefulActionAt ?? null),
    workspace: workspace === null ? null : viewOfWorkspace(workspace),
  };
}

function viewOfWorkspace({ headBefore, headAfter, filesChanged, insertions, deletions, dirty }: WorkspaceRecord): RunView['workspace'] {
  return { headBefore, headAfter, filesChanged, insertions, deletions, dirty };
}

type StreamField = 'permission' | 'evidence' | 'sessionIdBefore' | 'sessionIdAfter' | 'usage' | 'retrying' | 'resetsAt' | 'lastMessage';

function exitOf(outcome: Outcome | null): Pick<RunView, 'exitCode' | 'signal' | 'exitKnown'> {
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

function whyOf(state: RunState): Pick<RunView, 'errorCode' | 'error' | 'stopReason'> {
  if (isEnded(state)) return { errorCode: state.errorCode, error: state.error, stopReason: state.stopReason };
  if (isAlive(state) && state.detachedWarning) {
    const error = `Its keeper was lost; process ${state.leader.pid} goes on, but its exit code will be unknown.`;
    return { errorCode: 'process_detached', error, stopReason: null };
  }
  return { errorCode: null, error: null, stopReason: null };
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

export function eventViewOf(event: EventFacts): EventView {
  const { type: _, ...data } = event.data;
  return { seq: event.seq, at: isoTime(event.at), runId: event.runId, run: event.run, taskId: event.taskId, type: event.type, data };
}

export function reportViewOf({ id, kind, text, who, at }: ReportWords & { readonly id: string; readonly at: number }): ReportView {
  return { id, kind, text, who, at: isoTime(at) };
}

function isoOrNull(at: number | null): string | null {
  return at === null ? null : isoTime(at);
}
