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

  it('moves no cursor, sets no title, hides nothing', () => {
    for (const hostile of ['[2J', '[10;1H', ']0;title\u0007', '[8m', '[5m', '[0;8m', 'c', ']8;;http://x\u0007'])
      expect(shown([`a${esc}${hostile}b\u0007\u202e`])).toBe('ab');
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
