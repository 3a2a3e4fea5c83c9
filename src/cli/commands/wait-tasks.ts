/** `clip wait T7`: waits for tasks. */
import type { TaskView } from '#protocol/tasks.ts';
import type { Client } from '../client/client.ts';
import { isAtRest, taskAtRest } from '../client/wait-for-tasks.ts';
import type { Context } from '../context.ts';
import { exitOfTask } from '../exit-codes.ts';
import { formatTaskStatus } from '../format/task.ts';
import { clean } from '../terminal/clean.ts';
import { startProgress } from './progress-line.ts';

type Options = { readonly any?: boolean; readonly quiet?: boolean };

/** Waits until these tasks are done, cancelled, in review or blocked, or with `any` for the first of them. */
export async function waitForTasks(
  context: Context,
  client: Client,
  tasks: readonly number[],
  options: Options,
): Promise<TaskView[]> {
  const names = tasks.map((task) => `T${task}`).join(' ');
  const progress = startProgress(!context.json && !options.quiet, () => `Waiting for ${names}`);
  const waits = tasks.map(async (number) => {
    const task = await taskAtRest(client, number);
    if (!context.json && !options.quiet) context.print(formatLine(context, task));
    return task;
  });
  const found = await (options.any ? Promise.race(waits).then((task) => [task]) : Promise.all(waits));
  progress.end();
  return found;
}

/** Returns 0 if all tasks are done, otherwise the first other code in the given order. */
export function exitOfTasks(tasks: readonly TaskView[]): number {
  return tasks.map(exitOfTask).find((code) => code !== 0) ?? 0;
}

function formatLine({ look }: Context, task: TaskView): string {
  const idle = isAtRest(task) ? '' : ': nothing works on it';
  const reason = task.blockedReason === null ? idle : `: ${clean(task.blockedReason)}`;
  return `T${task.number} ${formatTaskStatus(task, look)}${reason}`;
}
