import { describe, expect, test } from 'vitest';
import { classOfStatus, classOfText, refined } from '#adapters/error-classes.ts';
import type { ErrorClass } from '#run/agent-event.ts';

const said: readonly (readonly [ErrorClass | null, string])[] = [
  // Claude Code
  ['rate_limited', 'Claude AI usage limit reached|1763000000'],
  ['rate_limited', "You've hit your limit · resets 8pm (America/New_York)"],
  ['rate_limited', "You've hit your session limit · resets 8pm (America/New_York)"],
  ['rate_limited', "You've hit your 5-hour limit · resets 1:20pm (UTC)"],
  ['rate_limited', "You've hit your weekly limit · resets Nov 24, 7:54pm (UTC)"],
  ['rate_limited', "You're out of extra usage · resets 11:30am (Asia/Colombo)"],
  ['rate_limited', '5-hour limit reached ∙ resets 8pm'],
  ['rate_limited', 'API Error: Request rejected (429) · Fake: rate limit reached, try again later.'],
  ['auth_required', 'Invalid API key · Fix external API key'],
  ['auth_required', 'Not logged in · Please run /login'],
  ['auth_required', 'Failed to authenticate. API Error: 401 Fake: invalid API key.'],
  ['auth_required', 'OAuth token has expired'],
  ['provider_unavailable', 'API Error: 529 Overloaded. This is a server-side issue'],
  [
    'provider_unavailable',
    'API Error: Connection dropped (ECONNRESET). Check the gateway set in ANTHROPIC_BASE_URL, then try again.',
  ],
  ['provider_unavailable', 'API Error: JSON Parse error: Unterminated string'],
  ['context_exhausted', 'Prompt is too long · the request is ~205017 tokens (limit 200000)'],
  ['quota_exhausted', 'Credit balance is too low'],
  ['quota_exhausted', 'Reached maximum budget ($0.003)'],
  ['max_turns_exhausted', 'Reached maximum number of turns (3)'],
  ['max_turns_exhausted', 'Error: Reached max turns (2)'],
  ['output_truncated', "API Error: Claude's response exceeded the 128000 output token maximum."],
  ['unknown_session', 'No conversation found with session ID: 00000000-0000-4000-8000-000000000000'],
  ['permission_denied', '--dangerously-skip-permissions cannot be used with root/sudo privileges for security reasons'],
  [null, "There's an issue with the selected model (fake-model). It may not exist or you may not have access to it."],
  [null, 'Session ID 5d6f is already in use.'],

  // Codex CLI
  [
    'rate_limited',
    'You’ve hit your usage limit. Upgrade to Pro (https://example.com/pro), visit settings or try again at 1:21 PM.',
  ],
  ['rate_limited', "You've hit your usage limit for GPT-5. Switch to another model now, or try again at 1:21 PM."],
  [
    'rate_limited',
    "You've hit your usage limit. To get more access now, send a request to your admin or try again at Nov 24th, 2026 7:54 PM.",
  ],
  ['rate_limited', 'exceeded retry limit, last status: 429 Too Many Requests'],
  ['rate_limited', 'rate limit exceeded: Rate limit reached. Please try again in 1.5s.'],
  ['quota_exhausted', 'Quota exceeded. Check your plan and billing details.'],
  ['quota_exhausted', 'Your workspace is out of credits. Add credits to continue.'],
  ['quota_exhausted', 'You hit your spend cap. Raise it to continue.'],
  ['provider_unavailable', 'Selected model is at capacity. Please try a different model.'],
  ['provider_unavailable', 'We’re currently experiencing high demand, which may cause temporary errors.'],
  [
    'provider_unavailable',
    'unexpected status 503 Service Unavailable: Fake: service unavailable., url: http://127.0.0.1:8765/v1/responses',
  ],
  ['provider_unavailable', 'stream disconnected before completion: idle timeout waiting for SSE'],
  [
    'provider_unavailable',
    'stream disconnected before completion: Transport error: network error: error decoding response body',
  ],
  [
    'auth_required',
    'unexpected status 401 Unauthorized: Fake: invalid API key., url: http://127.0.0.1:8765/v1/responses',
  ],
  [
    'auth_required',
    'unexpected status 403 Forbidden: Fake: permission denied., url: http://127.0.0.1:8765/v1/responses',
  ],
  [
    'context_exhausted',
    "Codex ran out of room in the model's context window. Start a new thread or clear earlier history before retrying.",
  ],
  ['output_truncated', 'Incomplete response returned, reason: max_output_tokens'],
  ['unknown_session', 'thread/resume: thread/resume failed: no rollout found for thread id 00000000 (code -32600)'],
  ['permission_denied', 'Not inside a trusted directory and --skip-git-repo-check was not specified.'],
  [null, 'thread 01a20332 already has an active writer'],
  [
    null,
    'Model metadata for `fake-model` not found. Defaulting to fallback metadata; this can degrade performance and cause issues.',
  ],

  // Gemini CLI
  ['context_exhausted', 'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).'],
  ['rate_limited', 'Fake: rate limit reached, try again later.\nSuggested retry after 3600s.'],
  ['quota_exhausted', 'You exceeded your current quota, please check your plan and billing details.'],
  ['max_turns_exhausted', 'Reached max session turns for this session.'],
  ['unknown_session', 'Error resuming session: Invalid session identifier "00000000-0000-4000-8000-000000000000".'],
  ['unknown_session', 'Error resuming session: No previous sessions found for this project.'],
  ['permission_denied', 'Gemini CLI is not running in a trusted directory.'],
  ['provider_unavailable', 'Model stream ended without a finish reason.'],
  ['provider_unavailable', '[API Error: terminated]'],
  [
    null,
    'The model returned an empty response with no text or thoughts. This may be a transient API issue; please try again.',
  ],
  [null, '[API Error: Fake: model not found.]'],

  // opencode
  [
    'context_exhausted',
    "This model's maximum context length is 200000 tokens. However, your messages resulted in 205017 tokens.",
  ],
  ['unknown_session', 'Session not found'],
  ['permission_denied', 'permission requested: external_directory (/etc/*); auto-rejecting'],
  ['provider_unavailable', 'Unable to connect. Is the computer able to access the url?'],
  [null, 'Fake: model not found.'],
];

describe('an error text', () => {
  test.each(said)('means %s: %s', (expected, text) => {
    expect(classOfText(text)).toBe(expected);
  });
});

describe('an HTTP status', () => {
  test.each([
    [400, null],
    [401, 'auth_required'],
    [402, 'quota_exhausted'],
    [403, 'auth_required'],
    [404, null],
    [408, 'provider_unavailable'],
    [429, 'rate_limited'],
    [500, 'provider_unavailable'],
    [503, 'provider_unavailable'],
    [529, 'provider_unavailable'],
    [200, null],
    [600, null],
    [null, null],
  ])('of %s means %s', (status, expected) => {
    expect(classOfStatus(status)).toBe(expected);
  });

  test('takes precedence over the text, except for a limit that is a used up quota', () => {
    expect(refined('provider_unavailable', 'prompt is too long')).toBe('provider_unavailable');
    expect(refined('rate_limited', 'You exceeded your current quota')).toBe('quota_exhausted');
    expect(refined('rate_limited', 'overloaded')).toBe('rate_limited');
    expect(refined(null, 'prompt is too long')).toBe('context_exhausted');
  });
});
