/** What clients do in a round, and what of it goes into the record. */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { RunView } from '../../src/protocol/answers.ts';
import { agent } from '../support/home.ts';
import { until } from '../support/until.ts';
import { pickBy } from './chance.ts';
import type { Answer, Clients, OpenHome } from './clients.ts';
import type { Action, Order } from './plan.ts';
import type { RoundRecord, Submitted } from './record.ts';

/** Longer than anything that the round does can take: who waits for more waits for ever. */
export const patienceMs = 90_000;

type World = { readonly home: OpenHome; readonly clients: Clients; readonly record: RoundRecord };
type Does = { readonly [K in Action['do']]: (action: Extract<Action, { do: K }>) => Promise<void> };

export function createActions({ home, clients, record }: World) {
  /** Again until somebody has answered, as a careful script does it; at most as long as the round lasts. */
  async function surely(what: string, attempt: () => Promise<boolean>): Promise<void> {
    await until(what, async () => clients.closed() || (await attempt()), patienceMs).catch((error: Error) => void record.wrong.push(error.message));
  }

  function commandOf(order: Order): string[] {
    if (order.what === 'agent') return [...order.options, '--agent', 'coder', '--', order.prompt];
    const { program } = order;
    if (program.steps === null) return [...program.options, '--', agent('writes-down-its-starts.sh'), home.base, String(program.code)];
    return [...program.options, '--', process.execPath, agent('keeps-account.mjs'), home.base, String(program.code), ...program.steps];
  }

  /** Remembers the order as it will be submitted each time. */
  function prepared(order: Order): Submitted {
    const required = order.after === null ? null : (record.submitted.get(order.after)?.number ?? null);
    const args = [
      ...['--label', `chaos=${order.name}`],
      ...(order.keyed ? ['--key', order.name] : []),
      ...(required === null ? [] : ['--after', String(required)]),
      ...commandOf(order),
    ];
    const submitted: Submitted = { args, keyed: order.keyed, tries: 0, number: null };
    record.submitted.set(order.name, submitted);
    return submitted;
  }

  /** One attempt. True when there is an answer that will not change. */
  async function attempt(name: string, submitted: Submitted): Promise<boolean> {
    submitted.tries += 1;
    const answer = await clients.run(['run', '-q', ...submitted.args]);
    if (answer.code === 0) learn(name, submitted, Number(answer.out));
    if (answer.code === 5) {
      const gone = submitted.number !== null && record.removed.has(submitted.number);
      if (!gone) record.wrong.push(`${name} was refused: ${answer.err}`);
      return true;
    }
    return answer.code === 0 || !submitted.keyed;
  }

  function learn(name: string, submitted: Submitted, number: number): void {
    if (submitted.number !== null && submitted.number !== number) record.wrong.push(`${name} was told ${submitted.number}, and then ${number}`);
    submitted.number = number;
  }

  async function waitFor(numbers: readonly number[]): Promise<void> {
    await surely(`a wait for ${numbers.join(', ')} ends`, async () => {
      const answer = await clients.run(['wait', '--json', ...numbers.map(String)]);
      if (answer.killed) return true;
      if (answer.code === 125 || answer.code === null) return numbers.some((number) => record.removed.has(number));
      record.waits.push({ numbers, code: answer.code });
      learnEnds(answer);
      return true;
    });
  }

  function learnEnds({ out }: Answer): void {
    if (out.length === 0) return;
    record.ends.push(...(JSON.parse(out.toString()) as { runs: RunView[] }).runs.filter(({ endedAt }) => endedAt !== null));
  }

  const numberOf = (name: string): number | null => record.submitted.get(name)?.number ?? null;
  const path = join(home.folder, 'clip.db');
  const living = (picks: readonly number[]): number[] => {
    const there = livingRuns(path);
    return [...new Set(picks.flatMap((pick) => pickBy(there, pick) ?? []))];
  };

  const does: Does = {
    async submit({ order, wait }) {
      const submitted = prepared(order);
      await surely(`${order.name} is admitted`, () => attempt(order.name, submitted));
      if (wait && submitted.number !== null) await waitFor([submitted.number]);
    },
    async 'submit-again'({ of }) {
      const submitted = record.submitted.get(of);
      if (submitted?.keyed) await attempt(of, submitted);
    },
    async batch({ orders }) {
      const all = orders.map((order) => ({ order, submitted: prepared({ ...order, keyed: true, after: null }) }));
      const input = all.map(({ order, submitted }) => JSON.stringify(lineOf(order.name, submitted))).join('\n');
      if (all.length === 0) return;
      await surely(`the batch of ${all[0]?.order.name} is admitted`, async () => {
        for (const { submitted } of all) submitted.tries += 1;
        const answer = await clients.run(['run', '--batch', '-', '-q'], { input });
        // Learnt one by one, and perhaps removed since: then a line is refused.
        if (answer.code !== 0) return all.every(({ submitted }) => submitted.number !== null);
        const numbers = answer.out.toString().trim().split('\n').map(Number);
        all.forEach(({ order, submitted }, n) => void learn(order.name, submitted, numbers[n] as number));
        return true;
      });
    },
    async cancel({ picks, now }) {
      const numbers = living(picks);
      if (numbers.length === 0) return;
      for (const number of numbers) record.cancelled.add(number);
      learnEnds(await clients.run(['cancel', '--json', ...(now ? ['--now'] : []), ...numbers.map(String)]));
    },
    async retry({ of }) {
      const number = numberOf(of);
      if (number === null) return;
      record.retried.asked.set(number, (record.retried.asked.get(number) ?? 0) + 1);
      const answer = await clients.run(['retry', '-q', String(number)]);
      if (answer.code === 0) record.retried.answered.set(Number(answer.out), number);
    },
    async wait({ picks }) {
      const numbers = living(picks);
      if (numbers.length > 0) await waitFor(numbers);
    },
    async follow({ pick, stream }) {
      const [number] = living([pick]);
      if (number === undefined) return;
      await surely(`somebody who follows run ${number} sees its end`, async () => {
        const answer = await clients.run(['logs', String(number), '-f', '--raw', '--stream', stream]);
        record.heard.push({ number, stream, bytes: answer.out, whole: answer.code === 0 });
        return answer.killed || answer.code === 0 || record.removed.has(number);
      });
    },
    async remove({ of }) {
      const number = numberOf(of);
      const seqs = number === null ? null : seqsOfSettled(path, number);
      if (number === null || seqs === null) return;
      const entry = record.removed.get(number) ?? { seqs, gone: false };
      record.removed.set(number, entry);
      if ((await clients.run(['rm', String(number)])).code === 0) entry.gone = true;
    },
    async 'add-task'() {
      record.tasksAsked += 1;
      const answer = await clients.run(['task', 'add', 'Fix the parser', '--assign', 'coder']);
      if (answer.code === 0) record.tasksTold.push(Number(answer.out.toString().trim().slice(1)));
    },
    async 'continue-task'() {
      const task = record.tasksTold.at(-1);
      if (task !== undefined) await clients.run(['continue', `T${task}`, 'The lexer as well.']);
    },
    async look({ at }) {
      await clients.run(at === 'runs' ? ['runs', '--json'] : [at]);
    },
  };
  return (action: Action): Promise<void> => (does[action.do] as (action: Action) => Promise<void>)(action);
}

