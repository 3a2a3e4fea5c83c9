/** Builds the view of a run with the field names of the contract. It has no environment values and no prompts. */
import type { ReportWords } from '#run/agent-report.ts';
import { needsPerson } from '#run/attention.ts';
import type { RunEvent } from '#run/events.ts';
import { isoTime, isoTimeOrNull } from '#run/iso-time.ts';
import { findContainment, type Leader } from '#run/leader.ts';
import { unseenMessage } from '#run/recovery.ts';
import { isAlive, isEnded, type Outcome, type Run, type Running, type RunState, type Stopping } from '#run/run.ts';
import { classifySilence, silentMs } from '#run/silence.ts';
import type { EventView, ReportView, RunView } from './answers.ts';
import type { RunFacts } from './run-facts.ts';
import { buildStreamFields, buildVerdictFields } from './stream-fields.ts';

type Fields<K extends keyof RunView> = Pick<RunView, K>;

/** Returns the view of a run. `seen.at` is the present time, by which its silence is measured. */
export function buildRunView(run: Run, seen: RunFacts): RunView {
  const { state } = run;
  const ended = isEnded(state) ? state : null;
  const alive = isAlive(state) ? state : null;
  return {
    ...buildSpecFields(run),
    title: seen.title,
    ...buildProcessFields(state),
    ...buildExitFields(ended?.outcome ?? null),
    ...buildReasonFields(state, seen),
    ...buildTimeoutFields(run),
    ...buildLineageFields(run, seen),
    ...buildOriginFields(run),
    ...buildStreamFields(run, seen),
    ...buildVerdictFields(ended),
    ...buildTroubleFields(alive, seen),
    ...buildLeftoverFields(state),
    ...buildLogFields(run, seen),
    silence: alive ? classifySilence(silentMs(alive, seen.output?.lastOutputAt ?? null, seen.at)) : null,
    waitingFor: seen.waitingFor,
    needsYou: needsPerson(run) && seen.retriedBy === null,
    cpuPercent: seen.sample?.cpuPercent ?? null,
    memoryBytes: seen.sample?.memoryBytes ?? null,
    settled: ended !== null && ended.pending.length === 0,
  };
}

function buildSpecFields({ id, number, key, queuedAt, spec, lineage, state }: Run) {
  return {
    id,
    number,
    name: spec.name,
    key,
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
    queuedAt: isoTime(queuedAt),
  } satisfies Partial<RunView>;
}

function findLeader(state: RunState): Leader | null {
  return isAlive(state) || isEnded(state) ? state.leader : null;
}

function buildProcessFields(state: RunState) {
  const leader = findLeader(state);
  const startedAt = isoTimeOrNull(isAlive(state) || isEnded(state) ? state.startedAt : null);
  return {
    startedAt,
    endedAt: isoTimeOrNull(isEnded(state) ? state.endedAt : null),
    notBefore: isoTimeOrNull(state.status === 'queued' ? state.notBefore : null),
    deadlineAt: isoTimeOrNull(isAlive(state) ? state.deadlineAt : null),
    processPid: leader?.pid ?? null,
    processGroupId: leader?.pgid ?? null,
    processStartedAt: startedAt,
  } satisfies Partial<RunView>;
}

function buildTimeoutFields({ spec, state }: Run) {
  return {
    effectiveTimeoutSec: spec.timeoutMs / 1_000,
    timeoutConfigured: spec.timeoutMs > 0,
    timeoutSource: spec.timeoutSource,
    timeoutFired: isEnded(state) && state.timeoutFired,
  } satisfies Partial<RunView>;
}

function buildLineageFields({ lineage }: Run, { retriedBy, retryOf, parentRun }: RunFacts) {
  return {
    retryOfRunId: lineage.retryOfRunId,
    retryOf,
    parentRun,
    retriedBy,
    retryReason: lineage.retryReason,
    processLossRetryCount: lineage.processLossRetryCount,
    parentRunId: lineage.parentRunId,
    environmentSource: lineage.environment,
  } satisfies Partial<RunView>;
}

/** Returns what keeps a live run from its work. An ended run retries nothing, and its error says what went wrong. */
function buildTroubleFields(alive: Running | Stopping | null, { digest }: RunFacts): Fields<'retrying' | 'lastError'> {
  if (alive === null || digest === null) return { retrying: null, lastError: null };
  // Digests of earlier releases lack these fields.
  const { retrying = null, lastError = null } = digest;
  return { retrying, lastError: lastError === null ? null : { ...lastError, at: isoTimeOrNull(lastError.at) } };
}

function buildLeftoverFields(state: RunState): Fields<'leaked' | 'containment' | 'unexamined'> {
  const leader = findLeader(state);
  const leaked = isEnded(state) ? state.leaked : null;
  return {
    leaked: leaked === null ? null : leaked.map((process) => ({ ...process })),
    containment: leader === null ? null : findContainment(leader),
    unexamined: isEnded(state) && leaked !== null ? (state.unexamined ?? null) : null,
  };
}

function buildLogFields({ spec }: Run, seen: RunFacts) {
  const { output, archive } = seen;
  return {
    stdoutPath: logPath(seen, 'stdout'),
    stderrPath: spec.mergeOutput ? null : logPath(seen, 'stderr'),
    stdoutBytes: output?.stdoutBytes ?? null,
    stderrBytes: output?.stderrBytes ?? null,
    lastOutputAt: isoTimeOrNull(output?.lastOutputAt ?? null),
    logsRemovedAt: isoTimeOrNull(archive?.removedAt ?? null),
  } satisfies Partial<RunView>;
}

function logPath({ folder, archive }: RunFacts, stream: 'stdout' | 'stderr'): string {
  return `${folder}/${stream}.log${archive?.[`${stream}Form`] === 'gzip' ? '.gz' : ''}`;
}

/** Returns why the run was started and what follows from its end. Fields are null for a run without a task. */
function buildOriginFields({ lineage, state }: Run) {
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
  } satisfies Partial<RunView>;
}

function buildExitFields(outcome: Outcome | null): Fields<'exitCode' | 'signal' | 'exitKnown'> {
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
): Fields<'errorCode' | 'error' | 'errorBy' | 'remark' | 'stopReason'> {
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

/** Builds the view of an event. Its type is not repeated in its data. */
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

/** Builds the view of a report. */
export function buildReportView({
  id,
  kind,
  text,
  who,
  at,
}: ReportWords & { readonly id: string; readonly at: number }): ReportView {
  return { id, kind, text, who, at: isoTime(at) };
}
