import { describe, expect, it } from 'vitest';
import { killLeftoversAt, nextSignal } from '#run/stop-sequence.ts';
import { aStop, noon } from '../../support/runs.ts';

const polite = { kind: 'signal', signal: 'SIGINT', phase: 'interrupted', to: 'leader' };
const terminate = { kind: 'signal', signal: 'SIGTERM', phase: 'terminated', to: 'family' };
const kill = { kind: 'signal', signal: 'SIGKILL', phase: 'killed', to: 'family' };
const wait = (untilAt: number) => ({ kind: 'wait', untilAt });

describe('the stop sequence', () => {
  it('begins with SIGTERM to all, or the polite signal to the leader', () => {
    expect(nextSignal(aStop(), null, noon)).toEqual(terminate);
    expect(nextSignal(aStop(), 'SIGINT', noon)).toEqual(polite);
  });

  it('waits 3 s after the polite signal, then terminates', () => {
    const stop = aStop({ phase: 'interrupted', phaseAt: noon });
    expect(nextSignal(stop, 'SIGINT', noon + 2_999)).toEqual(wait(noon + 3_000));
    expect(nextSignal(stop, 'SIGINT', noon + 3_000)).toEqual(terminate);
  });

  it('kills after SIGTERM and the grace, or at once without a grace', () => {
    const stop = aStop({ phase: 'terminated', phaseAt: noon, graceMs: 500 });
    expect(nextSignal(stop, null, noon + 499)).toEqual(wait(noon + 500));
    expect(nextSignal(stop, null, noon + 500)).toEqual(kill);
    expect(nextSignal({ ...stop, graceMs: 0 }, null, noon)).toEqual(kill);
  });

  it('kills repeatedly, 50 ms apart, until the leader has ended', () => {
    for (const now of [false, true]) {
      const stop = aStop({ phase: 'killed', phaseAt: noon, now });
      expect(nextSignal(stop, null, noon + 49)).toEqual(wait(noon + 50));
      expect(nextSignal(stop, null, noon + 50)).toEqual(kill);
    }
  });

  it.each(['ordered', 'interrupted', 'terminated'] as const)(
    'goes straight to SIGKILL when told now, from %s',
    (phase) => {
      expect(nextSignal(aStop({ phase, phaseAt: noon, now: true }), 'SIGINT', noon)).toEqual(kill);
    },
  );

  it('continues after a long pause with the next signal, and skips none', () => {
    const late = noon + 3_600_000;
    expect(nextSignal(aStop({ phaseAt: noon }), 'SIGINT', late)).toEqual(polite);
    expect(nextSignal(aStop({ phase: 'interrupted', phaseAt: noon }), 'SIGINT', late)).toEqual(terminate);
    expect(nextSignal(aStop({ phase: 'terminated', phaseAt: noon }), 'SIGINT', late)).toEqual(kill);
  });
});

describe('leftovers of a dead leader', () => {
  it('have 2 s without a stop order, or before the first SIGTERM', () => {
    expect(killLeftoversAt(null, noon)).toBe(noon + 2_000);
    for (const phase of ['ordered', 'interrupted'] as const)
      expect(killLeftoversAt(aStop({ phase }), noon)).toBe(noon + 2_000);
  });

  it('have the rest of the grace after SIGTERM, and at least 2 s', () => {
    const stop = aStop({ phase: 'terminated', phaseAt: noon - 5_000, graceMs: 15_000 });
    expect(killLeftoversAt(stop, noon)).toBe(noon + 10_000);
    expect(killLeftoversAt({ ...stop, graceMs: 1_000 }, noon)).toBe(noon + 2_000);
  });

  it('have no time when the run was killed, or to be stopped now', () => {
    expect(killLeftoversAt(aStop({ phase: 'killed' }), noon)).toBe(noon);
    expect(killLeftoversAt(aStop({ phase: 'terminated', phaseAt: noon, now: true }), noon)).toBe(noon);
  });
});
