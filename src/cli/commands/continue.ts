import type { Command } from 'commander';
import type { ShowAnswer } from '#protocol/answers.ts';
import type { ContinueAnswer } from '#protocol/tasks.ts';
import { ClipError } from '#run/errors.ts';
import { collectEnvironment } from '../client/submitted-environment.ts';
import type { Register } from '../command.ts';
import type { Context } from '../context.ts';
import { runPath } from '../format/run.ts';
import { taskPath } from '../format/task.ts';
import { clean } from '../terminal/clean.ts';
import { type RetryOptions, retryRun } from './retry.ts';

type Options = RetryOptions & { readonly agent?: string };

/** What an agent is told when the person says nothing. */
const withoutWords = 'Continue with what was asked.';

/** Adds `clip continue`. */
export function addContinue(command: Command, register: Register): void {
  command
    .option('--agent <name>', 'give the task to this agent')
    .option('--fresh', 'begin a new session of the agent')
    .option('-w, --wait', 'wait for the end of the run, and end with its exit code')
    .option('-f, --follow', 'show the output of the run until its end, and end with its exit code')
    .option('-q, --quiet', 'print the number and nothing else')
    .option('--json', 'as JSON')
    .action((ref: string, words: string[], options: Options) =>
      register({ ...options, waits: (options.wait || options.follow) ?? false }, async (context) => {
        if (/^t[1-9]\d*$/i.test(ref)) return continueTask(context, ref, words, options);
        return continueRun(context, ref, words, options);
      }),
    );
}

async function continueTask(
  context: Context,
  ref: string,
  words: readonly string[],
  options: Options,
): Promise<number> {
  const body = {
    agent: options.agent ?? null,
    prompt: words.length === 0 ? null : words.join(' '),
    fresh: options.fresh ?? false,
    environment: collectEnvironment(context.env),
  };
  const client = context.client();
  const answer = await client.call<ContinueAnswer>('POST', `${taskPath(ref)}/continue`, body);
  if (answer.run !== null && (options.wait || options.follow)) {
    const { afterwards } = await import('./run-result.ts');
    return afterwards(context, client, answer.run, options);
  }
  if (context.json) context.printJson(answer);
  else say(context, answer, options.quiet ?? false);
  return 0;
}

/** Continues the task of a run, or the session of an agent's run that has no task. */
async function continueRun(context: Context, ref: string, words: readonly string[], options: Options): Promise<number> {
  const { run } = await context.client().call<ShowAnswer>('GET', runPath(ref));
  if (run.agentName === null)
    throw new ClipError(
      'refused',
      `Run ${run.number} is a command, and only an agent can continue.`,
      `Repeat it: clip retry ${run.number}`,
    );
  if (run.taskId !== null) return continueTask(context, `T${run.taskId}`, words, options);
  if (options.agent !== undefined)
    throw new ClipError(
      'usage',
      `Run ${run.number} serves no task, so no other agent can take it over.`,
      `Start a run of that agent: clip run --agent ${options.agent} "…"`,
    );
  if (run.endedAt === null)
    throw new ClipError(
      'refused',
      `Run ${run.number} is still ${run.status}; its agent can be told more when it has ended.`,
      `Wait for it: clip wait ${run.number}, or stop it: clip cancel ${run.number}`,
    );
  return retryRun(context, String(run.number), words.length === 0 ? [withoutWords] : words, options);
}

/** Prints the number to stdout for scripts, and a sentence to stderr for people. */
function say(context: Context, { task, run, busyWith }: ContinueAnswer, quiet: boolean): void {
  const name = `T${task.number}`;
  if (run === null) {
    const when = `when that has ended: clip logs -f ${name}`;
    return context.print(`Run ${busyWith ?? '–'} works on ${name}. ${name} is continued ${when}`);
  }
  context.print(String(run.number));
  if (quiet) return;
  const waits = run.waitingFor === null ? '' : ` It waits: ${clean(run.waitingFor)}.`;
  context.notice(`Run ${run.number} continues ${name}.${waits} Its output: clip logs -f ${run.number}`);
}
