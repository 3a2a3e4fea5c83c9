import { describe, expect, test } from 'vitest';
import {
  addSpent,
  type Budget,
  doubtAbout,
  formatBudget,
  formatSpent,
  noBudget,
  nothingSpent,
  reachedLimit,
  reachedWhileRunning,
  type Spent,
  type Tells,
  unseenByLimit,
  usageToSpent,
} from '#run/budget.ts';

const usage = (costUsd: number | null, inputTokens: number | null = 0, outputTokens: number | null = 0) => ({
  costUsd,
  inputTokens,
  outputTokens,
  cachedInputTokens: inputTokens,
});
const budget = (given: Partial<Budget>): Budget => ({ ...noBudget, ...given });
const spent = (given: Partial<Spent>): Spent => ({
  ...nothingSpent,
  costKnownUsd: given.costUsd ?? 0,
  tokensKnown: given.tokens ?? 0,
  ...given,
});

describe('the total usage of runs', () => {
  test('is the sum of all usage, in which cached input counts once', () => {
    expect(usageToSpent(usage(0.1, 900, 100), 2_000)).toEqual({
      costUsd: 0.1,
      costKnownUsd: 0.1,
      costUnknownRuns: 0,
      tokens: 1_000,
      tokensKnown: 1_000,
      tokensUnknownRuns: 0,
      runs: 1,
      timeMs: 2_000,
    });
    const both = addSpent(usageToSpent(usage(0.1, 900, 100), 2_000), usageToSpent(usage(0.2, 10, 1), 500));
    expect(both).toEqual({
      ...{ costUsd: 0.3, costKnownUsd: 0.3, costUnknownRuns: 0 },
      ...{ tokens: 1_011, tokensKnown: 1_011, tokensUnknownRuns: 0 },
      ...{ runs: 2, timeMs: 2_500 },
    });
  });

  test('is unknown where a part is unknown, beside the known rest', () => {
    const part = addSpent(usageToSpent(usage(1.5, 10, null), 1), usageToSpent(null, 1));
    expect(part).toEqual({
      ...{ costUsd: null, costKnownUsd: 1.5, costUnknownRuns: 1 },
      ...{ tokens: null, tokensKnown: 10, tokensUnknownRuns: 2 },
      ...{ runs: 2, timeMs: 2 },
    });
    expect(addSpent(part, usageToSpent(usage(1, 5, 5), 0))).toMatchObject({
      costUsd: null,
      costKnownUsd: 2.5,
      tokens: null,
      tokensKnown: 20,
    });
  });

  test('includes what an interrupted run has reported, as not fully known', () => {
    const cut = usageToSpent(usage(0.5, 100, 10), 1, { usageIsPart: true });
    expect(cut).toMatchObject({
      costUsd: null,
      costKnownUsd: 0.5,
      costUnknownRuns: 1,
      tokens: null,
      tokensKnown: 110,
      tokensUnknownRuns: 1,
    });
    // A live run has reported its usage so far. More usage later is expected.
    expect(usageToSpent(usage(0.5, 100, 10), 1, { usageIsPart: true, ended: false })).toMatchObject({
      tokens: 110,
      tokensUnknownRuns: 0,
      costUnknownRuns: 0,
    });
    expect(usageToSpent(null, 1, { ended: false })).toMatchObject({ tokens: null, tokensUnknownRuns: 0 });
    expect(formatSpent(addSpent(cut, cut))).toBe(
      '$1.00 and an unknown cost, 220 tokens (2 runs not fully known), 2 runs, 2 ms',
    );
    expect(formatSpent(usageToSpent(null, 1_000))).toBe('cost unknown, tokens unknown, 1 run, 1 s');
  });
});

