/** Only standard output is the stream. Agent output that was copied to standard error says nothing about the run. */
import { describe, expect, test } from 'vitest';
import type { Adapter } from '#adapters/adapter.ts';
import { claude } from '#adapters/claude.ts';
import { codex } from '#adapters/codex.ts';
import { gemini } from '#adapters/gemini.ts';
import { http } from '#adapters/http.ts';
import { fromMapping } from '#adapters/mapping.ts';
import { opencode } from '#adapters/opencode.ts';
import { presets } from '#adapters/presets.ts';
import { findTranscriber } from '#adapters/transcript/transcribe.ts';
import { emptyStreamState } from '#run/stream-state.ts';
import { readStream } from '../../support/adapters.ts';

const adapters: readonly (readonly [string, Adapter])[] = [
  ['claude', claude],
  ['codex', codex],
  ['gemini', gemini],
  ['opencode', opencode],
  ['http', http],
  ...presets.map(({ name, mapping }): [string, Adapter] => [name, fromMapping(mapping)]),
];

/**
 * Streams of other agents: a session, messages, a tool, tokens and cost, a failure and a success of each CLI that clip
 * knows.
 */
const foreign = [
  { type: 'thread.started', thread_id: 'other' },
  { type: 'item.completed', item: { id: '1', type: 'agent_message', text: 'Not mine.' } },
  {
    type: 'item.completed',
    item: { id: '2', type: 'command_execution', command: 'rm -rf x', exit_code: 0, status: 'completed' },
  },
  { type: 'turn.failed', error: { message: 'usage limit reached' } },
  { type: 'turn.completed', usage: { input_tokens: 7, cached_input_tokens: 0, output_tokens: 7 } },
  { type: 'system', subtype: 'init', session_id: 'other', model: 'm' },
  {
    type: 'assistant',
    message: {
      id: 'a',
      model: 'm',
      content: [{ type: 'text', text: 'Not mine.' }],
      usage: { input_tokens: 7, output_tokens: 7 },
    },
  },
  {
    type: 'result',
    subtype: 'success',
    is_error: true,
    result: 'Not logged in',
    total_cost_usd: 9,
    usage: { input_tokens: 7, output_tokens: 7 },
  },
  { type: 'result', subtype: 'success', is_error: false, result: 'Done.' },
  { type: 'init', session_id: 'other', model: 'm' },
  {
    type: 'result',
    status: 'error',
    error: { message: 'quota exceeded' },
    stats: { input_tokens: 7, output_tokens: 7 },
  },
  { type: 'step_start', sessionID: 'other', part: {} },
  { type: 'step_finish', part: { reason: 'stop', cost: 9, tokens: { input: 7, output: 7 } } },
  { type: 'error', sessionID: 'other', error: { name: 'ProviderAuthError', data: { message: 'no', statusCode: 401 } } },
  { type: 'session.error', data: { message: 'rate limit', statusCode: 429 } },
  { type: 'session.start', data: { sessionId: 'other' } },
  {
    status: 'failed',
    sessionId: 'other',
    message: 'Not mine.',
    usage: { inputTokens: 7, outputTokens: 7, costUsd: 9 },
  },
  { type: 'clip-http.failed', code: 'status', status: 401, message: 'no' },
].map((event) => JSON.stringify(event));

describe.each(adapters)('stderr lines of %s like a stream', (name, adapter) => {
  test('are ignored, one by one or together', () => {
    for (const lines of [foreign, ...foreign.map((line) => [line]), [`[${foreign.join(',')}]`]]) {
      expect(readStream(adapter, [], { code: 0, signal: null }, lines).streamState).toEqual(emptyStreamState);
    }
  });

  test('make no unfinished run a success, and no success a failure', () => {
    const without = readStream(adapter, [], { code: 0, signal: null }).report;
    expect(readStream(adapter, [], { code: 0, signal: null }, foreign).report).toEqual(without);
    expect(readStream(adapter, [], { code: 1, signal: null }, foreign).report).toEqual(
      readStream(adapter, [], { code: 1, signal: null }).report,
    );
  });

  test('are shown as lines', () => {
    const preset = presets.find((each) => each.name === name);
    const transcribe = findTranscriber(preset ? 'plain' : (name as 'claude'), preset?.mapping ?? null);
    for (const line of foreign) expect(transcribe?.(line, 'stderr')).toEqual([{ type: 'line', text: line }]);
  });
});

describe('plain text on stderr', () => {
  const good = [
    { type: 'thread.started', thread_id: 's' },
    { type: 'turn.completed', usage: { input_tokens: 1, output_tokens: 1 } },
  ];

  test('explains a failure', () => {
    expect(
      readStream(codex, [], { code: 1, signal: null }, ['Error: no rollout found for thread id x']).report?.failure,
    ).toMatchObject({ class: 'unknown_session' });
    expect(
      readStream(claude, [], { code: 1, signal: null }, ['No conversation found with session ID: x']).report?.failure,
    ).toMatchObject({
      class: 'unknown_session',
    });
    expect(
      readStream(opencode, [], { code: 1, signal: null }, ['Error: Session not found']).report?.failure,
    ).toMatchObject({
      class: 'unknown_session',
    });
  });

  test('does not undo a good result, and is not a result', () => {
    expect(
      readStream(codex, good, { code: 0, signal: null }, ['Error: 401 unauthorized, rate limit']).report?.failure,
    ).toBeNull();
    expect(
      readStream(codex, good.slice(0, 1), { code: 0, signal: null }, ['turn.completed']).report?.failure,
    ).toMatchObject({
      class: null,
    });
  });

  test.each([
    [
      'gemini',
      gemini,
      'Error when talking to Gemini API TerminalQuotaError: You have exhausted your daily quota on this model.',
      'rate_limited',
    ],
    [
      'gemini',
      gemini,
      'TerminalQuotaError: You have exhausted your capacity on this model. Your quota will reset after 18h42m13s.',
      'rate_limited',
    ],
    [
      'copilot',
      adapters.find(([name]) => name === 'copilot')?.[1] as Adapter,
      "Sorry, you've hit a rate limit. Please try again in 2 hours.",
      'rate_limited',
    ],
    [
      'copilot',
      adapters.find(([name]) => name === 'copilot')?.[1] as Adapter,
      '402 You have no quota',
      'quota_exhausted',
    ],
    [
      'copilot',
      adapters.find(([name]) => name === 'copilot')?.[1] as Adapter,
      'Error: No authentication information found.',
      'auth_required',
    ],
    [
      'aider',
      adapters.find(([name]) => name === 'aider')?.[1] as Adapter,
      'litellm.RateLimitError: Retry-After: 42',
      'rate_limited',
    ],
  ])('of %s is classified: %4$s', (_, adapter, line, errorClass) => {
    const { failure } = readStream(adapter, [], { code: 1, signal: null }, [line]).report ?? {};
    expect(failure).toMatchObject({ class: errorClass, message: line });
    expect(failure?.resetsAt !== null).toBe(/hours|18h|42/.test(line));
  });
});
