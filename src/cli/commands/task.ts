import { resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseBudget } from '#protocol/budget.ts';
import type { EditTaskRequest, MoveRequest, NewTaskRequest, TaskAnswer, TaskView } from '#protocol/tasks.ts';
import type { Budget } from '#run/budget.ts';
import { ClipError } from '#run/errors.ts';
import { limits } from '#run/limits.ts';
import { taskKinds, taskStatuses } from '#task/task.ts';
import type { Register } from '../command.ts';
import type { Context } from '../context.ts';
import { taskFacts, taskPath, taskTable } from '../format/task.ts';
import { clean } from '../terminal/clean.ts';
import { type Cleared, cleared, orNone } from './agent-options.ts';
import { collect, positiveNumber, wholeNumber } from './options.ts';
import { collectEnvironment, readInput } from './run-request.ts';
import { addTaskDocuments } from './task-doc.ts';

type Fields = {
  title?: string;
  description?: string;
  accept?: string;
  assign?: string;
  kind?: TaskView['kind'];
  priority?: number;
  budget?: Budget | Cleared;
  cwd?: string;
  backlog?: boolean;
  json?: boolean;
};

/** Adds `clip task`. */
export function addTask(program: Command, register: Register): void {
  const task = program.command('task').description('tasks: pieces of work that runs serve');
  addAdd(task, register);
  addList(task, register);
  task
    .command('show <task>')
    .description('everything about one task: comments, documents, wakes, history')
    .option('--json', 'as JSON')
    .action((ref: string, options: { json?: boolean }) =>
      register(options, async (context) => {
        const answer = await context.client().call('GET', taskPath(ref));
        if (context.json) context.printJson(answer as object);
        else context.print(taskFacts(context.look, answer as never));
        return 0;
      }),
    );
  addEdit(task, register);
  addMoves(task, register);
  task
    .command('comment <task> <text...>')
    .description('say something on a task; its next run is told; - reads it')
    .option('--json', 'as JSON')
    .action((ref: string, words: string[], options: { json?: boolean }) =>
      register(options, async (context) => {
        const answer = await context
          .client()
          .call('POST', `${taskPath(ref)}/comments`, { text: readText(words.join(' ')) });
        if (context.json) context.printJson(answer as object);
        else context.print('The comment is kept; the next run of the task is told.');
        return 0;
      }),
    );
  addTaskDocuments(task, register);
}

function addAdd(task: Command, register: Register): void {
  settings(task.command('add <title...>').description('a new task; one that is assigned to an agent starts'))
    .option('--assign <who>', 'an agent, or me')
    .option('--backlog', 'only note it down')
    .action((words: string[], options: Fields) =>
      register(options, async (context) => {
        const { title: _, ...fields } = readFields(context, options);
        const request: NewTaskRequest = {
          ...fields,
          title: words.join(' '),
          madeIn: context.cwd(),
          assignee: options.assign ?? null,
          inBacklog: options.backlog ?? false,
          environment: options.assign === undefined ? null : collectEnvironment(context.env),
        };
        const { task: added, note } = await context.client().call<TaskAnswer>('POST', '/v1/tasks', request);
        if (context.json) context.printJson({ schema: 1, task: added, ...(note ? { note } : {}) });
        else {
          context.print(`T${added.number}`);
          if (note) context.notice(clean(note));
          if (context.look.width !== null) context.notice(formatAdded(added));
        }
        return 0;
      }),
    );
}

function formatAdded({ number, assignee, status, blockedReason }: TaskView): string {
  if (status === 'blocked') return `T${number} is blocked. ${clean(blockedReason ?? '')}`;
  if (assignee === null || assignee === 'me' || status === 'backlog')
    return `T${number} is ${status}. Give it to an agent: clip task assign T${number} AGENT`;
  return `Agent ${clean(assignee)} is woken. What comes of it: clip ledger T${number}`;
}

function addList(task: Command, register: Register): void {
  task
    .command('list')
    .alias('ls')
    .description('tasks, newest first; open ones unless asked otherwise')
    .option('--status <status>', `only these: ${taskStatuses.join(', ')} (repeatable)`, status)
    .option('--assignee <who>', 'only of this agent, or me')
    .option('--all', 'closed ones, too')
    .option('--limit <n>', `how many (default ${limits.pageTasks})`, positiveNumber)
    .option('--json', 'as JSON')
    .action((options: { status?: string[]; assignee?: string; all?: boolean; limit?: number; json?: boolean }) =>
      register(options, async (context) => {
        const query = new URLSearchParams();
        const open = taskStatuses.filter((each) => each !== 'done' && each !== 'cancelled');
        for (const each of options.status ?? (options.all ? [] : open)) query.append('status', each);
        if (options.assignee !== undefined) query.set('assignee', options.assignee);
        if (options.limit !== undefined) query.set('limit', String(options.limit));
        const page = await context
          .client()
          .call<{ tasks: TaskView[]; next: number | null }>('GET', `/v1/tasks?${query}`);
        if (context.json) context.printJson(page);
        else if (page.tasks.length === 0) context.notice(formatNone(options));
        else {
          context.print(taskTable(context.look, page.tasks));
          if (page.next !== null) context.notice('Older tasks are not shown: --limit N');
        }
        return 0;
      }),
    );
}

