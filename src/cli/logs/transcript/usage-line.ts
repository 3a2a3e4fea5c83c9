/** The usage of a run according to its stream. Parts are added up, and session totals replace each other. */
import type { TranscriptItem } from '#adapters/transcript/item.ts';
import { formatDollars, formatUsage } from '../../format/format.ts';

type Usage = TranscriptItem & { readonly type: 'usage' };
type Cost = TranscriptItem & { readonly type: 'cost' };

/** Creates an empty count. */
export function createUsed() {
  let tokens: Usage | null = null;
  let cost: Cost | null = null;
  let told = true;

  return {
    add(item: Usage | Cost): void {
      told = false;
      if (item.type === 'cost')
        cost = cost !== null && item.scope === 'part' ? { ...item, usd: cost.usd + item.usd } : item;
      else tokens = tokens !== null && item.scope === 'part' ? sum(tokens, item) : item;
    },
    /** Returns the usage that was not shown yet, or null when nothing is new. */
    words(): string | null {
      if (told) return null;
      told = true;
      const parts = [
        ...(tokens === null ? [] : [formatTokenUse(tokens)]),
        ...(cost === null ? [] : [formatCost(cost)]),
      ];
      return parts.join(', ');
    },
  };
}

function sum(a: Usage, b: Usage): Usage {
  const both = (x: number | null, y: number | null) => (x === null ? y : y === null ? x : x + y);
  return { ...b, input: both(a.input, b.input), cached: both(a.cached, b.cached), output: both(a.output, b.output) };
}

function formatTokenUse({ input, cached, output, scope }: Usage): string {
  const counts = { inputTokens: input, cachedInputTokens: cached, outputTokens: output, model: null, costUsd: null };
  return `used ${formatUsage(counts)}${scope === 'session' ? ' by the session so far' : ''}`;
}

function formatCost({ usd, scope }: Cost): string {
  return `${formatDollars(usd)}${scope === 'session' ? ' for the session so far' : ''}`;
}
