/** How long to wait before the next question. */
import type { IncomingHttpHeaders } from 'node:http';
import { limits } from '../run/limits.ts';

/** One second, growing by half to ten; always the same where the user has said so. */
export function nextPause(fixedMs: number | null, beforeMs: number | null): number {
  if (fixedMs !== null) return fixedMs;
  return beforeMs === null ? limits.httpPollMs : Math.min(limits.httpPollMsMax, Math.max(limits.httpPollMs, beforeMs * 1.5));
}

/** Seconds or a date; null when the answer does not say, or says nonsense. */
export function retryAfterMs({ 'retry-after': said }: IncomingHttpHeaders, now: number): number | null {
  if (said === undefined) return null;
  const ms = /^\d+(\.\d+)?$/.test(said.trim()) ? Number(said) * 1_000 : Date.parse(said) - now;
  if (!Number.isFinite(ms)) return null;
  return Math.min(limits.httpRetryAfterMsMax, Math.max(limits.httpRetryAfterMsMin, ms));
}
