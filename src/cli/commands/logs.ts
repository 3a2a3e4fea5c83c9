import { type Command, Option } from 'commander';
import type { RunView } from '#protocol/answers.ts';
import type { Client } from '../client/client.ts';
import { leaveAliveOnInterrupt } from '../client/wait-for-runs.ts';
import { findNextRun, parseTaskRef } from '../client/wait-for-tasks.ts';
import type { Register } from '../command.ts';
import type { Context } from '../context.ts';
import { exitOfRun } from '../exit-codes.ts';
import { createRendering } from '../logs/log-format.ts';
import { followOutput, printOutput } from '../logs/print-logs.ts';
import { clean } from '../terminal/clean.ts';
import { acknowledgeSeen } from './acknowledge-seen.ts';
import { count } from './options.ts';

type Options = {
  follow?: boolean;
  lines?: number;
  stream: 'stdout' | 'stderr' | 'both';
  raw?: boolean;
  rendered?: boolean;
  exitCode?: boolean;
};

/** Adds `clip logs`. */
export function addLogs(command: Command, register: Register): void {
  command
    .option('-f, --follow', 'go on until the run has ended')
    .option('-n, --lines <n>', 'only the last lines', count)
    .addOption(new Option('--stream <which>', 'which output').choices(['stdout', 'stderr', 'both']).default('both'))
    .addOption(
      new Option('--raw', 'bytes as they are: nothing read or cleaned, no secrets hidden').conflicts('rendered'),
    )
    .option('--rendered', "an agent's stream as readable text; this is the default")
    .option('--exit-code', 'with -f: end with the exit code of the run')
    .action((ref: string, options: Options) =>
      register({ waits: options.exitCode ?? false }, async (context) => {
        const client = context.client();
        const { run } = await client.call<{ run: RunView }>('GET', `/v1/runs/${encodeURIComponent(ref)}`);
        const rendering = await createRendering(context, client, run, options);
        const output = { stream: options.stream, raw: options.raw ?? false, last: options.lines ?? null, rendering };
        if (!options.follow) {
          await printOutput(context, run, output);
          await acknowledgeSeen(context, client, [run]);
          return 0;
        }
        if (run.status === 'queued')
          context.notice(`Run ${run.number} is queued: ${run.waitingFor ?? 'it starts in a moment'}.`);
        leaveAliveOnInterrupt([run.number], context.notice);
        let ended = await followOutput(context, client, run, output);
        const task = parseTaskRef(ref);
        if (task !== null) ended = await followTask(context, client, { task, ended, options });
        await acknowledgeSeen(context, client, [ended]);
        return options.exitCode ? exitOfRun(ended) : 0;
      }),
    );
}

/** Follows the runs that continue a task, until none does. Returns the last one. */
async function followTask(
  context: Context,
  client: Client,
  { task, ended, options }: { task: number; ended: RunView; options: Options },
): Promise<RunView> {
  let last = ended;
  for (let next = await findNextRun(client, task, last); next !== null; next = await findNextRun(client, task, last)) {
    const waits = next.waitingFor === null ? '' : ` It waits: ${clean(next.waitingFor)}.`;
    context.notice(`Run ${next.number} continues T${task}.${waits}`);
    const rendering = await createRendering(context, client, next, options);
    const output = { stream: options.stream, raw: options.raw ?? false, last: null, rendering };
    last = await followOutput(context, client, next, output);
  }
  return last;
}
