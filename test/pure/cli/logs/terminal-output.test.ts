import { describe, expect, it } from 'vitest';
import { createTerminalOutput } from '../../../../src/cli/logs/terminal-output.ts';

const esc = '\u001b';

/** Filters a text that arrives in these pieces. */
function shown(pieces: readonly string[], colours = true): string {
  const output = createTerminalOutput({ colours });
  return `${pieces.map((piece) => output.pass(Buffer.from(piece))).join('')}${output.rest()}`;
}

describe('The output of a command on a terminal', () => {
  it('keeps its colours, and ends them with the output', () => {
    expect(shown([`${esc}[1;32mgreen`])).toBe(`${esc}[1;32mgreen${esc}[0m`);
    expect(shown([`${esc}[38;5;8mgrey${esc}[0m\n`])).toBe(`${esc}[38;5;8mgrey${esc}[0m\n`);
  });

  it('draws progress over itself, as it was seen', () => {
    expect(shown(['\rprogress 1%', '\rprogress 2%', '\r', '\nready\r\n'])).toBe(
      `\r${esc}[Kprogress 1%\r${esc}[Kprogress 2%\nready\n`,
    );
  });

  it('keeps a line that nothing is drawn over', () => {
    expect(shown(['100%\r\r\n', 'next\r', `${esc}[0m\n`, 'last\r'])).toBe(`100%\nnext${esc}[0m\nlast`);
  });

  it('hides no text by zeros or by codes after a colour', () => {
    for (const codes of ['08', '38;5;1;8', '48;2;1;2;3;08', '38;8', '38:5:1;8', '0:8', '4294967304', '1;'.repeat(99)])
      expect(shown([`a${esc}[${codes}mb`])).toBe('ab');
    expect(shown([`${esc}[38;2;5;6;8;48;5;8m${esc}[38:5:8ma`])).toContain('[38;2;5;6;8;48;5;8m');
  });

  it('lends its colours to nothing printed in between', () => {
    const output = createTerminalOutput({ colours: true });
    expect(output.pass(Buffer.from(`${esc}[1m${esc}[31mred`))).toBe(`${esc}[1m${esc}[31mred`);
    expect([output.pause(), output.pause()]).toEqual([`${esc}[0m`, '']);
    expect(output.pass(Buffer.from(`more${esc}[0m`))).toBe(`${esc}[1m${esc}[31mmore${esc}[0m`);
    expect([output.pause(), output.rest()]).toEqual(['', '']);
  });

  it('moves no cursor, sets no title, hides nothing', () => {
    for (const hostile of ['[2J', '[10;1H', ']0;title\u0007', '[8m', '[5m', '[0;8m', 'c', ']8;;http://x\u0007'])
      expect(shown([`a${esc}${hostile}b\u0007\u202e`])).toBe('ab');
  });

  it('is filtered fast, whatever is in it', () => {
    for (const hostile of [`${esc}]`, `${esc}${esc}]]`, `${esc}]0;a`, `${esc}[`, `${esc};a`]) {
      const startedAt = performance.now();
      expect(shown([hostile.repeat(40_000)])).not.toContain(esc);
      expect(performance.now() - startedAt).toBeLessThan(500);
    }
  });

  it('is filtered alike however it is cut into pieces', () => {
    const text = `a${esc}[31mred${esc}[0m\rb${esc}[2Jc\r\nd${esc}]0;t\u0007e`;
    const whole = shown([text]);
    for (let at = 1; at < text.length; at += 1) expect(shown([text.slice(0, at), text.slice(at)])).toBe(whole);
  });

  it('is plain where no colours are wanted', () => {
    expect(shown([`${esc}[31mred\rb\n`], false)).toBe('red\nb\n');
  });
});
