/** The actions of clients in a round, and what they add to the record. */
import type { RunView } from '#protocol/answers.ts';
import { until } from '../support/until.ts';
import { createApiClient } from './api.ts';
import { pickBy } from './chance.ts';
import type { Answer, Clients, OpenHome } from './clients.ts';
import { endedRuns, livingRuns, seqsOfSettled } from './direct-queries.ts';
import type { Action } from './plan.ts';
import type { RoundRecord } from './record.ts';
import { createSubmissions } from './submissions.ts';

/** An upper bound that is longer than anything a round can take. */
export const waitMsMax = 90_000;

type Deps = { readonly home: OpenHome; readonly clients: Clients; readonly record: RoundRecord };
type Handlers = { readonly [K in Action['do']]: (action: Extract<Action, { do: K }>) => Promise<void> };

export function createActions({ home, clients, record }: Deps) {
  const api = createApiClient(home);
  const retrying = new Set<number>();
  const submissions = createSubmissions({ home, clients, record, repeatUntilDone });

  /** Repeats an attempt until it succeeds or the round is over. */
  async function repeatUntilDone(what: string, attempt: () => Promise<boolean>): Promise<void> {
    await until(what, async () => clients.closed() || (await attempt()), waitMsMax).catch(
      (error: Error) => void record.wrong.push(error.message),
    );
  }

  function living(picks: readonly number[]): number[] {
    const there = livingRuns(home);
    return [...new Set(picks.flatMap((pick) => pickBy(there, pick) ?? []))];
  }

  async function waitFor(numbers: readonly number[]): Promise<void> {
    await repeatUntilDone(`a wait for ${numbers.join(', ')} ends`, async () => {
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
    record.ends.push(
      ...(JSON.parse(out.toString()) as { runs: RunView[] }).runs.filter(({ endedAt }) => endedAt !== null),
    );
  }

  const handlers: Handlers = {
    async submit({ order, wait, by }) {
      const { number } = await submissions.submit(order, by);
      if (wait && number !== null) await waitFor([number]);
    },
    'submit-again': ({ of }) => submissions.again(of),
    batch: ({ orders }) => submissions.batch(orders),
    async cancel({ picks, now, by }) {
      const numbers = living(picks);
      if (numbers.length === 0) return;
      for (const number of numbers) record.cancelled.add(number);
      if (by === 'api') await api.cancel(numbers, now);
      else learnEnds(await clients.run(['cancel', '--json', ...(now ? ['--now'] : []), ...numbers.map(String)]));
    },
    async retry({ pick, by }) {
      const number = pickBy(endedRuns(home), pick);
      if (number === null) return;
      record.retried.asked.set(number, (record.retried.asked.get(number) ?? 0) + 1);
      retrying.add(number);
      const answer = by === 'api' ? null : await clients.run(['retry', '-q', String(number)]);
      const next = answer === null ? await api.retry(number) : answer.code === 0 ? Number(answer.out) : null;
      retrying.delete(number);
      if (next !== null) record.retried.answered.set(next, number);
    },
    async wait({ picks }) {
      const numbers = living(picks);
      if (numbers.length > 0) await waitFor(numbers);
    },
    async follow({ pick, stream }) {
      const [number] = living([pick]);
      if (number === undefined) return;
      await repeatUntilDone(`a follower of run ${number} receives its end`, async () => {
        const answer = await clients.run(['logs', String(number), '-f', '--raw', '--stream', stream]);
        record.heard.push({ number, stream, bytes: answer.out, whole: answer.code === 0 });
        return answer.killed || answer.code === 0 || record.removed.has(number);
      });
    },
    async remove({ pick, by }) {
      const number = pickBy(endedRuns(home), pick);
      const seqs = number === null ? null : seqsOfSettled(home, number);
      // A retry adds an event to the run that it repeats.
      if (number === null || seqs === null || retrying.has(number)) return;
      const entry = record.removed.get(number) ?? { seqs, gone: false };
      record.removed.set(number, entry);
      const gone = by === 'api' ? await api.remove(number) : (await clients.run(['rm', String(number)])).code === 0;
      if (gone) entry.gone = true;
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
  return (action: Action): Promise<void> => (handlers[action.do] as (action: Action) => Promise<void>)(action);
}
