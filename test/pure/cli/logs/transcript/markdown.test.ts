import { describe, expect, it } from 'vitest';
import { markdownLines } from '#cli/logs/transcript/markdown.ts';
import { forTerminal } from '#cli/terminal/clean.ts';
import { keepLinks, knowsLinks, link } from '#cli/terminal/hyperlinks.ts';
import { span, wrap } from '#cli/terminal/styled-text.ts';
import { measureWidth } from '#cli/terminal/width.ts';
import { hostileText, steering } from '../../../../support/terminal.ts';

const plain = (text: string, width: number | null = 40) => markdownLines(text, { colour: false, width });
const withLinks = { colour: false, width: null, links: true };

describe('Markdown on a terminal', () => {
  it('distinguishes headings, bold text and code without colors', () => {
    expect(plain('# Title\n\nSome **bold** and `code`.\n\n## Below\ntext')).toEqual([
      '# Title',
      '',
      'Some bold and `code`.',
      '',
      '## Below',
      '',
      'text',
    ]);
    expect(markdownLines('# T\n\n**b** `c`', { colour: true, width: null })).toEqual([
      '\u001b[36m\u001b[1mT\u001b[0m\u001b[0m',
      '',
      '\u001b[1mb\u001b[0m \u001b[36mc\u001b[0m',
    ]);
  });

  it('wraps at words, and indents continued lines under their text', () => {
    expect(plain('1. one two three four five six\n2. [x] seven\n   - eight nine ten eleven twelve', 20)).toEqual([
      '1. one two three',
      '   four five six',
      '2. [x] seven',
      '       • eight nine',
      '         ten eleven',
      '         twelve',
    ]);
    expect(plain('> one two three four', 12)).toEqual(['│ one two', '│ three four']);
  });

  it('breaks code only where there is no more room, and keeps its spaces', () => {
    expect(plain('```\nif (a)  {\n    long_name_that_goes_on\n```', 20)).toEqual([
      '  if (a)  {',
      '      long_name_that',
      '  _goes_on',
    ]);
    expect(plain('```\na  b\n```', null)).toEqual(['  a  b']);
  });

  it('shows a table in columns where they fit, else as a list', () => {
    const table = '| file | lines |\n|---|--:|\n| a.ts | 120 |\n| 漢字.ts | 8 |';
    expect(plain(table)).toEqual(['file     lines', 'a.ts       120', '漢字.ts      8']);
    expect(plain(table, 12)).toEqual(['• file: a.ts', '  lines: 120', '• file:', '    漢字.ts', '  lines: 8']);
  });

  it('is never wider than the terminal, whatever its content', () => {
    const text = `# ${'漢'.repeat(60)}\n\n- ${'x'.repeat(200)} 👩‍👩‍👧 [link](https://example.org/${'y'.repeat(100)})\n\n\`\`\`\n${'字'.repeat(90)}\n\`\`\`\n\n| a | b |\n|---|---|\n| ${'w'.repeat(90)} | ö |\n`;
    for (const width of [20, 40, 80, 200])
      expect(plain(text, width).filter((line) => measureWidth(line) > width)).toEqual([]);
  });

  it('shows tags, deep nesting and unclosed marks literally', () => {
    expect(plain('<script>alert(1)</script>')).toEqual(['<script>alert(1)</script>']);
    for (const text of [
      '>'.repeat(20_000),
      '['.repeat(20_000),
      `${'- '.repeat(5_000)}x`,
      '*'.repeat(50_000),
      '`'.repeat(50_000),
      '| a '.repeat(10_000),
    ]) {
      const begun = performance.now();
      expect(() => plain(text)).not.toThrow();
      expect(performance.now() - begun).toBeLessThan(3_000);
    }
  });
});

describe('links on a terminal', () => {
  it('are used only on a terminal that is known to show them', () => {
    const is = (env: Record<string, string>, terminal = true) => knowsLinks(env, terminal);
    expect([
      is({ TERM_PROGRAM: 'iTerm.app' }),
      is({ VTE_VERSION: '7600' }),
      is({ TERM: 'xterm-kitty' }),
      is({ FORCE_HYPERLINK: '1' }),
    ]).toEqual([true, true, true, true]);
    expect([
      is({ TERM: 'xterm-256color' }),
      is({ VTE_VERSION: '4000' }),
      is({ TERM: 'tmux-256color', VTE_VERSION: '7600' }),
      is({ TERM: 'dumb', VTE_VERSION: '7600' }),
    ]).toEqual([false, false, false, false]);
    expect([
      is({ VTE_VERSION: '7600', SSH_CONNECTION: 'x' }),
      is({ FORCE_HYPERLINK: '0', VTE_VERSION: '7600' }),
      is({ FORCE_HYPERLINK: '1' }, false),
    ]).toEqual([false, false, false]);
  });

  it('pass the output filter, and nothing that only resembles a link does', () => {
    const good = forTerminal(
      `see ${link('the file', '/home/a b/ü.ts', withLinks)} and ${link('this', 'https://x.example/?a=1', withLinks)}.`,
    );
    expect(good).toBe(
      'see \u001b]8;;file:///home/a%20b/%C3%BC.ts\u001b\\the file\u001b]8;;\u001b\\ and \u001b]8;;https://x.example/?a=1\u001b\\this\u001b]8;;\u001b\\.',
    );
    expect(forTerminal('\u001b]8;;https://evil.example\u001b\\click\u001b]8;;\u001b\\')).not.toContain('\u001b');
    expect(steering(forTerminal(hostileText))).toEqual([]);
  });

  it('cannot be ended by their text or their address', () => {
    for (const address of [
      'https://x/\u001b\\\u001b[2J',
      'https://x/\u0007',
      'javascript:alert(1)',
      'https://x/\u009c',
      'ftp://x',
      'https://x y',
      `https://${'x'.repeat(3_000)}`,
    ])
      expect(link('words', address, withLinks)).toBe('words');
    const shown = forTerminal(link(`a${hostileText}b`, 'https://x.example', withLinks))
      .replaceAll('\u001b]8;;https://x.example\u001b\\', '')
      .replaceAll('\u001b]8;;\u001b\\', '');
    expect(steering(shown)).toEqual([]);
    expect(keepLinks('\u001b]8;id=guess;https://x\u001b\\y\u001b]8;;\u001b\\', (text) => text.toUpperCase())).toContain(
      'ID=GUESS',
    );
  });

  it('of Markdown show their target', () => {
    expect(forTerminal(markdownLines('[good.example](https://evil.example)', withLinks).join(''))).toBe(
      '\u001b]8;;https://evil.example\u001b\\good.example\u001b]8;;\u001b\\ (https://evil.example)',
    );
    expect(plain('[x](javascript:alert)', null)).toEqual(['x (javascript:alert)']);
  });
});

describe('wrapped text', () => {
  it('is measured by its width on the terminal, not by its characters', () => {
    expect(wrap([span('漢字 漢字 e\u0301e\u0301')], { colour: true, width: 8 })).toEqual([
      '漢字',
      '漢字 e\u0301e\u0301',
    ]);
    expect(wrap([span('one', 'red'), span(' two')], { colour: true, width: 40 })).toEqual([
      '\u001b[31mone\u001b[0m two',
    ]);
  });
});
