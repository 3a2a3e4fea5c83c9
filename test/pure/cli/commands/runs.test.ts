import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { runTable } from '#cli/commands/runs.ts';
import type { Context } from '#cli/context.ts';
import { type Column, table } from '#cli/format/table.ts';
import type { TextStyle } from '#cli/terminal/style.ts';
import { measureWidth } from '#cli/terminal/width.ts';
import type { RunView } from '#protocol/answers.ts';
import { runStatuses } from '#run/run.ts';
import { noon } from '../../../support/runs.ts';
import { aView } from '../../../support/views.ts';

const columns: Column<string[]>[] = [
  { title: 'N', cell: ([n = '']) => n, right: true },
  { title: 'WIDE', cell: ([, wide = '']) => wide, from: 60 },
  { title: 'TEXT', cell: ([, , text = '']) => text, flexible: true },
];
const draw = (rows: string[][], width: number | null, colour = false) => table(rows, columns, { colour, width });
const widest = (text: string) => Math.max(...text.split('\n').map(measureWidth));

describe('a table', () => {
  it('aligns its columns, numbers to the right, without trailing blanks', () => {
    expect(
      draw(
        [
          ['1', 'aa', 'x'],
          ['12', 'b', 'yy'],
        ],
        null,
      ),
    ).toBe(' N  WIDE  TEXT\n 1  aa    x\n12  b     yy');
  });

  it('leaves columns out on a narrow terminal', () => {
    expect(draw([['1', 'aa', 'x']], 59)).toBe('N  TEXT\n1  x');
    expect(draw([['1', 'aa', 'x']], 60)).toContain('WIDE');
  });

  it('cuts the flexible column by its width on the terminal and marks the cut', () => {
    expect(draw([['1', '', 'abcdefghijklmnop']], 13).split('\n')[1]).toBe('1  abcdefghi…');
    expect(draw([['1', '', '日本語日本語日本語']], 13).split('\n')[1]).toBe('1  日本語日…');
    expect(draw([['1', '', 'abcdefghij']], 13).split('\n')[1]).toBe('1  abcdefghij');
  });

  it('measures a character by the width that the terminal shows', () => {
    expect(widest(draw([['1', '', 'abc \u2329 def']], 10))).toBeLessThanOrEqual(10);
  });

  it('aligns wide characters and colors', () => {
    const rows = [
      ['1', '日本', 'x'],
      ['2', '\u001b[31mab\u001b[0m', 'x'],
    ];
    expect(draw(rows, null).split('\n').map(stripVTControlCharacters)).toEqual([
      'N  WIDE  TEXT',
      '1  日本  x',
      '2  ab    x',
    ]);
  });

  it('has a plain header row where there is no color', () => {
    expect(draw([['1', 'a', 'b']], 80)).not.toContain('\u001b');
    expect(stripVTControlCharacters(draw([['1', 'a', 'b']], 80, true))).toBe(draw([['1', 'a', 'b']], 80));
  });

  it('may have more rows than a function may have arguments', () => {
    const rows = Array.from({ length: 200_000 }, (_, n) => [String(n), 'a', 'b']);
    expect(draw(rows, 80).split('\n')).toHaveLength(200_001);
  });

  it('cuts the longest possible argument quickly', () => {
    expect(draw([['1', '', 'x'.repeat(131_071)]], 40).split('\n')[1]).toHaveLength(40);
  });
});

describe('the table of runs', () => {
  const long: Partial<RunView> = {
    number: 123_456,
    command: ['node', 'scripts/build.mjs', '--with', 'a very long argument 日本語 '.repeat(20)],
    queuedAt: new Date(noon - 3_599_000).toISOString(),
    startedAt: new Date(noon - 3_599_000).toISOString(),
    endedAt: new Date(noon).toISOString(),
    stopReason: 'not_started',
    errorCode: 'command_not_found',
    name: `nightly-${'n'.repeat(92)}`,
    group: `group-${'g'.repeat(94)}`,
  };
  const runs = [
    ...runStatuses.map((status, n) => aView({ status, number: n + 1 })),
    ...runStatuses.map((status) => aView({ ...long, status })),
  ];
  const draw = (look: TextStyle, some = runs) => runTable({ look } as Context, some, noon);

  it.each([40, 50, 60, 80, 90, 100, 120, 200])(
    'fits %d columns, with its number, status and part of the command',
    (width) => {
      for (const colour of [false, true]) {
        const text = draw({ colour, width });
        expect(widest(text)).toBeLessThanOrEqual(width);
        for (const [n, line] of stripVTControlCharacters(text).split('\n').slice(1).entries()) {
          expect(line).toContain(` ${runs[n]?.status}`);
          expect(line).toMatch(n < runStatuses.length ? /^ +\d / : /^123456 /);
          expect(line).toMatch(n < runStatuses.length ? / make|test$/ : / n(ode.*)?…$/);
        }
      }
    },
  );

  it('cuts nothing and leaves nothing out without a terminal', () => {
    const text = draw({ colour: false, width: null });
    const run = runs.at(-1) as RunView;
    for (const whole of [run.name, run.group, run.command[3], 'command_not_found', '59 min ago'])
      expect(text).toContain(whole);
    expect(text).not.toContain('…');
  });

  it('prints no control sequence of a name, a group or a command', () => {
    const evil = '\u001b]0;pwned\u0007\u001b[2J\u009b2J\r\n';
    const text = draw({ colour: false, width: null }, [
      aView({ name: `n${evil}`, group: `g${evil}`, command: ['sh', '-c', `c${evil}`] }),
    ]);
    expect(text.split('\n')).toHaveLength(2);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
    expect(text.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
  });
});
