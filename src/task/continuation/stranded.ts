/**
 * A stranded task: its last run failed, or achieved nothing that calls for more. It is started again automatically
 * once. The second time in a row a person is asked, with the reason.
 */

import { cutText } from '#run/cut-text.ts';
import type { Task } from '../task.ts';
import { plainPayload } from '../wake.ts';
import { spend } from './continuation-budget.ts';
import type { Decision, EndedRun, PlannedWake, Situation } from './decision.ts';
import { tooMany } from './runs-in-a-row.ts';

/** Returns what follows for a stranded task: one automatic start, and after that a question to a person. */
export function stranded(run: EndedRun, task: Task, now: Situation): Decision {
  const dispatch = task.status === 'todo';
  const retryReason = dispatch ? ('assignment_recovery' as const) : ('issue_continuation_needed' as const);
  const how = howItEnded(run);
  if (run.retryReason === retryReason || run.retryReason === 'process_lost' || now.ownRetry === 'spent')
    return escalated(run, task, how, dispatch);
  const budgetLeft = spend(now.budgetLeft);
  if (budgetLeft === null) return escalated(run, task, how, dispatch);
  const reason = dispatch ? ('issue_assignment_recovery' as const) : ('issue_continuation_needed' as const);
  const wake: PlannedWake = {
    reason,
    key: `${reason}:${task.number}:${run.id}`,
    notBefore: null,
    payload: {
      ...plainPayload,
      inARow: (run.wake?.payload.inARow ?? 0) + 1,
      sourceRunId: run.id,
      livenessState: run.liveness?.state ?? null,
      livenessReason: run.liveness?.reason ?? null,
    },
    retryReason,
  };
  const asked = tooMany(wake, task, { reason: how, runsMax: now.runsMax });
  if (asked !== null) return asked;
  return {
    action: 'continue',
    reason: `${how} Nothing else would move T${task.number} on, so it is started once more.`,
    wake,
    budgetLeft,
  };
}

function escalated(run: EndedRun, task: Task, how: string, dispatch: boolean): Decision {
  const what = dispatch ? 'retried dispatch' : 'retried continuation';
  const failure = run.status === 'succeeded' ? '' : ` ${formatFailure(run)}`;
  const observed = `clip ${what} of this task automatically, and there is still no live run of it.`;
  return {
    action: 'block',
    reason: `${how} It had been tried again already.`,
    blockedReason: `${how}${failure}`,
    next: `Find out why (clip show ${run.number}), then: clip continue T${task.number}`,
    comment: `${observed}${failure} It is blocked until a person looks at it.`,
    exhausted: false,
  };
}

function howItEnded({ number, status, liveness }: EndedRun): string {
  if (status === 'succeeded') return `Run ${number} ended as ${liveness?.state ?? 'succeeded'}.`;
  if (status === 'timed_out') return `Run ${number} ran into a time limit.`;
  return `Run ${number} ${status === 'cancelled' ? 'was stopped' : 'failed'}.`;
}

const messageLength = 240;

/** Formats the failure: ``Latest retry failure: `code` - message.`` */
function formatFailure({ errorCode, error, stopReason }: EndedRun): string {
  const fragment = /"message"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(error ?? '')?.[1];
  const line = fragment ?? (error ?? '').split('\n').find((each) => each.trim() !== '') ?? 'no message';
  const message =
    line.trim().length <= messageLength ? line.trim() : `${cutText(line.trim(), messageLength - 3).trimEnd()}...`;
  return `Latest retry failure: \`${errorCode ?? stopReason}\` - ${message}${/[.!?]$/.test(message) ? '' : '.'}`;
}
