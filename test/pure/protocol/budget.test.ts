import { describe, expect, it } from 'vitest';
import { parseBudget, parseQuietHours } from '#protocol/budget.ts';
import { budgetSchema } from '#protocol/budget-schemas.ts';
import { type Budget, noBudget } from '#run/budget.ts';
import { ClipError } from '#run/errors.ts';

function refusal(read: () => unknown): string {
  try {
    return `It was taken for ${JSON.stringify(read())}.`;
  } catch (error) {
    if (!(error instanceof ClipError)) throw error;
    expect([error.code, error.hint === null]).toEqual(['usage', false]);
    return error.message;
  }
}

describe('a budget', () => {
  it.each<[string, Partial<Budget>]>([
    ['5usd', { costUsd: 5 }],
    ['$5', { costUsd: 5 }],
    ['0.50 USD', { costUsd: 0.5 }],
    ['2Mtokens', { tokens: 2_000_000 }],
    ['500k tokens', { tokens: 500_000 }],
    ['1.5m tokens', { tokens: 1_500_000 }],
    ['200000tokens', { tokens: 200_000 }],
    ['20runs', { runs: 20 }],
    ['1 run', { runs: 1 }],
    ['3h', { timeMs: 10_800_000 }],
    ['90m', { timeMs: 5_400_000 }],
    ['1h30m', { timeMs: 5_400_000 }],
    ['5usd,2h', { costUsd: 5, timeMs: 7_200_000 }],
    ['5usd, 2h, 1M tokens, 3 runs', { costUsd: 5, timeMs: 7_200_000, tokens: 1_000_000, runs: 3 }],
  ])('is written %s', (text, budget) => {
    expect(parseBudget(text, '--budget-day')).toEqual({ ...noBudget, ...budget });
    expect(budgetSchema.parse(parseBudget(text, '--budget-day'))).toEqual({ ...noBudget, ...budget });
  });

  it.each(['', '5', '5eur', '-5usd', '5usd,', 'usd', '5k usd', 'a lot', '1.5runs', '$', '2 h 3', 'none,5usd'])(
    'is not "%s", and the error lists the accepted forms',
    (text) => {
      expect(refusal(() => parseBudget(text, '--budget-day'))).toMatch(
        /^--budget-day: ".*" is not (an amount|a duration)\.$/,
      );
    },
  );

  it.each(['0usd', '0tokens', '0 runs', '0h', '2000000usd', '366d'])('of %s is refused', (text) => {
    expect(refusal(() => parseBudget(text, '--budget-day'))).toMatch(
      /nothing at all|more than can be counted|longer than 365 days/,
    );
  });

  it('has one limit of each kind', () => {
    expect(refusal(() => parseBudget('5usd,$6', '--budget-day'))).toBe(
      '--budget-day: "5usd,$6" has two limits of one kind.',
    );
  });

  it('is null without a limit', () => {
    expect(budgetSchema.safeParse(noBudget).success).toBe(false);
    expect(budgetSchema.safeParse({ costUsd: 5 }).data).toEqual({ ...noBudget, costUsd: 5 });
  });
});

describe('quiet hours', () => {
  it.each([
    ['22-7', 1_320, 420],
    ['22:30-7:15', 1_350, 435],
    ['9 - 17', 540, 1_020],
    ['22-24', 1_320, 0],
    ['0-6', 0, 360],
  ])('are written %s', (text, fromMinute, toMinute) => {
    expect(parseQuietHours(text, '--quiet-hours')).toEqual({ fromMinute, toMinute });
  });

  it.each(['', '22', '22-', '25-7', '22:60-7', '22-7-9', '10pm-7am', '24:30-7', '7-7', '0-24'])(
    'are not "%s"',
    (text) => {
      expect(refusal(() => parseQuietHours(text, '--quiet-hours'))).toMatch(
        /^--quiet-hours: ".*" (are no hours|begin and end at one time)\.$/,
      );
    },
  );
});
