/** Formats tasks. */
import type { CommentView, TaskShowAnswer, TaskView, WakeView } from '#protocol/tasks.ts';
import { formatBudget } from '#run/budget.ts';
import { ClipError } from '#run/errors.ts';
import { clean } from '../terminal/clean.ts';
import { type Colour, paint, type TextStyle } from '../terminal/style.ts';
import { cleanFact, type Fact, formatFacts } from './facts.ts';
import { formatAgo, formatMoment, plural } from './format.ts';
import { historyText } from './history.ts';
import { type Column, table } from './table.ts';

/** Returns the API path of a task. `T7` and `7` mean the same. Throws for anything else. */
export function taskPath(ref: string): string {
  if (/^[Tt]?[1-9]\d{0,14}$/.test(ref)) return `/v1/tasks/${ref.replace(/^t/i, '')}`;
  throw new ClipError(
    'usage',
    `${clean(ref)} is not a task.`,
    'A task is named by its number: T7 or 7. clip task list shows them.',
  );
}

const looks: Readonly<Record<TaskView['status'], readonly [glyph: string, colour: Colour]>> = {
  backlog: ['·', 'gray'],
  todo: ['◦', 'cyan'],
  in_progress: ['●', 'cyan'],
  in_review: ['◉', 'magenta'],
  done: ['✓', 'green'],
  blocked: ['■', 'yellow'],
  cancelled: ['⊘', 'gray'],
};

/** Formats a status with its glyph, and whether the task is paused. */
export function formatTaskStatus({ status, paused }: Pick<TaskView, 'status' | 'paused'>, look: TextStyle): string {
  const [glyph, colour] = looks[status];
  return paint(`${glyph} ${status}${paused === null ? '' : ', paused'}`, colour, look);
}

/** Formats a table of tasks. */
export function taskTable(look: TextStyle, tasks: readonly TaskView[]): string {
  const now = Date.now();
  const columns: Column<TaskView>[] = [
    { title: 'TASK', cell: ({ number }) => `T${number}`, right: true },
    { title: 'STATUS', cell: (task) => formatTaskStatus(task, look) },
    { title: 'ASSIGNEE', cell: ({ assignee }) => clean(assignee ?? '–'), from: 60 },
    ...(tasks.some(({ priority }) => priority !== 0)
      ? [{ title: 'PRIORITY', cell: (task: TaskView) => String(task.priority), right: true, from: 80 }]
      : []),
    { title: 'CHANGED', cell: ({ updatedAt }) => formatAgo(updatedAt, now), right: true, from: 70 },
    { title: 'TITLE', cell: ({ title }) => clean(title), flexible: true },
  ];
  return table(tasks, columns, look);
}

/** Formats all facts of a task: its fields, comments, wakes and history. */
export function taskFacts(look: TextStyle, answer: TaskShowAnswer): string {
  const { task, comments, wakes, activity } = answer;
  const section = (title: string, text: string) => `${paint(title, 'bold', look)}\n${text}`;
  return [
    formatFacts(look, `T${task.number}  ${clean(task.title)}`, listFacts(look, answer)),
    ...(comments.length > 0 ? [section('Comments', comments.map(formatComment).join('\n'))] : []),
    ...(wakes.length > 0 ? [section('Wakes', wakeTable(look, wakes))] : []),
    historyText(look, activity, true),
  ].join('\n\n');
}

function formatComment({ author, text, at }: CommentView): string {
  return `  ${formatMoment(at).slice(0, 16)}  ${clean(author)}: ${clean(text)}`;
}

function listFacts(look: TextStyle, { task, documents, environment }: TaskShowAnswer): Fact[] {
  return [
    ['status', formatTaskStatus(task, look)],
    ['blocked', cleanFact(task.blockedReason)],
    ['paused', cleanFact(task.paused)],
    ['next', cleanFact(task.blockedNext)],
    ['assignee', task.assignee === null ? 'none' : clean(task.assignee)],
    ['kind', task.kind === 'work' ? null : task.kind],
    ['priority', task.priority === 0 ? null : String(task.priority)],
    ['folder', clean(task.cwd ?? task.madeIn)],
    ['about', cleanFact(task.description)],
    ['done when', cleanFact(task.acceptance)],
    ['budget', task.budget === null ? null : formatBudget(task.budget)],
    ['starts left', `${task.budgetLeft} automatic; new work and you renew them`],
    ['held by', task.executionRunId],
    ['environment', task.assigneeAgentId === null ? null : formatEnvironment(environment)],
    [
      'documents',
      documents.length === 0
        ? null
        : documents.map(({ key, revision }) => `${clean(key)} (revision ${revision})`).join(', '),
    ],
  ];
}

/** Formats whose environment the task's automatic runs start from. */
function formatEnvironment({ source, keptAt }: TaskShowAnswer['environment']): string {
  if (source === 'daemon' || keptAt === null) return "the daemon's own (clip continue from a shell keeps that shell's)";
  return `as it was when you assigned or last continued the task, ${formatAgo(keptAt, Date.now())}`;
}

function wakeTable(look: TextStyle, wakes: readonly WakeView[]): string {
  const now = Date.now();
  return table(
    wakes.slice(0, 10),
    [
      { title: '  REASON', cell: ({ reason }) => `  ${reason}` },
      {
        title: 'STATUS',
        cell: ({ status, coalescedCount }) =>
          `${status}${coalescedCount === 0 ? '' : ` (and ${plural(coalescedCount, 'more', 'more')})`}`,
      },
      { title: 'AGENT', cell: ({ agent }) => clean(agent ?? '–'), from: 60 },
      { title: 'REQUESTED', cell: ({ requestedAt }) => formatAgo(requestedAt, now), right: true, from: 60 },
      { title: 'ERROR', cell: ({ error }) => clean(error ?? ''), flexible: true },
    ],
    look,
  );
}
