import { type Command, Option } from 'commander';
import type { RunView } from '#protocol/answers.ts';
import type { TaskView } from '#protocol/tasks.ts';
import { ClipError } from '#run/errors.ts';
import { limits } from '#run/limits.ts';
import type { Client } from '../client/client.ts';
import { type Goal, leaveAliveOnInterrupt, reached, resolveRuns } from '../client/wait-for-runs.ts';
import { parseTaskRef } from '../client/wait-for-tasks.ts';
import type { Register } from '../command.ts';
import type { Context } from '../context.ts';
import { exitOfRuns, waitTimeoutExit } from '../exit-codes.ts';
import { formatEnd, formatStatus } from '../format/format.ts';
import { acknowledgeSeen } from './acknowledge-seen.ts';
import { duration } from './options.ts';
import { startProgress } from './progress-line.ts';

/** The number of runs that fit on a line. */
const runsNamed = 8;

type Options = { any?: boolean; timeout?: number; for: Goal; quiet?: boolean; json?: boolean };

/** Adds `clip wait`. */
export function addWait(command: Command, register: Register): void {
  command
    .option('--any', 'only for the first of them')
    .option(
      '--timeout <duration>',
      'give up after this long, with exit code 121; the runs live on',
      duration('--timeout'),
    )
    .addOption(new Option('--for <what>', 'what to wait for').choices(['started', 'quiet', 'ended']).default('ended'))
    .option('-q, --quiet', 'print nothing')
    .option('--json', 'print the runs as JSON')
    .action((refs: string[], options: Options) =>
      register({ ...options, waits: true }, (context) => wait(context, refs, options)),
    );
}

async function wait(context: Context, refs: readonly string[], options: Options): Promise<number> {
  const client = context.client();
  const tasks = refs.flatMap((ref) => parseTaskRef(ref) ?? []);
  if (tasks.length > 0) return waitWithTasks(context, { refs, tasks }, options);
  const known = await resolveRuns(client, refs);
  const numbers = known.map(({ number }) => number);
  leaveAliveOnInterrupt(numbers, context.notice);
  const found = new Map<number, RunView>();
  const progress = startProgress(!context.json && !options.quiet, () => formatWaiting(numbers, found, options.for));
  const over = await within(options.timeout ?? null, async () => {
    for await (const run of reachedOf(client, known, options.for)) {
      found.set(run.number, run);
      if (!context.json && !options.quiet) context.print(formatLine(context, run));
      if (options.any) return;
    }
  });
  progress.end();
  const runs = numbers.flatMap((number) => found.get(number) ?? []);
  if (context.json) context.printJson({ schema: 1, runs });
  if (!options.quiet) await acknowledgeSeen(context, client, runs);
  if (over) {
    context.notice(formatOver(numbers, found));
    return waitTimeoutExit;
  }
  if (options.for !== 'ended') return runs.every((run) => run.endedAt === null) ? 0 : endedEarly(context, runs);
  return exitOfRuns(runs);
}

/** Waits for tasks, and for the runs that are named beside them. */
async function waitWithTasks(
  context: Context,
  { refs, tasks }: { refs: readonly string[]; tasks: readonly number[] },
  options: Options,
): Promise<number> {
  const runs = refs.filter((ref) => parseTaskRef(ref) === null);
  if (options.for !== 'ended')
    throw new ClipError('usage', `--for ${options.for} is about runs, and T${tasks[0]} is a task.`, 'Leave it out.');
  if (runs.length > 0 && (options.any || options.timeout !== undefined || context.json))
    throw new ClipError('usage', 'Runs and tasks cannot be waited for together with this option.', 'Wait twice.');
  const code = runs.length === 0 ? 0 : await wait(context, runs, options);
  const { exitOfTasks, waitForTasks } = await import('./wait-tasks.ts');
  let found: TaskView[] = [];
  const over = await within(options.timeout ?? null, async () => {
    found = await waitForTasks(context, context.client(), tasks, options);
  });
  if (context.json) context.printJson({ schema: 1, tasks: found });
  if (!over) return code || exitOfTasks(found);
  context.notice(`Timed out waiting for ${tasks.map((task) => `T${task}`).join(' ')}; nothing was stopped.`);
  return waitTimeoutExit;
}

/** Yields each run when it reaches the goal. A run that is known to have ended needs no request. */
async function* reachedOf(client: Client, known: readonly RunView[], goal: Goal): AsyncGenerator<RunView> {
  const settled = goal === 'ended' ? known.filter((run) => run.settled) : [];
  yield* settled;
  const open = known.filter((run) => !settled.includes(run)).map(({ number }) => number);
  yield* reached(client, open, goal);
}

/** Formats `Waiting for run 7 to end`, `Waiting for 3 of 8 runs to end: 4 6 7`. */
function formatWaiting(numbers: readonly number[], found: ReadonlyMap<number, RunView>, goal: Goal): string {
  const open = numbers.filter((number) => !found.has(number));
  const whom = numbers.length === 1 ? `run ${numbers[0]}` : `${open.length} of ${numbers.length} runs`;
  const goals = { started: 'to start', quiet: 'to fall silent', ended: 'to end' };
  if (numbers.length === 1) return `Waiting for ${whom} ${goals[goal]}`;
  const named = `${open.slice(0, runsNamed).join(' ')}${open.length > runsNamed ? ' …' : ''}`;
  return `Waiting for ${whom} ${goals[goal]}: ${named}`;
}

function formatOver(numbers: readonly number[], found: ReadonlyMap<number, RunView>): string {
  const open = numbers.filter((number) => !found.has(number));
  if (numbers.length === 1)
    return `Timed out waiting; run ${numbers[0]} is still alive. Stop it: clip cancel ${numbers[0]}`;
  const named = open.length > runsNamed ? '' : `: ${open.join(' ')}`;
  return `Timed out waiting; ${open.length} of ${numbers.length} runs are still alive${named}`;
}

function formatLine({ look }: Context, run: RunView): string {
  const end = formatEnd(run);
  return `Run ${run.number} ${formatStatus(run, look)}${end ? ` (${end})` : ''}`;
}

/** Handles runs that ended before they reached the goal. Their exit code is the result. */
function endedEarly(context: Context, runs: readonly RunView[]): number {
  for (const run of runs) if (run.endedAt !== null) context.notice(`Run ${run.number} has ended.`);
  return exitOfRuns(runs.filter(({ endedAt }) => endedAt !== null));
}

/** Returns true when the time limit was reached first. */
async function within(ms: number | null, work: () => Promise<void>): Promise<boolean> {
  if (ms === null) {
    await work();
    return false;
  }
  if (ms === 0)
    throw new ClipError('usage', '--timeout must be longer than 0.', 'Leave it out to wait without a limit.');
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    // A longer wait is armed in steps, because setTimeout fires at once beyond its limit.
    const arm = (left: number) => {
      timer = setTimeout(
        () => (left > limits.timerMsMax ? arm(left - limits.timerMsMax) : resolve(true)),
        Math.min(left, limits.timerMsMax),
      );
    };
    arm(ms);
  });
  const result = await Promise.race([late, work().then(() => false)]);
  clearTimeout(timer);
  return result;
}
