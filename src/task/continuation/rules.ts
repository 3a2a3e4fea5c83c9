/**
 * What follows the end of a run. There is one rule per end; the first rule from the top that matches decides. The rules
 * are pure: they derive action, time and reason from the end and the situation.
 */

import { limits } from '#run/limits.ts';
import { isClosed, type Task } from '../task.ts';
import { plainPayload, type WakePayload } from '../wake.ts';
import { backOffMs, backOffTriesMax } from './backoff.ts';
import { spend } from './continuation-budget.ts';
import type { Decision, EndedRun, PlannedWake, Situation } from './decision.ts';
import { remedyFor } from './remedies.ts';
import { tooMany } from './runs-in-a-row.ts';
import { stranded } from './stranded.ts';
import { continuationsUsedUp, startsUsedUp } from './used-up.ts';

/** Returns what follows the end of a run, with the reason. */
export function afterEnd(run: EndedRun, now: Situation): Decision {
  const { task } = now;
  if (task === null) return { action: 'none', reason: 'It serves no task.' };
  if (isClosed(task.status)) return { action: 'none', reason: `T${task.number} is ${task.status}.` };
  if (run.stopReason === 'cancelled')
    return { action: 'none', reason: run.cancelledBecause ?? 'A person cancelled it, so it is not continued.' };
  if (run.stopReason === 'dependency_failed')
    return { action: 'none', reason: 'The run it was to follow did not succeed.' };
  if (run.stopReason === 'paused')
    return { action: 'skip', reason: 'Its agent was paused; it goes on when the agent is resumed.' };
  if (run.stopReason === 'budget_paused') return overBudget(run, task);
  if (task.status === 'in_review')
    return { action: 'review', reason: `T${task.number} is in review: a person looks at it next.` };
  if (task.status === 'blocked')
    return {
      action: 'none',
      reason: `T${task.number} is blocked${task.blockedReason === null ? '' : `: ${task.blockedReason}`}`,
    };
  if (run.agentId === null) return { action: 'none', reason: 'It was a command that a person started.' };
  const remedy =
    now.asked || isAnothers(run, task)
      ? null
      : remedyFor(run, now.agent?.name ?? 'the agent', { goOn: `clip continue T${task.number}`, task: task.number });
  if (remedy !== null) return { action: 'block', ...remedy, comment: null, exhausted: false };
  if (typeof now.ownRetry === 'object')
    return { action: 'follows', reason: `Run ${now.ownRetry.number} takes it up again.` };
  if (now.ownRetry === 'withheld') return withheld(run, task);
  return against(run, task, now) ?? byEnd(run, task, now);
}

/**
 * Moves the task to review when the agent claims to be done and left nothing new. Another run would claim the same at
 * the same cost. Nothing is started, so neither a pause nor a limit prevents it.
 */
function finished(run: EndedRun): Decision | null {
  const { liveness } = run;
  if (run.status !== 'succeeded' || run.progress || !liveness?.claimsDone) return null;
  if (liveness.state !== 'advanced' && liveness.state !== 'needs_followup') return null;
  return {
    action: 'review',
    reason:
      'It says that the work is done, and left nothing new that is known to be its own: a person looks at it next.',
  };
}

/**
 * Decides after a budget limit. The limit of a day or a task ends or can be raised, and then the task continues. A run
 * over its own limit would only exceed it again.
 */
function overBudget({ limit }: EndedRun, task: Task): Decision {
  if (limit?.scope !== 'run')
    return { action: 'skip', reason: `It was stopped at a limit${limit === null ? '.' : `: ${limit.words}.`}` };
  const blockedReason = `${limit.words.charAt(0).toUpperCase()}${limit.words.slice(1)}.`;
  return {
    action: 'block',
    reason: 'It was stopped at the limit of a single run.',
    blockedReason,
    next: `${limit.remedy}, then: clip continue T${task.number}`,
    comment: null,
    exhausted: false,
  };
}

