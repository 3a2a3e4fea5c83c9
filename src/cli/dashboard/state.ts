/**
 * The state of the dashboard. Pages form a stack with the board at the bottom. `press` changes the state by a key, and
 * returns actions outside of the dashboard as requests.
 */
import type { RunView } from '#protocol/answers.ts';
import type { TaskView } from '#protocol/tasks.ts';
import type { DashboardRow } from './rows.ts';
import type { SearchableText } from './search.ts';
import type { TextInput } from './text-input.ts';

/** A search in the text of a page. `at`: the line of the current match. Null when nothing matches. */
export type Search = { readonly query: string; readonly at: number | null };

export type Page =
  | { readonly name: 'board' }
  /**
   * `whole`: only the log. `scroll`: lines up from the end; 0 follows the log. `length`: the lines that the log had then,
   * so that a growing log stays where it is read.
   */
  | {
      readonly name: 'run';
      readonly run: number;
      readonly whole: boolean;
      readonly scroll: number;
      readonly length: number;
      readonly search: Search | null;
    }
  /** `scroll`: lines down from the beginning. */
  | { readonly name: 'task'; readonly task: number; readonly scroll: number; readonly search: Search | null }
  | { readonly name: 'timeline'; readonly hours: number; readonly back: number; readonly scroll: number }
  | { readonly name: 'help'; readonly scroll: number };

/** What an open input is for. */
export type Purpose =
  | { readonly kind: 'filter' | 'search' | 'new-task' | 'new-run' }
  | { readonly kind: 'continue'; readonly task: number | null; readonly run: number | null }
  | { readonly kind: 'comment' | 'assign'; readonly task: number }
  | { readonly kind: 'new-task-assignee'; readonly title: string }
  | { readonly kind: 'new-run-line'; readonly agent: string | null };

/** An open input. `picked`: the index of the chosen suggestion. */
export type Form = { readonly purpose: Purpose; readonly input: TextInput; readonly picked: number };

/** `result`: is gone after the next key. `error`: stays until Esc. */
export type Notice = { readonly kind: 'result' | 'error'; readonly text: string };

export type Question = { readonly action: 'cancel' | 'remove'; readonly run: number };

export type State = {
  readonly pages: readonly [Page, ...Page[]];
  /** The key of the chosen row. Null chooses the first. */
  readonly chosen: string | null;
  /** Its place at the last key. When the row has gone, the one at its place is chosen. */
  readonly place: number;
  readonly filter: string;
  readonly form: Form | null;
  readonly asking: Question | null;
  readonly notices: readonly Notice[];
  /** Whether a first g was pressed. */
  readonly prefixed: boolean;
  /** The names of the agents, for suggestions. Null until they were read. */
  readonly agents: readonly string[] | null;
  /** The last request with typed words that failed. The next input for the same begins with these words. */
  readonly unsent: ActionRequest | null;
};
/** The state at the start. */
export const begin: State = {
  pages: [{ name: 'board' }],
  chosen: null,
  place: 0,
  filter: '',
  form: null,
  asking: null,
  notices: [],
  prefixed: false,
  agents: null,
  unsent: null,
};

export type ActionRequest =
  | { readonly type: 'quit' }
  | { readonly type: 'suspend' }
  | { readonly type: 'list-agents' }
  | { readonly type: 'cancel'; readonly run: number; readonly now: boolean }
  | { readonly type: 'retry'; readonly run: number }
  | { readonly type: 'remove'; readonly run: number }
  | { readonly type: 'dismiss-run'; readonly run: number }
  | { readonly type: 'dismiss-task'; readonly task: number }
  | { readonly type: 'done'; readonly task: number }
  | { readonly type: 'continue-task'; readonly task: number; readonly words: string }
  | { readonly type: 'continue-run'; readonly run: number; readonly words: string }
  | { readonly type: 'comment'; readonly task: number; readonly words: string }
  | { readonly type: 'add-task'; readonly words: string; readonly assignee: string | null }
  | { readonly type: 'start-run'; readonly words: string; readonly agent: string | null }
  | { readonly type: 'assign'; readonly task: number; readonly assignee: string | null }
  | { readonly type: 'toggle-pause'; readonly agent: string }
  | { readonly type: 'prioritize'; readonly task: number; readonly by: 1 | -1 }
  | { readonly type: 'copy'; readonly text: string }
  | { readonly type: 'copy-folder'; readonly place: Place }
  | { readonly type: 'open-folder'; readonly place: Place };

/** A folder: its path, or the task whose folder it is. */
export type Place = { readonly folder: string } | { readonly task: number };

/** The content of the screen that keys act on. */
export type Scene = {
  readonly rows: readonly DashboardRow[];
  readonly runs: ReadonlyMap<number, RunView>;
  /** The run and the task of the opened page, once they were read. */
  readonly run: RunView | null;
  readonly task: TaskView | null;
  /** The lines that a page has for its text, and the lines that the text has. */
  readonly room: number;
  readonly length: number;
  /** The text that can be searched. Null on pages without one. */
  readonly text: SearchableText | null;
};

export type Step = { readonly state: State; readonly order: ActionRequest | null };

/** Returns a step that requests nothing. */
export const stay = (state: State): Step => ({ state, order: null });

/** Returns the page on top. */
export const currentPage = ({ pages }: State): Page => pages.at(-1) as Page;

/** Returns the page that is shown: the one on top, or the one below the help. */
export const shownPage = ({ pages }: State): Page =>
  pages.findLast((page): page is Exclude<Page, { name: 'help' }> => page.name !== 'help') ?? pages[0];

/** Goes one page back. On the board it clears the filter. */
export function back(state: State): State {
  const [first, ...rest] = state.pages;
  if (rest.length === 0) return { ...state, filter: '' };
  return { ...state, pages: [first, ...rest.slice(0, -1)] };
}

/** Opens a page on top of the others. */
export function open(state: State, page: Page): State {
  return { ...state, pages: [...state.pages, page] };
}

/** Replaces the page on top. */
export function replaced(state: State, page: Page): State {
  const [first, ...rest] = state.pages;
  return { ...state, pages: rest.length === 0 ? [page] : [first, ...rest.slice(0, -1), page] };
}

/** Returns the page of a run, at the end of its log. */
export function pageOfRun(run: number, whole: boolean): Page {
  return { name: 'run', run, whole, scroll: 0, length: 0, search: null };
}

/** Returns the page of a task, at its beginning. */
export function pageOfTask(task: number): Page {
  return { name: 'task', task, scroll: 0, search: null };
}

/** Shows a sentence about what a key did or did not do. Errors that were not read stay. */
export function said(state: State, text: string): State {
  return { ...state, notices: [...errorsOf(state), { kind: 'result', text }] };
}

/** Shows the result of a request. After an error, the words of the request are kept for the next attempt. */
export function finished(state: State, order: ActionRequest, notice: Notice): State {
  if (notice.kind === 'result') return { ...said(state, notice.text), unsent: null };
  return {
    ...state,
    notices: [...errorsOf(state), notice].slice(-errorsKept),
    unsent: 'words' in order ? order : null,
  };
}

const errorsKept = 10;

/** Returns the errors that were not read yet. */
export function errorsOf({ notices }: State): Notice[] {
  return notices.filter(({ kind }) => kind === 'error');
}
