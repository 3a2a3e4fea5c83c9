import { describe, expect, it } from 'vitest';
import type { Key } from '#cli/dashboard/keys.ts';
import { editInput, startInput, type TextInput, visibleInput } from '#cli/dashboard/text-input.ts';
import { measureWidth } from '#cli/terminal/width.ts';

const ctrl = (letter: string): Key => ({ name: 'ctrl', text: letter });
const paste = (text: string): Key => ({ name: 'paste', text });

/** Returns the input after keys. `|` stands for the cursor. Words are typed letter by letter. */
function typed(start: string, keys: readonly (Key | string)[], accepted = { max: 100, lines: false }): string {
  const [before = '', after = ''] = start.split('|');
  const named = ['left', 'right', 'home', 'end', 'backspace', 'delete'];
  const all = keys.flatMap((key): Key[] => {
    if (typeof key !== 'string') return [key];
    return named.includes(key) ? [{ name: key } as Key] : [...key].map((text) => ({ name: 'text', text }));
  });
  const input = all.reduce<TextInput>((each, key) => editInput(each, key, accepted), {
    text: before + after,
    cursor: before.length,
  });
  return `${input.text.slice(0, input.cursor)}|${input.text.slice(input.cursor)}`;
}

describe('an input of one line', () => {
  it('takes typed letters where the cursor is', () => {
    expect(typed('|', ['abc', 'left', 'left', 'X'])).toBe('aX|bc');
    expect(typed('one| two', ['home', '>', 'end', '<'])).toBe('>one two<|');
  });

  it('deletes one character as a reader counts, before and after the cursor', () => {
    expect(typed('a👨‍👩‍👧|b', ['backspace'])).toBe('a|b');
    expect(typed('日本|', ['backspace'])).toBe('日|');
    expect(typed('|e\u0301x', ['delete'])).toBe('|x');
    expect(typed('a👨‍👩‍👧b|', ['left', 'left'])).toBe('a|👨‍👩‍👧b');
    expect(typed('|a', ['backspace'])).toBe('|a');
  });

  it('deletes with Ctrl-W, Ctrl-U and Ctrl-K', () => {
    expect(typed('fix the tests  |now', [ctrl('w')])).toBe('fix the |now');
    expect(typed('fix the |tests', [ctrl('u')])).toBe('|tests');
    expect(typed('fix |the tests', [ctrl('k')])).toBe('fix |');
    expect(typed('fix |it', [ctrl('a'), '1', ctrl('e'), '2'])).toBe('1fix it2|');
  });

  it('takes pasted text as one piece, without what steers a terminal', () => {
    expect(typed('a|b', [paste('1\r\n2\u001b[31m\u0007\t3')])).toBe('a1 2 3|b');
    expect(typed('|', [paste('1\r\n2')], { max: 100, lines: true })).toBe('1\n2|');
  });

  it('takes no more than it may send', () => {
    expect(typed('|', [paste('x'.repeat(50))], { max: 10, lines: false })).toBe(`${'x'.repeat(10)}|`);
    expect(typed('1234|', ['5'], { max: 4, lines: false })).toBe('1234|');
  });

  it.each([12, 40, 80])('shows the part around the cursor in %i columns, whatever the letters', (columns) => {
    for (const text of ['short', '日本語'.repeat(40), 'a long line of words '.repeat(20), 'line\nline\n'.repeat(30)]) {
      for (const cursor of [0, Math.floor(text.length / 2), text.length]) {
        const { before, after } = visibleInput({ text, cursor }, columns);
        expect(measureWidth(before) + 1 + measureWidth(after)).toBeLessThanOrEqual(columns);
        expect(before + after).not.toContain('\n');
        if (cursor > 0) expect(before).not.toBe('');
      }
    }
    expect(visibleInput(startInput('x'.repeat(200)), columns).before).toMatch(/^…x+$/);
  });
});
