/** Builds the parts of the screen from state and data: as many lines together as the terminal has. Pure. */
import { paint } from '../terminal/style.ts';
import type { Canvas, Facts } from './dashboard-model.ts';
import { buildRows, type DashboardRow, findRow } from './rows.ts';
import { currentPage, type Page, type Scene, type State, shownPage } from './state.ts';
import { buildBoard } from './views/board.ts';
import { buildFoot, buildNotices, type Foot, footHeight, type NoticeLine } from './views/foot.ts';
import { headLines } from './views/header.ts';
import { buildHelp, type Overlay } from './views/help.ts';
import { window } from './views/lines.ts';
import { runView, type Viewed } from './views/run.ts';
import { taskView } from './views/task.ts';
import { timelineView } from './views/timeline.ts';

export type Frame = {
  readonly head: readonly string[];
  readonly body: readonly string[];
  readonly notices: readonly NoticeLine[];
  readonly foot: Foot;
  /** The help over the page, or null. */
  readonly overlay: Overlay | null;
  readonly scene: Scene;
};

/** Builds the parts of the screen, and the scene that the next key acts on. */
export function frame(state: State, facts: Facts, canvas: Canvas): Frame {
  const { columns, rows: height } = canvas;
  const rows = buildRows(facts.board, state.filter);
  const head = headLines(facts, canvas).slice(0, Math.max(0, height - footHeight(state) - 1));
  const notices = buildNotices(state, columns).slice(0, Math.max(0, height - head.length - footHeight(state) - 1));
  const room = Math.max(1, height - head.length - notices.length - footHeight(state));
  const page = currentPage(state);
  const help = page.name === 'help' ? buildHelp(page, canvas) : null;
  const inside = { ...canvas, rows: room };
  const { lines, at, ...size } = pageView(shownPage(state), state, { facts, rows, canvas: inside });
  const scene = {
    rows,
    runs: facts.board.runs,
    run: facts.opened.run?.run ?? null,
    task: facts.opened.task?.shown.task ?? null,
    ...size,
    ...(help === null ? {} : { room: help.room, length: help.length }),
  };
  return {
    head,
    body: window(lines, 0, room),
    notices,
    foot: buildFoot(state, scene, { columns, at: placeOf(state, scene, at) }),
    overlay: help?.overlay ?? null,
    scene,
  };
}

/** Returns the place that the foot shows: of the chosen row among all, or of the last visible line in the text. */
function placeOf(state: State, { rows, room, length }: Scene, at: number): { at: number; of: number } {
  const page = currentPage(state);
  if (page.name === 'help') return { at: Math.min(page.scroll + room, length), of: length };
  if (page.name !== 'board') return { at, of: length };
  const row = findRow(state, rows);
  return { at: row === null ? 0 : rows.indexOf(row) + 1, of: rows.length };
}

type Given = { readonly facts: Facts; readonly rows: readonly DashboardRow[]; readonly canvas: Canvas };

function pageView(page: Page, state: State, { facts, rows, canvas }: Given): Viewed {
  switch (page.name) {
    case 'board':
    case 'help':
      return boardView(state, facts, rows, canvas);
    case 'run':
      return runView(page, facts, canvas);
    case 'task':
      return taskView(page, facts, canvas);
    case 'timeline':
      return timelineView(page, facts, canvas);
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
  return { lines, room: canvas.rows, length: board.length, at: 0, text: null };
}

function formatEmpty({ board }: Facts, filter: string, { look }: Canvas): string {
  if (filter !== '') return paint('Nothing fits the filter. Esc shows all again.', 'gray', look);
  const next = board.recent.length + board.queued.length === 0 ? ' Start something: clip run -- make test' : '';
  return paint(`Nothing runs.${next}`, 'gray', look);
}
