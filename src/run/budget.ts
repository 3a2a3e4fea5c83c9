/**
 * A budget: what runs may use together, and whether they have.
 *
 * A limit is reached as soon as as much was used as it allows: $5 of $5 is reached, $4.99 is not. The limit
 * on runs is reached when one more would be one too many; it never stops a run that was let in.
 * A cost that is not known is never guessed: the known part counts, and the limits on tokens and time hold.
 */
import type { Usage } from './usage.ts';

/** Null where there is no limit. `tokens`: input and output together, cached input being input. */
export type Budget = {
  readonly costUsd: number | null;
  readonly tokens: number | null;
  readonly runs: number | null;
  readonly timeMs: number | null;
};
export const noBudget: Budget = { costUsd: null, tokens: null, runs: null, timeMs: null };

export type Limit = 'cost' | 'tokens' | 'runs' | 'time';

/** What some runs have used together. Null where some part of it is not known; the known rest stands beside it. */
export type Spent = {
  readonly costUsd: number | null;
  readonly costKnownUsd: number;
  readonly tokens: number | null;
  readonly tokensKnown: number;
  readonly runs: number;
  /** From start to end, without the time in which the machine slept. */
  readonly timeMs: number;
};
export const nothingSpent: Spent = { costUsd: 0, costKnownUsd: 0, tokens: 0, tokensKnown: 0, runs: 0, timeMs: 0 };

/** What one run has used. */
export function spentOf(usage: Usage | null, timeMs: number): Spent {
  const { inputTokens: input = null, outputTokens: output = null, costUsd = null } = usage ?? {};
  const tokensKnown = (input ?? 0) + (output ?? 0);
  return { costUsd, costKnownUsd: costUsd ?? 0, tokens: input === null || output === null ? null : tokensKnown, tokensKnown, runs: 1, timeMs };
}

export function addSpent(a: Spent, b: Spent): Spent {
  return {
    costUsd: sum(a.costUsd, b.costUsd),
    costKnownUsd: exact(a.costKnownUsd + b.costKnownUsd),
    tokens: sum(a.tokens, b.tokens),
    tokensKnown: a.tokensKnown + b.tokensKnown,
    runs: a.runs + b.runs,
    timeMs: a.timeMs + b.timeMs,
  };
}

/** The first limit that is reached: then nothing more may start. */
export function reachedLimit(budget: Budget, spent: Spent): { readonly limit: Limit; readonly words: string } | null {
  if (isReached(budget.costUsd, exact(spent.costKnownUsd))) {
    const more = spent.costUsd === null ? ', and more whose cost is not known' : '';
    return { limit: 'cost', words: `${usdWords(spent.costKnownUsd)} of ${usdWords(budget.costUsd)}${more}` };
  }
  if (isReached(budget.tokens, spent.tokensKnown)) return { limit: 'tokens', words: `${wholeWords(spent.tokensKnown)} of ${wholeWords(budget.tokens)} tokens` };
  if (isReached(budget.runs, spent.runs)) return { limit: 'runs', words: `${spent.runs} of ${budget.runs} runs` };
  if (isReached(budget.timeMs, spent.timeMs)) return { limit: 'time', words: `${timeWords(spent.timeMs)} of ${timeWords(budget.timeMs)}` };
  return null;
}

/** The same for runs that have started: they are in the count of runs already. */
export function reachedWhileRunning(budget: Budget, spent: Spent): ReturnType<typeof reachedLimit> {
  return reachedLimit({ ...budget, runs: null }, spent);
}

/** `$5.00, 200,000 tokens, 20 runs, 3 h`. */
export function budgetWords({ costUsd, tokens, runs, timeMs }: Budget): string {
  const parts = [
    costUsd === null ? null : usdWords(costUsd),
    tokens === null ? null : `${wholeWords(tokens)} tokens`,
    runs === null ? null : `${runs} ${runs === 1 ? 'run' : 'runs'}`,
    timeMs === null ? null : timeWords(timeMs),
  ];
  return parts.filter((part) => part !== null).join(', ');
}

/** `$1.20, 31,000 tokens, 2 runs, 4 min`: what is not known is called so. */
export function spentWords({ costUsd, costKnownUsd, tokens, tokensKnown, runs, timeMs }: Spent): string {
  const cost = costUsd !== null ? usdWords(costUsd) : costKnownUsd > 0 ? `${usdWords(costKnownUsd)} and an unknown cost` : 'cost unknown';
  const count = tokens !== null || tokensKnown > 0 ? `${wholeWords(tokensKnown)}${tokens === null ? ' known' : ''} tokens` : 'tokens unknown';
  return [cost, count, `${runs} ${runs === 1 ? 'run' : 'runs'}`, timeWords(timeMs)].join(', ');
}

function isReached<T extends number>(limit: T | null, used: number): limit is T {
  return limit !== null && used >= limit;
}

function sum(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : exact(a + b);
}

/** Sums of tiny parts of dollars: what binary fractions add to them is below what anyone charges. */
function exact(value: number): number {
  return Math.round(value * 1e9) / 1e9;
}

/** Cents, rounded down, so that nothing seems used up that is not; more digits for amounts below one. */
export function usdWords(usd: number): string {
  return usd > 0 && usd < 0.01 ? `$${Number(usd.toPrecision(2))}` : `$${(Math.floor(exact(usd * 100)) / 100).toFixed(2)}`;
}

function wholeWords(value: number): string {
  return String(Math.floor(value)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Rounded down, like all that was used. */
function timeWords(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  if (hours > 0) return minutes === 0 ? `${hours} h` : `${hours} h ${minutes} min`;
  if (minutes > 0) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
  return seconds > 0 ? `${seconds} s` : `${Math.floor(ms)} ms`;
}
