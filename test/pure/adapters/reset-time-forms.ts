/**
 * Phrases in which CLIs and providers announce the reset of a limit: the text, its source, and its meaning on Sunday,
 * 2026-11-22, 12:20:00 UTC. Unless a row says otherwise, the time zone of the run is UTC and its language is American
 * English.
 */
export type ResetForm = readonly [source: string, text: string, meaning: string | null, given?: Given];
export type Given = { readonly now?: string; readonly zone?: string; readonly locale?: string };

const newYork = { zone: 'America/New_York' };
const berlin = { zone: 'Europe/Berlin' };
const tokyo = { zone: 'Asia/Tokyo' };
const losAngeles = { zone: 'America/Los_Angeles' };

export const resetForms: readonly ResetForm[] = [
  // Claude Code. Its function that formats a reset: the time alone within a day, else the date; minutes only when they
  // are not zero.
  ['claude 2.1.330, its program', "You've hit your limit · resets 8pm (America/New_York)", '2026-11-23T01:01:00.000Z'],
  [
    'claude 2.1.330, its program',
    "You've hit your session limit · resets 2:20pm (Pacific/Auckland)",
    '2026-11-23T01:21:00.000Z',
  ],
  ['claude 2.1.330, its program', "You've hit your 5-hour limit · resets 1:20pm (UTC)", '2026-11-22T13:21:00.000Z'],
  [
    'claude 2.1.330, its program',
    "You've hit your weekly limit · resets Nov 24, 7:54pm (UTC)",
    '2026-11-24T19:55:00.000Z',
  ],
  [
    'claude 2.1.330, its program',
    "You've hit your weekly limit · resets Jan 2, 2027, 9am (UTC)",
    '2027-01-02T09:01:00.000Z',
    { now: '2026-12-28T12:00:00Z' },
  ],
  ['claude 2.1.330, its program', 'Used your monthly spend limit · resets Dec 1', '2026-12-01T00:00:00.000Z'],
  ['claude 2.1.330, its program', "You've hit your monthly spend limit. It resets Dec 1.", '2026-12-01T00:00:00.000Z'],
  [
    'claude 2.1.330, its program',
    "You've hit your monthly spend limit · your weekly limit resets Nov 25, 3pm (Asia/Seoul)",
    '2026-11-25T06:01:00.000Z',
  ],
  ['claude 2.1.330, its program', "You've hit your monthly limit — raise it below, or it resets next month.", null],
  ['claude 1.0', 'Claude AI usage limit reached|1795400000', '2026-11-23T02:13:20.000Z'],
  ['claude 1.0', 'Claude AI usage limit reached|1795400000000', '2026-11-23T02:13:20.000Z'],
  ['anthropics/claude-code#7157', '5-hour limit reached ∙ resets 2am', '2026-11-23T02:01:00.000Z'],
  ['anthropics/claude-code#7157', '5-hour limit reached ∙ resets 2am', '2026-11-23T01:01:00.000Z', berlin],
  [
    'anthropics/claude-code#12789',
    'Weekly limit reached · resets 10am (Asia/Seoul) · /upgrade to Max or turn on /extra-usage',
    '2026-11-23T01:01:00.000Z',
  ],
  [
    'anthropics/claude-code#16618',
    'Resets Jan 12, 10:59am (America/New_York)',
    '2027-01-12T16:00:00.000Z',
    { now: '2027-01-07T14:12:38Z' },
  ],
  ['anthropics/claude-code#16618', 'Resets 7:59am (America/New_York)', '2026-11-22T13:00:00.000Z'],
  [
    'anthropics/claude-code#19472',
    "You've hit your limit · resets 11pm (America/Anchorage)",
    '2026-11-23T08:01:00.000Z',
  ],
  ['anthropics/claude-code#30933', 'Resets 2pm (Australia/Sydney)', '2026-11-23T03:01:00.000Z'],
  [
    'anthropics/claude-code#69995',
    "You've hit your session limit · resets 11:20am (Europe/Budapest)",
    '2026-11-23T10:21:00.000Z',
  ],
  [
    'anthropics/claude-code#77082',
    "You've hit your session limit · resets 8:30pm (Asia/Tokyo)",
    '2026-11-23T11:31:00.000Z',
  ],
  [
    'anthropics/claude-code#85572',
    "You've hit your session limit · resets 3pm (America/Bogota)",
    '2026-11-22T20:01:00.000Z',
  ],
  ['anthropics/claude-code#92834', "You've hit your weekly limit · resets Nov 25 at 7pm", '2026-11-25T19:01:00.000Z'],
  [
    'anthropics/claude-code#92834',
    "You've hit your weekly limit · resets Nov 25 at 7pm",
    '2026-11-26T03:01:00.000Z',
    losAngeles,
  ],
  [
    'gastownhall/gastown#1066',
    "You're out of extra usage · resets 5pm (America/Los_Angeles)",
    '2026-11-23T01:01:00.000Z',
  ],
  [
    'cheapestinference/claude-auto-retry#61',
    "You've hit your session limit · resets 3:20am (Europe/Brussels)",
    '2026-11-23T02:21:00.000Z',
  ],
  [
    'cheapestinference/claude-auto-retry#6',
    "You've hit your limit · resets 8pm (Asia/Tokyo)",
    '2026-11-23T11:01:00.000Z',
  ],
  ['paperclipai/paperclip#2101', "You've hit your limit · resets at 4 a.m. (Asia/Tokyo)", '2026-11-22T19:01:00.000Z'],
  ['code-yeongyu/senpi#1771', "You've hit your limit · resets 12am (Asia/Seoul)", '2026-11-22T15:01:00.000Z'],
  [
    'terryso/claude-auto-resume#24',
    "You've hit your limit · resets 6:30pm (Asia/Jerusalem)",
    '2026-11-22T16:31:00.000Z',
  ],
  [
    'claude, weekly limits of 2025',
    "You've reached your weekly limit. It resets Thursday 9am (Europe/Berlin)",
    '2026-11-26T08:01:00.000Z',
  ],
  ['claude, weekly limits of 2025', 'Weekly limit resets Mon 9:00 AM', '2026-11-23T09:01:00.000Z'],
  ['claude, weekly limits of 2025', 'Weekly limit resets Sunday 11am', '2026-11-29T11:01:00.000Z'],
  ['claude, weekly limits of 2025', 'Weekly limit resets Sunday 11pm', '2026-11-22T23:01:00.000Z'],
  ['claude, weekly limits of 2025', 'Your limit resets tomorrow at 9am', '2026-11-23T09:01:00.000Z'],
  ['claude behind a gateway', "You've hit your limit · resets 8pm (Mars/Olympus_Mons)", null],
  ['Anthropic API, in its 429', "This request would exceed your account's rate limit. Please try again later.", null],

  // Codex CLI. The formats in its program: "%-I:%M %p" within the day, else "%b %-d{suffix}, %Y %-I:%M %p", in the time
  // zone of its process.
  [
    'codex 0.169, its program',
    "You've hit your usage limit. Upgrade to Pro (https://chatgpt.com/explore/pro), or try again at 1:21 PM.",
    '2026-11-22T13:22:00.000Z',
  ],
  [
    'codex 0.169, its program',
    "You've hit your usage limit. Upgrade to Pro (https://chatgpt.com/explore/pro), or try again at 1:21 PM.",
    '2026-11-22T21:22:00.000Z',
    losAngeles,
  ],
  ['codex 0.169, its program', "You've hit your usage limit. Try again at 1:21 PM.", '2026-11-23T04:22:00.000Z', tokyo],
  ['codex 0.169, its program', "You've hit your usage limit. Try again at 12:05 AM.", '2026-11-23T00:06:00.000Z'],
  [
    'codex 0.169, its program',
    "You've hit your usage limit for GPT-5. Switch to another model now, or try again at Nov 24th, 2026 7:54 PM.",
    '2026-11-24T19:55:00.000Z',
  ],
  [
    'codex 0.169, its program',
    "You've hit your usage limit for GPT-5. Switch to another model now, or try again at Nov 24th, 2026 7:54 PM.",
    '2026-11-25T00:55:00.000Z',
    newYork,
  ],
  [
    'codex 0.169, its program',
    "You've hit your usage limit. To get more access now, send a request to your admin or try again at Dec 1st, 2026 12:00 AM.",
    '2026-12-01T00:01:00.000Z',
  ],
  [
    'codex 0.169, its program',
    "You've hit your usage limit. Visit https://chatgpt.com/settings/usage to purchase more credits or try again later.",
    null,
  ],
  [
    'codex 0.169, its program',
    'rate limit exceeded: Rate limit reached for gpt-5. Please try again in 1.5s.',
    '2026-11-22T12:20:01.500Z',
  ],
  ['codex 0.169, its program', 'Please try again in 250ms.', '2026-11-22T12:20:00.250Z'],
  ['codex 0.169, its program', 'Please try again in 35 seconds.', '2026-11-22T12:20:35.000Z'],
  [
    'openai/codex#26668',
    "You've hit your usage limit. Upgrade to Plus (https://chatgpt.com/explore/plus), or try again at Dec 5th, 2026 8:19 PM.",
    '2026-12-05T20:20:00.000Z',
  ],
  [
    'openai/codex#3899',
    "■ You've hit your usage limit. Upgrade to Pro (https://openai.com/chatgpt/pricing) or try again in 5 days 22 hours 11\nminutes.",
    '2026-11-28T10:31:00.000Z',
  ],
  [
    'openai/codex#3124',
    "You've hit your usage limit. Upgrade to Pro or try again in 2 days 17 hours 14 minutes.",
    '2026-11-25T05:34:00.000Z',
  ],
  ['openai/codex#2695', 'Try again in 2 days 3 hours 4 minutes.', '2026-11-24T15:24:00.000Z'],
  [
    'openai/codex#3031',
    "You've hit your usage limit, try again in 4 days 2 hours 46 minutes.",
    '2026-11-26T15:06:00.000Z',
  ],
  ['openai/codex#3031', 'or try again in 3 hours 2 minutes.', '2026-11-22T15:22:00.000Z'],
  ['openai/codex#3257', 'Try again in 4 days 20 hours 9 minutes.', '2026-11-27T08:29:00.000Z'],
  ['openai/codex#4104', 'or try again in 8 hours 30 minutes.', '2026-11-22T20:50:00.000Z'],
  ['codex 0.39', 'or try again in 5 days 1 minute.', '2026-11-27T12:21:00.000Z'],
  ['codex 0.39', 'or try again in less than a minute.', null],
  [
    'openai/codex#28089',
    "You've hit your usage limit. Upgrade your plan to continue, or try again at 10 de dez. de 2026, 11:52.",
    '2026-12-10T11:53:00.000Z',
    { locale: 'pt-BR' },
  ],
  ['openai/codex#2669', 'or wait for limits to reset (every 5h and every week.).', null],
  [
    'router-for-me/CLIProxyAPI#1668',
    '{"error":{"type":"usage_limit_reached","message":"The usage limit has been reached","plan_type":"plus","resets_at":1795400000,"resets_in_seconds":49613}}',
    '2026-11-23T02:13:20.000Z',
  ],
  [
    'router-for-me/CLIProxyAPI#1668',
    '{"error":{"type":"usage_limit_reached","resets_in_seconds":4500}}',
    '2026-11-22T13:35:00.000Z',
  ],
  [
    'router-for-me/CLIProxyAPI#1668',
    '{"detail":"{\\"error\\":{\\"resets_in_seconds\\":4500}}"}',
    '2026-11-22T13:35:00.000Z',
  ],
  ['codex on a clock of 24 hours', 'try again at 20:16.', '2026-11-22T20:17:00.000Z', { locale: 'de-DE' }],
  ['codex on a clock of 24 hours', 'try again at 20:16:52', '2026-11-22T20:16:52.000Z', { locale: 'de-DE' }],

  // Gemini CLI and its derivatives.
  [
    'gemini 0.61, google-gemini/gemini-cli#26840',
    'You have exhausted your capacity on this model. Your quota will reset after 18h42m13s.',
    '2026-11-23T07:02:13.000Z',
  ],
  [
    'google-gemini/gemini-cli#25103',
    '[Backend Error] You have exhausted your capacity on this model. Your quota will reset after 4h28m20s. (HTTP 429)',
    '2026-11-22T16:48:20.000Z',
  ],
  [
    'google-gemini/gemini-cli#13004',
    '[API Error: [{ "error": { "code": 429, "message": "You have exhausted your capacity on this model. Your quota will reset after 8h44m7s.", "errors": [',
    '2026-11-22T21:04:07.000Z',
  ],
  [
    'google-gemini/gemini-cli#22107',
    'Attempt 1 failed: You have exhausted your capacity on this model. Your quota will reset after 5s.. Retrying after 6173ms...',
    '2026-11-22T12:20:05.000Z',
  ],
  ['gemini 0.61, its program', 'Attempt 2 failed with status 429. Retrying with backoff after 12s', null],
  ['gemini 0.61, its program', 'Attempt 2 failed with status 429. Retrying after 12s', '2026-11-22T12:20:12.000Z'],
  ['router-for-me/CLIProxyAPI#1702', 'Your quota will reset after 53s.', '2026-11-22T12:20:53.000Z'],
  ['Cars-10/get-shit-done-gemini#2', 'Your quota will reset after 0s', '2026-11-22T12:20:00.000Z'],
  ['gemini 0.61, its program', 'You have exhausted your daily quota on this model.', null],
  ['gemini 0.61, its program', 'Please retry in 17.5s.', '2026-11-22T12:20:17.500Z'],
  ['gemini 0.61, its program', 'Please retry in 8942.013ms.', '2026-11-22T12:20:08.942Z'],
  [
    'gemini 0.61, its program',
    'Fake: rate limit reached, try again later.\nSuggested retry after 3600s.',
    '2026-11-22T13:20:00.000Z',
  ],
  ['gemini 0.61, its program', 'Limit reached, resets in 4h 12m', '2026-11-22T16:32:00.000Z'],
  ['gemini 0.61, its program', '(Limit resets in 45m)', '2026-11-22T13:05:00.000Z'],
  ['gemini 0.61, its program', 'Limit reached, resets in 2 hours 5 minutes', '2026-11-22T14:25:00.000Z'],
  [
    'Gemini API, RetryInfo',
    '{"error":{"code":429,"details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"43s"}]}}',
    '2026-11-22T12:20:43.000Z',
  ],
  ['Gemini API, RetryInfo', '{\\n  \\"retryDelay\\": \\"34.074824224s\\"\\n}', '2026-11-22T12:20:34.075Z'],
  ['Gemini API, RetryInfo', '"retryDelay":{"seconds":"43"}', null],
  [
    'Cloud Code, ErrorInfo',
    '"metadata":{"quotaResetDelay":"18h42m13.5s","model":"gemini-3-pro"}',
    '2026-11-23T07:02:13.500Z',
  ],
  ['Cloud Code, ErrorInfo', '"metadata":{"quotaResetTimeStamp":"2026-11-23T07:02:13Z"}', '2026-11-23T07:02:13.000Z'],
  [
    'Gemini API, its documentation',
    'Requests per day (RPD) quotas reset at midnight Pacific time',
    '2026-11-23T08:01:00.000Z',
  ],
  [
    'google-antigravity/antigravity-cli#1018',
    'Individual quota reached. Resets in 2h39m52s',
    '2026-11-22T14:59:52.000Z',
  ],
  ['qwen 0.24, its program', 'Qwen OAuth quota exceeded: Your free daily quota has been reached.', null],
  ['qwen 0.24, its program', 'Please retry after the reset time, or switch to another API key / auth method.', null],

  // Copilot CLI.
  [
    'github/copilot-cli#2336',
    "Sorry, you've hit a rate limit that restricts the number of Copilot model requests. Please try again in 2 hours. Please review our Terms.",
    '2026-11-22T14:20:00.000Z',
  ],
  ['github/copilot-cli#2696', 'Please try again in 58 hours.', '2026-11-24T22:20:00.000Z'],
  [
    'github/copilot-cli#2769',
    'Sorry, you have been rate-limited. Please wait 2 minutes before trying again or consider switching to Auto.',
    '2026-11-22T12:22:00.000Z',
  ],
  [
    'github/copilot-cli#2828',
    "You've reached your weekly rate limit. Please wait for your limit to reset on November 30, 2026 at 2:00 AM or switch to auto model to continue.",
    '2026-11-30T02:01:00.000Z',
  ],
  [
    'microsoft/vscode-copilot-release#6479',
    'Sorry, your request was rate-limited. Please wait 587 hours 33 minutes before trying again.',
    '2026-12-16T23:53:00.000Z',
  ],
  ['microsoft/vscode#310192', 'Please wait 57 seconds before trying again.', '2026-11-22T12:20:57.000Z'],
  ['copilot, 402', '402 You have no quota', null],

  // opencode and its gateway, whose program writes "It will reset in 3 days 4 hours".
  [
    'opencode 1.18, its program',
    '5 hour usage limit reached. It will reset in 2 hours 11 minutes. To continue using this model now, enable usage from your balance',
    '2026-11-22T14:31:00.000Z',
  ],
  [
    'opencode 1.18, its program',
    'Weekly usage limit reached. It will reset in 3 days 4 hours.',
    '2026-11-25T16:20:00.000Z',
  ],
  ['opencode 1.18, its program', 'Rate limit exceeded, retry in 1 minute', '2026-11-22T12:21:00.000Z'],
  [
    'anomalyco/opencode#22015',
    'Usage limit reached for 5 hour. Your limit will reset at 2026-11-22 20:30:24 [retrying in 2m 22s #8]',
    '2026-11-22T12:30:24.000Z',
  ],
  [
    'NousResearch/hermes-agent#103038, Z.ai',
    'Usage limit reached for 5 hour. Your limit will reset at 2026-11-22 23:01:25',
    '2026-11-22T15:01:25.000Z',
  ],
  [
    'dirge-code/dirge#818, Z.ai',
    '{"error":{"code":"1308","message":"已达到 5 小时的使用上限。您的限额将在 2026-11-22 23:41:44 重置。"}}',
    '2026-11-22T15:41:44.000Z',
  ],
  [
    'zed-industries/zed#31531, OpenAI API',
    'Rate limit reached for gpt4.1 on tokens per min (TPM): Limit 30000, Used 25292, Requested 10584. Please try again in 11.75s. Visit …',
    '2026-11-22T12:20:11.750Z',
  ],
  [
    'OpenAI API',
    'Rate limit reached for gpt-5 on requests per day (RPD): Limit 200, Used 200. Please try again in 7m12s.',
    '2026-11-22T12:27:12.000Z',
  ],
  [
    'Groq API',
    'Rate limit reached … on tokens per day (TPD): Limit 100000, Used 99736. Please try again in 34m33.984s.',
    '2026-11-22T12:54:33.984Z',
  ],
  [
    'Azure OpenAI',
    'Requests have exceeded call rate limit of your current pricing tier. Please retry after 26 seconds.',
    '2026-11-22T12:20:26.000Z',
  ],
  ['Azure OpenAI', 'Please retry after 86400 seconds.', '2026-11-23T12:20:00.000Z'],
  ['AWS Bedrock', 'Too many tokens per day, please wait before trying again.', null],
  [
    'OpenRouter',
    'Rate limit exceeded: free-models-per-day. {"headers":{"X-RateLimit-Limit":"50","X-RateLimit-Remaining":"0","X-RateLimit-Reset":"1795392000000"}}',
    '2026-11-23T00:00:00.000Z',
  ],
  ['LiteLLM', 'litellm.RateLimitError: … Crossed TPM / RPM limit. Retry-After: 42', '2026-11-22T12:20:42.000Z'],
  ['LiteLLM', "litellm.RateLimitError: {'retry_after': 30.5}", '2026-11-22T12:20:30.500Z'],
  [
    'goose, aaif-goose/goose#4173',
    'ThrottlingException { message: Some("Too many tokens, please wait before trying again.") }',
    null,
  ],
  [
    'cursor, saaranshM/unsnooze#19',
    'Your usage limits will reset when your monthly cycle ends on 12/2/2026.',
    '2026-12-02T00:00:00.000Z',
  ],
  [
    'cursor, elsewhere',
    'Your usage limits will reset when your monthly cycle ends on 2/12/2026.',
    '2026-12-02T00:00:00.000Z',
    { locale: 'en-GB' },
  ],
  [
    'cursor, elsewhere',
    'Your usage limits will reset when your monthly cycle ends on 2.12.2026.',
    '2026-12-02T00:00:00.000Z',
    { locale: 'de-DE' },
  ],
  ['amp, its words', 'Free usage limit reached. It refreshes in 3h.', '2026-11-22T15:20:00.000Z'],
  [
    'numinouslabs/numinous#51',
    'Rate limit exceeded. Please wait 604800 seconds between uploads.',
    '2026-11-29T12:20:00.000Z',
  ],
  ['a relay that counts its own limit', 'Quota resets on 24 November 2026 at 19:54 UTC', '2026-11-24T19:55:00.000Z'],
  ['a relay that counts its own limit', 'available again at 11/24/2026, 7:54:05 PM', '2026-11-24T19:54:05.000Z'],
  [
    'a relay that counts its own limit',
    'available again at 24/11/2026, 19:54:05',
    '2026-11-24T18:54:05.000Z',
    { zone: 'Europe/Berlin', locale: 'fr-FR' },
  ],
  ['a relay that counts its own limit', 'retry at 7:54 PM PST', null],
  ['a relay that counts its own limit', 'try again at 7:54 PM PST', '2026-11-23T03:55:00.000Z'],
  ['a relay that counts its own limit', 'try again at 19:54 GMT+2', '2026-11-22T17:55:00.000Z'],
  ['a relay that counts its own limit', 'try again at 7:54 PM (UTC-05:00)', '2026-11-23T00:55:00.000Z'],
  ['a relay that counts its own limit', 'resets at 2026-11-24T19:54:00Z', '2026-11-24T19:54:00.000Z'],
  ['a relay that counts its own limit', 'resets at 2026-11-24T19:54:00.250+02:00', '2026-11-24T17:54:00.250Z'],
  ['a relay that counts its own limit', 'resets at 2026-11-24 19:54', '2026-11-25T00:55:00.000Z', newYork],
  ['a relay that counts its own limit', 'try again in about an hour', '2026-11-22T13:20:00.000Z'],
  ['a relay that counts its own limit', 'Come back in 1 week and 2 days', '2026-12-01T12:20:00.000Z'],

  // Headers that were printed.
  ['RFC 9110', 'Retry-After: 120', '2026-11-22T12:22:00.000Z'],
  ['RFC 9110', 'retry-after: 37800', '2026-11-22T22:50:00.000Z'],
  ['RFC 9110', 'Retry-After: Wed, 25 Nov 2026 07:28:00 GMT', '2026-11-25T07:28:00.000Z'],
  ['RFC 9110', '"retry-after":"Wed, 25 Nov 2026 07:28:00 GMT"', '2026-11-25T07:28:00.000Z'],
  ['Anthropic and OpenAI clients', 'retry-after-ms: 1500', '2026-11-22T12:20:01.500Z'],
  ['Anthropic API', 'anthropic-ratelimit-unified-reset: 1795400000', '2026-11-23T02:13:20.000Z'],
  ['Anthropic API', 'anthropic-ratelimit-requests-reset: 2026-11-22T12:21:00Z', '2026-11-22T12:21:00.000Z'],
  ['GitHub API', 'x-ratelimit-reset: 1795400000', '2026-11-23T02:13:20.000Z'],

  // Values that cannot be true, are stale, or have no meaning.
  ['an epoch in the year 58879', 'resets_at: 1795400000000000', '2026-11-23T02:13:20.000Z'],
  ['an epoch beyond any unit', 'resets_at: 179540000000000000000', null],
  ['a limit that opens in a year', 'resets Jan 2, 2028', null],
  ['a limit that opens in a century', 'try again in 36500 days', null],
  ['a limit of last month', 'resets_at: 1790000000', null],
  ['a clock that is just over', 'try again at 12:18 PM', '2026-11-22T12:19:00.000Z'],
  ['a clock that is over', 'try again at 12:10 PM', '2026-11-23T12:11:00.000Z'],
  ['no time at all', 'Please retry 3 more times', null],
  ['no time at all', 'Reconnecting... 1/5 (stream disconnected before completion)', null],
  ['no time at all', 'resets at 99:99', null],
  ['no time at all', 'API Error: 500 Internal server error', null],
  ['no time at all', 'We’re currently experiencing high demand, which may cause temporary errors.', null],
];
