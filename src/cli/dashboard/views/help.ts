/** The help page with all keys. */
import { paint } from '../../terminal/style.ts';
import type { Canvas } from '../dashboard-model.ts';
import type { Page } from '../state.ts';
import { window, wrapped } from './lines.ts';
import type { Viewed } from './run.ts';

const help: readonly (readonly [title: string, ...rows: (readonly [keys: string, does: string])[]])[] = [
  [
    'Everywhere',
    ['q, Ctrl-C', 'leave; all runs go on'],
    ['Esc', 'one page back'],
    ['g', 'timeline of the last hours'],
    ['Ctrl-Z', 'put aside; fg comes back'],
  ],
  [
    'On the board',
    ['↑ ↓, k j', 'choose a row; PgUp, PgDn, Home, End'],
    ['Enter', 'open it: facts, history, live log'],
    ['l', 'its log alone'],
    ['t', 'its task: ledger, summary, comments'],
    ['/', 'only rows with these words; Esc shows all again'],
  ],
  [
    'A run',
    ['c', 'cancel it, after a question; once more while it stops: kill it at once'],
    ['r', 'run it once more, in the same session'],
  ],
  ['In a log', ['↑ ↓, PgUp, PgDn', 'read back'], ['End', 'follow it again'], ['l', 'with the facts, or without']],
  ['In the timeline', ['← →', 'earlier, later'], ['+ -', 'fewer hours, more hours']],
];

const keysWidth = 18;

/** Builds the help page. */
export function helpView(page: Extract<Page, { name: 'help' }>, { columns, rows, look }: Canvas): Viewed {
  const text = help.flatMap(([title, ...keys]) => [
    paint(title, 'bold', look),
    ...keys.map(([key, does]) => `  ${key.padEnd(keysWidth - 2)}${does}`),
    '',
  ]);
  const all = wrapped(text, columns, keysWidth);
  const from = Math.min(page.scroll, Math.max(0, all.length - rows));
  return { lines: window(all, from, rows), room: rows, length: all.length };
}
