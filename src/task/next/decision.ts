/** What clip decided after a run, with the reason in words: whoever asks "why was it not continued?" finds the answer stored. */
import type { Agent } from '../../run/agent.ts';
import type { LivenessRecord } from '../../run/run.ts';
import type { Task } from '../task.ts';
import type { WakePayload, WakeReason } from '../wake.ts';

/** A start that follows by itself. */
export type PlannedWake = {
  readonly reason: WakeReason;
  readonly key: string;
  readonly notBefore: number | null;
  readonly payload: WakePayload;
  /** The field `retryReason` of its run: set where it repeats what failed. */
  readonly retryReason: 'assignment_recovery' | 'issue_continuation_needed' | null;
};

export type Decision =
  /** Nothing is to follow. */
  | { readonly action: 'none'; readonly reason: string }
  /** A run follows already: its own retry, or one that was waiting. */
  | { readonly action: 'follows'; readonly reason: string }
  /** Something could follow, and must not: the reason says what stands against it. */
  | { readonly action: 'skip'; readonly reason: string }
  | { readonly action: 'continue'; readonly reason: string; readonly wake: PlannedWake; readonly budgetLeft: number }
  /** A person has to move it on. `comment`: said once on the task. `exhausted`: it was continued as often as it may be. */
  | {
      readonly action: 'block';
      readonly reason: string;
      readonly blockedReason: string;
      readonly next: string;
      readonly comment: string | null;
      readonly exhausted: boolean;
    }
  /** The agent says that the work is done. */
  | { readonly action: 'review'; readonly reason: string };

/** The end that is decided upon. */
export type EndedRun = {
  readonly id: string;
  readonly number: number;
  readonly agentId: string | null;
  readonly status: 'succeeded' | 'failed' | 'cancelled' | 'timed_out';
  readonly stopReason: string;
  readonly errorCode: string | null;
  readonly error: string | null;
  readonly liveness: LivenessRecord | null;
  /** When the provider says that its limit opens again. */
  readonly resetsAt: number | null;
  readonly retryReason: string | null;
  /** The limit on what may be used that stopped it, and how it goes on; null for every other end. */
  readonly limit: { readonly scope: 'run' | 'agent' | 'task' | 'day'; readonly words: string; readonly remedy: string } | null;
  /** Why it was started, when it was by itself. */
  readonly wake: { readonly reason: WakeReason; readonly payload: WakePayload } | null;
};

/** What is true around it. */
export type Situation = {
  readonly at: number;
  readonly task: Task | null;
  /** Automatic starts that are left, what the run achieved already counted. */
  readonly budgetLeft: number;
  readonly agent: Pick<Agent, 'id' | 'name' | 'paused'> | null;
  /** Another run or wake of the task, in words; null when there is none. */
  readonly busy: string | null;
  /** A wake of the task waits: it was asked for after whatever the run had said of a blocker. */
  readonly asked: boolean;
  /**
   * The run's own retry; `none`: it was not one that is retried, `spent`: it would have been, but nothing was left,
   * `withheld`: it would have been, but its process may still live, or what it needs is gone.
   */
  readonly ownRetry: { readonly number: number } | 'spent' | 'withheld' | 'none';
  /** What was used up, in words; null when nothing was. */
  readonly limitReached: string | null;
  readonly attemptsMax: number;
};
