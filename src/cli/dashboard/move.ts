/** Moving: through the rows of the board, and through the text of a page. Pure. */
import type { Key } from './keys.ts';
import { type DashboardRow, findRow, rowRun, rowTask } from './rows.ts';
import {
  back,
  currentPage,
  open,
  type Page,
  pageOfRun,
  pageOfTask,
  replaced,
  type Scene,
  type Search,
  type State,
} from './state.ts';

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

/** Chooses a row of the board, or opens the chosen one. */
export function pressInList(state: State, key: Key, { rows, room }: Scene): State {
  const row = findRow(state, rows);
  if (key.name === 'enter' || key.name === 'right') return enter(state, row);
  const at = row === null ? -1 : rows.indexOf(row);
  if (key.name === 'tab' || key.name === 'backtab')
    return { ...state, chosen: sectionStart(rows, at, key.name === 'tab' ? 1 : -1) };
  const to = Math.min(Math.max(at + stepOf(key, room, rows.length), 0), rows.length - 1);
  return { ...state, chosen: rows[to]?.key ?? null };
}

/** Returns the first row of the next section, or of the one before. After the last section comes the first. */
function sectionStart(rows: readonly DashboardRow[], at: number, by: 1 | -1): string | null {
  const starts = rows.filter(({ section }, index) => section !== rows[index - 1]?.section);
  const current = starts.findIndex(({ section }) => section === rows[at]?.section);
  return starts[(current + by + starts.length) % Math.max(1, starts.length)]?.key ?? null;
}

/** Opens the page of a row. A need without a run opens its task. */
function enter(state: State, row: DashboardRow | null): State {
  const [run, task] = [rowRun(row), rowTask(row)];
  if (row?.section === 'needs' && task !== null) return open(state, pageOfTask(task));
  if (run !== null) return open(state, pageOfRun(run, false));
  return task === null ? state : open(state, pageOfTask(task));
}

/** Scrolls a page, or leaves it. */
export function pressOnPage(state: State, key: Key, { room, length }: Scene): State {
  const page = currentPage(state);
  if (page.name === 'board') return state;
  if (key.name === 'left' && page.name !== 'timeline') return back(state);
  if (page.name === 'timeline' && (key.name === 'left' || key.name === 'right')) {
    const shift = (key.name === 'left' ? 1 : -1) * (page.hours / 4);
    return replaced(state, { ...page, back: Math.max(0, page.back + shift) });
  }
  const most = Math.max(0, length - room);
  const step = stepOf(key, room, length);
  if (page.name !== 'run') return replaced(state, { ...page, scroll: within(page.scroll + step, most) });
  // A log is scrolled from its end.
  return replaced(state, { ...page, length, scroll: within(scrollOf(page, length) - step, most) });
}

const within = (to: number, most: number): number => Math.min(Math.max(to, 0), most);

/** Returns how many lines up from the end a log is read. Lines that were added since then come below. */
export function scrollOf(page: Extract<Page, { name: 'run' }>, length: number): number {
  return page.scroll === 0 ? 0 : page.scroll + Math.max(0, length - page.length);
}

/** Scrolls to the match of a search, which is then in the upper third of the page. */
export function showMatch(state: State, { room, length, text }: Scene, search: Search | null): State {
  const page = currentPage(state);
  if (page.name !== 'run' && page.name !== 'task') return state;
  if (search === null || search.at === null || text === null) return replaced(state, { ...page, search });
  const most = Math.max(0, length - room);
  const from = within((text.starts[search.at] ?? 0) - Math.floor(room / 3), most);
  return replaced(
    state,
    page.name === 'run' ? { ...page, search, length, scroll: most - from } : { ...page, search, scroll: from },
  );
}
