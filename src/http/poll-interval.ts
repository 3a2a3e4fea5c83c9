/** The pause before the next status request. */
import type { IncomingHttpHeaders } from 'node:http';
import { httpLimits } from './limits.ts';

/** Returns the pause: one second, growing by half up to ten, or the fixed one that the user set. */
export function nextPause(fixedMs: number | null, beforeMs: number | null): number {
  if (fixedMs !== null) return fixedMs;
  return beforeMs === null
    ? httpLimits.pollMs
    : Math.min(httpLimits.pollMsMax, Math.max(httpLimits.pollMs, beforeMs * 1.5));
}

/** Parses seconds or a date. Returns null when the header is missing or invalid. */
export function retryAfterMs({ 'retry-after': said }: IncomingHttpHeaders, now: number): number | null {
  if (said === undefined) return null;
  const ms = /^\d+(\.\d+)?$/.test(said.trim()) ? Number(said) * 1_000 : Date.parse(said) - now;
  if (!Number.isFinite(ms)) return null;
  return Math.min(httpLimits.retryAfterMsMax, Math.max(httpLimits.retryAfterMsMin, ms));
}
