import type { Command } from 'commander';
import type { TaskView } from '#protocol/tasks.ts';
import { limits } from '#run/limits.ts';
import { taskStatuses } from '#task/task.ts';
import type { Register } from '../command.ts';
import type { Context } from '../context.ts';
import { taskTable } from '../format/task.ts';
import { collectOneOf, positiveNumber } from './options.ts';

type ListOptions = { status?: string[]; assignee?: string; all?: boolean; limit?: number; json?: boolean };
type TaskPage = { tasks: TaskView[]; next: number | null };

/** Adds `clip task list`. */
export function addTaskList(task: Command, register: Register): void {
  task
    .command('list')
    .alias('ls')
    .description('tasks, newest first; open ones unless asked otherwise')
    .option('--status <status>', `only these: ${taskStatuses.join(', ')} (repeatable)`, collectOneOf(taskStatuses))
    .option('--assignee <who>', 'only of this agent, or me')
    .option('--all', 'closed ones, too')
    .option('-n, --limit <n>', `how many (default ${limits.pageTasks})`, positiveNumber)
    .option('--json', 'as JSON')
    .action((options: ListOptions) => register(options, (context) => list(context, options)));
}

async function list(context: Context, options: ListOptions): Promise<number> {
  const page = await context.client().call<TaskPage>('GET', `/v1/tasks?${buildQuery(options)}`);
  if (context.json) context.printJson(page);
  else if (page.tasks.length === 0) context.notice(formatNone(options));
  else {
    context.print(taskTable(context.look, page.tasks));
    if (page.next !== null) context.notice('Older tasks are not shown: --limit N');
  }
  return 0;
}

function buildQuery({ status, assignee, all, limit }: ListOptions): string {
  const query = new URLSearchParams();
  const open = taskStatuses.filter((each) => each !== 'done' && each !== 'cancelled');
  for (const each of status ?? (all ? [] : open)) query.append('status', each);
  if (assignee !== undefined) query.set('assignee', assignee);
  if (limit !== undefined) query.set('limit', String(limit));
  return query.toString();
}

function formatNone({ status, assignee, all }: ListOptions): string {
  if (status !== undefined || assignee !== undefined) return 'No task fits. All of them: clip task list --all';
  return all
    ? 'No tasks. Add one: clip task add "…" --assign AGENT'
    : 'No open tasks. Add one: clip task add "…" --assign AGENT   Closed ones: clip task list --all';
}
