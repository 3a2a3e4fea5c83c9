import { describe, expect, test } from 'vitest';
import type { AgentEvent, Tokens } from '#run/agent-event.ts';
import { emptyStreamState, fold } from '#run/stream-state.ts';
import { noTotals, type SessionTotals, totalsAfter, toUsage } from '#run/usage.ts';
import type { UsageMeterState } from '#run/usage-meter.ts';

const tokens = (input: number | null, cached: number | null, output: number | null): Tokens => ({
  input,
  cached,
  output,
});
const meterOf = (...readings: readonly AgentEvent[]): UsageMeterState => fold(emptyStreamState, readings, 0).meter;
const part = (...of: Parameters<typeof tokens>): AgentEvent => ({
  type: 'tokens',
  scope: 'part',
  tokens: tokens(...of),
  model: null,
});
const total = (...of: Parameters<typeof tokens>): AgentEvent => ({
  type: 'tokens',
  scope: 'session',
  tokens: tokens(...of),
  model: null,
});
const cost = (scope: 'part' | 'session', usd: number): AgentEvent => ({ type: 'cost', scope, usd });
const usage = (
  inputTokens: number | null,
  cachedInputTokens: number | null,
  outputTokens: number | null,
  costUsd: number | null,
) => ({
  inputTokens,
  cachedInputTokens,
  outputTokens,
  costUsd,
});

describe('the usage of a run', () => {
  test.each<[string, readonly AgentEvent[], ReturnType<typeof usage> | null]>([
    ['nothing that is known', [], null],
    ['one part', [part(10, 4, 2)], usage(10, 4, 2, null)],
    ['parts, added up', [part(10, 4, 2), part(1, 0, 3)], usage(11, 4, 5, null)],
    ['parts that say less', [part(10, null, 2), part(null, 1, 3)], usage(10, 1, 5, null)],
    ['nothing, and it is known', [part(0, 0, 0)], usage(0, 0, 0, null)],
    ['a total, as last said', [total(10, 4, 2), total(30, 8, 6)], usage(30, 8, 6, null)],
    ['costs of parts', [cost('part', 0.1), cost('part', 0.2)], usage(null, null, null, 0.3)],
    ['a total of costs', [cost('session', 0.1), cost('session', 0.25)], usage(null, null, null, 0.25)],
    [
      'parts of tokens and a total of costs',
      [part(10, 0, 2), cost('session', 0.1), part(5, 0, 1), cost('session', 0.15)],
      usage(15, 0, 3, 0.15),
    ],
  ])('in a new session is %s', (_, readings, expected) => {
    expect(toUsage(meterOf(...readings), noTotals)).toEqual(expected);
  });

  const before: SessionTotals = { tokens: tokens(100, 40, 20), costUsd: 1 };

  test.each<[string, readonly AgentEvent[], ReturnType<typeof usage> | null]>([
    ['the difference of its totals', [total(130, 50, 26), cost('session', 1.5)], usage(30, 10, 6, 0.5)],
    ['nothing more', [total(100, 40, 20), cost('session', 1)], usage(0, 0, 0, 0)],
    ['all of a total that went down, each for itself', [total(30, 60, 6), cost('session', 0.2)], usage(30, 20, 6, 0.2)],
    ['its parts, whatever the totals were', [part(30, 10, 6)], usage(30, 10, 6, null)],
    ['nothing that is known', [], null],
  ])('in a resumed session is %s', (_, readings, expected) => {
    expect(toUsage(meterOf(...readings), before)).toEqual(expected);
  });

  test('has no more digits than a provider charges', () => {
    expect(toUsage(meterOf(cost('session', 0.19784000000000002)), { tokens: null, costUsd: 0.147872 })?.costUsd).toBe(
      0.049968,
    );
  });
});

describe('the totals of a session', () => {
  test('are those of its last run', () => {
    expect(totalsAfter(meterOf(total(130, 50, 26), cost('session', 1.5)), noTotals)).toEqual({
      tokens: tokens(130, 50, 26),
      costUsd: 1.5,
    });
  });

  test('stay when a run reported nothing', () => {
    const before = { tokens: tokens(100, 40, 20), costUsd: 1 };
    expect(totalsAfter(meterOf(part(5, 5, 5), cost('part', 3)), before)).toEqual(before);
    expect(totalsAfter(meterOf(total(130, 50, 26)), before)).toEqual({ tokens: tokens(130, 50, 26), costUsd: 1 });
  });

  test('are charged once over many runs, also when some reported nothing', () => {
    // The counts of codex in three recorded runs of one session, with a killed run between them.
    const runs = [meterOf(total(9848, 0, 11)), meterOf(), meterOf(total(29810, 0, 65)), meterOf(total(40070, 0, 92))];
    let totals = noTotals;
    let input = 0;
    for (const meter of runs) {
      input += toUsage(meter, totals)?.inputTokens ?? 0;
      totals = totalsAfter(meter, totals);
    }
    expect(input).toBe(40070);
  });
});
