/** A wake: a stored request to run an agent, with a reason. It may be for a task or for none. */

export const wakeSources = ['timer', 'assignment', 'on_demand', 'automation'] as const;
export type WakeSource = (typeof wakeSources)[number];

/**
 * The states of a wake. `queued`: its run waits for a slot. `deferred`: it waits until the current run of its task has
 * ended. `claimed`: its run is alive. `coalesced`: another waiting wake replaces it. `skipped`: it was no longer needed
 * when its turn came.
 */
export const wakeStatuses = [
  'queued',
  'deferred',
  'claimed',
  'coalesced',
  'skipped',
  'completed',
  'failed',
  'cancelled',
] as const;
export type WakeStatus = (typeof wakeStatuses)[number];

/** Why agents are woken. The names are those of the reference system. */
export const wakeReasons = [
  'issue_assigned',
  'issue_continued',
  'heartbeat_timer',
  'run_liveness_continuation',
  'issue_continuation_needed',
  'issue_assignment_recovery',
  'process_lost_retry',
  'rate_limit_retry',
  'provider_retry',
  'context_exhausted_continuation',
  'run_advanced_continuation',
] as const;
export type WakeReason = (typeof wakeReasons)[number];

/** What its run has to know. These are small facts, never a prompt or the value of a variable. */
export type WakePayload = {
  readonly sourceRunId: string | null;
  readonly livenessState: string | null;
  readonly livenessReason: string | null;
  readonly continuationAttempt: number;
  readonly maxContinuationAttempts: number;
  /** The first action, in the words of the previous run or of clip. */
  readonly instruction: string | null;
  /** Whether the agent starts a new session. */
  readonly fresh: boolean;
  /** How many runs in a row clip has started automatically since a person did, this one included. */
  readonly inARow: number;
};

export type Wake = {
  readonly id: string;
  readonly task: number | null;
  readonly agentId: string;
  readonly source: WakeSource;
  readonly reason: WakeReason;
  readonly payload: WakePayload;
  /** A unique key. */
  readonly key: string | null;
  readonly status: WakeStatus;
  /** How many other wakes this one replaces. */
  readonly coalescedCount: number;
  readonly runId: string | null;
  readonly requestedAt: number;
  /** The earliest start of its run. */
  readonly notBefore: number | null;
  readonly claimedAt: number | null;
  readonly finishedAt: number | null;
  readonly error: string | null;
};

/** Returns whether its run has not begun yet. */
export function isWaiting(status: WakeStatus): boolean {
  return status === 'queued' || status === 'deferred';
}

export const plainPayload: WakePayload = {
  sourceRunId: null,
  livenessState: null,
  livenessReason: null,
  continuationAttempt: 0,
  maxContinuationAttempts: 0,
  instruction: null,
  fresh: false,
  inARow: 0,
};
