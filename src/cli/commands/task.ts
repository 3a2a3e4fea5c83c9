import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { parseBudget } from '#protocol/budget.ts';
import type { EditTaskRequest, NewTaskRequest, TaskAnswer, TaskView } from '#protocol/tasks.ts';
import type { Budget } from '#run/budget.ts';
import { ClipError } from '#run/errors.ts';
import { limits } from '#run/limits.ts';
import { taskKinds } from '#task/task.ts';
import { collectEnvironment } from '../client/submitted-environment.ts';
import type { Register } from '../command.ts';
import type { Context } from '../context.ts';
import { taskFacts, taskPath } from '../format/task.ts';
import { clean } from '../terminal/clean.ts';
import { type Cleared, cleared, orNone } from './agent-options.ts';
import { wholeNumber } from './options.ts';
import { readInput } from './run-request.ts';
import { addTaskDocuments } from './task-doc.ts';
import { addTaskList } from './task-list.ts';
import { addTaskMoves, sayTask } from './task-moves.ts';

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
export function addTask(task: Command, register: Register): void {
  addAdd(task, register);
  addTaskList(task, register);
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
  addTaskMoves(task, register);
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
  return `Agent ${clean(assignee)} starts on it. Follow it: clip logs -f T${number}`;
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
        return sayTask(context, await context.client().call('PATCH', taskPath(ref), fields), 'is changed');
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
