import { describe, expect, test } from 'vitest';
import type { AgentEvent, Tokens } from '#run/agent-event.ts';
import { limits } from '#run/limits.ts';
import { emptyStreamState, fold } from '#run/stream-state.ts';
import { noTotals, toUsage } from '#run/usage.ts';
import { hasOpenCalls } from '#run/usage-meter.ts';

const tokens = (input: number | null, output: number | null): Tokens => ({ input, cached: null, output });
const call = (id: string, input: number | null, output: number | null): AgentEvent => ({
  type: 'tokens',
  scope: 'call',
  id,
  tokens: tokens(input, output),
  model: null,
});
const part = (input: number | null, output: number | null): AgentEvent => ({
  type: 'tokens',
  scope: 'part',
  tokens: tokens(input, output),
  model: null,
});
const total = (input: number, output: number): AgentEvent => ({
  type: 'tokens',
  scope: 'session',
  tokens: tokens(input, output),
  model: null,
});
const cost = (usd: number, scope: 'part' | 'session' = 'part'): AgentEvent => ({ type: 'cost', scope, usd });
const session = (id: string): AgentEvent => ({ type: 'session', id, model: null, permission: null, version: null });
const meterOf = (...readings: readonly AgentEvent[]) => fold(emptyStreamState, readings, 0).meter;
const used = (...readings: readonly AgentEvent[]) => {
  const usage = toUsage(meterOf(...readings), noTotals);
  return [usage?.inputTokens ?? null, usage?.outputTokens ?? null];
};

describe('a model call during a run', () => {
  test('counts once as it arrives, with its largest reported count', () => {
    expect(used(call('a', 100, 1), call('a', 100, 20), call('a', 100, 1), call('b', 200, 1))).toEqual([300, 21]);
  });

  test('is replaced by the sum in a result, and counted on after it', () => {
    expect(used(call('a', 100, 1), call('b', 200, 1), part(310, 40))).toEqual([310, 40]);
    expect(used(call('a', 100, 1), part(110, 20), call('b', 200, 1))).toEqual([310, 21]);
    expect(hasOpenCalls(meterOf(call('a', 1, 1), part(1, 1)))).toBe(false);
    expect(hasOpenCalls(meterOf(part(1, 1), call('a', 1, 1)))).toBe(true);
  });

  test('counts beyond the number of known ids, in a state of fixed size', () => {
    const many = Array.from({ length: 5_000 }, (_, index) => call(`m${index}`, 10, 1));
    expect(used(...many, call('m4999', 10, 1))).toEqual([50_000, 5_000]);
    expect(Object.keys(meterOf(...many).calls.recent)).toHaveLength(limits.accountCalls);
  });
});

describe('totals of a session', () => {
  test('from two sources, one of which lags, never decrease', () => {
    expect(used(total(100, 10), total(300, 30), total(200, 20))).toEqual([300, 30]);
  });

  test('start again with another session', () => {
    expect(used(session('a'), total(300, 30), session('b'), total(100, 10))).toEqual([100, 10]);
    expect(used(session('a'), total(300, 30), session('a'))).toEqual([300, 30]);
  });
});

describe('an impossible count', () => {
  test.each([-1, 1e21, Number.MAX_SAFE_INTEGER, limits.tokensMax + 1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])(
    'of %s tokens is unknown, never booked',
    (count) => {
      for (const reading of [part(count, 5), total(count, 5), call('a', count, 5)])
        expect(used(reading)).toEqual([null, 5]);
      expect(used(part(count, count))).toEqual([null, null]);
      expect(used(part(7, 5), part(count, 1))).toEqual([7, 6]);
      expect(meterOf(part(count, 5)).absurd).toBe(true);
    },
  );

  test.each([-0.01, 1e300, limits.costUsdMax + 1, Number.NaN, Number.POSITIVE_INFINITY])(
    'of a cost of %s is unknown, never booked',
    (usd) => {
      for (const scope of ['part', 'session'] as const) {
        expect(toUsage(meterOf(cost(usd, scope)), noTotals)).toBeNull();
        expect(toUsage(meterOf(cost(0.5, scope), cost(usd, scope)), noTotals)?.costUsd).toBe(0.5);
      }
      expect(meterOf(cost(usd)).absurd).toBe(true);
    },
  );

  test('is distinguished from a large possible one', () => {
    expect(used(part(limits.tokensMax, 0))).toEqual([limits.tokensMax, 0]);
    expect(meterOf(part(limits.tokensMax, 0), cost(limits.costUsdMax)).absurd).toBe(false);
  });
});
