import { describe, expect, it } from 'vitest';
import {
  formatAgo,
  formatCommand,
  formatDuration,
  formatElapsed,
  formatEnd,
  formatSize,
  formatStatus,
} from '#cli/format/format.ts';
import { clean } from '#cli/terminal/clean.ts';
import { paint, readTextStyle } from '#cli/terminal/style.ts';
import { measureWidth } from '#cli/terminal/width.ts';
import { runStatuses } from '#run/run.ts';
import { aView } from '../../../support/views.ts';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

describe('formatted times and sizes', () => {
  it.each([
    [0, '0 ms'],
    [850, '850 ms'],
    [12_340, '12.3 s'],
    [4 * minute + 5 * second, '4 min 5 s'],
    [3 * hour + 2 * minute, '3 h 2 min'],
    [47 * hour + 59 * minute, '47 h 59 min'],
    [121 * hour, '5 d 1 h'],
  ])('show %d ms as %s', (ms, words) => {
    expect(formatDuration(ms)).toBe(words);
  });

  it.each([999, 59_949, 59_950, 59_999, minute, hour - 1, hour, 48 * hour - 1, 48 * hour])(
    'never show 1000 ms or 60 s: %d ms',
    (ms) => {
      expect(formatDuration(ms)).not.toMatch(/\b(1000 ms|60\.0 s|60 s|60 min)\b/);
    },
  );

  it.each([
    [null, '–'],
    [0, '0 B'],
    [1_023, '1023 B'],
    [1_024, '1.0 KiB'],
    [10 * 1_024, '10 KiB'],
    [5.5 * 2 ** 30, '5.5 GiB'],
    [5_000 * 2 ** 40, '5000 TiB'],
  ])('show %s bytes as %s', (bytes, words) => {
    expect(formatSize(bytes)).toBe(words);
  });

  it('show a time as an age, never negative after a clock was set back', () => {
    const now = Date.UTC(2026, 5, 1, 12);
    expect(formatAgo(new Date(now - 12_345).toISOString(), now)).toBe('12 s ago');
    expect(formatAgo(new Date(now + 12_345).toISOString(), now)).toBe('0 s ago');
    expect(formatElapsed(aView({ startedAt: new Date(now - 90_000).toISOString(), endedAt: null }), now)).toBe(
      '1 min 30 s',
    );
    expect(formatElapsed(aView({ startedAt: null }), now)).toBe('–');
  });

  it('show only an upper bound for a run whose end was found later', () => {
    const [startedAt, endedAt] = ['2026-06-01T12:00:00.000Z', '2026-06-01T12:02:00.000Z'];
    expect(formatElapsed(aView({ startedAt, endedAt, exitKnown: false, stopReason: 'process_lost' }), 0)).toBe(
      'at most 2 min',
    );
    expect(formatElapsed(aView({ startedAt, endedAt, exitKnown: true, exitCode: 0 }), 0)).toBe('2 min');
  });
});

describe('a formatted command', () => {
  it('can be pasted into a shell', () => {
    expect(formatCommand(['make', '-j4', 'A=b', './x/y.sh'])).toBe('make -j4 A=b ./x/y.sh');
    expect(formatCommand(['sh', '-c', 'echo $HOME; exit 7', '', "it's", 'a b'])).toBe(
      "sh -c 'echo $HOME; exit 7' '' 'it'\\''s' 'a b'",
    );
  });
});

describe('a formatted end', () => {
  const endedAt = '2026-06-01T12:00:00.000Z';
  it.each([
    ['exit 0', { endedAt, stopReason: 'completed', exitCode: 0 }],
    ['exit 7', { endedAt, stopReason: 'exit_nonzero', exitCode: 7 }],
    ['SIGKILL', { endedAt, stopReason: 'signalled', signal: 'SIGKILL' }],
    ['timeout', { endedAt, stopReason: 'timeout', exitCode: 0 }],
    ['process_lost', { endedAt, stopReason: 'process_lost' }],
    ['command_not_found', { endedAt, stopReason: 'not_started', errorCode: 'command_not_found' }],
    ['not started', { endedAt, status: 'cancelled' as const, stopReason: 'cancelled', startedAt: null }],
    [
      'exit not seen',
      { endedAt, status: 'cancelled' as const, stopReason: 'cancelled', startedAt: endedAt, exitKnown: false },
    ],
    ['detached', { endedAt: null, errorCode: 'process_detached' }],
    ['', { endedAt: null }],
  ])('is "%s"', (words, given) => {
    expect(formatEnd(aView(given))).toBe(words);
  });
});