describe('the notice about a limit', () => {
  const runs = (tokensUnknownRuns: number, costUnknownRuns: number) => spent({ tokensUnknownRuns, costUnknownRuns });

  test('names runs whose usage is not fully known', () => {
    expect(unseenByLimit(budget({ tokens: 10, costUsd: 1 }), runs(2, 1))).toBe(
      'only what was told counts; not fully known: the tokens of 2 runs and the cost of one run',
    );
    expect(unseenByLimit(budget({ tokens: 10 }), runs(0, 3))).toBeNull();
    expect(unseenByLimit(budget({ timeMs: 10 }), runs(3, 3))).toBeNull();
    expect(reachedLimit(budget({ tokens: 10 }), spent({ tokensKnown: 10, tokensUnknownRuns: 1 }))?.words).toBe(
      '10 of 10 tokens (1 run not fully known)',
    );
  });

  test.each<[Partial<Budget>, Tells, string | null]>([
    [{ tokens: 1, costUsd: 1 }, { tokens: 'live', cost: 'live' }, null],
    [{ timeMs: 1 }, { tokens: 'never', cost: 'never' }, null],
    [
      { tokens: 1 },
      { tokens: 'never', cost: 'live' },
      'it tells no tokens, so that this limit never holds: limit its time or runs',
    ],
    [
      { tokens: 1, costUsd: 1 },
      { tokens: 'never', cost: 'never' },
      'it tells no tokens and no cost, so that this limit never holds: limit its time or runs',
    ],
    [
      { costUsd: 1 },
      { tokens: 'live', cost: 'never' },
      'it tells no cost, so that this limit never holds: limit its tokens, time or runs',
    ],
    [
      { costUsd: 1 },
      { tokens: 'live', cost: 'end' },
      'it tells its cost only at its end, so that this limit stops no run that works: limit its tokens, time or runs, too',
    ],
  ])('is shown when it cannot be enforced: %j of a CLI that reports %j', (limited, tells, words) => {
    expect(doubtAbout(budget(limited), tells)).toBe(words);
  });
});

describe('a limit of a budget', () => {
  test.each<[string, Partial<Budget>, Partial<Spent>, string | null]>([
    ['on cost holds below it', { costUsd: 5 }, { costUsd: 4.999999 }, null],
    ['on cost is reached at it', { costUsd: 5 }, { costUsd: 5 }, '$5.00 of $5.00'],
    ['on cost is passed', { costUsd: 0.5 }, { costUsd: 0.529 }, '$0.52 of $0.50'],
    ['on cost below a cent', { costUsd: 0.002 }, { costUsd: 0.0021 }, '$0.0021 of $0.002'],
    ['on cost is reached by sums of binary fractions', { costUsd: 0.8 }, { costUsd: 0.7 + 0.1 }, '$0.80 of $0.80'],
    [
      'on cost counts the known part',
      { costUsd: 5 },
      { costUsd: null, costKnownUsd: 5.1 },
      '$5.10 of $5.00, and more whose cost is not known',
    ],
    ['on cost is not reached by an unknown cost', { costUsd: 5 }, { costUsd: null, costKnownUsd: 0 }, null],
    ['on tokens holds below it', { tokens: 1_000 }, { tokens: 999 }, null],
    ['on tokens is reached at it', { tokens: 200_000 }, { tokens: 1_200_000 }, '1,200,000 of 200,000 tokens'],
    [
      'on tokens counts where cost is unknown',
      { costUsd: 5, tokens: 10 },
      { costUsd: null, tokens: 10 },
      '10 of 10 tokens',
    ],
    ['on time holds below it', { timeMs: 60_000 }, { timeMs: 59_999 }, null],
    ['on time is reached at it', { timeMs: 10_800_000 }, { timeMs: 10_805_000 }, '3 h of 3 h'],
    ['on runs holds while one more is allowed', { runs: 2 }, { runs: 1 }, null],
    ['on runs is reached when one more would be too many', { runs: 2 }, { runs: 2 }, '2 of 2 runs'],
    [
      'on two things is reached by either, with the cost shown first',
      { costUsd: 1, timeMs: 1 },
      { costUsd: 1, timeMs: 1 },
      '$1.00 of $1.00',
    ],
  ])('%s', (_, limit, used, words) => {
    expect(reachedLimit(budget(limit), spent(used))?.words ?? null).toBe(words);
  });

  test('that is null is never reached', () => {
    expect(reachedLimit(noBudget, spent({ costUsd: 1e6, tokens: 1e12, runs: 1e6, timeMs: 1e12 }))).toBeNull();
  });

  test('on runs never stops a run that was admitted', () => {
    expect(reachedWhileRunning(budget({ runs: 1 }), spent({ runs: 1 }))).toBeNull();
    expect(reachedWhileRunning(budget({ runs: 1, tokens: 5 }), spent({ runs: 1, tokens: 5 }))?.limit).toBe('tokens');
  });
});

test('a budget is formatted in words', () => {
  expect(formatBudget({ costUsd: 5, tokens: 2_000_000, runs: 20, timeMs: 5_400_000 })).toBe(
    '$5.00, 2,000,000 tokens, 20 runs, 1 h 30 min',
  );
  expect(formatBudget(budget({ runs: 1 }))).toBe('1 run');
  expect(formatBudget(budget({ timeMs: 90_000 }))).toBe('1 min 30 s');
});
