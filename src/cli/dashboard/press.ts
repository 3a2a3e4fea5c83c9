/**
 * The change of the state by a key. Pure: an action outside of the dashboard is returned as a request. A question or an
 * open input receives all keys.
 */
import { hasText, isSearch, pressInForm } from './forms.ts';
import type { Key } from './keys.ts';
import { pressLetter } from './letters.ts';
import { pressInList, pressOnPage, scrollOf, showMatch } from './move.ts';
import { findRow } from './rows.ts';
import { firstMatch } from './search.ts';
import { back, currentPage, errorsOf, type Question, type Scene, type State, type Step, said, stay } from './state.ts';

/** Returns the state after a key, and what it requests outside of the dashboard. */
export function press(state: State, key: Key, scene: Scene): Step {
  if (key.name === 'interrupt') return { state, order: { type: 'quit' } };
  if (key.name === 'suspend') return { state, order: { type: 'suspend' } };
  if (key.name === 'wheelup' || key.name === 'wheeldown') return stay(turn(state, key, scene));
  const { form, asking } = state;
  if (key.name === 'paste' && form === null)
    return stay(said(state, 'Pasted text does nothing here; / takes it as a filter.'));
  if (asking !== null) return answer(state, asking, key);
  const calm: State = { ...remembered(state, scene), notices: errorsOf(state), prefixed: false };
  if (form !== null)
    return isSearch(state) && key.name === 'enter' ? search(calm, scene) : pressInForm(calm, form, key);
  if (key.name === 'escape') return stay(calm.notices.length > 0 ? readError(calm) : back(calm));
  if (key.name === 'text') return pressText(state.prefixed, calm, key.text, scene);
  return stay(currentPage(state).name === 'board' ? pressInList(calm, key, scene) : pressOnPage(calm, key, scene));
}

/** Remembers the chosen row and its place among the rows. */
function remembered(state: State, { rows }: Scene): State {
  const row = findRow(state, rows);
  if (row === null || (state.chosen === null && row === rows[0])) return state;
  return { ...state, chosen: row.key, place: rows.indexOf(row) };
}

/** Handles a letter. `gg` goes to the beginning, and `G` to the end. */
function pressText(prefixed: boolean, state: State, text: string, scene: Scene): Step {
  const go = (key: Key) => press(state, key, scene);
  switch (text) {
    case 'g':
      return prefixed ? go({ name: 'home' }) : stay({ ...state, prefixed: true });
    case 'G':
      return go({ name: 'end' });
    case 'j':
      return go({ name: 'down' });
    case 'k':
      return go({ name: 'up' });
    default:
      return pressLetter(state, text, scene);
  }
}

/** Turns the wheel: by rows on the board, by some lines in a text. It leaves notices as they are. */
function turn(state: State, { name }: Key, scene: Scene): State {
  if (state.form !== null || state.asking !== null) return state;
  const key: Key = { name: name === 'wheelup' ? 'up' : 'down' };
  if (currentPage(state).name === 'board') return pressInList(state, key, scene);
  return Array.from({ length: wheelLines }).reduce<State>((turned) => pressOnPage(turned, key, scene), state);
}

const wheelLines = 3;

/** Handles the answer to a question. Only y means yes; any other key leaves the run alone. */
function answer(state: State, { action, run }: Question, key: Key): Step {
  const calm: State = { ...state, asking: null, notices: errorsOf(state) };
  const yes = key.name === 'text' && key.text.toLowerCase() === 'y';
  if (!yes) return stay(said(calm, action === 'cancel' ? `Run ${run} goes on.` : `Run ${run} is kept.`));
  return { state: calm, order: action === 'cancel' ? { type: 'cancel', run, now: false } : { type: 'remove', run } };
}

/** Removes the newest error, which has been read. */
function readError(state: State): State {
  return { ...state, notices: errorsOf(state).slice(0, -1) };
}

/** Begins a search, and shows its first match. */
function search(state: State, scene: Scene): Step {
  const query = state.form?.input.text.trim() ?? '';
  const closed: State = { ...state, form: null };
  if (!hasText(state) || scene.text === null) return stay(said(closed, 'There is no text to search in yet.'));
  if (query === '') return stay(showMatch(closed, scene, null));
  const at = firstMatch(scene.text, query, visiblePart(state, scene));
  if (at === null) return stay(said(closed, `Nothing here contains ${query}.`));
  return stay(showMatch(closed, scene, { query, at }));
}

/** Returns the first line that the page shows of its text, and whether it shows the end. */
function visiblePart(state: State, { room, length }: Scene): { from: number; isEnd: boolean } {
  const page = currentPage(state);
  const end = Math.max(0, length - room);
  if (page.name === 'task') return { from: page.scroll, isEnd: page.scroll >= end };
  const scroll = page.name === 'run' ? scrollOf(page, length) : 0;
  return { from: end - scroll, isEnd: scroll === 0 };
}