describe('a formatted status', () => {
  it('is a distinct glyph and word, with a color only where colors are on', () => {
    const plain = runStatuses.map((status) =>
      formatStatus({ status, livenessState: null }, { colour: false, width: 80 }),
    );
    expect(new Set(plain.map((words) => words.split(' ')[0])).size).toBe(runStatuses.length);
    expect(plain.map((words) => words.split(' ')[1])).toEqual(runStatuses);
    expect(formatStatus({ status: 'failed', livenessState: 'failed' }, { colour: true, width: 80 })).toBe(
      '\u001b[31m✗ failed\u001b[0m',
    );
    expect(paint('x', 'bold', { colour: false, width: null })).toBe('x');
  });

  it.each(['plan_only', 'empty_response', 'needs_followup', 'blocked'] as const)(
    'of a run that succeeded and was judged %s does not look like a success',
    (livenessState) => {
      const look = { colour: true, width: 80 };
      expect(formatStatus({ status: 'succeeded', livenessState }, look)).toBe('\u001b[33m◐ succeeded\u001b[0m');
      expect(formatStatus({ status: 'succeeded', livenessState: 'advanced' }, look)).toBe(
        '\u001b[32m✓ succeeded\u001b[0m',
      );
    },
  );
});

describe('the style of the output', () => {
  const terminal = { isTTY: true, columns: 123 } as NodeJS.WriteStream;
  const pipe = {} as NodeJS.WriteStream;

  it('has a width only on a terminal', () => {
    expect([
      readTextStyle('auto', {}, terminal).width,
      readTextStyle('auto', {}, { isTTY: true } as NodeJS.WriteStream).width,
      readTextStyle('always', {}, pipe).width,
    ]).toEqual([123, 80, null]);
  });

  it('has color on a terminal, unless a variable or --color decides', () => {
    const colour = (choice: string, env: NodeJS.ProcessEnv, stream: NodeJS.WriteStream) =>
      readTextStyle(choice, env, stream).colour;
    expect([
      colour('auto', {}, terminal),
      colour('auto', {}, pipe),
      colour('auto', { TERM: 'dumb' }, terminal),
    ]).toEqual([true, false, false]);
    expect([colour('auto', { NO_COLOR: '1' }, terminal), colour('auto', { NO_COLOR: '' }, terminal)]).toEqual([
      false,
      true,
    ]);
    expect([colour('auto', { FORCE_COLOR: '1' }, pipe), colour('auto', { FORCE_COLOR: '0' }, terminal)]).toEqual([
      true,
      false,
    ]);
    expect([colour('always', { NO_COLOR: '1' }, pipe), colour('never', { FORCE_COLOR: '1' }, terminal)]).toEqual([
      true,
      false,
    ]);
  });
});

describe('cleaned text from outside', () => {
  it.each([
    ['colors', '\u001b[31mred\u001b[0m', 'red'],
    ['a window title', 'a\u001b]0;pwned\u0007b', 'ab'],
    ['a link', '\u001b]8;;http://evil\u001b\\text\u001b]8;;\u001b\\', 'text'],
    ['an 8-bit sequence', 'a\u009b31mb', 'ab'],
    ['a cut sequence', 'a\u001b[3', 'a'],
    ['a bell, a backspace, a NUL', 'a\u0007b\bc\0d', 'abcd'],
    ['a carriage return that would hide what stands before', 'rm -rf /\rls', 'rm -rf /ls'],
    ['text turned around', 'a\u202egpj.exe\u2066b\u200f', 'agpj.exeb'],
  ])('loses %s', (_, text, cleaned) => {
    expect(clean(text)).toBe(cleaned);
  });

  it('keeps line breaks visible, and every other script and sign', () => {
    expect(clean('a\nb\r\nc')).toBe('a⏎b⏎c');
    expect(clean('Grüße 日本語 👩‍💻 é')).toBe('Grüße 日本語 👩‍💻 é');
  });
});

describe('the width of the text', () => {
  it.each([
    ['', 0],
    ['abc', 3],
    ['\u001b[31mabc\u001b[0m', 3],
    ['é', 1],
    ['e\u0301', 1],
    ['日本', 4],
    ['한', 2],
    ['ｗ', 2],
    ['🚀', 2],
    ['✅', 2],
    ['⚡', 2],
    ['𠮷', 2],
    ['🇫🇷', 2],
    ['✓ – … ●', 7],
  ])('"%s" is %d', (text, width) => {
    expect(measureWidth(text)).toBe(width);
  });
});
