/** Why clip or a person started a run, in the words of the product. JSON keeps the names of the contract. */
import type { WakeReason } from '#task/wake.ts';

const words: Readonly<Record<WakeReason, string>> = {
  issue_assigned: 'the task was assigned',
  issue_continued: 'a person continued it',
  heartbeat_timer: 'the timer of its agent',
  run_liveness_continuation: 'the last run only planned, or said nothing',
  issue_continuation_needed: 'the last run stopped before the task was done',
  issue_assignment_recovery: 'the first run did not begin its work',
  process_lost_retry: 'the last run was lost',
  rate_limit_retry: 'the rate limit of the last run',
  provider_retry: 'the provider of the last run failed',
  context_exhausted_continuation: 'the context of the last run was full',
  run_advanced_continuation: 'the last run advanced, and the task was not done',
};

/** Formats the reason of a wake. A reason of a later version stays as it is. */
export function formatWakeReason(reason: string): string {
  return Object.hasOwn(words, reason) ? words[reason as WakeReason] : reason;
}
