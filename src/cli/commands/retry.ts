import type { Command } from 'commander';
import type { RunAnswer } from '#protocol/answers.ts';
import { ClipError, errorTable } from '#run/errors.ts';
import { startKeeperIfWanted } from '../client/start-keeper.ts';
import { collectEnvironment } from '../client/submitted-environment.ts';
import type { Register } from '../command.ts';
import type { Context } from '../context.ts';
import { runPath } from '../format/run.ts';
import { clean } from '../terminal/clean.ts';
import { collectPair } from './options.ts';
import { type Afterwards, afterwards } from './run-result.ts';

/** Adds `clip retry`. */
export function addRetry(command: Command, register: Register): void {
  command
    .option(
      '--env <K=V>',
      'a variable for the run: values given to the first one are not kept (repeatable)',
      collectPair,
    )
    .option('--fresh', 'begin a new session of the agent')
    .option('--key <key>', 'submitting twice with one key gives one retry')
    .option('-w, --wait', 'wait for the end, and end with its exit code')
    .option('-f, --follow', 'show its output until the end, and end with its exit code')
    .option('-q, --quiet', 'print the number and nothing else')
    .option('--json', 'as JSON')
    .action((ref: string, words: string[], options: RetryOptions) =>
      register({ ...options, waits: (options.wait || options.follow) ?? false }, (context) =>
        retryRun(context, ref, words, options),
      ),
    );
}

export type RetryOptions = Afterwards & { env?: Record<string, string>; fresh?: boolean; key?: string };

/** Starts a run that repeats an ended one. With words, its agent is told these instead. Returns the exit code. */
export async function retryRun(
  context: Context,
  ref: string,
  words: readonly string[],
  options: RetryOptions,
): Promise<number> {
  const own = options.env ?? {};
  const body = {
    prompt: words.length === 0 ? null : words.join(' '),
    env: collectEnvironment(context.env, own),
    envNames: Object.keys(own),
    parentRunId: context.insideRun,
    fresh: options.fresh ?? false,
    key: options.key ?? null,
  };
  const client = context.client();
  const { run, notice, keeper } = await client.call<RunAnswer>('POST', `${runPath(ref)}/retry`, body);
  await startKeeperIfWanted(context.home, keeper);
  if (notice) context.notice(clean(notice));
  if (!context.json || options.wait || options.follow) return afterwards(context, client, run, options);
  context.printJson({ schema: 1, runs: [run] });
  return 0;
}

/** Adds `clip rm`. */
export function addRm(command: Command, register: Register): void {
  command.option('--json', 'as JSON').action((refs: string[], options: { json?: boolean }) =>
    register(options, async (context) => {
      const client = context.client();
      const removed: number[] = [];
      let worst = 0;
      for (const ref of refs) {
        try {
          removed.push(
            (await client.call<{ removed: number }>('DELETE', `/v1/runs/${encodeURIComponent(ref)}`)).removed,
          );
          if (!context.json) context.print(`Run ${removed.at(-1)} was removed.`);
        } catch (error) {
          if (!(error instanceof ClipError) || error.code === 'unreachable') throw error;
          context.complain({ ...error, message: error.message, hint: context.json ? error.hint : null });
          worst ||= errorTable[error.code].exit;
        }
      }
      if (context.json) context.printJson({ schema: 1, removed });
      return worst;
    }),
  );
}
