import { createReadStream, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import type { RunView } from '#protocol/answers.ts';
import { ClipError } from '#run/errors.ts';
import { askForKeeper } from '../client/start-keeper.ts';
import { collectEnvironment } from '../client/submitted-environment.ts';
import { leaveAliveOnInterrupt, reached } from '../client/wait-for-runs.ts';
import type { Context } from '../context.ts';
import { exitOfRuns } from '../exit-codes.ts';
import type { RunOptions } from './run-request.ts';

/**
 * Runs a batch: one JSON line in and one out for each run, in one request. With --wait, another line follows when each
 * run ends.
 */
export async function runBatch(
  context: Context,
  command: readonly string[],
  options: RunOptions & { batch: string },
): Promise<number> {
  if (command.length > 0)
    throw new ClipError('usage', 'A batch brings its own commands.', 'Leave out what stands after --batch FILE.');
  if (options.follow)
    throw new ClipError('usage', 'A batch cannot be followed.', 'Use --wait, and clip logs -f for one of its runs.');
  for (const [option, value] of Object.entries({
    '--name': options.name,
    '--key': options.key,
    '--stdin': options.stdin,
    '--prompt-file': options.promptFile,
  }))
    if (value !== undefined)
      throw new ClipError('usage', `${option} is for one run, not for all of a batch.`, 'Say it in the lines.');
  const lines = openBatch(context, options.batch);
  const defaults = {
    cwd: resolve(context.cwd(), options.cwd ?? '.'),
    cwdIsDefault: options.cwd === undefined,
    env: collectEnvironment(context.env, options.env),
    envNames: Object.keys(options.env ?? {}),
    parentRunId: context.insideRun,
    ...shared(options),
  };
  const client = context.client();
  // The daemon must be running first, because a stream cannot be sent a second time.
  await client.call('GET', '/v1/daemon');
  await askForKeeper(client, context.home, defaults.env);
  const admitted: RunView[] = [];
  let refused = 0;
  for await (const line of client.lines(
    'POST',
    '/v1/batch',
    Readable.from(withDefaults(defaults, lines), { objectMode: false }),
  )) {
    const run = (line['run'] ?? null) as RunView | null;
    if (run) admitted.push(run);
    else refused += 1;
    if (options.quiet && run) context.print(String(run.number));
    else context.printJson(line);
  }
  if (!options.wait) return refused > 0 ? 1 : 0;
  const numbers = [...new Set(admitted.map(({ number }) => number))];
  leaveAliveOnInterrupt(numbers, context.notice);
  const ended = new Map<number, RunView>();
  for await (const run of reached(client, numbers, 'ended')) {
    ended.set(run.number, run);
    if (!options.quiet) context.printJson({ run });
  }
  const code = exitOfRuns(numbers.flatMap((number) => ended.get(number) ?? []));
  return code === 0 && refused > 0 ? 1 : code;
}

/** Returns the options of the command line as defaults for every line. */
function shared(options: RunOptions): object {
  const given = {
    agent: options.agent,
    task: options.task,
    group: options.group,
    priority: options.priority,
    labels: options.label,
    locks: options.lock,
    after: options.after,
    timeoutMs: options.timeout,
    silenceMs: options.silence,
    graceMs: options.grace,
    outputBytesMax: options.maxOutput,
    mergeOutput: options.mergeOutput,
    onLoss: options.onLoss,
    leftovers: options.leftovers,
    promptSecret: options.promptSecret,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** Opens the batch as a stream. It may be larger than memory, and its writer slower than its runs. */
function openBatch(context: Context, file: string): Readable {
  if (file === '-') return process.stdin;
  const path = resolve(context.cwd(), file);
  if (!statSync(path, { throwIfNoEntry: false }))
    throw new ClipError('not_found', `The batch ${path} does not exist.`, 'Name a file, or - for standard input.');
  return createReadStream(path);
}

async function* withDefaults(defaults: object, lines: Readable): AsyncGenerator<Buffer> {
  yield Buffer.from(`${JSON.stringify({ defaults })}\n`);
  for await (const chunk of lines) yield chunk as Buffer;
}
