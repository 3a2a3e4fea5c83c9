/**
 * The state of the dashboard, and its change by a key. Pure: an action outside of the dashboard is returned as a
 * request.
 *
 * Pages form a stack with the board at the bottom. Escape removes the top one. A question or an open input field
 * receives all keys.
 */
import type { RunView } from '#protocol/answers.ts';
import { cutText } from '#run/cut-text.ts';
import { clean } from '../terminal/clean.ts';
import { type DashboardRow, findRow, rowRun, rowTask } from './rows.ts';

export type Page =
  | { readonly name: 'board' }
  /** `whole`: only the log. `scroll`: lines up from the end; 0 follows the log. */
  | { readonly name: 'run'; readonly run: number; readonly whole: boolean; readonly scroll: number }
  /** `scroll`: lines down from the beginning. */
  | { readonly name: 'task'; readonly task: number; readonly scroll: number }
  | { readonly name: 'timeline'; readonly hours: number; readonly back: number; readonly scroll: number }
  | { readonly name: 'help'; readonly scroll: number };

export type State = {
  readonly pages: readonly [Page, ...Page[]];
  /** The key of the chosen row. Null chooses the first. */
  readonly chosen: string | null;
  readonly filter: string;
  readonly typing: boolean;
  readonly asking: { readonly cancel: number } | null;
  readonly message: string | null;
};
/** The state at the start. */
export const begin: State = {
  pages: [{ name: 'board' }],
  chosen: null,
  filter: '',
  typing: false,
  asking: null,
  message: null,
};

export type ActionRequest =
  | { readonly type: 'quit' }
  | { readonly type: 'cancel'; readonly run: number; readonly now: boolean }
  | { readonly type: 'retry'; readonly run: number }
  | { readonly type: 'suspend' };

/** The content of the screen that keys act on. */
export type Scene = {
  readonly rows: readonly DashboardRow[];
  readonly runs: ReadonlyMap<number, RunView>;
  /** The lines that a page has for its text, and the lines that the text has. */
  readonly room: number;
  readonly length: number;
};

export type Key =
  | {
      readonly name:
        | 'up'
        | 'down'
        | 'left'
        | 'right'
        | 'pageup'
        | 'pagedown'
        | 'home'
        | 'end'
        | 'enter'
        | 'escape'
        | 'backspace'
        | 'interrupt'
        | 'suspend';
    }
  | { readonly name: 'text' | 'paste'; readonly text: string };

type Step = { readonly state: State; readonly order: ActionRequest | null };
const stay = (state: State): Step => ({ state, order: null });

/** Returns the page on top. */
export const currentPage = ({ pages }: State): Page => pages.at(-1) as Page;

/** Returns the state after a key, and what it requests outside of the dashboard. */
export function press(state: State, key: Key, scene: Scene): Step {
  if (key.name === 'interrupt') return { state, order: { type: 'quit' } };
  if (key.name === 'suspend') return { state, order: { type: 'suspend' } };
  if (key.name === 'paste' && !state.typing)
    return stay(said(state, 'Pasted text does nothing here; / takes it as a filter.'));
  if (state.asking !== null) return answer(state, key);
  if (state.typing) return stay(type(state, key));
  const calm = { ...state, message: null };
  if (key.name === 'escape') return stay(back(calm));
  const page = currentPage(state);
  if (key.name !== 'text') return stay(page.name === 'board' ? move(calm, key, scene) : scroll(calm, key, scene));
  return letter(calm, key.text, scene);
}

/** Handles the answer to a question. Only y means yes; any other key leaves the run alone. */
function answer(state: State, key: Key): Step {
  const run = state.asking?.cancel ?? 0;
  const yes = key.name === 'text' && key.text.toLowerCase() === 'y';
  const calm: State = { ...state, asking: null, message: yes ? null : `Run ${run} goes on.` };
  return { state: calm, order: yes ? { type: 'cancel', run, now: false } : null };
}

const filterMax = 100;

function type(state: State, key: Key): State {
  if (key.name === 'escape') return { ...state, typing: false, filter: '' };
  if (key.name === 'enter') return { ...state, typing: false };
  if (key.name === 'backspace') return { ...state, filter: cutText(state.filter, state.filter.length - 1) };
  return 'text' in key ? { ...state, filter: cutText(`${state.filter}${clean(key.text)}`, filterMax) } : state;
}

/** Goes one page back. On the board it clears the filter. */
function back(state: State): State {
  const [first, ...rest] = state.pages;
  if (rest.length === 0) return { ...state, filter: '' };
  return { ...state, pages: [first, ...rest.slice(0, -1)] };
}

function open(state: State, page: Page): State {
  return { ...state, pages: [...state.pages, page] };
}

/** Returns by how many lines a key moves down, on a page with `room` lines and a text with `length`. */
function stepOf({ name }: Key, room: number, length: number): number {
  switch (name) {
    case 'up':
      return -1;
    case 'down':
      return 1;
    case 'pageup':
      return -room;
    case 'pagedown':
      return room;
    case 'home':
      return -length;
    case 'end':
      return length;
    default:
      return 0;
  }
}

