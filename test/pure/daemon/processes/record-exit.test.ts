import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Supervisor } from '#daemon/core/supervisor.ts';
import { createExitRecorder, mustDrainStream } from '#daemon/processes/record-exit.ts';
import type { RunEvent } from '#run/events.ts';
import { limits } from '#run/limits.ts';
import type { StreamOutcome } from '#run/stream-outcome.ts';
import { aProfile, aRun, leader, noon, running } from '../../../support/runs.ts';

const run = aRun(running(), { spec: { agent: aProfile() } });
const exited = {
  type: 'exited',
  code: 0,
  signal: null,
  endedAt: noon,
  leader,
  startedAt: noon - 1,
  byDeadline: false,
  report: null,
} as const;
const lost = { type: 'process-lost', message: 'gone', certain: true, report: null } as const;

/** Records the exit of a run whose stream cannot be read this many times. Returns what was recorded. */
function conclusion(failures: number, said: StreamOutcome | null = { failure: null, complete: true }) {
  const recorded: RunEvent[] = [];
  let tries = 0;
  const supervisor = { submit: (_: number, event: RunEvent) => void recorded.push(event) } as unknown as Supervisor;
  const finish = async () => {
    tries += 1;
    if (tries <= failures) throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' });
    return said;
  };
  const conclude = createExitRecorder({
    supervisor,
    logFollower: { finish },
    folderOf: () => '/nowhere',
    secretsOf: () => [],
    log: () => {},
  });
  return { conclude, recorded, tries: () => tries };
}

describe('an end with an unreadable stream', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('is not recorded while the stream may become readable', async () => {
    const failure = { class: null, message: 'It broke.', resetsAt: null };
    const { conclude, recorded, tries } = conclusion(30, { failure });
    const done = conclude(run, exited);
    await vi.advanceTimersByTimeAsync(29 * limits.stopRetryMs);
    expect(recorded).toEqual([]);
    await vi.advanceTimersByTimeAsync(limits.stopRetryMs);
    await done;
    expect([tries(), recorded]).toEqual([31, [{ ...exited, report: { failure }, lastWords: null }]]);
  });

  it('is a failure of unknown outcome when the stream stays so', async () => {
    const { conclude, recorded } = conclusion(Number.POSITIVE_INFINITY);
    const done = conclude(run, exited);
    await vi.advanceTimersByTimeAsync(limits.concludeMs + limits.stopRetryMs);
    await done;
    expect(recorded).toMatchObject([
      { type: 'exited', code: 0, report: { failure: { class: 'stream_unreadable', by: 'clip' } } },
    ]);
  });

  it('is a retriable loss when the exit was not observed either', async () => {
    const { conclude, recorded } = conclusion(Number.POSITIVE_INFINITY);
    const done = conclude(run, lost);
    await vi.advanceTimersByTimeAsync(limits.concludeMs + limits.stopRetryMs);
    await done;
    expect(recorded).toEqual([{ ...lost, report: null }]);
  });

  it('is recorded by one attempt at a time', async () => {
    const { conclude, recorded, tries } = conclusion(3);
    const all = [conclude(run, exited), conclude(run, exited), conclude(run, exited)];
    await vi.advanceTimersByTimeAsync(5 * limits.stopRetryMs);
    await Promise.all(all);
    expect([tries(), recorded.length]).toEqual([4, 1]);
  });
});

describe('before an end is recorded,', () => {
  const plain = aRun(running());
  it.each([
    ['an agent that exited', 'is', run, exited],
    ['an agent that was lost', 'is', run, lost],
    ['a command that exited with 0', 'is not', plain, exited],
    ['a command that exited badly', 'is', plain, { ...exited, code: 3 }],
    ['a command that crashed', 'is', plain, { ...exited, code: null, signal: 'SIGSEGV' }],
    ['a command that was killed', 'is not', plain, { ...exited, code: null, signal: 'SIGKILL' }],
    ['a command that was lost', 'is not', plain, lost],
  ] as const)('the output of %s %s read', (_, verb, of, fact) => {
    expect(mustDrainStream(of, fact)).toBe(verb === 'is');
  });
});
