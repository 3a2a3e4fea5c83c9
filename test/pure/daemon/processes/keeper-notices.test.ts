import { describe, expect, it } from 'vitest';
import type { Supervisor } from '#daemon/core/supervisor.ts';
import type { Submission } from '#daemon/core/transaction.ts';
import { receiveKeeperEvents } from '#daemon/processes/keeper-notices.ts';
import { findAttempt } from '#daemon/processes/launches.ts';
import type { Scheduler } from '#daemon/queue/scheduler.ts';
import type { Run } from '#run/run.ts';
import { aRun, noon } from '../../../support/runs.ts';

/** Returns a run that was granted a slot this long after noon. */
const startingAt = (ms: number): Run => aRun({ status: 'starting', since: noon + ms, stop: null });
const run = startingAt(0);

/** Returns what is recorded when the keeper of a starting run refuses the launch with this tag. */
function recordedOn(type: 'refused' | 'withdrawn', attempt: string | undefined): string[] {
  const recorded: Submission[] = [];
  const supervisor = {
    findById: () => run,
    submitAll: (facts: readonly Submission[]) => void recorded.push(...facts),
  };
  const { onNotices } = receiveKeeperEvents({
    supervisor: supervisor as unknown as Supervisor,
    scheduler: { ask: () => {} } as unknown as Scheduler,
    recordExit: async () => {},
    look: () => {},
    log: () => {},
    endUnwanted: () => {},
  });
  const which = attempt === undefined ? { id: run.id } : { id: run.id, attempt };
  onNotices([type === 'refused' ? { type, ...which, why: 'It is leaving.' } : { type, ...which }]);
  return recorded.map(({ event }) => event.type);
}

describe.each(['refused', 'withdrawn'] as const)('a launch that a keeper reports as %s', (type) => {
  it('requeues its run, also from an older keeper', () => {
    expect([recordedOn(type, findAttempt(run)), recordedOn(type, undefined)]).toEqual([
      ['never-launched'],
      ['never-launched'],
    ]);
  });

  it('leaves a later launch of the same run alone', () => {
    expect(recordedOn(type, findAttempt(startingAt(-5_000)))).toEqual([]);
  });
});
