/** The help: all keys by group. */
import { paint } from '../../terminal/style.ts';
import { measureWidth } from '../../terminal/width.ts';
import type { Canvas } from '../dashboard-model.ts';
import type { Page } from '../state.ts';
import { window, wrapped } from './lines.ts';

type Group = readonly [title: string, ...rows: (readonly [keys: string, does: string])[]];

const help: readonly (readonly Group[])[] = [
  [
    [
      'Moving',
      ['↑ ↓, k j', 'a row or a line; the wheel, too'],
      ['PgUp PgDn', 'page by page'],
      ['gg G', 'to the beginning, to the end'],
      ['Tab, Shift-Tab', 'the next section, the one before'],
      ['Enter', 'open it: facts, history, live log'],
      ['Esc', 'one page back; an error was read'],
      ['l', 'its log alone, or with the facts'],
      ['t', 'its task: ledger, summary, comments'],
      ['T', 'timeline; there ← → and + -'],
      ['/', 'on the board: rows with these words'],
      ['/ n N', 'in a text: search, next, previous'],
      ['q, Ctrl-C', 'leave; all runs go on'],
      ['Ctrl-Z', 'put aside; fg comes back'],
    ],
  ],
  [
    [
      'A run',
      ['c', 'cancel it; while it stops: kill it'],
      ['r', 'run it once more'],
      ['m', 'continue its task, or its session'],
      ['x', 'take it off what needs you'],
      ['X', 'remove it, after a question'],
    ],
    [
      'A task',
      ['m', 'continue it, with words or none'],
      ['D', 'it is done'],
      ['C', 'comment; its next run is told'],
      ['a', 'assign it'],
      ['+ -', 'its priority'],
      ['x', 'take it off what needs you'],
    ],
    [
      'More',
      ['n N', 'on the board: new task, new run'],
      ['p', 'pause its agent, or resume it'],
      ['y Y', 'copy its number, its folder'],
      ['o', 'open its folder'],
    ],
    [
      'While typing',
      ['Enter, Esc', 'send, cancel'],
      ['Ctrl-U, Ctrl-W', 'delete to the beginning, a word'],
      ['Tab, ↑ ↓', 'through what is suggested'],
    ],
  ],
];

const keysWidth = 17;
/** The columns from which on the groups stand side by side. */
const wide = 120;
const gap = 3;
/** The border and the blanks beside it. */
const frameColumns = 4;
/** The border, and the foot of the screen below it. */
const frameRows = 3;

/** The help as a box over the page: its lines, each as wide as the box is inside. */
export type Overlay = { readonly lines: readonly string[]; readonly width: number };
export type HelpView = { readonly overlay: Overlay; readonly room: number; readonly length: number };

/** Builds the help for a canvas. */
export function buildHelp(page: Extract<Page, { name: 'help' }>, { columns, rows, look }: Canvas): HelpView {
  const inside = Math.max(10, Math.min(columns, 150) - frameColumns);
  const side = Math.floor((inside - gap) / 2);
  const all =
    columns >= wide
      ? beside(...(help.map((groups) => groupLines(groups, side, look)) as [string[], string[]]), side)
      : help.flatMap((groups) => [...groupLines(groups, inside, look), '']).slice(0, -1);
  const room = Math.max(1, Math.min(all.length, rows - frameRows));
  const from = Math.min(page.scroll, Math.max(0, all.length - room));
  const lines = window(all, from, room).map((line) => ` ${padded(line, inside)} `);
  return { overlay: { lines, width: inside + frameColumns }, room, length: all.length };
}

function groupLines(groups: readonly Group[], columns: number, look: Canvas['look']): string[] {
  const text = groups.flatMap(([title, ...keys]) => [
    paint(title, 'bold', look),
    ...keys.map(([key, does]) => `  ${key.padEnd(keysWidth - 2)}${does}`),
    '',
  ]);
  return wrapped(text.slice(0, -1), columns, keysWidth);
}

function beside(left: readonly string[], right: readonly string[], side: number): string[] {
  return Array.from(
    { length: Math.max(left.length, right.length) },
    (_, at) => `${padded(left[at] ?? '', side + gap)}${right[at] ?? ''}`,
  );
}

const padded = (line: string, columns: number): string =>
  `${line}${' '.repeat(Math.max(0, columns - measureWidth(line)))}`;
