/** Tasks, ends of their runs, and their circumstances, as values. */

import type { LivenessState } from '#run/run.ts';
import type { EndedRun, Situation } from '#task/continuation/decision.ts';
import type { Task } from '#task/task.ts';
import { plainPayload, type WakePayload, type WakeReason } from '#task/wake.ts';
import { noon } from './runs.ts';

/** Returns an agent's task that is in progress, with its whole budget. */
export function aTaskOf(given: Partial<Task> = {}): Task {
  return {
    number: 7,
    title: 'Fix the parser',
    description: null,
    acceptance: null,
    kind: 'work',
    status: 'in_progress',
    priority: 0,
    assignee: { kind: 'agent', agentId: 'agent1' },
    blockedReason: null,
    blockedNext: null,
    cwd: null,
    madeIn: '/work',
    checkoutRunId: 'id42',
    executionRunId: null,
    budgetLeft: 3,
    budget: null,
    createdAt: noon - 60_000,
    updatedAt: noon - 60_000,
    statusAt: noon - 60_000,
    dismissedAt: null,
    ...given,
  };
}

/** Returns a run of the task that exited with 0. The caller gives its verdict. */
export function anEnd(given: Partial<EndedRun> = {}): EndedRun {
  return {
    id: 'id42',
    number: 42,
    agentId: 'agent1',
    permission: 'ask',
    status: 'succeeded',
    stopReason: 'completed',
    errorCode: null,
    error: null,
    cancelledBecause: null,
    liveness: null,
    resetsAt: null,
    retryReason: null,
    limit: null,
    progress: false,
    wake: null,
    ...given,
  };
}

export function judged(
  state: LivenessState,
  given: Partial<EndedRun> = {},
  nextAction: string | null = null,
): EndedRun {
  return anEnd({
    liveness: { state, reason: `It was ${state}.`, nextAction, lastUsefulActionAt: null, claimsDone: false },
    ...given,
  });
}

export function failedWith(errorCode: string, given: Partial<EndedRun> = {}): EndedRun {
  return judged('failed', { status: 'failed', stopReason: 'adapter_failed', errorCode, error: 'It broke.', ...given });
}

export function woken(reason: WakeReason, payload: Partial<WakePayload> = {}): NonNullable<EndedRun['wake']> {
  return { reason, payload: { ...plainPayload, ...payload } };
}

/** Returns a situation in which nothing prevents a start and the whole budget is available. */
export function aSituation(given: Partial<Situation> = {}): Situation {
  return {
    at: noon,
    task: aTaskOf(),
    budgetLeft: 3,
    agent: { id: 'agent1', name: 'coder', paused: false },
    busy: null,
    asked: false,
    ownRetry: 'none',
    limitReached: null,
    attemptsMax: 2,
    runsMax: 5,
    ...given,
  };
}
