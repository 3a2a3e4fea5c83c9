/** A wake: a stored request to run an agent, for a task or for no task in particular, with a reason. */

export const wakeSources = ['timer', 'assignment', 'on_demand', 'automation'] as const;
export type WakeSource = (typeof wakeSources)[number];

/**
 * `queued`: its run waits for a slot. `deferred`: its task is being worked on, and it comes after. `claimed`: its
 * run lives. `coalesced`: another wake that waits stands for it. `skipped`: it was not needed any more when its turn came.
 */
export const wakeStatuses = ['queued', 'deferred', 'claimed', 'coalesced', 'skipped', 'completed', 'failed', 'cancelled'] as const;
export type WakeStatus = (typeof wakeStatuses)[number];

/** Why agents are woken; names that users of the reference system know. */
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

/** What its run has to know: small facts, never a prompt or the value of a variable. */
export type WakePayload = {
  readonly sourceRunId: string | null;
  readonly livenessState: string | null;
  readonly livenessReason: string | null;
  readonly continuationAttempt: number;
  readonly maxContinuationAttempts: number;
  /** What to do first, in the words of the run before or of clip. */
  readonly instruction: string | null;
  /** Begin a new session of the agent. */
  readonly fresh: boolean;
  /** How many runs clip has started by itself in a row, this one among them, since a person did. */
  readonly inARow: number;
};

export type Wake = {
  readonly id: string;
  readonly task: number | null;
  readonly agentId: string;
  readonly source: WakeSource;
  readonly reason: WakeReason;
  readonly payload: WakePayload;
  /** Two wakes never have the same. */
  readonly key: string | null;
  readonly status: WakeStatus;
  /** How many wakes this one stands for beside itself. */
  readonly coalescedCount: number;
  readonly runId: string | null;
  readonly requestedAt: number;
  /** Its run does not start earlier. */
  readonly notBefore: number | null;
  readonly claimedAt: number | null;
  readonly finishedAt: number | null;
  readonly error: string | null;
};

/** Its time is still to come. */
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
