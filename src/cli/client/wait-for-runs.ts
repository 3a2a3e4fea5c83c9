/** Waits for runs from the command line, across restarts of the daemon. */
import type { RunView } from '#protocol/answers.ts';
import { limits } from '#run/limits.ts';
import type { Client } from './client.ts';

export type Goal = 'started' | 'quiet' | 'ended';

/** Returns these runs, each once, in the given order. Throws not_found for the first unknown one. */
export async function resolveRuns(client: Client, refs: readonly string[]): Promise<RunView[]> {
  const runs = new Map<number, RunView>();
  for (const ref of refs) {
    const { run } = await client.call<{ run: RunView }>('GET', `/v1/runs/${encodeURIComponent(ref)}`);
    if (!runs.has(run.number)) runs.set(run.number, run);
  }
  return [...runs.values()];
}

/**
 * Yields each run when it reaches the goal, across restarts of the daemon. Runs beyond the limit of one request are
 * awaited afterwards.
 */
export async function* reached(client: Client, numbers: readonly number[], goal: Goal): AsyncGenerator<RunView> {
  for (let from = 0; from < numbers.length; from += limits.waitRunsMax)
    yield* streamEnded(client, numbers.slice(from, from + limits.waitRunsMax), goal);
}

async function* streamEnded(client: Client, numbers: readonly number[], goal: Goal): AsyncGenerator<RunView> {
  const open = new Set(numbers);
  const next = () =>
    open.size === 0 ? null : `/v1/wait?for=${goal}&${[...open].map((number) => `run=${number}`).join('&')}`;
  for await (const line of client.following(next)) {
    if (line['type'] !== 'reached') continue;
    const run = line['run'] as RunView;
    open.delete(run.number);
    yield run;
  }
}

/** Waits for all runs and returns them in the order of `numbers`. */
export async function allReached(client: Client, numbers: readonly number[], goal: Goal): Promise<RunView[]> {
  const found = new Map<number, RunView>();
  for await (const run of reached(client, numbers, goal)) found.set(run.number, run);
  return numbers.flatMap((number) => found.get(number) ?? []);
}

/** Makes Ctrl-C end only this command, with a notice that the runs continue. */
export function leaveAliveOnInterrupt(numbers: readonly number[], notice: (text: string) => void): void {
  process.once('SIGINT', () => {
    const list = numbers.join(' ');
    const sentence = numbers.length === 1 ? `Run ${list} goes on. Stop it` : 'The runs go on. Stop them';
    notice(`\n${sentence}: clip cancel ${list}`);
    process.exitCode = 130;
    process.kill(process.pid, 'SIGINT');
  });
}
