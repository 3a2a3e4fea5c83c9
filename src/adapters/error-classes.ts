/**
 * Maps errors of providers and CLIs to clip's error classes. Status codes count first, texts second. Every text was
 * recorded or is in the source of its CLI.
 */
import type { ErrorClass } from '#run/agent-event.ts';

/** Returns the class of an HTTP status of the model API. */
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

/** The texts of each class. The first match counts, so specific texts come before general ones. */
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
  [
    'quota_exhausted',
    /quota exceeded|exceeded your current quota|insufficient[ _]quota|no quota|out of credits|credits? balance|spend(ing)?[ _](cap|limit)|\b402\b|payment required|billing[ _]|budget \(/i,
  ],
  [
    'rate_limited',
    /\b429\b|too many requests|rate[ _-]?limit|usage limit|使用上限|(hit|reached|exceeded) your .{0,40}limit|limit reached|limit (will )?resets?\b|out of extra usage|resource[ _]exhausted|exhausted your .{0,20}(capacity|quota)|quota (limit|reached|will reset)|daily .{0,40}quota|retry after \d/i,
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

/** Returns the class that the beginning of an error text names, or null. */
export function classOfText(text: string): ErrorClass | null {
  const beginning = text.slice(0, searchedLength);
  return texts.find(([, pattern]) => pattern.test(beginning))?.[0] ?? null;
}

/**
 * The length of text that is searched. Errors are named early, and a pattern may take quadratic time on a text of
 * megabytes.
 */
export const searchedLength = 4_000;

/**
 * Refines the class of a status. Providers use one status for rate limits and exhausted quotas, and only the text tells
 * which.
 */
export function refined(byStatus: ErrorClass | null, message: string): ErrorClass | null {
  const byText = classOfText(message);
  if (byStatus === null) return byText;
  if (byStatus === 'rate_limited' && byText === 'quota_exhausted') return byText;
  return byStatus;
}
