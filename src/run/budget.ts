/**
 * A budget: what runs may use together, and whether a limit of it is reached.
 *
 * A limit is reached as soon as the usage equals it: $5 of $5 is reached, $4.99 is not. The limit on runs is reached
 * when one more run would exceed it; it never stops a run that was already admitted.
 *
 * An unknown cost is never guessed: the known part counts, and the limits on tokens and time still apply.
 */
import type { Usage } from './usage.ts';

/** Limits of a budget. Null means no limit. `tokens`: input and output together, where input includes cached input. */
export type Budget = {
  readonly costUsd: number | null;
  readonly tokens: number | null;
  readonly runs: number | null;
  readonly timeMs: number | null;
};
export const noBudget: Budget = { costUsd: null, tokens: null, runs: null, timeMs: null };

export type Limit = 'cost' | 'tokens' | 'runs' | 'time';

/**
 * The usage of some runs together. A field is null when a part of it is not known; the field beside it has the known
 * part.
 */
export type Spent = {
  readonly costUsd: number | null;
  readonly costKnownUsd: number;
  readonly tokens: number | null;
  readonly tokensKnown: number;
  /** The number of ended runs whose cost, or whose tokens, are not fully known. */
  readonly costUnknownRuns: number;
  readonly tokensUnknownRuns: number;
  readonly runs: number;
  /** The time from start to end, without the time during which the machine slept. */
  readonly timeMs: number;
};
export const nothingSpent: Spent = {
  costUsd: 0,
  costKnownUsd: 0,
  tokens: 0,
  tokensKnown: 0,
  costUnknownRuns: 0,
  tokensUnknownRuns: 0,
  runs: 0,
  timeMs: 0,
};

/**
 * Returns what one run has used. `usageIsPart`: the reported usage is a lower bound. `ended`: the run reports nothing
 * more. While a run is live, missing usage does not count as unknown.
 */
export function usageToSpent(usage: Usage | null, timeMs: number, { usageIsPart = false, ended = true } = {}): Spent {
  const { inputTokens: input = null, outputTokens: output = null, costUsd = null } = usage ?? {};
  const tokensKnown = (input ?? 0) + (output ?? 0);
  const isCut = ended && usageIsPart;
  const tokens = input === null || output === null || isCut ? null : tokensKnown;
  const cost = isCut ? null : costUsd;
  const runsUnknown = (known: number | null) => (ended && known === null ? 1 : 0);
  return {
    costUsd: cost,
    costKnownUsd: costUsd ?? 0,
    tokens,
    tokensKnown,
    costUnknownRuns: runsUnknown(cost),
    tokensUnknownRuns: runsUnknown(tokens),
    runs: 1,
    timeMs,
  };
}

/** Returns the sum of two amounts. What is unknown in one of them is unknown in the sum. */
export function addSpent(a: Spent, b: Spent): Spent {
  return {
    costUsd: sum(a.costUsd, b.costUsd),
    costKnownUsd: exact(a.costKnownUsd + b.costKnownUsd),
    tokens: sum(a.tokens, b.tokens),
    tokensKnown: a.tokensKnown + b.tokensKnown,
    costUnknownRuns: a.costUnknownRuns + b.costUnknownRuns,
    tokensUnknownRuns: a.tokensUnknownRuns + b.tokensUnknownRuns,
    runs: a.runs + b.runs,
    timeMs: a.timeMs + b.timeMs,
  };
}

/** Returns the first limit that is reached, or null. A reached limit allows no further start. */
export function reachedLimit(budget: Budget, spent: Spent): { readonly limit: Limit; readonly words: string } | null {
  if (isReached(budget.costUsd, exact(spent.costKnownUsd))) {
    const told =
      spent.costUnknownRuns > 0 ? ` (${notFullyKnown(spent.costUnknownRuns)})` : ', and more whose cost is not known';
    const more = spent.costUsd === null ? told : '';
    return { limit: 'cost', words: `${formatUsd(spent.costKnownUsd)} of ${formatUsd(budget.costUsd)}${more}` };
  }
  if (isReached(budget.tokens, spent.tokensKnown)) {
    const more = spent.tokensUnknownRuns > 0 ? ` (${notFullyKnown(spent.tokensUnknownRuns)})` : '';
    return {
      limit: 'tokens',
      words: `${formatWhole(spent.tokensKnown)} of ${formatWhole(budget.tokens)} tokens${more}`,
    };
  }
  if (isReached(budget.runs, spent.runs)) return { limit: 'runs', words: `${spent.runs} of ${budget.runs} runs` };
  if (isReached(budget.timeMs, spent.timeMs))
    return { limit: 'time', words: `${formatTime(spent.timeMs)} of ${formatTime(budget.timeMs)}` };
  return null;
}

/**
 * Returns the first limit that is reached for runs that have started. The count of runs includes them already, so it is
 * left out.
 */
