/**
 * A run: one supervised execution of one command.
 *
 * `spec` is what was asked and never changes; `state` is what is true now. A state carries only what
 * is true in that state, so a queued run has no process and an ended one has no deadline.
 * All times are milliseconds since the epoch, UTC.
 */

import type { AgentProfile } from './agent.ts';

/** The proof that a process is the one we mean; a pid alone proves nothing, since pids come back. */
export type ProcessIdentity = {
  readonly pid: number;
  /** Start time in the unit of the operating system (Linux: clock ticks since boot); only ever compared for equality or age. */
  readonly startTime: number;
  readonly bootId: string;
};

/** The leader of a run's process session. Its pid is also its group and session id, because it was started in a session of its own. */
export type Leader = ProcessIdentity & { readonly pgid: number };

export type Stdin =
  | { readonly kind: 'none' }
  | { readonly kind: 'file'; readonly path: string }
  /** Text that came with the request; kept in the run's folder as prompt.txt. */
  | { readonly kind: 'prompt'; readonly sha256: string }
  /** The same, but named on the command line instead of read. */
  | { readonly kind: 'prompt-file'; readonly sha256: string };

export type RunSpec = {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly adapter: string;
  /** The agent that runs it, as it was when the run was admitted; null for a plain command. */
  readonly agent: AgentProfile | null;
  /** The agent's session that this run goes on with; null for a new one. */
  readonly sessionId: string | null;
  readonly name: string | null;
  readonly group: string | null;
  readonly priority: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly locks: readonly string[];
  /** Number of the run that must succeed before this one may start. */
  readonly after: number | null;
  readonly timeoutMs: number;
  readonly timeoutSource: 'config' | 'default';
  readonly silenceMs: number | null;
  readonly graceMs: number;
  readonly outputBytesMax: number;
  readonly mergeOutput: boolean;
  readonly stdin: Stdin;
  readonly onLoss: 'retry' | 'fail';
  readonly leftovers: 'stop' | 'leave';
  readonly promptSecret: boolean;
  /** Names of the variables given by --env. Their values live in env.json only, until the run has ended. */
  readonly envNames: readonly string[];
};

/** What woke the agent, for a run that clip started by itself or for a task. */
export type Origin = {
  readonly wakeId: string;
  readonly reason: string;
  /** Of how many continuations in a row this is which; 0 for a run that continues nothing. */
  readonly attempt: number;
  readonly attemptsMax: number;
  /** The run that it continues; null for one that begins. */
  readonly ofRunId: string | null;
};

/** Where a run comes from: the task it serves, a parent run it was started in, or an earlier run it repeats. */
export type Lineage = {
  readonly taskId: number | null;
  readonly origin: Origin | null;
  readonly parentRunId: string | null;
  /** 0 for a run that was not started inside another one. */
  readonly depth: number;
  readonly retryOfRunId: string | null;
  readonly retryReason: RetryReason | null;
  readonly processLossRetryCount: number;
};

/**
 * `unknown_session`: the agent did not know the session it was to go on with, so it begins anew.
 * `assignment_recovery`, `issue_continuation_needed`: its task was stranded, before or after it had been taken up.
 */
export const retryReasons = ['manual', 'process_lost', 'unknown_session', 'assignment_recovery', 'issue_continuation_needed'] as const;
export type RetryReason = (typeof retryReasons)[number];

export type Run = {
  readonly number: number;
  readonly id: string;
  readonly key: string | null;
  readonly queuedAt: number;
  readonly spec: RunSpec;
  readonly lineage: Lineage;
  readonly state: RunState;
};

/** How a run's process ended, as far as it is known. */
export type Outcome =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'killed'; readonly signal: string }
  | { readonly kind: 'not_started' }
  | { readonly kind: 'lost' };

/** Orders to stop. Each carries the end it will have, see `endOfOrder`. */
export const stopOrders = ['cancelled', 'paused', 'budget_paused', 'timeout', 'silence', 'output_limit', 'lingering'] as const;
export type StopOrder = (typeof stopOrders)[number];

export type StopPhase = 'ordered' | 'interrupted' | 'terminated' | 'killed';

export type Stop = {
  readonly order: StopOrder;
  readonly orderedAt: number;
  readonly graceMs: number;
  /** How far the stop sequence has come, and since when: a new daemon goes on from here. */
  readonly phase: StopPhase;
  readonly phaseAt: number;
  /** Kill at once, without the grace. */
  readonly now: boolean;
};

export type LeakedProcess = { readonly pid: number; readonly command: string; readonly ended: boolean };

