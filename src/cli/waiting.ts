/** Waiting for runs from the command line, across the death of the daemon. */
import type { RunView } from '../protocol/answers.ts';
import { limits } from '../run/limits.ts';
import type { Client } from './client.ts';

export type Goal = 'started' | 'quiet' | 'ended';

/** Numbers of these runs, in the order given. Throws not_found for the first that is unknown. */
export async function numbersOf(client: Client, refs: readonly string[]): Promise<number[]> {
  const numbers: number[] = [];
  for (const ref of refs) numbers.push((await client.call<{ run: RunView }>('GET', `/v1/runs/${encodeURIComponent(ref)}`)).run.number);
  return numbers;
}

/** Yields each run as it gets there; ends when all have, and goes on after a restart of the daemon. Beyond what one request may name, the rest are waited for afterwards. */
export async function* reached(client: Client, numbers: readonly number[], goal: Goal): AsyncGenerator<RunView> {
  for (let from = 0; from < numbers.length; from += limits.waitRunsMax) yield* reachedOf(client, numbers.slice(from, from + limits.waitRunsMax), goal);
}

async function* reachedOf(client: Client, numbers: readonly number[], goal: Goal): AsyncGenerator<RunView> {
  const open = new Set(numbers);
  const next = () => (open.size === 0 ? null : `/v1/wait?for=${goal}&${[...open].map((number) => `run=${number}`).join('&')}`);
  for await (const line of client.following(next)) {
    if (line['type'] !== 'reached') continue;
    const run = line['run'] as RunView;
    open.delete(run.number);
    yield run;
  }
}

/** All of them, in the order of `numbers`. */
export async function allReached(client: Client, numbers: readonly number[], goal: Goal): Promise<RunView[]> {
  const found = new Map<number, RunView>();
  for await (const run of reached(client, numbers, goal)) found.set(run.number, run);
  return numbers.flatMap((number) => found.get(number) ?? []);
}

/** Ctrl-C leaves the runs alive, and says so. */
export function leaveAliveOnInterrupt(numbers: readonly number[], notice: (text: string) => void): void {
  process.once('SIGINT', () => {
    const list = numbers.join(' ');
    notice(`\n${numbers.length === 1 ? `Run ${list} goes on` : 'The runs go on'}. Stop ${numbers.length === 1 ? 'it' : 'them'}: clip cancel ${list}`);
    process.exitCode = 130;
    process.kill(process.pid, 'SIGINT');
  });
}
