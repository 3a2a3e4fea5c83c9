/**
 * From what providers and CLIs say to the kinds of trouble clip knows. Status numbers come first,
 * texts second. Every text here was recorded or is in the source of its CLI.
 */
import type { ErrorClass } from '../run/reading.ts';

/** HTTP status of the model API. */
export function classOfStatus(status: number | null): ErrorClass | null {
  switch (status) {
    case 401:
    case 403:
      return 'auth_required';
    case 402:
      return 'quota_exhausted';
    case 408:
    case 409:
      return 'provider_unavailable';
    case 429:
      return 'rate_limited';
    default:
      // 529 is Anthropic's "overloaded".
      return status !== null && status >= 500 && status < 600 ? 'provider_unavailable' : null;
  }
}

/** The first that fits: what is said in particular stands before what is said in general. */
const texts: readonly (readonly [ErrorClass, RegExp])[] = [
  [
    'unknown_session',
    /no conversation found|no rollout found|session not found|(invalid|unknown) session|no previous sessions found|(session|thread|conversation) [\w-]{0,80} ?(was )?not found|invalid session identifier|missing rollout path/i,
  ],
  [
    'context_exhausted',
    /context[ _](window|length)|maximum context|prompt is too long|context_length_exceeded|input token count exceeds|too many input tokens|ran out of room|exceeds the maximum number of tokens/i,
  ],
  ['output_truncated', /max_output_tokens|output token (limit|maximum)|incomplete response returned|maximum output/i],
  ['max_turns_exhausted', /max(imum)?( number of)?[ _]turns|turn limit|max session turns/i],
  ['quota_exhausted', /quota exceeded|exceeded your current quota|insufficient[ _]quota|out of credits|credit balance|spend cap|billing[ _]|budget \(/i],
  [
    'rate_limited',
    /\b429\b|too many requests|rate[ _-]?limit|usage limit|hit your .{0,40}limit|limit reached|out of extra usage|resource[ _]exhausted|retry after \d/i,
  ],
  [
    'auth_required',
    /\b401\b|\b403\b|unauthorized|unauthenticated|invalid (external )?api key|api key not (valid|found)|not logged in|please (log|sign) ?in|run \/login|login required|authentication|oauth|forbidden/i,
  ],
  [
    'permission_denied',
    /not inside a trusted directory|untrusted (folder|workspace|directory)|workspace not trusted|not running in a trusted|cannot be used with root\/sudo|auto-rejecting|read-only file system|permission denied by/i,
  ],
  [
    'provider_unavailable',
    /\b(500|502|503|504|529)\b|overloaded|service unavailable|internal server error|high demand|at capacity|stream disconnected|stream error|connection (error|refused|reset|closed)|econnrefused|econnreset|etimedout|enotfound|fetch failed|network error|socket hang up|idle timeout|timed? ?out|unable to connect|premature close|stream ended without|api error: (terminated|json parse error)/i,
  ],
];

export function classOfText(text: string): ErrorClass | null {
  const beginning = text.slice(0, searchedLength);
  return texts.find(([, pattern]) => pattern.test(beginning))?.[0] ?? null;
}

/** What went wrong is said early. Patterns may take time that grows with the square of a text, and a text may have megabytes. */
export const searchedLength = 4_000;

/** Providers use one status for "slow down" and "you have used it up"; only their words tell which. */
export function refined(byStatus: ErrorClass | null, message: string): ErrorClass | null {
  const byText = classOfText(message);
  if (byStatus === null) return byText;
  if (byStatus === 'rate_limited' && byText === 'quota_exhausted') return byText;
  return byStatus;
}
