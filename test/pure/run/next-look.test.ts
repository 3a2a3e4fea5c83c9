import { describe, expect, it } from 'vitest';
import { limits } from '#run/limits.ts';
import { nextLookMs } from '#run/next-look.ts';
import { aProfile, aRun, noon, running } from '../../support/runs.ts';

const quiet = { outputBytes: 0, lastOutputAt: null, at: noon, held: true };
const plain = (spec = {}) => aRun(running({ startedAt: noon, silentSince: noon }), { spec });

describe('The heartbeat looks at a run', () => {
  it('less often when it is a command far from its limits', () => {
    expect(nextLookMs(plain(), quiet)).toBe(limits.quietTickMs);
  });

  it('in each tick when it is an agent or has no keeper', () => {
    expect(nextLookMs(plain({ agent: aProfile(), adapter: 'codex' }), quiet)).toBe(limits.tickMs);
    expect(nextLookMs(plain(), { ...quiet, held: false })).toBe(limits.tickMs);
    expect(nextLookMs(aRun(running({ detachedWarning: true })), quiet)).toBe(limits.tickMs);
  });

  it('before it could exceed its output limit', () => {
    const run = plain({ outputBytesMax: 10 * 2 ** 30 });
    expect(nextLookMs(run, { ...quiet, outputBytes: 6 * 2 ** 30 })).toBe(2_000);
    expect(nextLookMs(run, { ...quiet, outputBytes: 10 * 2 ** 30 })).toBe(limits.tickMs);
  });

  it('when it reaches its silence limit', () => {
    const run = plain({ silenceMs: 60_000 });
    expect(nextLookMs(run, { ...quiet, at: noon + 58_500 })).toBe(1_500);
    expect(nextLookMs(run, { ...quiet, at: noon + 58_500, lastOutputAt: noon + 58_000 })).toBe(limits.quietTickMs);
  });
});