function move(state: State, key: Key, { rows, room }: Scene): State {
  const row = findRow(state, rows);
  if (key.name === 'enter' || key.name === 'right') return enter(state, row);
  const at = row === null ? 0 : rows.indexOf(row);
  const to = Math.min(Math.max(at + stepOf(key, room, rows.length), 0), Math.max(rows.length - 1, 0));
  return { ...state, chosen: rows[to]?.key ?? null };
}

/** Opens the page of a row. A need without a run opens its task. */
function enter(state: State, row: DashboardRow | null): State {
  const [run, task] = [rowRun(row), rowTask(row)];
  if (row?.section === 'needs' && task !== null) return open(state, { name: 'task', task, scroll: 0 });
  if (run !== null) return open(state, { name: 'run', run, whole: false, scroll: 0 });
  return task === null ? state : open(state, { name: 'task', task, scroll: 0 });
}

const hoursShown = [1, 3, 6, 12, 24, 72] as const;

function scroll(state: State, key: Key, { room, length }: Scene): State {
  const page = currentPage(state);
  if (page.name === 'board') return state;
  if (key.name === 'left' && page.name !== 'timeline') return back(state);
  if (page.name === 'timeline' && (key.name === 'left' || key.name === 'right')) {
    const shift = (key.name === 'left' ? 1 : -1) * (page.hours / 4);
    return replaced(state, { ...page, back: Math.max(0, page.back + shift) });
  }
  // A log is scrolled from its end.
  const step = stepOf(key, room, length) * (page.name === 'run' ? -1 : 1);
  const to = Math.min(Math.max(page.scroll + step, 0), Math.max(0, length - room));
  return replaced(state, { ...page, scroll: to });
}

function replaced(state: State, page: Page): State {
  const [first, ...rest] = state.pages;
  return { ...state, pages: rest.length === 0 ? [page] : [first, ...rest.slice(0, -1), page] };
}

function letter(state: State, text: string, scene: Scene): Step {
  const page = currentPage(state);
  const row = page.name === 'board' ? findRow(state, scene.rows) : null;
  const run = page.name === 'run' ? page.run : rowRun(row);
  const task = page.name === 'run' ? (scene.runs.get(page.run)?.taskId ?? null) : rowTask(row);
  switch (text) {
    case 'q':
      return { state, order: { type: 'quit' } };
    case 'j':
    case 'k':
      return press(state, { name: text === 'j' ? 'down' : 'up' }, scene);
    case '?':
      return stay(page.name === 'help' ? back(state) : open(state, { name: 'help', scroll: 0 }));
    case '/':
      return stay(page.name === 'board' ? { ...state, typing: true } : state);
    case 'g':
      return stay(
        page.name === 'timeline' ? back(state) : open(state, { name: 'timeline', hours: 6, back: 0, scroll: 0 }),
      );
    case '+':
    case '-':
      return stay(
        page.name === 'timeline'
          ? replaced(state, { ...page, hours: zoomed(page.hours, text === '+' ? -1 : 1) })
          : state,
      );
    case 'l':
      if (page.name === 'run') return stay(replaced(state, { ...page, whole: !page.whole, scroll: 0 }));
      return stay(
        run === null
          ? said(state, 'There is no run to show the log of.')
          : open(state, { name: 'run', run, whole: true, scroll: 0 }),
      );
    case 't':
      if (page.name === 'task') return stay(state);
      return stay(
        task === null ? said(state, 'This belongs to no task.') : open(state, { name: 'task', task, scroll: 0 }),
      );
    case 'c':
      return cancel(state, run, scene);
    case 'r':
      return retry(state, run, scene);
    default:
      return stay(state);
  }
}

function zoomed(hours: number, by: 1 | -1): number {
  const at = hoursShown.indexOf(hours as (typeof hoursShown)[number]);
  return hoursShown[Math.min(Math.max(at + by, 0), hoursShown.length - 1)] ?? hours;
}

function said(state: State, message: string): State {
  return { ...state, message };
}

/** Asks before it cancels a run. A run that is already being stopped is killed at once. */
function cancel(state: State, number: number | null, { runs }: Scene): Step {
  const run = number === null ? undefined : runs.get(number);
  if (number === null) return stay(said(state, 'There is no run to cancel.'));
  if (run?.status === 'stopping') return { state, order: { type: 'cancel', run: number, now: true } };
  if (run && run.endedAt !== null) return stay(said(state, `Run ${number} has ended already.`));
  return stay({ ...state, asking: { cancel: number } });
}

function retry(state: State, number: number | null, { runs }: Scene): Step {
  const run = number === null ? undefined : runs.get(number);
  if (number === null) return stay(said(state, 'There is no run to retry.'));
  if (run && run.endedAt === null) return stay(said(state, `Run ${number} has not ended yet; c cancels it.`));
  return { state, order: { type: 'retry', run: number } };
}
