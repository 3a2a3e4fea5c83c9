import { describe, expect, it } from 'vitest';
import type { Core } from '#daemon/core/core.ts';
import { Scheduler } from '#daemon/queue/scheduler.ts';
import type { RunStatus } from '#run/run.ts';
import { noon } from '../../../support/runs.ts';

const waiter = {
  ...{ number: 2, id: 'id2', group: null, priority: 0, parentRunId: null, locks: [], agentId: null, agentName: null },
  ...{ taskId: null, after: 1, notBefore: null },
};

/** Returns what the scheduler orders for a run whose required run was removed. `known`: its end, as far as it is kept. */
function ordersAfterRemoval(known: RunStatus | null) {
  const store = {
    runs: { queued: () => [waiter], ancestors: () => [], buriedStatus: () => known },
    groups: { list: () => [] },
    agents: { list: () => [] },
    readMeta: () => null,
  };
  const supervisor = { awake: () => [], find: () => null, findById: () => null };
  const core = { store, supervisor, config: { max_runs: 4 }, now: () => noon, logOf: () => () => {} };
  const scheduler = new Scheduler({ ...core, diskGuard: { isFull: () => false } } as unknown as Core, {
    keepers: { ready: () => true },
    logFollower: { sessionOf: () => null },
    budgets: { waitsFor: () => null, countsStarts: () => false },
  });
  return scheduler.grants();
}

const failed = (status: string) => [{ number: 2, event: { type: 'dependency-failed', after: 1, status } }];

describe('a run whose required run was removed', () => {
  it('starts if that run had succeeded', () => {
    expect(ordersAfterRemoval('succeeded')).toEqual([{ number: 2, event: { type: 'slot-granted' } }]);
  });

  it.each(['failed', 'cancelled', 'timed_out'] as const)('ends if that run had %s', (status) => {
    expect(ordersAfterRemoval(status)).toEqual(failed(status));
  });

  it('ends if nothing is known of that run', () => {
    expect(ordersAfterRemoval(null)).toEqual(failed('removed'));
  });
});
