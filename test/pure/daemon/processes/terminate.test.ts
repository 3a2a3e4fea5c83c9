import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Supervisor } from '#daemon/core/supervisor.ts';
import type { ProcessScanner } from '#daemon/processes/process-scanner.ts';
import { Terminator } from '#daemon/processes/terminate.ts';
import type { RunEvent } from '#run/events.ts';
import { limits } from '#run/limits.ts';
import { aRun, aStop, leader, noon, stopping } from '../../../support/runs.ts';

const run = aRun(stopping({ stop: aStop({ phase: 'killed', phaseAt: noon }) }));

/** Stops a run whose processes survive SIGKILL. `rounds`: the pids that are found in each round. */
async function pidsRecorded(rounds: readonly (readonly number[])[]): Promise<number[][]> {
  const recorded: RunEvent[] = [];
  let round = 0;
  const supervisor = { find: () => run, submit: (_: number, event: RunEvent) => void recorded.push(event) };
  const scanner = {
    canReach: () => true,
    find: async () => ({ members: (rounds[round] ?? []).map((pid) => ({ ...leader, pid })), shared: false }),
    signal: async (_: unknown, members: readonly { readonly pid: number }[]) => {
      round += 1;
      return members;
    },
  };
  const terminator = new Terminator({
    supervisor: supervisor as unknown as Supervisor,
    scanner: scanner as unknown as ProcessScanner,
    now: () => noon + limits.stopRetryMs + performance.now(),
    log: () => {},
    politeSignal: () => null,
    lookAgain: () => {},
    lose: () => {},
  });
  terminator.go(run.number);
  await vi.advanceTimersByTimeAsync((rounds.length - 1) * limits.stopRetryMs + 1);
  expect(round).toBe(rounds.length);
  return recorded.map((event) => (event.type === 'signalled' ? event.targets.map(({ pid }) => pid) : []));
}

describe('a run whose processes survive SIGKILL', () => {
  beforeEach(() => void vi.useFakeTimers({ now: noon }));
  afterEach(() => void vi.useRealTimers());

  it('has each new SIGKILL in its history', async () => {
    expect(await pidsRecorded([[1, 2], [1, 2], [1, 3], [1]])).toEqual([[1, 2], [1, 3], [1]]);
  });
});