export function reachedWhileRunning(budget: Budget, spent: Spent): ReturnType<typeof reachedLimit> {
  return reachedLimit({ ...budget, runs: null }, spent);
}

/** Formats a budget: `$5.00, 200,000 tokens, 20 runs, 3 h`. */
export function formatBudget({ costUsd, tokens, runs, timeMs }: Budget): string {
  const parts = [
    costUsd === null ? null : formatUsd(costUsd),
    tokens === null ? null : `${formatWhole(tokens)} tokens`,
    runs === null ? null : `${runs} ${runs === 1 ? 'run' : 'runs'}`,
    timeMs === null ? null : formatTime(timeMs),
  ];
  return parts.filter((part) => part !== null).join(', ');
}

/** Formats usage: `$1.20, 31,000 tokens (2 runs not fully known), 3 runs, 4 min`. */
export function formatSpent({ costUsd, costKnownUsd, tokens, tokensKnown, runs, timeMs, ...unknown }: Spent): string {
  const cost =
    costUsd !== null
      ? formatUsd(costUsd)
      : costKnownUsd > 0
        ? `${formatUsd(costKnownUsd)} and an unknown cost`
        : 'cost unknown';
  const more =
    unknown.tokensUnknownRuns > 0 ? ` (${notFullyKnown(unknown.tokensUnknownRuns)})` : tokens === null ? ' so far' : '';
  const count = tokens !== null || tokensKnown > 0 ? `${formatWhole(tokensKnown)} tokens${more}` : 'tokens unknown';
  return [cost, count, `${runs} ${runs === 1 ? 'run' : 'runs'}`, formatTime(timeMs)].join(', ');
}

/** Formats the number of ended runs with unknown usage. Live runs may still report and are not among them. */
function notFullyKnown(count: number): string {
  return `${count} ${count === 1 ? 'run' : 'runs'} not fully known`;
}

/**
 * Describes what a limit on tokens or cost has not counted: of runs whose usage is not fully known, only the reported
 * part counts, which may be nothing. Returns null when everything is known, or when nothing unknown is limited.
 */
export function unseenByLimit(budget: Budget, spent: Spent): string | null {
  const runs = (count: number) => (count === 1 ? 'one run' : `${count} runs`);
  const parts = [
    budget.tokens !== null && spent.tokensUnknownRuns > 0 ? `the tokens of ${runs(spent.tokensUnknownRuns)}` : null,
    budget.costUsd !== null && spent.costUnknownRuns > 0 ? `the cost of ${runs(spent.costUnknownRuns)}` : null,
  ].filter((part) => part !== null);
  return parts.length === 0 ? null : `only what was told counts; not fully known: ${parts.join(' and ')}`;
}

/** When an agent's CLI reports its usage: while it works, only at its end, or never. */
export type Tells = { readonly tokens: 'live' | 'end' | 'never'; readonly cost: 'live' | 'end' | 'never' };

/**
 * Describes the limits of a budget that cannot be enforced because the CLI does not report the usage in time. Returns
 * null when there is none.
 */
export function doubtAbout(budget: Budget, tells: Tells): string | null {
  const limited = (['tokens', 'cost'] as const).filter(
    (what) => (what === 'tokens' ? budget.tokens : budget.costUsd) !== null,
  );
  const never = limited.filter((what) => tells[what] === 'never');
  const late = limited.filter((what) => tells[what] === 'end');
  const instead = tells.tokens === 'live' && !never.includes('tokens') ? 'tokens, time or runs' : 'time or runs';
  const parts = [
    never.length === 0
      ? null
      : `it tells no ${never.join(' and no ')}, so that this limit never holds: limit its ${instead}`,
    late.length === 0
      ? null
      : `it tells its ${late.join(' and its ')} only at its end, so that this limit stops no run that works: ` +
        `limit its ${instead}, too`,
  ].filter((part) => part !== null);
  return parts.length === 0 ? null : parts.join('; ');
}

function isReached<T extends number>(limit: T | null, used: number): limit is T {
  return limit !== null && used >= limit;
}

function sum(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : exact(a + b);
}

/** Rounds a sum of small dollar amounts to a billionth, which removes the error of binary fractions. */
function exact(value: number): number {
  return Math.round(value * 1e9) / 1e9;
}

/**
 * Formats dollars. Cents are rounded down, so that no limit looks reached before it is. Amounts below one cent get more
 * digits.
 */
export function formatUsd(usd: number): string {
  return usd > 0 && usd < 0.01
    ? `$${Number(usd.toPrecision(2))}`
    : `$${(Math.floor(exact(usd * 100)) / 100).toFixed(2)}`;
}

function formatWhole(value: number): string {
  return String(Math.floor(value)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Formats a duration, rounded down. */
function formatTime(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  if (hours > 0) return minutes === 0 ? `${hours} h` : `${hours} h ${minutes} min`;
  if (minutes > 0) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
  return seconds > 0 ? `${seconds} s` : `${Math.floor(ms)} ms`;
}
