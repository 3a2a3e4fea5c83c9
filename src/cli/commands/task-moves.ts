import type { Command } from 'commander';
import type { MoveRequest, TaskAnswer } from '#protocol/tasks.ts';
import { ClipError, errorTable } from '#run/errors.ts';
import { collectEnvironment } from '../client/submitted-environment.ts';
import type { Register } from '../command.ts';
import type { Context } from '../context.ts';
import { taskPath } from '../format/task.ts';
import { clean } from '../terminal/clean.ts';

const moves = [
  { move: 'start', does: 'work on it begins; an agent’s task is started again', says: 'is in progress' },
  { move: 'done', does: 'it is done', says: 'is done' },
  { move: 'cancel', does: 'it is not wanted any more; its runs are stopped', says: 'is cancelled' },
  { move: 'reopen', does: 'it is open again', says: 'is open again' },
] as const;

/** Adds the commands that change the status or the assignee of a task. */
export function addTaskMoves(task: Command, register: Register): void {
  for (const { move, does, says } of moves) {
    task
      .command(`${move} <task...>`)
      .description(does)
      .option('--json', 'as JSON; a line for each task')
      .action((refs: string[], options: { json?: boolean }) =>
        register(options, (context) =>
          moveTasks(
            context,
            refs,
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

/** Moves each task. A task that cannot be moved stops none of the others. Returns the first exit code that is not 0. */
async function moveTasks(
  context: Context,
  refs: readonly string[],
  request: MoveRequest,
  says: string,
): Promise<number> {
  let worst = 0;
  for (const ref of refs) {
    try {
      const code = await moveTask(context, ref, request, says);
      worst ||= code;
    } catch (error) {
      if (refs.length === 1 || !(error instanceof ClipError) || error.code === 'unreachable') throw error;
      context.complain({ ...error, message: error.message, hint: error.hint });
      worst ||= errorTable[error.code].exit;
    }
  }
  return worst;
}

async function moveTask(context: Context, ref: string, request: MoveRequest, says: string): Promise<number> {
  return sayTask(context, await context.client().call('POST', `${taskPath(ref)}/move`, request), says);
}

/** Prints what a task is now, and returns the exit code. */
export function sayTask(context: Context, { task, note }: TaskAnswer, what: string): number {
  if (context.json) context.printJson({ schema: 1, task, ...(note ? { note } : {}) });
  else context.print(`T${task.number} ${what}.`);
  if (note && !context.json) context.notice(clean(note));
  return 0;
}