/** The arguments of `clip run` as a line of a batch. */
function lineOf(name: string, { args }: Submitted): object {
  const split = args.indexOf('--');
  const options = args.slice(0, split);
  const value = (option: string) => (options.includes(option) ? options[options.indexOf(option) + 1] : undefined);
  return {
    key: name,
    labels: { chaos: name },
    command: args.slice(split + 1),
    grace: value('--grace'),
    timeout: value('--timeout'),
    silence: value('--silence'),
    maxOutput: value('--max-output'),
    priority: value('--priority') === undefined ? undefined : Number(value('--priority')),
    onLoss: value('--on-loss'),
    locks: value('--lock') === undefined ? undefined : [value('--lock')],
    mergeOutput: options.includes('--merge-output'),
  };
}

/** The events of a run with which nothing happens any more; null of any other. */
function seqsOfSettled(path: string, number: number): number[] | null {
  return beside(path, (all) => {
    const [run] = all("select 1 from runs where number = ? and unsettled = 0 and status in ('succeeded', 'failed', 'cancelled', 'timed_out')", number);
    return run === undefined ? null : all('select seq from events where run = ?', number).map(({ seq }) => Number(seq));
  });
}

/** Numbers of runs that have not ended, the oldest first. */
function livingRuns(path: string): number[] {
  return beside(path, (all) =>
    all("select number from runs where status in ('queued', 'starting', 'running', 'stopping') order by number").map(({ number }) => Number(number)),
  );
}

type All = (query: string, ...values: readonly number[]) => Record<string, unknown>[];

/** Read beside the daemon, whether there is one or not. */
function beside<T>(path: string, read: (all: All) => T): T {
  const database = new Database(path, { readonly: true });
  try {
    return read((query, ...values) => database.prepare(query).all(...values) as Record<string, unknown>[]);
  } finally {
    database.close();
  }
}
