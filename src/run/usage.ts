/** The usage of one run, from what its stream reported and what its session had used before. */

import type { Tokens } from './agent-event.ts';
import { countedTokens, type UsageMeterState } from './usage-meter.ts';

/**
 * Usage of a run. Input includes cached input (as OpenAI and Gemini count; Anthropic's parts are added up). Output
 * includes reasoning. Null where the stream did not report it.
 */
export type Usage = {
  readonly inputTokens: number | null;
  readonly cachedInputTokens: number | null;
  readonly outputTokens: number | null;
  readonly costUsd: number | null;
};

/** The running totals of a session after its last run. */
export type SessionTotals = { readonly tokens: Tokens | null; readonly costUsd: number | null };
export const noTotals: SessionTotals = { tokens: null, costUsd: null };

/**
 * Returns the usage of a run, or null when nothing is known. A session's totals are booked as differences, so a resumed
 * session is never charged twice.
 */
export function toUsage(meter: UsageMeterState, before: SessionTotals): Usage | null {
  const counted = countedTokens(meter);
  const field = (name: keyof Tokens) =>
    counted?.[name] ?? difference(meter.session?.[name] ?? null, before.tokens?.[name] ?? null);
  const costUsd = meter.partCostUsd ?? difference(meter.sessionCostUsd, before.costUsd);
  const usage = {
    inputTokens: field('input'),
    cachedInputTokens: field('cached'),
    outputTokens: field('output'),
    costUsd: rounded(costUsd),
  };
  return Object.values(usage).every((value) => value === null) ? null : usage;
}

/** Returns the session's totals after this run. */
export function totalsAfter(meter: UsageMeterState, before: SessionTotals): SessionTotals {
  return { tokens: meter.session ?? before.tokens, costUsd: meter.sessionCostUsd ?? before.costUsd };
}

/** Returns the difference of two totals. A total that went down was reset, and all of it belongs to this run. */
function difference(now: number | null, before: number | null): number | null {
  if (now === null) return null;
  return before === null || now < before ? now : now - before;
}

/** Rounds a cost to a billionth of a dollar. Costs are sums of small parts. */
function rounded(usd: number | null): number | null {
  return usd === null ? null : Math.round(usd * 1e9) / 1e9;
}
