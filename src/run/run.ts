/**
 * A run: one supervised execution of one command.
 *
 * `spec` is what was requested and never changes. `state` is what is true now. A state carries only what is true in
 * that state: a queued run has no process, and an ended one has no deadline. All times are milliseconds since the
 * epoch, UTC.
 */

import type { AgentProfile, Permission } from './agent.ts';
import type { Leader } from './leader.ts';
import type { Stop } from './stop.ts';
import type { WorkspaceRecord } from './workspace-record.ts';

export type Stdin =
  | { readonly kind: 'none' }
  | { readonly kind: 'file'; readonly path: string }
  /** Text that came with the request. It is stored in the run's folder as prompt.txt. */
  | { readonly kind: 'prompt'; readonly sha256: string }
  /** The same, but named on the command line instead of read from standard input. */
  | { readonly kind: 'prompt-file'; readonly sha256: string };

/** Null: that of the agent's settings. */
export type Chosen = { readonly model: string | null; readonly permission: Permission | null };

export type RunSpec = {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly adapter: string;
  /** The agent that runs it, as it was when the run was admitted. Null for a plain command. */
  readonly agent: AgentProfile | null;
  /** The agent's session that this run resumes. Null for a new one. */
  readonly sessionId: string | null;
  /** The id that was chosen for its new session. Absent where the CLI chooses it. */
  readonly newSessionId?: string | undefined;
  readonly name: string | null;
  readonly group: string | null;
  readonly priority: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly locks: readonly string[];
  /** The number of the run that must succeed before this one may start. */
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
  /** What the submitter chose for this run instead of its agent's settings. Absent from runs that chose nothing. */
  readonly chosen?: Chosen | undefined;
  /** Names of the variables given by --env. Their values are only in env.json, until the run has ended. */
  readonly envNames: readonly string[];
};

/** The wake behind a run that clip started by itself or for a task. */
export type Origin = {
  readonly wakeId: string;
  readonly reason: string;
  /** The position of this run in a row of continuations. 0 for a run that continues nothing. */
  readonly attempt: number;
  readonly attemptsMax: number;
  /** The run that it continues. Null for a first run. */
  readonly ofRunId: string | null;
};

/**
 * The environment that a run started from. `submitter`: the shell that submitted it. `task`: the person who assigned or
 * last continued its task. `timer`: the person who set its agent's timer. `daemon`: the daemon's own.
 */
export const environmentSources = ['submitter', 'task', 'timer', 'daemon'] as const;
export type EnvironmentSource = (typeof environmentSources)[number];

/**
 * Where a run comes from: the task that it serves, the parent run that it was started in, or the earlier run that it
 * repeats.
 */
export type Lineage = {
  readonly taskId: number | null;
  readonly origin: Origin | null;
  readonly parentRunId: string | null;
  /** 0 for a run that was not started inside another one. */
  readonly depth: number;
  readonly retryOfRunId: string | null;
  readonly retryReason: RetryReason | null;
  readonly processLossRetryCount: number;
  /** Null for runs of earlier versions, which did not record it. */
  readonly environment: EnvironmentSource | null;
};

/**
 * Why a run was repeated. `unknown_session`: the agent did not know the session to resume, so the run starts a new one.
 * `assignment_recovery`, `issue_continuation_needed`: its task was stranded, before or after a run had begun to work on
 * it.
 */
export const retryReasons = [
  'manual',
  'process_lost',
  'unknown_session',
  'assignment_recovery',
  'issue_continuation_needed',
] as const;
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

export type LeakedProcess = { readonly pid: number; readonly command: string; readonly ended: boolean };

export const livenessStates = [
  'completed',
  'advanced',
  'plan_only',
  'empty_response',
  'blocked',
  'failed',
  'needs_followup',
] as const;
export type LivenessState = (typeof livenessStates)[number];

/** What a finished run achieved, and what comes next. */
export type LivenessRecord = {
  readonly state: LivenessState;
  readonly reason: string;
  readonly nextAction: string | null;
  readonly lastUsefulActionAt: number | null;
  /** Whether its last message claims that the work is done. */
  readonly claimsDone: boolean;
};

/** What was decided to follow a run, and the reason in words. */
export type DecisionRecord = {
  readonly action: 'none' | 'follows' | 'skip' | 'continue' | 'block' | 'review';
  readonly reason: string;
  /** Whether the task has had as many continuations as it may have. */
  readonly exhausted: boolean;
};

/** What remains to be done after the end, in this order. Each step is idempotent and removed when done. */
export const finalizeSteps = ['workspace', 'leftovers', 'liveness', 'summary', 'wake', 'tidy'] as const;
export type FinalizeStep = (typeof finalizeSteps)[number];

