import { describe, expect, it } from 'vitest';
import { limits } from '#run/limits.ts';
import { backOffMs, backOffTriesMax } from '#task/continuation/backoff.ts';
import type { Decision } from '#task/continuation/decision.ts';
import { afterEnd } from '#task/continuation/rules.ts';
import { noon } from '../../../support/runs.ts';
import { aSituation, failedWith, woken } from '../../../support/tasks.ts';

const minute = 60_000;

function wakeOf(decision: Decision) {
  if (decision.action !== 'continue') throw new Error(`It is ${decision.action}: ${decision.reason}`);
  return decision;
}

describe('a run refused by its provider', () => {
  it('waits 1 minute, then 5, and half an hour from then on', () => {
    expect([0, 1, 2, 3, 15].map((before) => backOffMs(before) / minute)).toEqual([1, 5, 30, 30, 30]);
  });

  it.each([
    ['rate_limited', 'rate_limit_retry'],
    ['provider_unavailable', 'provider_retry'],
  ] as const)('is started again after %s, at no cost of the budget', (code, reason) => {
    const first = wakeOf(afterEnd(failedWith(code), aSituation({ budgetLeft: 0 })));
    expect(first).toMatchObject({ budgetLeft: 0, wake: { reason, key: `${reason}:7:id42`, notBefore: noon + minute } });
    expect(first.wake.payload).toMatchObject({
      sourceRunId: 'id42',
      continuationAttempt: 1,
      maxContinuationAttempts: backOffTriesMax,
    });
  });

  it.each([
    [1, 5],
    [2, 30],
    [9, 30],
  ])('waits longer after each refusal: after %i times, %i minutes', (before, minutes) => {
    const wake = woken('rate_limit_retry', { continuationAttempt: before });
    const next = wakeOf(afterEnd(failedWith('rate_limited', { wake }), aSituation()));
    expect(next.wake.notBefore).toBe(noon + minutes * minute);
    expect(next.wake.payload.continuationAttempt).toBe(before + 1);
  });

  it('starts again at a future time that the provider named', () => {
    const resetsAt = noon + 3 * 60 * minute;
    expect(wakeOf(afterEnd(failedWith('rate_limited', { resetsAt }), aSituation())).wake.notBefore).toBe(
      resetsAt + limits.resetSlackMs,
    );
    expect(wakeOf(afterEnd(failedWith('rate_limited', { resetsAt: noon - 1 }), aSituation())).wake.notBefore).toBe(
      noon + minute,
    );
    expect(wakeOf(afterEnd(failedWith('provider_unavailable', { resetsAt }), aSituation())).wake.notBefore).toBe(
      noon + minute,
    );
  });

  it('waits for the first delay again after another end in between', () => {
    const wake = woken('run_liveness_continuation', { continuationAttempt: 2 });
    expect(wakeOf(afterEnd(failedWith('rate_limited', { wake }), aSituation())).wake.notBefore).toBe(noon + minute);
  });

  it('is left to a person after a fixed number of tries', () => {
    const wake = woken('provider_retry', { continuationAttempt: backOffTriesMax });
    const decision = afterEnd(failedWith('provider_unavailable', { wake }), aSituation());
    expect(decision).toMatchObject({
      action: 'block',
      exhausted: false,
      blockedReason: 'The provider refused 17 times in a row (provider_unavailable).',
    });
  });
});
