/** Formats sums of runs. */
import type { Sum } from '#protocol/tasks.ts';
import { formatDollars, formatDuration, formatTokens, plural } from './format.ts';

/** Formats a share of 0 to 1: `75 %`. */
export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/**
 * Formats `120k in, 160 out and 2 runs unknown`, or `at least …` when runs were cut off before they reported
 * everything.
 */
export function formatToken({ inputTokens, outputTokens, tokensUnknown, tokensPartial }: Sum): string {
  const short = (count: number) => (count < 10_000_000 ? formatTokens(count) : `${Math.round(count / 1_000_000)}M`);
  const known = `${tokensPartial > 0 ? 'at least ' : ''}${short(inputTokens)} in, ${short(outputTokens)} out`;
  return tokensUnknown === 0 ? known : `${known} and ${tokensUnknown} ${tokensUnknown === 1 ? 'run' : 'runs'} unknown`;
}

/** Formats the cost. An unknown cost is never shown as zero. */
export function formatCost({ costUsd, costUnknown, runs }: Sum): string {
  if (costUnknown > 0 && costUsd === 0) return runs === 0 ? '–' : 'cost unknown';
  const known = costUsd === 0 ? '$0.00' : formatDollars(costUsd);
  return costUnknown === 0 ? known : `${known} and ${costUnknown} unknown`;
}

/** Formats the number of runs with their time, tokens and cost. */
export function formatSum(sum: Sum): string {
  // What a live run uses is booked at its end.
  if (sum.runs === 0) return 'no run has ended yet';
  return `${plural(sum.runs, 'ended run')}, ${formatDuration(sum.timeMs)}, ${formatToken(sum)}, ${formatCost(sum)}`;
}