/** The result of each step. */
export type StepResult =
  | { readonly step: 'workspace'; readonly workspace: WorkspaceRecord | null }
  | { readonly step: 'leftovers'; readonly leaked: readonly LeakedProcess[] | null; readonly unexamined?: number }
  | { readonly step: 'liveness'; readonly liveness: LivenessRecord | null }
  | { readonly step: 'summary' }
  | { readonly step: 'wake'; readonly decision: DecisionRecord }
  | { readonly step: 'tidy' };

/** A live agent run that seems to hang. A stall is found once, and ends with the next sign of life. */
export type Stall = {
  /** `silent`: there was no output and no tool is open. `tool`: a tool has been open and silent for long. */
  readonly why: 'silent' | 'tool';
  /** The time of its last output. */
  readonly since: number;
  /** The command or the name of the open tool. Null for `silent`. */
  readonly tool: string | null;
  /** The last error that its stream reported before. Null for none. Absent from records of earlier versions. */
  readonly lastError?: string | null;
  /** Whether a person has looked at it, or dismissed it. */
  readonly acknowledged: boolean;
};

/** How a person has acknowledged a run that needed attention. */
export const acknowledgements = ['seen', 'retried', 'dismissed'] as const;
export type Acknowledgement = { readonly how: (typeof acknowledgements)[number]; readonly at: number };

type Alive = {
  readonly leader: Leader;
  readonly startedAt: number;
  /** The wall-clock time at which the time limit stops it. Null without a limit. */
  readonly deadlineAt: number | null;
  /** The earliest time from which it counts as silent: its start, or the time at which the machine woke up. */
  readonly silentSince: number;
  /** False after its keeper has died. The run is then watched by pid, and its exit code will be unknown. */
  readonly held: boolean;
  /** True from the loss of the keeper until the next sign of life. */
  readonly detachedWarning: boolean;
  readonly stall: Stall | null;
};

/** A run that could not start for want of resources: how often, since when, and what was short. */
export type Shortage = { readonly tries: number; readonly since: number; readonly message: string };

export type Queued = {
  readonly status: 'queued';
  readonly notBefore: number | null;
  readonly shortage?: Shortage | null;
};
export type Starting = {
  readonly status: 'starting';
  readonly since: number;
  readonly stop: Stop | null;
  readonly shortage?: Shortage | null;
};
export type Running = Alive & { readonly status: 'running' };
export type Stopping = Alive & { readonly status: 'stopping'; readonly stop: Stop };
export type Ended = {
  readonly status: EndedStatus;
  readonly outcome: Outcome;
  readonly stopReason: string;
  readonly errorCode: string | null;
  readonly error: string | null;
  /**
   * Whose words `error` is: a sentence of clip, or the words of the agent, its provider or the command. Null without an
   * error.
   */
  readonly errorBy: 'agent' | 'clip' | null;
  /** A remark on a success, in clip's words. Null for none. */
  readonly remark: string | null;
  readonly timeoutFired: boolean;
  readonly leader: Leader | null;
  readonly startedAt: number | null;
  readonly endedAt: number;
  /** The stop that was under way. It determines the grace of the remaining processes. */
  readonly stop: Stop | null;
  readonly leaked: readonly LeakedProcess[] | null;
  /**
   * How many processes of this user could not be examined during the search for leftovers. Absent in runs of earlier
   * releases.
   */
  readonly unexamined?: number;
  /** Null for a plain command, and until the workspace was examined. */
  readonly workspace: WorkspaceRecord | null;
  readonly liveness: LivenessRecord | null;
  /** Null for a run without a task, and until the decision was made. */
  readonly decision: DecisionRecord | null;
  readonly acknowledged: Acknowledgement | null;
  readonly pending: readonly FinalizeStep[];
};

export type EndedStatus = 'succeeded' | 'failed' | 'cancelled' | 'timed_out';
export type RunState = Queued | Starting | Running | Stopping | Ended;
export type RunStatus = RunState['status'];

export const endedStatuses: readonly EndedStatus[] = ['succeeded', 'failed', 'cancelled', 'timed_out'];
export const liveStatuses = ['queued', 'starting', 'running', 'stopping'] as const;
export const runStatuses: readonly RunStatus[] = [...liveStatuses, ...endedStatuses];

/** Returns whether the run has ended. Finalize steps may still be due. */
export function isEnded(state: RunState): state is Ended {
  return (
    state.status !== 'queued' &&
    state.status !== 'starting' &&
    state.status !== 'running' &&
    state.status !== 'stopping'
  );
}

/** Returns whether the run has a process that lives, as far as is known. */
export function isAlive(state: RunState): state is Running | Stopping {
  return state.status === 'running' || state.status === 'stopping';
}
