/** Builds the whole screen from state and data, with exactly as many lines as the terminal has. Pure. */
import { paint } from '../terminal/style.ts';
import type { Canvas, Facts } from './dashboard-model.ts';
import { buildRows, type DashboardRow, findRow } from './rows.ts';
import { currentPage, type Scene, type State } from './state.ts';
import { buildBoard } from './views/board.ts';
import { headLines } from './views/header.ts';
import { helpView } from './views/help.ts';
import { fitting, window } from './views/lines.ts';
import { runView, type Viewed } from './views/run.ts';
import { taskView } from './views/task.ts';
import { timelineView } from './views/timeline.ts';

export type Frame = { readonly lines: readonly string[]; readonly scene: Scene };

/** Builds the lines of the screen, and the scene that the next key acts on. */
export function frame(state: State, facts: Facts, canvas: Canvas): Frame {
  const rows = buildRows(facts.board, state.filter);
  const head = headLines(facts, canvas);
  const room = Math.max(1, canvas.rows - head.length - 1);
  const { lines, ...size } = pageView(state, facts, rows, { ...canvas, rows: room });
  const scene = { rows, runs: facts.board.runs, ...size };
  return { lines: [...head, ...window(lines, 0, room), footLine(state, canvas)].slice(0, canvas.rows), scene };
}

function pageView(state: State, facts: Facts, rows: readonly DashboardRow[], canvas: Canvas): Viewed {
  const page = currentPage(state);
  switch (page.name) {
    case 'board':
      return boardView(state, facts, rows, canvas);
    case 'run':
      return runView(page, facts, canvas);
    case 'task':
      return taskView(page, facts, canvas);
    case 'timeline':
      return timelineView(page, facts, canvas);
    case 'help':
      return helpView(page, canvas);
  }
}

/** Returns the part of the board around the chosen row. */
function boardView(state: State, facts: Facts, rows: readonly DashboardRow[], canvas: Canvas): Viewed {
  const board = buildBoard(rows, findRow(state, rows), facts, canvas);
  const idle = facts.board.live.length === 0 && state.filter === '';
  const above = idle || rows.length === 0 ? [formatEmpty(facts, state.filter, canvas), ''] : [];
  const room = Math.max(1, canvas.rows - above.length);
  const [first, last] = board.place() ?? [0, 0];
  const from = last < room - 1 ? 0 : Math.max(0, Math.min(first - Math.floor(room / 2), board.length - room));
  const lines = window([...above, ...(rows.length === 0 ? [] : board.shown(from, from + room))], 0, canvas.rows);
  return { lines, room: canvas.rows, length: board.length };
}

function formatEmpty({ board }: Facts, filter: string, { look }: Canvas): string {
  if (filter !== '') return paint('Nothing fits the filter. Esc shows all again.', 'gray', look);
  const next = board.recent.length + board.queued.length === 0 ? ' Start something: clip run -- make test' : '';
  return paint(`Nothing runs.${next}`, 'gray', look);
}

const keys = {
  board: [
    '↑↓ choose',
    '⏎ open',
    'l log',
    't task',
    'g timeline',
    'c cancel',
    'r retry',
    '/ filter',
    '? help',
    'q quit',
  ],
  run: ['↑↓ scroll', 'Esc back', 'l whole log', 't task', 'c cancel', 'r retry', '? help', 'q quit'],
  task: ['↑↓ scroll', 'Esc back', '? help', 'q quit'],
  timeline: ['←→ earlier, later', '+- hours', '↑↓ scroll', 'Esc back', '? help', 'q quit'],
  help: ['↑↓ scroll', 'Esc back', 'q quit'],
} as const;

function footLine(state: State, { columns, look }: Canvas): string {
  if (state.asking !== null)
    return paint(
      `Cancel run ${state.asking.cancel} and all that it started?  y yes · any other key no`,
      'yellow',
      look,
    );
  if (state.typing) return fitting([`/${state.filter}▏`, paint('⏎ keep  Esc show all', 'gray', look)], columns);
  if (state.message !== null) return paint(state.message, 'cyan', look);
  const filter = state.filter !== '' && state.pages.length === 1 ? [`filter: ${state.filter}`] : [];
  // The keys for help and for leaving are always shown.
  const all: readonly string[] = keys[currentPage(state).name];
  const always = all.slice(-2).join('  ');
  const first = fitting([...filter, ...all.slice(0, -2)], columns - always.length - 2);
  return paint(`${first}  ${always}`, 'gray', look);
}
