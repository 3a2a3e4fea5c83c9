/** The foot of the screen: what was said, and below it a question, an open input, or the keys. Pure. */

import { cutToWidth, measureWidth } from '../../terminal/width.ts';
import { formatLabel, listChoices } from '../forms.ts';
import { formatMatch } from '../search.ts';
import { currentPage, type Form, type Notice, type Scene, type State } from '../state.ts';
import { findTarget } from '../target.ts';
import { visibleInput } from '../text-input.ts';
import { fitting, wrapped } from './lines.ts';

export type Foot =
  | { readonly kind: 'question'; readonly text: string }
  | { readonly kind: 'keys'; readonly place: string; readonly keys: string; readonly always: string }
  | {
      readonly kind: 'form';
      readonly label: string;
      /** The text before and after the cursor, as much as fits. */
      readonly before: string;
      readonly after: string;
      readonly choices: readonly { readonly label: string; readonly picked: boolean }[];
      readonly hint: string;
      /** Whether the hint stands on a line of its own, after the choices. */
      readonly tall: boolean;
    };

/** Returns the number of lines that the foot takes, without the notices. */
export function footHeight({ form }: State): number {
  return form !== null && isTall(form) ? 2 : 1;
}

const isTall = ({ purpose }: Form): boolean => purpose.kind !== 'filter' && purpose.kind !== 'search';

/** Builds the foot. `at`: the place within the page, from 1 on. */
export function buildFoot(state: State, scene: Scene, { columns, at }: { columns: number; at: Place }): Foot {
  const { asking, form } = state;
  if (asking !== null) return { kind: 'question', text: formatQuestion(asking) };
  if (form !== null) return formFoot(form, state, columns);
  const all = keysOf(state, scene);
  const always = all.slice(-2).join('  ');
  const place = cutToWidth(formatPlace(state, scene, at), Math.max(1, columns - measureWidth(always) - 2));
  const room = columns - measureWidth(always) - 2 - (place === '' ? 0 : measureWidth(place) + 2);
  return { kind: 'keys', place, keys: fitting(all.slice(0, -2), room), always };
}

/** A place within a page, for example line 371 of 400. */
type Place = { readonly at: number; readonly of: number };

function formatPlace(state: State, { text }: Scene, { at, of }: Place): string {
  const page = currentPage(state);
  const search = page.name === 'run' || page.name === 'task' ? page.search : null;
  const parts = [
    ...(search === null || text === null
      ? []
      : [`/${search.query} ${formatMatch(text.lines, search.query, search.at)}`]),
    ...(page.name === 'board' && state.filter !== '' ? [`filter: ${state.filter}`] : []),
    ...(of === 0 ? [] : [`${at}/${of}`]),
  ];
  return parts.join('  ');
}

function formatQuestion({ action, run }: NonNullable<State['asking']>): string {
  const what =
    action === 'cancel'
      ? `Cancel run ${run} and all that it started?`
      : `Remove run ${run} with its logs and its history?`;
  return `${what}  y yes · any other key no`;
}

function formFoot(form: Form, { agents }: State, columns: number): Foot {
  const { purpose, input } = form;
  const label = cutToWidth(formatLabel(purpose), Math.ceil(columns / 2));
  const tall = isTall(form);
  const hint = hintOf(form);
  const room = columns - measureWidth(label) - (tall ? 0 : measureWidth(hint) + 2);
  const choices = listChoices(form, agents) ?? [];
  return {
    kind: 'form',
    label,
    ...visibleInput(input, room),
    choices: fittingChoices(
      choices.map(({ label: each }, at) => ({ label: each, picked: at === form.picked })),
      columns,
    ),
    hint,
    tall,
  };
}

function hintOf({ purpose }: Form): string {
  switch (purpose.kind) {
    case 'filter':
      return '⏎ keep  Esc show all';
    case 'search':
      return '⏎ search  Esc cancel';
    case 'assign':
    case 'new-task-assignee':
    case 'new-run':
      return 'Tab next  ⏎ take  Esc cancel';
    default:
      return '⏎ send  Esc cancel';
  }
}

/** Returns the choices that fit, from one on that leaves room for the picked one. */
function fittingChoices<T extends { readonly label: string; readonly picked: boolean }>(
  choices: readonly T[],
  columns: number,
): readonly T[] {
  const widths = choices.map(({ label }) => measureWidth(label) + 4);
  const widthOf = (from: number, to: number) => widths.slice(from, to).reduce((sum, width) => sum + width, 0);
  const picked = choices.findIndex((choice) => choice.picked);
  let from = 0;
  while (from < picked && widthOf(from, picked + 1) > columns) from += 1;
  let to = from;
  while (to < choices.length && widthOf(from, to + 1) <= columns) to += 1;
  return choices.slice(from, Math.max(to, from + 1));
}

const noticeLines = 4;

/** A line of the notices. */
export type NoticeLine = { readonly kind: Notice['kind']; readonly text: string };

/** Wraps the newest error and the newest result. */
export function buildNotices({ notices }: State, columns: number): NoticeLine[] {
  const errors = notices.filter(({ kind }) => kind === 'error');
  const error = errors.at(-1);
  const result = notices.findLast(({ kind }) => kind === 'result');
  const more = errors.length > 1 ? `, then ${errors.length - 1} more` : '';
  return [
    ...(error === undefined ? [] : linesOf({ ...error, text: `✗ ${error.text}  (Esc: read${more})` }, columns)),
    ...(result === undefined ? [] : linesOf(result, columns)),
  ];
}

function linesOf({ kind, text }: Notice, columns: number): NoticeLine[] {
  return wrapped([text], columns, 2)
    .slice(0, noticeLines)
    .map((line) => ({ kind, text: line }));
}

const last = ['? help', 'q quit'] as const;
const keysOfPages = {
  run: ['↑↓ scroll', 'Esc back', 'l whole log', '/ search', 'n N next, previous', 'm continue', 't task'],
  task: ['↑↓ scroll', 'Esc back', 'm continue', 'D done', 'C comment', 'a assign', '/ search', 'p pause agent'],
  timeline: ['←→ earlier, later', '+- hours', '↑↓ scroll', 'Esc back'],
  help: ['↑↓ scroll', 'Esc close'],
} as const;

/** Returns the keys that do something here, the most useful first. The last two are always shown. */
function keysOf(state: State, scene: Scene): readonly string[] {
  const page = currentPage(state);
  const { run, view, task, row } = findTarget(state, scene);
  const ended = view !== null && view.endedAt !== null;
  const ofRun = run === null ? [] : [ended ? 'r retry' : 'c cancel'];
  if (page.name === 'help') return [...keysOfPages.help, ...last];
  if (page.name === 'run') return [...keysOfPages.run.slice(0, 3), ...ofRun, ...keysOfPages.run.slice(3), ...last];
  if (page.name !== 'board') return [...keysOfPages[page.name], ...last];
  const start = ['n new task', 'N new run', '/ filter', 'T timeline'];
  if (row === null) return [...start, ...last];
  const ofTask = task === null ? [] : ['m continue', 'D done', 't task', 'C comment', 'a assign'];
  const words = task === null && ended && view.agentName !== null ? ['m continue'] : [];
  if (row.section === 'needs')
    return ['⏎ open', ...words, ...ofTask.slice(0, 2), ...ofRun, 'x dismiss', ...ofTask.slice(4), ...start, ...last];
  return ['⏎ open', 'l log', ...ofRun, ...words, ...ofTask.slice(0, 3), ...start, ...last];
}
