import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { RunView } from '../../protocol/answers.ts';
import { ClipError } from '../../run/errors.ts';
import type { Context } from '../context.ts';
import { exitOfRuns } from '../exit-codes.ts';
import { environmentOf, type RunOptions, readInput } from '../request.ts';
import { leaveAliveOnInterrupt, reached } from '../waiting.ts';

/** A batch is read whole before it is sent; a million short lines fit. */
const batchBytesMax = 2 ** 30;

/** Many runs in one request: a JSON line in for each, a JSON line out for each; with --wait, one more as each ends. */
export async function runBatch(context: Context, command: readonly string[], options: RunOptions & { batch: string }): Promise<number> {
  if (command.length > 0) throw new ClipError('usage', 'A batch brings its own commands.', 'Leave out what stands after --batch FILE.');
  const lines = readBatch(context, options.batch);
  const defaults = {
    cwd: resolve(context.cwd, options.cwd ?? '.'),
    env: environmentOf(context.env, options.env),
    parentRunId: context.insideRun,
    ...shared(options),
  };
  const client = context.client();
  const admitted: RunView[] = [];
  let refused = 0;
  const body = Buffer.concat([Buffer.from(`${JSON.stringify({ defaults })}\n`), lines]);
  for await (const line of client.lines('POST', '/v1/batch', body)) {
    context.printJson(line);
    if (line['run']) admitted.push(line['run'] as RunView);
    else refused += 1;
  }
  if (!options.wait) return refused > 0 ? 1 : 0;
  const numbers = [...new Set(admitted.map(({ number }) => number))];
  leaveAliveOnInterrupt(numbers, context.notice);
  const ended = new Map<number, RunView>();
  for await (const run of reached(client, numbers, 'ended')) {
    ended.set(run.number, run);
    context.printJson({ run });
  }
  const code = exitOfRuns(numbers.flatMap((number) => ended.get(number) ?? []));
  return code === 0 && refused > 0 ? 1 : code;
}

/** Options of the command line hold for every line that does not say otherwise. */
function shared(options: RunOptions): object {
  const given = {
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
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function readBatch(context: Context, file: string): Buffer {
  try {
    return file === '-' ? readInput(batchBytesMax) : readFileSync(resolve(context.cwd, file));
  } catch (error) {
    if (error instanceof ClipError) throw error;
    throw new ClipError('not_found', `The batch ${file} cannot be read: ${(error as Error).message}.`, 'Name a file, or - for standard input.');
  }
}
