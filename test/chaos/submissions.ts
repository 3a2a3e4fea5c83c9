/**
 * Submits orders over the CLI and the API. An order with a key is repeated with the same arguments until it is
 * answered.
 */
import { agent } from '../support/home.ts';
import { createApiClient } from './api.ts';
import type { Clients, OpenHome } from './clients.ts';
import type { Order } from './plan.ts';
import type { RoundRecord, Submitted } from './record.ts';

type Deps = {
  readonly home: OpenHome;
  readonly clients: Clients;
  readonly record: RoundRecord;
  /** Repeats the attempt until it returns true or the round is over. */
  readonly repeatUntilDone: (what: string, attempt: () => Promise<boolean>) => Promise<void>;
};

export function createSubmissions({ home, clients, record, repeatUntilDone }: Deps) {
  const api = createApiClient(home);

  /** Records the order with the arguments that every attempt will use. */
  function prepared(order: Order): Submitted {
    const required = order.after === null ? null : (record.submitted.get(order.after)?.number ?? null);
    const args = [
      ...['--label', `chaos=${order.name}`],
      ...(order.keyed ? ['--key', order.name] : []),
      ...(required === null ? [] : ['--after', String(required)]),
      ...commandOf(home, order),
    ];
    const submitted: Submitted = { args, keyed: order.keyed, after: required, tries: 0, number: null };
    record.submitted.set(order.name, submitted);
    return submitted;
  }

  function learn(name: string, submitted: Submitted, number: number): void {
    if (submitted.number !== null && submitted.number !== number)
      record.wrong.push(`${name} was told ${submitted.number}, and then ${number}`);
    submitted.number = number;
  }

  /** Makes one attempt over the CLI. Returns true when the answer is final. */
  async function attempt(name: string, submitted: Submitted): Promise<boolean> {
    submitted.tries += 1;
    const answer = await clients.run(['run', '-q', ...submitted.args]);
    if (answer.code === 0) learn(name, submitted, Number(answer.out));
    if (answer.code === 5 || answer.code === 3) {
      // It was removed in the meantime, or the run that it requires was.
      const gone = record.removed.has(submitted.number ?? 0) || record.removed.has(submitted.after ?? 0);
      if (!gone) record.wrong.push(`${name} was refused: ${answer.err}`);
      return true;
    }
    return answer.code === 0 || !submitted.keyed;
  }

  /** Makes one attempt over the API. */
  async function attemptByApi(name: string, submitted: Submitted): Promise<boolean> {
    submitted.tries += 1;
    const number = await api.submit(lineOf(submitted));
    if (number !== null) learn(name, submitted, number);
    return number !== null || !submitted.keyed;
  }

  return {
    async submit(order: Order, by: 'cli' | 'api'): Promise<Submitted> {
      const submitted = prepared(order);
      // An order without an answer over the API continues over the CLI, which starts a daemon.
      if (by === 'api' && order.what === 'command' && (await attemptByApi(order.name, submitted))) return submitted;
      await repeatUntilDone(`${order.name} is admitted`, () => attempt(order.name, submitted));
      return submitted;
    },
    async again(name: string): Promise<void> {
      const submitted = record.submitted.get(name);
      if (submitted?.keyed) await attempt(name, submitted);
    },
    async batch(orders: readonly Order[]): Promise<void> {
      const all = orders.map((order) => ({ order, submitted: prepared({ ...order, keyed: true, after: null }) }));
      const input = all.map(({ submitted }) => JSON.stringify(lineOf(submitted))).join('\n');
      if (all.length === 0) return;
      await repeatUntilDone(`the batch of ${all[0]?.order.name} is admitted`, async () => {
        for (const { submitted } of all) submitted.tries += 1;
        const answer = await clients.run(['run', '--batch', '-', '-q'], { input });
        // The numbers arrived one by one. A run may have been removed since, and its line is then refused.
        if (answer.code !== 0) return all.every(({ submitted }) => submitted.number !== null);
        const numbers = answer.out.toString().trim().split('\n').map(Number);
        all.forEach(({ order, submitted }, n) => void learn(order.name, submitted, numbers[n] as number));
        return true;
      });
    },
  };
}

function commandOf(home: OpenHome, order: Order): string[] {
  if (order.what === 'agent') return [...order.options, '--agent', 'coder', '--', order.prompt];
  const { program } = order;
  if (program.steps === null)
    return [...program.options, '--', agent('writes-down-its-starts.sh'), home.base, String(program.code)];
  return [
    ...program.options,
    '--',
    process.execPath,
    agent('keeps-account.mjs'),
    home.base,
    String(program.code),
    ...program.steps,
  ];
}

/** Returns the arguments of `clip run` as a line of a batch. */
function lineOf({ args }: Submitted): object {
  const split = args.indexOf('--');
  const options = args.slice(0, split);
  const value = (option: string) => (options.includes(option) ? options[options.indexOf(option) + 1] : undefined);
  const numberOf = (option: string) => (value(option) === undefined ? undefined : Number(value(option)));
  return {
    key: value('--key'),
    labels: { chaos: value('--label')?.replace('chaos=', '') },
    command: args.slice(split + 1),
    after: value('--after'),
    grace: value('--grace'),
    timeout: value('--timeout'),
    silence: value('--silence'),
    maxOutput: value('--max-output'),
    priority: numberOf('--priority'),
    onLoss: value('--on-loss'),
    locks: value('--lock') === undefined ? undefined : [value('--lock')],
    mergeOutput: options.includes('--merge-output'),
  };
}
