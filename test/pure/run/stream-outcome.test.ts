import { describe, expect, test } from 'vitest';
import type { Failure } from '#run/agent-event.ts';
import { unexplained } from '#run/stream-failure.ts';
import { isCountedWhole, judgeStream, type ReportRules, type SeenExit } from '#run/stream-outcome.ts';
import { emptyStreamState, type StreamState } from '#run/stream-state.ts';
import { emptyMeter } from '#run/usage-meter.ts';

const rules: ReportRules = { needsResult: true, classOfExit: (code) => (code === 53 ? 'max_turns_exhausted' : null) };
const lenient: ReportRules = { ...rules, needsResult: false };
const failure = (message: string, more: Partial<Failure> = {}): Failure => ({
  class: null,
  message,
  resetsAt: null,
  ...more,
});
const streamState = (more: Partial<StreamState>): StreamState => ({ ...emptyStreamState, ...more });
const well = streamState({ result: { failure: null, at: 1 } });
const badly = streamState({ result: { failure: failure('no'), at: 1 } });
const denials = { count: 1, tools: ['Bash', 'Write'], worked: false };
const exited = (code: number): SeenExit => ({ code, signal: null });
const killed: SeenExit = { code: null, signal: 'SIGKILL' };

/** Returns in short what the stream reported, or null when the exit decides. */
const outcomeOf = (of: StreamState, exit: SeenExit, by: ReportRules = rules) => {
  const report = judgeStream(of, exit, by);
  return report === null ? null : (report.failure?.message ?? 'well');
};
const refused = 'It was not allowed to use Bash, Write, and found no other way.';

describe('the end of a run', () => {
  test.each<[string, StreamState, SeenExit, string | null]>([
    ['a good result, exit 0', well, exited(0), 'well'],
    ['a good result stands whatever the exit', well, exited(1), 'well'],
    ['a good result, then killed for staying', well, killed, 'well'],
    ['a bad result, exit 0', badly, exited(0), 'no'],
    [
      'a good result after an error that it got over',
      streamState({ ...well, lastError: failure('once') }),
      exited(0),
      'well',
    ],
    ['an error and no result, exit 0', streamState({ lastError: failure('broke') }), exited(0), 'broke'],
    ['an error and no result, killed', streamState({ lastError: failure('broke') }), killed, 'broke'],
    ['a refusal and a good result', streamState({ ...well, denials }), exited(0), refused],
    [
      'a refusal, work after it, and a good result',
      streamState({ ...well, denials: { ...denials, worked: true } }),
      exited(0),
      'well',
    ],
    ['a refusal and no result', streamState({ denials }), exited(0), refused],
    ['a bad result takes precedence over a refusal', streamState({ ...badly, denials }), exited(0), 'no'],
    [
      'an error takes precedence over a refusal',
      streamState({ denials, lastError: failure('broke') }),
      exited(0),
      'broke',
    ],
    ['no output, exit 0', emptyStreamState, exited(0), 'It exited with 0, but never said that it was done.'],
    ['no output, exit 1', emptyStreamState, exited(1), null],
    ['no output, killed', emptyStreamState, killed, null],
    [
      'no output, an exit code with a meaning',
      emptyStreamState,
      exited(53),
      'It exited with 53, which is its code for max_turns_exhausted.',
    ],
  ])('follows from the stream and the exit: %s', (_, of, exit, expected) => {
    expect(outcomeOf(of, exit)).toBe(expected);
  });

  test('needs no result from a CLI that never gives one', () => {
    expect(outcomeOf(emptyStreamState, exited(0), lenient)).toBeNull();
  });

  test('gets its error code from the exit code last', () => {
    expect(judgeStream(badly, exited(53), rules)?.failure).toEqual(failure('no', { class: 'max_turns_exhausted' }));
    const classed = streamState({ result: { failure: failure('no', { class: 'rate_limited', resetsAt: 5 }), at: 1 } });
    expect(judgeStream(classed, exited(53), rules)?.failure).toEqual(
      failure('no', { class: 'rate_limited', resetsAt: 5 }),
    );
    expect(judgeStream(streamState({ lastError: failure('broke') }), exited(53), rules)?.failure?.class).toBe(
      'max_turns_exhausted',
    );
    expect(judgeStream(streamState({ denials }), exited(53), rules)?.failure?.class).toBe('permission_denied');
  });
});

