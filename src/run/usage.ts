/** What one run used, from what its stream said and what its session had used before. */
import type { Meter } from './account.ts';
import type { Tokens } from './reading.ts';

/**
 * Input counts all input, cached input included (as OpenAI and Gemini count; Anthropic's parts are added
 * up); output counts reasoning too. Null where the stream did not say.
 */
export type Usage = {
  readonly inputTokens: number | null;
  readonly cachedInputTokens: number | null;
  readonly outputTokens: number | null;
  readonly costUsd: number | null;
};

/** The running totals of a session, as its last run left them. */
export type SessionTotals = { readonly tokens: Tokens | null; readonly costUsd: number | null };
export const noTotals: SessionTotals = { tokens: null, costUsd: null };

/** A session's totals are booked as differences, so that a resumed session is never paid for twice. Null when nothing is known. */
export function usageOf(meter: Meter, before: SessionTotals): Usage | null {
  const field = (name: keyof Tokens) => meter.part?.[name] ?? difference(meter.session?.[name] ?? null, before.tokens?.[name] ?? null);
  const costUsd = meter.partCostUsd ?? difference(meter.sessionCostUsd, before.costUsd);
  const usage = { inputTokens: field('input'), cachedInputTokens: field('cached'), outputTokens: field('output'), costUsd: rounded(costUsd) };
  return Object.values(usage).every((value) => value === null) ? null : usage;
}

/** What the session's totals are after this run. */
export function totalsAfter(meter: Meter, before: SessionTotals): SessionTotals {
  return { tokens: meter.session ?? before.tokens, costUsd: meter.sessionCostUsd ?? before.costUsd };
}

/** A total that went down was begun anew: then all of it is this run's. */
function difference(now: number | null, before: number | null): number | null {
  if (now === null) return null;
  return before === null || now < before ? now : now - before;
}

/** Costs are sums of tiny parts: a billionth of a dollar is below what anyone charges. */
function rounded(usd: number | null): number | null {
  return usd === null ? null : Math.round(usd * 1e9) / 1e9;
}
