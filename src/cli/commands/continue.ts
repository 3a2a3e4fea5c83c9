import type { Command } from 'commander';
import type { ContinueAnswer } from '#protocol/tasks.ts';
import { collectEnvironment } from '../client/submitted-environment.ts';
import type { Register } from '../command.ts';
import type { Context } from '../context.ts';
import { taskPath } from '../format/task.ts';
import { clean } from '../terminal/clean.ts';

/** Adds `clip continue`. */
export function addContinue(command: Command, register: Register): void {
  command
    .option('--agent <name>', 'give the task to this agent')
    .option('--fresh', 'begin a new session of the agent')
    .option('--json', 'as JSON')
    .action((ref: string, words: string[], options: { agent?: string; fresh?: boolean; json?: boolean }) =>
      register(options, async (context) => {
        const body = {
          agent: options.agent ?? null,
          prompt: words.length === 0 ? null : words.join(' '),
          fresh: options.fresh ?? false,
          environment: collectEnvironment(context.env),
        };
        const answer = await context.client().call<ContinueAnswer>('POST', `${taskPath(ref)}/continue`, body);
        if (context.json) context.printJson(answer);
        else say(context, answer);
        return 0;
      }),
    );
}

/** Prints the number to stdout for scripts, and a sentence to stderr for people. */
function say(context: Context, { task, run, busyWith }: ContinueAnswer): void {
  const name = `T${task.number}`;
  if (run === null)
    return context.print(`${name} is being worked on by run ${busyWith ?? '–'}; it is continued when that has ended.`);
  context.print(String(run.number));
  const waits = run.waitingFor === null ? '' : ` It waits: ${clean(run.waitingFor)}.`;
  context.notice(`Run ${run.number} goes on with ${name}.${waits} Its output: clip logs -f ${run.number}`);
}