/** Blocks the task, because two processes on the same work are worse than none. */
function withheld({ number, error }: EndedRun, task: Task): Decision {
  return {
    action: 'block',
    reason: 'It was lost, and starting it again could be wrong.',
    blockedReason: `Run ${number} was lost${error === null ? '.' : `: ${error}`}`,
    next: `Make sure that nothing of it lives any more (clip show ${number}), then: clip continue T${task.number}`,
    comment: null,
    exhausted: false,
  };
}

/**
 * Returns whether the task is not this agent's. A person's task is blocked only by that person, and another agent's
 * task is not blocked by this run.
 */
function isAnothers({ agentId }: EndedRun, { assignee }: Task): boolean {
  return assignee !== null && (assignee.kind === 'person' || assignee.agentId !== agentId);
}

/** Returns the decision when something prevents any automatic start, or null. */
function against(run: EndedRun, task: Task, now: Situation): Decision | null {
  const skip = (reason: string): Decision => ({ action: 'skip', reason });
  if (now.agent === null) return skip('Its agent was removed.');
  if (task.assignee === null) return skip(`T${task.number} is not assigned.`);
  if (task.assignee.kind === 'person') return skip(`T${task.number} is assigned to a person.`);
  if (task.assignee.agentId !== run.agentId) return skip(`T${task.number} has been assigned to another agent since.`);
  if (task.status !== 'todo' && task.status !== 'in_progress')
    return skip(`T${task.number} is in status ${task.status}.`);
  if (now.busy !== null) return { action: 'follows', reason: now.busy };
  const review = finished(run);
  if (review !== null) return review;
  if (now.limitReached !== null) return skip(`A limit is reached: ${now.limitReached}`);
  // A pause also defers failed runs. They are decided again when the agent is resumed.
  if (now.agent.paused) return skip(`Agent ${now.agent.name} is paused.`);
  return null;
}

function byEnd(run: EndedRun, task: Task, now: Situation): Decision {
  if (run.errorCode === 'rate_limited' || run.errorCode === 'provider_unavailable') return later(run, task, now);
  if (run.errorCode === 'context_exhausted' || run.errorCode === 'max_turns_exhausted') return afresh(run, task, now);
  if (run.status !== 'succeeded' || run.liveness === null) return stranded(run, task, now);
  switch (run.liveness.state) {
    case 'plan_only':
    case 'empty_response':
      return again(run, task, now);
    case 'advanced':
      return onward(run, task, now);
    case 'needs_followup':
      // It continues once. A second run that only talks shows that a person is needed.
      return run.wake?.payload.livenessState === 'needs_followup' ? stranded(run, task, now) : onward(run, task, now);
    default:
      return stranded(run, task, now);
  }
}

/** Waits for a provider that refuses or is unavailable. This spends none of the task's budget. */
function later(run: EndedRun, task: Task, now: Situation): Decision {
  const before =
    run.wake?.reason === 'rate_limit_retry' || run.wake?.reason === 'provider_retry'
      ? run.wake.payload.continuationAttempt
      : 0;
  const code = String(run.errorCode);
  if (before >= backOffTriesMax) {
    const blockedReason = `The provider refused ${before + 1} times in a row (${code}).`;
    const next = `When it answers again: clip continue T${task.number}`;
    return {
      action: 'block',
      reason: `It was tried ${before} times again, and the provider still refuses.`,
      blockedReason,
      next,
      comment: null,
      exhausted: false,
    };
  }
  const isKnown = run.errorCode === 'rate_limited' && run.resetsAt !== null && run.resetsAt > now.at;
  const known = isKnown ? run.resetsAt + limits.resetSlackMs : null;
  const notBefore = known ?? now.at + backOffMs(before);
  const reason =
    known === null
      ? `The provider refused (${code}); it is tried again after a pause.`
      : 'The provider says when its limit opens again.';
  const wake: PlannedWake = {
    ...planned(run, task, run.errorCode === 'rate_limited' ? 'rate_limit_retry' : 'provider_retry'),
    notBefore,
    // A refused run did nothing, so it does not count as one in a row.
    payload: buildPayload(run, {
      continuationAttempt: before + 1,
      maxContinuationAttempts: backOffTriesMax,
      inARow: countInARow(run),
    }),
  };
  return { action: 'continue', reason, wake, budgetLeft: now.budgetLeft };
}

