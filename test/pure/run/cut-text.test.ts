/** @module-tag fuzz */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cutBeginning, cutText, jsonText } from '#run/cut-text.ts';
import { limits } from '#run/limits.ts';
import { buildDigest } from '#run/stream-digest.ts';
import { emptyStreamState, fold } from '#run/stream-state.ts';
import { fuzzRuns } from '../../support/fuzz-runs.ts';

const family = '👨‍👩‍👧‍👦';

describe('a shortened text', () => {
  test.each([
    ['an emoji', `${'x'.repeat(9)}🎉 done`, 10, 'x'.repeat(9)],
    ['an emoji that just fits', `${'x'.repeat(8)}🎉 done`, 10, `${'x'.repeat(8)}🎉`],
    ['a family of four', `xx${family}`, 8, 'xx'],
    ['a letter with its accent', 'cafe\u0301!', 4, 'caf'],
    ['a flag', 'xx🇩🇪', 4, 'xx'],
    ['a line break of two units', 'xx\r\n', 3, 'xx'],
    ['nothing', 'short', 10, 'short'],
    ['all', 'short', 0, ''],
  ])('keeps whole characters: %s', (_, text, most, expected) => {
    expect(cutText(text, most)).toBe(expected);
  });

  test('is cut between two code points where one character fills the whole limit', () => {
    const zalgo = `e${'\u0301'.repeat(500)}`;
    expect(cutText(zalgo, 200)).toHaveLength(200);
    expect(cutText('😀'.repeat(100), 101)).toBe('😀'.repeat(50));
  });

  test('keeps whole characters at its beginning', () => {
    expect(cutBeginning('x🎉 done', 7)).toBe('🎉 done'.slice(-7));
    expect(cutBeginning('🎉done', 5)).toBe('done');
  });

  test('is well-formed and within its limit, whatever the text', () => {
    const units = fc
      .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 300 })
      .map((codes) => String.fromCharCode(...codes));
    fc.assert(
      fc.property(fc.oneof(units, fc.string({ unit: 'grapheme' })), fc.integer({ min: 0, max: 320 }), (text, most) => {
        for (const cut of [cutText(text, most), cutBeginning(text, most)]) {
          expect(cut.isWellFormed()).toBe(true);
          expect(cut.length).toBeLessThanOrEqual(Math.max(most, 0));
        }
      }),
      { seed: 7, numRuns: fuzzRuns(3_000) },
    );
  });
});

describe('JSON that clip prints', () => {
  test.each([
    ['a lone half', 'a\ud83cb', 'a\ufffdb'],
    ['two lone halves', '\udf89\udf89', '\ufffd\ufffd'],
    ['a whole emoji', '🎉', '🎉'],
    ['words that look like an escape', String.raw`\ud800 and \\ud800`, String.raw`\ud800 and \\ud800`],
    ['a backslash before a lone half', '\\\ud800', '\\\ufffd'],
  ])('has no lone surrogate: %s', (_, text, expected) => {
    expect(JSON.parse(jsonText({ [text]: [text] }))).toEqual({ [expected]: [expected] });
    expect(jsonText(text)).not.toMatch(/(?<!\\)(?:\\\\)*\\ud[89a-f]/);
  });
});

describe('a message of an agent', () => {
  const says = (...pieces: string[]) =>
    fold(
      emptyStreamState,
      pieces.map((text) => ({ type: 'message', text, delta: pieces.length > 1 }) as const),
      0,
    );

  test('is cut at whole characters where lists show it', () => {
    expect(buildDigest(says(`${'x'.repeat(limits.errorLength - 1)}🎉 done`), null).lastMessage).toBe(
      'x'.repeat(limits.errorLength - 1),
    );
    expect(buildDigest(says(`\ud83c alone`), null).lastMessage).toBe('\ufffd alone');
  });

  test('may arrive in pieces that split an emoji', () => {
    expect(says('A party \ud83c', '\udf89!').text).toBe('A party 🎉!');
    expect(says('A party \ud83c', ' alone').text).toBe('A party \ufffd alone');
    expect(buildDigest(says('A party \ud83c', ''), null).lastMessage).toBe('A party \ufffd');
  });
});
