/** The inputs of the dashboard: what they ask for, and what follows when they are sent. Pure. */

import { wireLimits } from '#protocol/wire-limits.ts';
import { limits } from '#run/limits.ts';
import type { Key } from './keys.ts';
import {
  type ActionRequest,
  currentPage,
  type Form,
  type Purpose,
  type State,
  type Step,
  said,
  stay,
} from './state.ts';
import { editInput, startInput } from './text-input.ts';

/** One of the answers that an input suggests. */
export type Choice = { readonly label: string; readonly value: string | null };

/** Opens an input. It begins with the words of the last attempt for the same purpose, if that failed. */
export function openForm(state: State, purpose: Purpose, text?: string): Step {
  const input = startInput(text ?? unsentWords(state.unsent, purpose));
  const asks = choicesOf[purpose.kind] !== undefined;
  return { state: { ...state, form: { purpose, input, picked: 0 } }, order: asks ? { type: 'list-agents' } : null };
}

function unsentWords(unsent: ActionRequest | null, purpose: Purpose): string {
  if (unsent === null || !('words' in unsent)) return '';
  const same =
    (unsent.type === 'continue-task' && purpose.kind === 'continue' && purpose.task === unsent.task) ||
    (unsent.type === 'continue-run' && purpose.kind === 'continue' && purpose.run === unsent.run) ||
    (unsent.type === 'comment' && purpose.kind === 'comment' && purpose.task === unsent.task) ||
    (unsent.type === 'add-task' && purpose.kind === 'new-task') ||
    (unsent.type === 'start-run' && purpose.kind === 'new-run-line' && purpose.agent === unsent.agent);
  return same ? unsent.words : '';
}

/** Returns the longest text that an input takes, and whether it keeps line breaks. */
function acceptedBy({ kind }: Purpose): { max: number; lines: boolean } {
  switch (kind) {
    case 'continue':
    case 'comment':
      return { max: wireLimits.commentLength, lines: true };
    case 'new-run-line':
      return { max: limits.argumentBytesMax, lines: true };
    case 'new-task':
      return { max: wireLimits.titleLength, lines: false };
    default:
      return { max: 100, lines: false };
  }
}

/** Returns the words before the input. */
export function formatLabel(purpose: Purpose): string {
  switch (purpose.kind) {
    case 'filter':
    case 'search':
      return '/';
    case 'continue':
      return `Continue ${purpose.task === null ? `run ${purpose.run}` : `T${purpose.task}`} with: `;
    case 'comment':
      return `Comment on T${purpose.task}: `;
    case 'assign':
      return `Assign T${purpose.task} to: `;
    case 'new-task':
      return 'Title of the new task: ';
    case 'new-task-assignee':
      return 'Assign it to: ';
    case 'new-run':
      return 'Run: ';
    case 'new-run-line':
      return purpose.agent === null ? 'Command: ' : `Prompt for ${purpose.agent}: `;
  }
}

const assignees = (agents: readonly string[]): Choice[] => [
  { label: 'none', value: null },
  { label: 'me', value: 'me' },
  ...agents.map((name) => ({ label: name, value: name })),
];

const choicesOf: Partial<Record<Purpose['kind'], (agents: readonly string[]) => Choice[]>> = {
  'new-task-assignee': assignees,
  assign: (agents) => {
    const [none, me, ...others] = assignees(agents);
    return [...others, ...(me ? [me] : []), ...(none ? [none] : [])];
  },
  'new-run': (agents) => [{ label: 'a command', value: null }, ...agents.map((name) => ({ label: name, value: name }))],
};

/** Returns the suggestions that contain the typed text. Null for an input without suggestions. */
export function listChoices({ purpose, input }: Form, agents: readonly string[] | null): Choice[] | null {
  const all = choicesOf[purpose.kind]?.(agents ?? []);
  if (all === undefined) return null;
  const typed = input.text.trim().toLowerCase();
  const rank = ({ label }: Choice) => (label.toLowerCase().startsWith(typed) ? 0 : 1);
  return all.filter(({ label }) => label.toLowerCase().includes(typed)).sort((a, b) => rank(a) - rank(b));
}

/** Returns the state after a key in an open input, and what was requested when it was sent. */
export function pressInForm(state: State, form: Form, key: Key): Step {
  if (key.name === 'escape') return stay(closed(state, form.purpose.kind === 'filter' ? { filter: '' } : {}));
  if (key.name === 'enter') return send(state, form);
  const choices = listChoices(form, state.agents);
  const by = choices === null ? 0 : stepThrough(key);
  if (choices !== null && by !== 0) {
    const count = Math.max(1, choices.length);
    return stay({ ...state, form: { ...form, picked: (form.picked + by + count) % count } });
  }
  const input = editInput(form.input, key, acceptedBy(form.purpose));
  if (input === form.input) return stay(state);
  const picked = input.text === form.input.text ? form.picked : 0;
  const filter = form.purpose.kind === 'filter' ? input.text : state.filter;
  return stay({ ...state, filter, form: { ...form, input, picked } });
}

function stepThrough({ name }: Key): number {
  return name === 'tab' || name === 'down' ? 1 : name === 'backtab' || name === 'up' ? -1 : 0;
}

const closed = (state: State, change: Partial<State> = {}): State => ({ ...state, ...change, form: null });

/** Sends an input. Inputs that need words stay open without them. */
function send(state: State, form: Form): Step {
  const { purpose, input } = form;
  const choices = listChoices(form, state.agents);
  const choice = choices?.[form.picked] ?? null;
  if (choices !== null && choice === null && state.agents !== null)
    return stay(said(state, `There is no agent called ${input.text.trim()}. clip agent add makes one.`));
  // Until the names are known, the daemon decides whether there is such an agent.
  const who = choice === null ? input.text.trim() : choice.value;
  const words = input.text.trim();
  const order = (request: ActionRequest): Step => ({ state: closed(state), order: request });
  switch (purpose.kind) {
    case 'filter':
    case 'search':
      return stay(closed(state));
    case 'continue':
      return order(
        purpose.task === null
          ? { type: 'continue-run', run: purpose.run ?? 0, words }
          : { type: 'continue-task', task: purpose.task, words },
      );
    case 'assign':
      return order({ type: 'assign', task: purpose.task, assignee: who });
    case 'new-task-assignee':
      return order({ type: 'add-task', words: purpose.title, assignee: who });
    case 'new-run':
      return openForm(closed(state), { kind: 'new-run-line', agent: who });
    default:
      if (words === '') return stay(said(state, 'Type something, or leave with Esc.'));
      return sendWords(state, purpose, words);
  }
}

function sendWords(state: State, purpose: Purpose, words: string): Step {
  if (purpose.kind === 'new-task') return openForm(closed(state), { kind: 'new-task-assignee', title: words });
  if (purpose.kind === 'comment')
    return { state: closed(state), order: { type: 'comment', task: purpose.task, words } };
  const agent = purpose.kind === 'new-run-line' ? purpose.agent : null;
  return { state: closed(state), order: { type: 'start-run', words, agent } };
}

/** Returns whether the open input searches the text of the page. */
export function isSearch({ form }: State): boolean {
  return form?.purpose.kind === 'search';
}

/** Returns whether the page on top has a text to search in. */
export function hasText(state: State): boolean {
  const { name } = currentPage(state);
  return name === 'run' || name === 'task';
}