/** Starts a new session with the summary, because the session is full. */
function afresh(run: EndedRun, task: Task, now: Situation): Decision {
  const what = run.errorCode === 'context_exhausted' ? 'Its context is exhausted' : 'It had all the turns it may have';
  return spending(run, task, now, {
    reason: `${what}; a new session goes on with the summary.`,
    wake: { ...planned(run, task, 'context_exhausted_continuation'), payload: buildPayload(run, { fresh: true }) },
  });
}

/** Tells an agent that only planned, or said nothing, to act. The number of attempts is bounded. */
function again(run: EndedRun, task: Task, now: Situation): Decision {
  const state = run.liveness?.state ?? 'empty_response';
  // A retry of a lost run is still the same attempt.
  const counts = run.wake?.reason === 'run_liveness_continuation' || run.wake?.reason === 'process_lost_retry';
  const before = counts ? (run.wake?.payload.continuationAttempt ?? 0) : 0;
  if (before >= now.attemptsMax) return continuationsUsedUp(run, task, now, before);
  const attempt = before + 1;
  return spending(run, task, now, {
    reason: `It ended as ${state}: continuation attempt ${attempt} of ${now.attemptsMax}.`,
    wake: {
      ...planned(run, task, 'run_liveness_continuation'),
      key: `run_liveness_continuation:${task.number}:${run.id}:${state}:${attempt}`,
      payload: buildPayload(run, {
        continuationAttempt: attempt,
        maxContinuationAttempts: now.attemptsMax,
        instruction: run.liveness?.nextAction ?? firstAction(task),
      }),
    },
  });
}

/** The instruction for a task whose last run left none. */
export function firstAction({ number }: Pick<Task, 'number'>): string {
  const otherwise = 'if something keeps you from it, say so: clip report blocked "what is missing"';
  return `Take the first concrete action now; ${otherwise} (task T${number}).`;
}

/** Continues a task that is not done yet. */
function onward(run: EndedRun, task: Task, now: Situation): Decision {
  const state = String(run.liveness?.state);
  return spending(run, task, now, {
    reason: `It ended as ${state}, and T${task.number} is not done yet.`,
    wake: {
      ...planned(run, task, 'run_advanced_continuation'),
      payload: buildPayload(run, { instruction: run.liveness?.nextAction ?? null }),
    },
  });
}

/** Resumes a run that a pause or a limit had stopped. This spends no budget. */
export function resumed(run: EndedRun, task: Task, budgetLeft: number): Decision {
  const payload = buildPayload(run, { inARow: countInARow(run) });
  const wake = { ...planned(run, task, 'issue_continuation_needed'), key: `resumed:${task.number}:${run.id}`, payload };
  return { action: 'continue', reason: 'What had stopped it is over.', wake, budgetLeft };
}

/** Takes one automatic start from the task's budget. When none is left, a person is asked. */
function spending(
  run: EndedRun,
  task: Task,
  now: Situation,
  next: { readonly reason: string; readonly wake: PlannedWake },
): Decision {
  const asked = tooMany(next.wake, task, { reason: next.reason, runsMax: now.runsMax });
  if (asked !== null) return asked;
  const budgetLeft = spend(now.budgetLeft);
  if (budgetLeft !== null) return { action: 'continue', ...next, budgetLeft };
  return startsUsedUp(run, task, next.reason);
}

function planned(run: EndedRun, task: Task, reason: PlannedWake['reason']): PlannedWake {
  return {
    reason,
    key: `${reason}:${task.number}:${run.id}`,
    notBefore: null,
    payload: buildPayload(run, {}),
    retryReason: null,
  };
}

function buildPayload(run: EndedRun, given: Partial<WakePayload>): WakePayload {
  const inARow = countInARow(run) + 1;
  return {
    ...plainPayload,
    inARow,
    sourceRunId: run.id,
    livenessState: run.liveness?.state ?? null,
    livenessReason: run.liveness?.reason ?? null,
    ...given,
  };
}

/** Returns how many runs in a row clip has started automatically, this one included. */
function countInARow({ wake }: EndedRun): number {
  return wake?.payload.inARow ?? 0;
}
