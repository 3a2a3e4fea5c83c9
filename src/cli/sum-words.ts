/** Sums of runs in words. */
import type { Sum } from '../protocol/tasks.ts';

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

export function tokenWords({ inputTokens, outputTokens }: Sum): string {
  const short = (count: number) =>
    count < 10_000 ? String(count) : count < 10_000_000 ? `${Math.round(count / 1_000)}k` : `${Math.round(count / 1_000_000)}M`;
  return `${short(inputTokens)} in, ${short(outputTokens)} out`;
}

/** What nobody said is no zero. */
export function costWords({ costUsd, costUnknown, runs }: Sum): string {
  if (costUnknown > 0 && costUsd === 0) return runs === 0 ? '–' : 'cost unknown';
  return `$${costUsd.toFixed(costUsd < 1 && costUsd > 0 ? 4 : 2)}${costUnknown === 0 ? '' : ` and ${costUnknown} unknown`}`;
}
