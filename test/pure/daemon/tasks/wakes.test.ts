import { describe, expect, it } from 'vitest';
import type { Tx } from '#daemon/core/transaction.ts';
import { type WakeRequest, Wakes } from '#daemon/tasks/wakes.ts';
import type { Store } from '#store/store.ts';
import { plainPayload, type Wake } from '#task/wake.ts';
import { noon } from '../../../support/runs.ts';

const pending: Wake = {
  ...{ id: 'w1', task: 1, agentId: 'agent1', source: 'automation', reason: 'run_advanced_continuation' },
  ...{ payload: plainPayload, key: null, status: 'deferred', coalescedCount: 0, runId: null, requestedAt: noon },
  ...{ notBefore: null, claimedAt: null, finishedAt: null, error: null },
};

type Words = { readonly instruction?: string | null; readonly notBefore?: number | null };

/** Returns a pending wake after another one for the same task. */
function mergedWith(given: Words, before: Words): Wake {
  const of = ({ instruction = null, notBefore = null }: Words) => ({
    payload: { ...plainPayload, instruction },
    notBefore,
  });
  const wakes = { byKey: () => null, waiting: () => ({ ...pending, ...of(before) }), insert: () => {}, put: () => {} };
  const request: WakeRequest = {
    ...{ task: 1, agentId: 'agent1', source: 'automation', reason: 'run_advanced_continuation' },
    ...{ key: null, retryOf: null, prompt: null, ...of(given) },
  };
  return new Wakes({
    store: { wakes } as unknown as Store,
    supervisor: { awake: () => [] },
    automaticRuns: {
      buildRunOfWake: () => {
        throw new Error('no run is due');
      },
    },
    now: () => noon,
  }).wake({ record: () => {} } as unknown as Tx, request);
}

describe('a wake that is merged into a pending one', () => {
  it('replaces its instruction, if it has one', () => {
    const before = { instruction: 'Write the tests.' };
    const instructionAfter = (instruction: string | null) => mergedWith({ instruction }, before).payload.instruction;
    expect(instructionAfter('Fix the tests.')).toBe('Fix the tests.');
    expect(instructionAfter(null)).toBe('Write the tests.');
  });

  it('can only make it start earlier', () => {
    const startAfter = (notBefore: number | null, before: number | null) =>
      mergedWith({ notBefore }, { notBefore: before }).notBefore;
    expect([startAfter(noon + 1, noon + 2), startAfter(noon + 2, noon + 1)]).toEqual([noon + 1, noon + 1]);
    expect([startAfter(null, noon), startAfter(noon, null)]).toEqual([null, null]);
  });
});
