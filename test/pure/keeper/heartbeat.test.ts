import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Deadline } from '#keeper/deadline.ts';
import { createHeartbeat } from '#keeper/heartbeat.ts';

const silentMs = 6_000;

/** Returns a heartbeat over one deadline, and what was done to that. The clock stands at `clock.now`. */
function createWatch() {
  const clock = { now: 0 };
  vi.spyOn(performance, 'now').mockImplementation(() => clock.now);
  const done: string[] = [];
  const deadline: Deadline = {
    arm: () => void done.push('armed'),
    postpone: (ms) => void done.push(`postponed by ${ms}`),
    stop: () => {},
    fired: () => false,
  };
  const heartbeat = createHeartbeat({ deadlines: () => [deadline] });
  heartbeat.greeted(true);
  heartbeat.watch();
  /** Lets the time pass, and the beat come that is then due. */
  const pass = (ms: number) => {
    clock.now += ms;
    vi.advanceTimersToNextTimer();
  };
  return { heartbeat, done, pass };
}

describe('the heartbeat of the keeper', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  it('hands it the deadlines of a silent daemon', () => {
    const { heartbeat, done, pass } = createWatch();
    for (let at = 1_000; at < silentMs; at += 1_000) pass(1_000);
    expect([heartbeat.isSilent(), done]).toEqual([false, []]);
    for (const _ of [1, 2]) pass(1_000);
    expect([heartbeat.isSilent(), done]).toEqual([true, ['armed']]);
  });

  it('gives a suspended daemon time to be heard', () => {
    const { heartbeat, done, pass } = createWatch();
    pass(60_000);
    expect([heartbeat.isSilent(), heartbeat.sleptMs(), done]).toEqual([false, 59_000, ['postponed by 59000']]);
    for (let ms = 0; ms < silentMs; ms += 1_000) pass(1_000);
    expect([heartbeat.isSilent(), done.at(-1)]).toEqual([true, 'armed']);
  });
});