/** What a run did to its work folder: between its start and its end, whoever did it. Null where it cannot be told. */
export type WorkspaceRecord = {
  readonly headBefore: string | null;
  readonly headAfter: string | null;
  /** Commits that HEAD has now and had not before. */
  readonly commits: number | null;
  readonly filesChanged: number | null;
  readonly insertions: number | null;
  readonly deletions: number | null;
  /** Something is not committed. */
  readonly dirty: boolean | null;
  readonly treeChanged: boolean | null;
  /** When it was looked at, after the end. */
  readonly seenAt: number;
};

/** Whether a finished run achieved anything, and what comes next. */
export type LivenessRecord = {
  readonly state: 'completed' | 'advanced' | 'plan_only' | 'empty_response' | 'blocked' | 'failed' | 'needs_followup';
  readonly reason: string;
  readonly nextAction: string | null;
  readonly lastUsefulActionAt: number | null;
};

/** What was decided to follow, and why, in words. */
export type DecisionRecord = {
  readonly action: 'none' | 'follows' | 'skip' | 'continue' | 'block' | 'review';
  readonly reason: string;
  /** It was continued as often as it may be. */
  readonly exhausted: boolean;
};

/** What remains to be done after the end, in this order; each step is idempotent and struck off when done. */
export const finaliseSteps = ['workspace', 'leftovers', 'liveness', 'summary', 'wake', 'tidy'] as const;
export type FinaliseStep = (typeof finaliseSteps)[number];

/** What each step has found. */
export type StepResult =
  | { readonly step: 'workspace'; readonly workspace: WorkspaceRecord | null }
  | { readonly step: 'leftovers'; readonly leaked: readonly LeakedProcess[] }
  | { readonly step: 'liveness'; readonly liveness: LivenessRecord | null }
  | { readonly step: 'summary' }
  | { readonly step: 'wake'; readonly decision: DecisionRecord }
  | { readonly step: 'tidy' };

type Alive = {
  readonly leader: Leader;
  readonly startedAt: number;
  /** Wall-clock time at which the time limit stops it; null without a limit. */
  readonly deadlineAt: number | null;
  /** Since when it counts as silent at the earliest: its start, or when the machine woke up. */
  readonly silentSince: number;
  /** False after its keeper has died: it is watched by pid, and its exit code will be unknown. */
  readonly held: boolean;
  /** True from the loss of the keeper until the run says something again. */
  readonly detachedWarning: boolean;
};

export type Queued = { readonly status: 'queued'; readonly notBefore: number | null };
export type Starting = { readonly status: 'starting'; readonly since: number; readonly stop: Stop | null };
export type Running = Alive & { readonly status: 'running' };
export type Stopping = Alive & { readonly status: 'stopping'; readonly stop: Stop };
export type Ended = {
  readonly status: EndedStatus;
  readonly outcome: Outcome;
  readonly stopReason: string;
  readonly errorCode: string | null;
  readonly error: string | null;
  readonly timeoutFired: boolean;
  readonly leader: Leader | null;
  readonly startedAt: number | null;
  readonly endedAt: number;
  /** The stop that was under way, for the grace its remaining processes still have. */
  readonly stop: Stop | null;
  readonly leaked: readonly LeakedProcess[] | null;
  /** Null for a plain command, and until it was looked at. */
  readonly workspace: WorkspaceRecord | null;
  readonly liveness: LivenessRecord | null;
  /** Null for a run without a task, and until it was decided. */
  readonly decision: DecisionRecord | null;
  readonly pending: readonly FinaliseStep[];
};

export type EndedStatus = 'succeeded' | 'failed' | 'cancelled' | 'timed_out';
export type RunState = Queued | Starting | Running | Stopping | Ended;
export type RunStatus = RunState['status'];

export const endedStatuses: readonly EndedStatus[] = ['succeeded', 'failed', 'cancelled', 'timed_out'];
export const liveStatuses = ['queued', 'starting', 'running', 'stopping'] as const;
export const runStatuses: readonly RunStatus[] = [...liveStatuses, ...endedStatuses];

export function isEnded(state: RunState): state is Ended {
  return state.status !== 'queued' && state.status !== 'starting' && state.status !== 'running' && state.status !== 'stopping';
}

export function isAlive(state: RunState): state is Running | Stopping {
  return state.status === 'running' || state.status === 'stopping';
}

/** The environment variable that every process of a run carries; its value is the run's id, never its number. */
export const markVariable = 'CLIP_RUN_ID';

/** Set in the environment of daemons and keepers, so that no sweep ever takes one for a member of a run. */
export const roleVariable = 'CLIP_ROLE';
