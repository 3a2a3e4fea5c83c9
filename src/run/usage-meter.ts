/**
 * What a run's stream has reported of its usage so far: tokens and cost, in the different ways in which agent CLIs
 * count.
 */

import type { AgentEvent, Tokens } from './agent-event.ts';
import { cutText } from './cut-text.ts';
import { limits } from './limits.ts';

/** The sum of parts, the calls since the last part, and the session's latest totals. */
export type UsageMeterState = {
  readonly part: Tokens | null;
  readonly session: Tokens | null;
  readonly partCostUsd: number | null;
  readonly sessionCostUsd: number | null;
  /** Model calls since the last part: the newest one by one, the earlier ones added up. */
  readonly calls: { readonly earlier: Tokens | null; readonly recent: Readonly<Record<string, Tokens>> };
  /** Whether the stream reported an impossible count. The others are then a lower bound. */
  readonly absurd: boolean;
};

export const emptyMeter: UsageMeterState = {
  part: null,
  session: null,
  partCostUsd: null,
  sessionCostUsd: null,
  calls: { earlier: null, recent: {} },
  absurd: false,
};

/** Returns the meter after these counts. Impossible counts are left out. */
export function metered(meter: UsageMeterState, reading: Extract<AgentEvent, { type: 'tokens' }>): UsageMeterState {
  const told = credible(reading.tokens);
  const next = { ...meter, absurd: meter.absurd || !isSame(told, reading.tokens) };
  if (isUnknown(told)) return next;
  switch (reading.scope) {
    case 'session':
      // The stream and the CLI's own file both report the total, and one may be behind the other.
      return { ...next, session: meter.session === null ? told : largerTokens(meter.session, told) };
    case 'part':
      return { ...next, part: sumTokens(meter.part, told), calls: emptyMeter.calls };
    case 'call':
      return { ...next, calls: called(meter.calls, cutText(reading.id, limits.keyLength), told) };
  }
}

/** Returns the meter after this cost. An impossible cost is left out. */
export function costed(meter: UsageMeterState, { scope, usd }: Extract<AgentEvent, { type: 'cost' }>): UsageMeterState {
  if (!(usd >= 0 && usd <= limits.costUsdMax)) return { ...meter, absurd: true };
  if (scope === 'session') return { ...meter, sessionCostUsd: usd };
  return { ...meter, partCostUsd: (meter.partCostUsd ?? 0) + usd };
}

/** Returns the usage apart from the session's totals: the parts, and the calls since the last one. */
export function countedTokens({ part, calls }: UsageMeterState): Tokens | null {
  return Object.values(calls.recent).reduce(sumTokens, sumTokens(part, calls.earlier));
}

/** Returns whether calls are counted whose sum was not yet reported. */
export function hasOpenCalls({ calls }: UsageMeterState): boolean {
  return calls.earlier !== null || Object.keys(calls.recent).length > 0;
}

function called(calls: UsageMeterState['calls'], id: string, told: Tokens): UsageMeterState['calls'] {
  const before = Object.hasOwn(calls.recent, id) ? (calls.recent[id] ?? null) : null;
  if (before !== null) return { ...calls, recent: { ...calls.recent, [id]: largerTokens(before, told) } };
  const all = [...Object.entries(calls.recent), [id, told] as const];
  const leaving = all.slice(0, Math.max(0, all.length - limits.accountCalls));
  return {
    earlier: leaving.reduce<Tokens | null>((total, [, tokens]) => sumTokens(total, tokens), calls.earlier),
    recent: Object.fromEntries(all.slice(leaving.length)),
  };
}

/** Returns the counts with null for each invalid one: negative, not whole, or beyond any bound. */
function credible({ input, cached, output }: Tokens): Tokens {
  const count = (value: number | null) =>
    value !== null && Number.isSafeInteger(value) && value >= 0 && value <= limits.tokensMax ? value : null;
  return { input: count(input), cached: count(cached), output: count(output) };
}

function combineEach(a: Tokens | null, b: Tokens | null, combine: (a: number, b: number) => number): Tokens | null {
  if (a === null || b === null) return a ?? b;
  const field = (x: number | null, y: number | null) => (x === null || y === null ? (x ?? y) : combine(x, y));
  return { input: field(a.input, b.input), cached: field(a.cached, b.cached), output: field(a.output, b.output) };
}

function sumTokens(a: Tokens | null, b: Tokens | null): Tokens | null {
  return combineEach(a, b, (x, y) => x + y);
}

function largerTokens(a: Tokens, b: Tokens): Tokens {
  return combineEach(a, b, Math.max) ?? a;
}

const isUnknown = ({ input, output }: Tokens): boolean => input === null && output === null;
const isSame = (a: Tokens, b: Tokens): boolean => a.input === b.input && a.cached === b.cached && a.output === b.output;
