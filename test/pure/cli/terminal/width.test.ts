import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { measureWidth } from '#cli/terminal/width.ts';

describe('the width of a text', () => {
  it('is the one of string-width for every character of the basic plane', () => {
    const wrong: string[] = [];
    for (let code = 0; code < 0x10000; code += 1) {
      const text = `a${String.fromCharCode(code)}b`;
      if (measureWidth(text) !== stringWidth(text)) wrong.push(code.toString(16));
    }
    expect(wrong).toEqual([]);
  });

  it.each([
    ['a variation selector that makes an emoji of an arrow', '↔\ufe0f'],
    ['a combining accent', 'e\u0301'],
    ['a family', '👨‍👩‍👧'],
    ['a soft hyphen', 'a\u00adb'],
  ])('is the one of string-width for %s', (_, text) => {
    expect(measureWidth(text)).toBe(stringWidth(text));
  });
});