function formatNone({
  status: wanted,
  assignee,
  all,
}: {
  status?: string[];
  assignee?: string;
  all?: boolean;
}): string {
  if (wanted !== undefined || assignee !== undefined) return 'No task fits. All of them: clip task list --all';
  return all
    ? 'No tasks. Add one: clip task add "…" --assign AGENT'
    : 'No open tasks. Add one: clip task add "…" --assign AGENT   Closed ones: clip task list --all';
}

function status(text: string, before: string[] | undefined): string[] {
  if (!(taskStatuses as readonly string[]).includes(text))
    throw new InvalidArgumentError(`It must be one of ${taskStatuses.join(', ')}.`);
  return collect(text, before);
}

function addEdit(task: Command, register: Register): void {
  settings(task.command('edit <task>').description('change what a task says; what is not given stays; "none" clears'))
    .option('--title <text>', 'another title')
    .action((ref: string, options: Fields) =>
      register(options, async (context) => {
        const fields = readFields(context, options);
        if (Object.keys(fields).length === 0)
          throw new ClipError(
            'usage',
            'There is nothing to change.',
            'clip task edit --help lists what can be changed.',
          );
        return say(context, await context.client().call('PATCH', taskPath(ref), fields), 'is changed');
      }),
    );
}

function settings(command: Command): Command {
  return command
    .option('--description <text>', 'what it is about; - reads it')
    .option('--accept <text>', 'when it is done')
    .addOption(new Option('--kind <kind>', 'work, or words: a plan or a document').choices(taskKinds))
    .option('--priority <n>', 'higher starts first (default 0)', wholeNumber)
    .option('--cwd <dir>', 'work folder of its runs (default: the agent’s, else this one)')
    .option(
      '--budget <amount>',
      'what all its runs together may use: 5usd, 500k tokens, 20runs, 3h; "none" for no limit',
      orNone((text) => parseBudget(text, '--budget')),
    )
    .option('--json', 'as JSON');
}

function readFields(
  context: Context,
  { title, description, accept, kind, priority, cwd, budget }: Fields,
): EditTaskRequest {
  const text = (value: string) => (value === 'none' ? null : readText(value));
  return {
    ...(title === undefined ? {} : { title }),
    ...(description === undefined ? {} : { description: text(description) }),
    ...(accept === undefined ? {} : { acceptance: text(accept) }),
    ...(kind === undefined ? {} : { kind }),
    ...(priority === undefined ? {} : { priority }),
    ...(budget === undefined ? {} : { budget: budget === cleared ? null : budget }),
    ...(cwd === undefined ? {} : { cwd: cwd === 'none' ? null : resolve(context.cwd(), cwd) }),
  };
}

/** Returns the text, or this command's input for `-`. */
function readText(value: string): string {
  return value === '-'
    ? readInput(limits.bodyBytesMax, 'Put what is long into a document: clip task doc put').toString('utf8')
    : value;
}

const moves = [
  { move: 'start', does: 'work on it begins; an agent’s task is started again', says: 'is in progress' },
  { move: 'done', does: 'it is done', says: 'is done' },
  { move: 'cancel', does: 'it is not wanted any more; its runs are stopped', says: 'is cancelled' },
  { move: 'reopen', does: 'it is open again', says: 'is open again' },
] as const;

function addMoves(task: Command, register: Register): void {
  for (const { move, does, says } of moves) {
    task
      .command(`${move} <task>`)
      .description(does)
      .option('--json', 'as JSON')
      .action((ref: string, options: { json?: boolean }) =>
        register(options, (context) =>
          moveTask(
            context,
            ref,
            move === 'done' || move === 'cancel' ? { move } : { move, environment: collectEnvironment(context.env) },
            says,
          ),
        ),
      );
  }
  task
    .command('block <task>')
    .description('nothing moves it on before a person does')
    .requiredOption('--reason <text>', 'what stands in the way')
    .option('--json', 'as JSON')
    .action((ref: string, options: { reason: string; json?: boolean }) =>
      register(options, (context) => moveTask(context, ref, { move: 'block', reason: options.reason }, 'is blocked')),
    );
  task
    .command('assign <task> <who>')
    .description('give it to an agent (which is woken), to me, or to none')
    .option('--json', 'as JSON')
    .action((ref: string, who: string, options: { json?: boolean }) =>
      register(options, (context) =>
        moveTask(
          context,
          ref,
          { move: 'assign', assignee: who === 'none' ? null : who, environment: collectEnvironment(context.env) },
          who === 'none' ? 'is not assigned' : `is ${who === 'me' ? 'yours' : `${clean(who)}’s`}`,
        ),
      ),
    );
}

async function moveTask(context: Context, ref: string, request: MoveRequest, says: string): Promise<number> {
  return say(context, await context.client().call('POST', `${taskPath(ref)}/move`, request), says);
}

function say(context: Context, { task, note }: TaskAnswer, what: string): number {
  if (context.json) context.printJson({ schema: 1, task, ...(note ? { note } : {}) });
  else context.print(`T${task.number} ${what}.`);
  if (note && !context.json) context.notice(clean(note));
  return 0;
}
