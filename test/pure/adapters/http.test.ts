import { describe, expect, it } from 'vitest';
import { failedWords, http, unfinishedWords } from '#adapters/http.ts';
import { findAdapter } from '#adapters/registry.ts';
import * as program from '#http/status-words.ts';
import { aLaunch, anAgent, readAt, readStream, replay } from '../../support/adapters.ts';

describe('an HTTP agent', () => {
  it('is called by clip-http, with its URL, its arguments and the facts of the run', () => {
    const agent = {
      adapter: 'http',
      command: 'https://a.example/run',
      args: ['--header', 'X=$Y'],
      role: '-smith',
      model: 'm1',
    } as const;
    expect(http.prepare(aLaunch(agent, { sessionId: 's1' }))).toEqual({
      argv: [
        'clip-http',
        'https://a.example/run',
        '--header',
        'X=$Y',
        '--agent=ada',
        '--role=-smith',
        '--model=m1',
        '--session=s1',
      ],
      env: {},
      removeEnv: [],
      stdin: 'prompt',
    });
    expect(http.prepare(aLaunch({ command: 'http://x' })).argv).toEqual(['clip-http', 'http://x', '--agent=ada']);
    expect([findAdapter(anAgent({ adapter: 'http' })), http.politeSignal]).toEqual([http, 'SIGINT']);
  });

  it('ends with the words that clip-http uses', () => {
    expect([failedWords, unfinishedWords]).toEqual([program.failedWords, program.unfinishedWords]);
  });

  it.each(failedWords)('with status %s has failed', (status) => {
    expect(readStream(http, [{ status, message: 'Sorry.' }], { code: 1, signal: null }).report).toEqual({
      failure: { class: null, message: 'Sorry.', resetsAt: null },
    });
  });

  it.each(unfinishedWords)('with status %s continues', (status) => {
    expect(replay(http, [{ status }])).toEqual([]);
  });

  it.each(['succeeded', 'done', 'ok'])('with status %s has succeeded', (status) => {
    expect(readStream(http, [{ status }]).report).toEqual({ failure: null });
  });

  it.each([
    [{ code: 'context_exhausted', message: 'x' }, 'context_exhausted'],
    [{ code: 429, message: 'x' }, 'rate_limited'],
    [{ code: 429, message: 'insufficient_quota' }, 'quota_exhausted'],
    [{ code: 'session_not_found', message: 'session not found: s1' }, 'unknown_session'],
    [{ code: 'E17', message: 'It broke.' }, null],
    [{ message: 'Not logged in' }, 'auth_required'],
  ])('that failed with %j has the error code %s', (error, kind) => {
    expect(readStream(http, [{ status: 'failed', error }]).report?.failure?.class).toBe(kind);
  });

  it('may report its error as one text', () => {
    expect(readStream(http, [{ status: 'failed', error: 'It broke.' }]).report?.failure?.message).toBe('It broke.');
  });

  it('that gives no reason has still failed', () => {
    expect(readStream(http, [{ status: 'timed_out' }]).report?.failure?.message).toBe('The agent says: timed_out.');
  });

  it('may say when it can be asked again', () => {
    const error = { code: 'rate_limited', message: 'Slow down.', retryAfterSec: 1.5 };
    expect(readStream(http, [{ status: 'failed', error }]).report?.failure?.resetsAt).toBe(readAt.at + 1_500);
    expect(
      readStream(http, [{ status: 'failed', error: { ...error, retryAfterSec: -1 } }]).report?.failure?.resetsAt,
    ).toBe(null);
  });

  it('reports in lines: session, messages, files, usage', () => {
    const lines = [
      { sessionId: 's1', model: 'm1' },
      { message: 'I begin.' },
      {
        usage: { inputTokens: 10, cachedInputTokens: 4, outputTokens: 1, costUsd: 0.1 },
        files: ['a', { path: 'b', kind: 'add' }, { kind: 'add' }, 7],
      },
      { status: 'succeeded', message: 'Done.', usage: { inputTokens: 5, outputTokens: 2, costUsd: 0.2 }, files: ['a'] },
    ];
    const { streamState, usage, report } = readStream(http, lines);
    expect(report).toEqual({ failure: null });
    expect(usage).toEqual({ inputTokens: 15, cachedInputTokens: 4, outputTokens: 3, costUsd: 0.3 });
    expect([streamState.sessionId, streamState.model, streamState.text, streamState.messages]).toEqual([
      's1',
      'm1',
      'Done.',
      2,
    ]);
    expect(streamState.files).toMatchObject({ a: { kind: null, times: 2 }, b: { kind: 'add', times: 1 } });
    expect(streamState.openTools).toEqual({});
  });

  it('may answer with plain text, which is one message and no result', () => {
    const { streamState, report } = readStream(http, ['First line.', '', 'Second line: 429 is a number.']);
    expect([streamState.text, streamState.messages, report]).toEqual([
      'First line.\nSecond line: 429 is a number.\n',
      1,
      null,
    ]);
  });

  it('is shown as retrying until it answers', () => {
    const retrying = { type: 'clip-http.retrying', attempt: 2, message: 'refused' };
    const stderr = [JSON.stringify(retrying)];
    expect(readStream(http, [], undefined, stderr).streamState.retrying).toMatchObject({
      attempt: 2,
      of: null,
      message: 'refused',
    });
    // The answer of the agent is not a message of clip-http.
    expect(readStream(http, [retrying]).streamState.retrying).toBe(null);
  });

  it('that works behind a status URL has not ended, whatever its status', () => {
    const waits = [
      { status: 'submitted', message: 'Taken.' },
      { type: 'clip-http.pending' },
      { status: 'created' },
      { type: 'clip-http.pending' },
    ];
    const waiting = readStream(http, waits);
    expect([
      waiting.streamState.background,
      waiting.streamState.result,
      waiting.streamState.text,
      waiting.streamState.messages,
    ]).toEqual([1, null, 'Taken.', 1]);
    expect([
      waiting.report,
      readStream(http, waits, { code: null, signal: 'SIGKILL' }).report,
      readStream(http, waits, null).report,
    ]).toEqual([null, null, null]);
    const answered = readStream(http, [...waits, { type: 'clip-http.final' }, { status: 'done' }], null);
    expect([answered.streamState.background, answered.report]).toEqual([0, { failure: null }]);
    const words = readStream(http, [...waits, { type: 'clip-http.final' }, 'I could not find out.']);
    expect([words.streamState.background, words.streamState.result]).toEqual([0, null]);
  });

  it('that failed during the polling is no longer waited for', () => {
    const { streamState, report } = readStream(
      http,
      [{ type: 'clip-http.pending' }, { type: 'clip-http.failed', code: 'status', status: 401, message: 'No.' }],
      null,
    );
    expect([streamState.background, report?.failure?.class]).toEqual([0, 'auth_required']);
  });

  it.each([
    [{ code: 'status', status: 401 }, 'auth_required'],
    [{ code: 'status', status: 503 }, 'provider_unavailable'],
    [{ code: 'status', status: 418 }, null],
    [{ code: 'unreachable' }, 'provider_unavailable'],
    [{ code: 'broken_off' }, 'provider_unavailable'],
    [{ code: 'redirect' }, null],
    [{ code: 'usage' }, null],
  ])('that clip-http reports as failed by %j has the error code %s', (line, kind) => {
    const { report } = readStream(http, [
      'Some words.',
      { type: 'clip-http.failed', status: null, message: 'It is so.', retryAfterSec: null, ...line },
    ]);
    expect(report).toEqual({ failure: { class: kind, message: 'It is so.', resetsAt: null } });
  });

  it.each([
    [{ status: 7, message: null, files: 'x', usage: [], sessionId: {}, error: 5 }],
    [{ type: 'clip-http.failed' }],
    [{ type: 'clip-http.pending', status: {} }],
    [{ type: 'clip-http.retrying' }],
    [{ status: 'failed', error: { code: {}, message: [], retryAfterSec: 'soon' } }],
  ])('may send an invalid answer like %j', (line) => {
    expect(() => readStream(http, [line])).not.toThrow();
  });
});
