/**
 * What clip decided after a run. The reason is stored in words, so it can be looked up why a task was not continued.
 */
import type { Agent, Permission } from '#run/agent.ts';
import type { LivenessRecord } from '#run/run.ts';
import type { Task } from '../task.ts';
import type { WakePayload, WakeReason } from '../wake.ts';

/** A start that clip plans by itself. */
export type PlannedWake = {
  readonly reason: WakeReason;
  readonly key: string;
  readonly notBefore: number | null;
  readonly payload: WakePayload;
  /** The field `retryReason` of the new run. Set when it repeats a failed run. */
  readonly retryReason: 'assignment_recovery' | 'issue_continuation_needed' | null;
};

export type Decision =
  /** Nothing follows. */
  | { readonly action: 'none'; readonly reason: string }
  /** A run follows already: the run's own retry, or one that was waiting. */
  | { readonly action: 'follows'; readonly reason: string }
  /** Something could follow but must not. The reason names the obstacle. */
  | { readonly action: 'skip'; readonly reason: string }
  | { readonly action: 'continue'; readonly reason: string; readonly wake: PlannedWake; readonly budgetLeft: number }
  /**
   * A person has to act. `comment`: added to the task once. `exhausted`: the task has had as many continuations as it
   * may have.
   */
  | {
      readonly action: 'block';
      readonly reason: string;
      readonly blockedReason: string;
      readonly next: string;
      readonly comment: string | null;
      readonly exhausted: boolean;
    }
  /** The agent says that the work is done. The task moves to review if it is not there yet. */
  | { readonly action: 'review'; readonly reason: string };

/** The ended run that the decision is about. */
export type EndedRun = {
  readonly id: string;
  readonly number: number;
  readonly agentId: string | null;
  /** The permission that its agent had. Null for a command. */
  readonly permission: Permission | null;
  readonly status: 'succeeded' | 'failed' | 'cancelled' | 'timed_out';
  readonly stopReason: string;
  readonly errorCode: string | null;
  readonly error: string | null;
  /** Why clip cancelled it, as a sentence. Null when a person did, and for every other end. */
  readonly cancelledBecause: string | null;
  readonly liveness: LivenessRecord | null;
  /** When the provider's limit resets, according to the provider. */
  readonly resetsAt: number | null;
  readonly retryReason: string | null;
  /** The budget limit that stopped the run, and the remedy. Null for every other end. */
  readonly limit: {
    readonly scope: 'run' | 'agent' | 'task' | 'day';
    readonly words: string;
    readonly remedy: string;
  } | null;
  /** Whether the run left something new: a state of the files, a document, or a report that it is done. */
  readonly progress: boolean;
  /** The wake that started it, for a run that was started automatically. */
  readonly wake: { readonly reason: WakeReason; readonly payload: WakePayload } | null;
};

/** The circumstances of the decision. */
export type Situation = {
  readonly at: number;
  readonly task: Task | null;
  /** Automatic starts that are left. The achievement of the run is already included. */
  readonly budgetLeft: number;
  readonly agent: Pick<Agent, 'id' | 'name' | 'paused'> | null;
  /** Another run or wake of the task, in words. Null when there is none. */
  readonly busy: string | null;
  /** Whether a wake of the task is waiting. It was requested after anything that the run reported about a blocker. */
  readonly asked: boolean;
  /**
   * The run's own retry. `none`: a run of its kind is not retried. `spent`: no retry was left. `withheld`: its process
   * may still be alive, or something that it needs is gone.
   */
  readonly ownRetry: { readonly number: number } | 'spent' | 'withheld' | 'none';
  /** The budget limit that is reached, in words. Null when none is. */
  readonly limitReached: string | null;
  readonly attemptsMax: number;
  /** The number of runs in a row that are started without a person. */
  readonly runsMax: number;
};