describe('a good result', () => {
  const of = (more: Partial<StreamState>, exit: SeenExit, by = rules) =>
    judgeStream(streamState({ ...well, ...more }), exit, by);

  test('is complete when its CLI always gives one and nothing runs on', () => {
    for (const exit of [exited(0), exited(1), killed]) expect(of({}, exit)).toEqual({ failure: null, complete: true });
    expect(of({ background: 1 }, exited(1))).toEqual({ failure: null });
    expect(of({}, exited(1), lenient)).toEqual({ failure: null });
  });
});

describe('an unreadable part of the stream', () => {
  const gap = streamState({ gap: true });
  const unread = 'How it went is not known: a part of its output could not be read, and no result came after it.';

  test('excludes success by exit code 0, with or without a result', () => {
    for (const by of [rules, lenient]) {
      expect(outcomeOf(gap, exited(0), by)).toBe(unread);
      expect(judgeStream(gap, exited(0), by)?.failure?.class).toBe('stream_unreadable');
    }
  });

  test('leaves every other end as it is', () => {
    expect(outcomeOf(gap, exited(1))).toBeNull();
    expect(outcomeOf(gap, killed)).toBeNull();
    expect(outcomeOf(streamState({ gap: true, lastError: failure('broke') }), exited(0))).toBe('broke');
  });
});

describe('a complaint on standard error', () => {
  const complaint = failure('not logged in', { class: 'auth_required' });

  test('explains a failure or a missing result, not a good result', () => {
    expect(outcomeOf(streamState({ complaint }), exited(1), lenient)).toBe('not logged in');
    expect(outcomeOf(streamState({ complaint }), exited(0), lenient)).toBeNull();
    expect(outcomeOf(streamState({ complaint }), exited(0), rules)).toBe('not logged in');
    expect(outcomeOf(streamState({ ...well, complaint }), exited(1))).toBe('well');
  });

  test('ranks below a reason in the stream, above a bare result', () => {
    expect(outcomeOf(streamState({ complaint, lastError: failure('broke') }), exited(1))).toBe('broke');
    expect(outcomeOf(streamState({ complaint, result: { failure: failure('broke'), at: 1 } }), exited(1))).toBe(
      'broke',
    );
    expect(
      outcomeOf(
        streamState({ complaint, result: { failure: failure(unexplained, { by: 'clip' }), at: 1 } }),
        exited(1),
      ),
    ).toBe('not logged in');
  });
});

describe('the usage of a run', () => {
  const counted = (more: Partial<StreamState>, exit: SeenExit, by = rules) =>
    isCountedWhole(streamState(more), exit, by);
  const open = { ...emptyMeter, calls: { earlier: null, recent: { a: { input: 1, cached: 0, output: 1 } } } };

  test('is complete with a result, or with exit code 0 of a CLI that gives none', () => {
    expect(counted({ result: { failure: null, at: 1 } }, killed)).toBe(true);
    expect(counted({ result: { failure: failure('no'), at: 1 } }, exited(1))).toBe(true);
    expect(counted({}, exited(0), lenient)).toBe(true);
  });

  test('is partial for an interrupted run, and for one with an impossible count', () => {
    expect(counted({}, killed)).toBe(false);
    expect(counted({}, exited(0))).toBe(false);
    expect(counted({}, null, lenient)).toBe(false);
    expect(counted({ result: { failure: null, at: 1 }, meter: open }, exited(0))).toBe(false);
    expect(counted({ result: { failure: null, at: 1 }, hadGap: true }, exited(0))).toBe(false);
    expect(counted({ result: { failure: null, at: 1 }, meter: { ...emptyMeter, absurd: true } }, exited(0))).toBe(
      false,
    );
  });
});

describe('an end that was not observed', () => {
  test.each<[string, StreamState, string | null]>([
    ['a good result', well, 'well'],
    ['a bad result', badly, 'no'],
    ['a good result after a refusal', streamState({ ...well, denials }), refused],
    ['a result with a task in the background', streamState({ ...well, background: 1 }), null],
    ['an error only', streamState({ lastError: failure('broke') }), null],
    ['no output', emptyStreamState, null],
  ])('has the outcome of the stream alone: %s', (_, of, expected) => {
    expect(outcomeOf(of, null)).toBe(expected);
  });
});
