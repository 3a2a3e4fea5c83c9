/**
 * `GET /v1/wait`: sends a line for each run when it reaches the awaited state. Runs that are already there are
 * included.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { readOutputSize } from '#process/run-folder-reader.ts';
import { waitQuery } from '#protocol/requests.ts';
import { ClipError } from '#run/errors.ts';
import { limits } from '#run/limits.ts';
import { isAlive, isEnded, type Run } from '#run/run.ts';
import { silentMs } from '#run/silence.ts';
import { isSettled } from '#run/state-machine.ts';
import { read } from '../api-errors.ts';
import { runHeader } from '../auth.ts';
import type { RouteDeps, Routes } from '../context.ts';
import { type LineStream, startLines } from '../ndjson-stream.ts';

/** Runs checked per turn of the event loop: thousands may be waited for. */
const runsInATurn = 200;

type Goal = 'started' | 'quiet' | 'ended';

export const waitRoutes: Routes = (api, deps) => {
  api.get('/v1/wait', (request, reply) => wait(deps, request, reply));
};

async function wait(deps: RouteDeps, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const query = read(waitQuery, request.query);
  if (query.run.length > limits.waitRunsMax)
    throw new ClipError('usage', `At most ${limits.waitRunsMax} runs can be waited for at once.`);
  const runs = query.run.map(deps.resolve);
  if (query.for === 'ended') refuseDeadlock(deps, request, runs);
  await new Waiter(deps, query.for, runs, startLines(reply, deps.version)).begin();
}

/** One client that waits for runs. */
class Waiter {
  readonly #deps: RouteDeps;
  readonly #goal: Goal;
  /** The runs that have not reached the awaited state. */
  readonly #open: Map<number, Run>;
  readonly #out: LineStream;
  /** Settles when the last line was sent. */
  #sending: Promise<unknown> = Promise.resolve();

  constructor(deps: RouteDeps, goal: Goal, runs: readonly Run[], out: LineStream) {
    this.#deps = deps;
    this.#goal = goal;
    this.#open = new Map(runs.map((run) => [run.number, run]));
    this.#out = out;
    void out.send({ type: 'waiting', runs: runs.map(({ number }) => number) });
  }

  /** Watches the runs, and checks all of them once. */
  async begin(): Promise<void> {
    const unwatch = this.#deps.changeFeed.watch(({ run }) => {
      if (run !== null && this.#open.has(run.number)) this.#check(run);
    });
    const timer = this.#goal === 'quiet' ? setInterval(() => this.#checkAll(), limits.tickMs) : null;
    this.#out.onClose(() => {
      unwatch();
      if (timer) clearInterval(timer);
    });
    for (const [index, number] of [...this.#open.keys()].entries()) {
      if (index % runsInATurn === runsInATurn - 1) await new Promise((resume) => setImmediate(resume));
      if (this.#open.has(number)) this.#checkAgain(number);
    }
  }

  #checkAll(): void {
    for (const number of [...this.#open.keys()]) this.#checkAgain(number);
  }

  #checkAgain(number: number): void {
    const run = this.#deps.supervisor.find(number);
    if (run) this.#check(run);
  }

  #check(run: Run): void {
    if (!hasReached(this.#deps, run, this.#goal)) return;
    this.#open.delete(run.number);
    const view = this.#deps.show.show(run);
    // Lines are sent one after the other, so a slow client is waited for once, not once per run.
    this.#sending = this.#sending.then(() => this.#out.send({ type: 'reached', run: view }));
    if (this.#open.size === 0) void this.#sending.then(() => this.#out.end());
  }
}

function hasReached({ folderOf, now }: RouteDeps, run: Run, goal: Goal): boolean {
  // Ended means settled: no process of the run is alive after the wait.
  if (isEnded(run.state)) return isSettled(run);
  if (goal === 'started') return isAlive(run.state);
  if (goal === 'quiet' && isAlive(run.state))
    return silentMs(run.state, readOutputSize(folderOf(run)).lastOutputAt, now()) >= limits.quietMs;
  return false;
}

/** Refuses a wait inside a run for that run itself, or for one that starts only after it. It would never end. */
function refuseDeadlock(deps: RouteDeps, { headers }: FastifyRequest, runs: readonly Run[]): void {
  const id = headers[runHeader];
  const caller = typeof id === 'string' ? deps.supervisor.findById(id) : null;
  if (caller === null) return;
  const around = new Set([caller.id, ...deps.store.runs.ancestors(caller.lineage.parentRunId)]);
  for (const run of runs) {
    const cause = [run, ...requiredBy(deps, run)].find((each) => around.has(each.id));
    if (cause === undefined) continue;
    const why =
      cause === run
        ? 'this command is a part of it'
        : `it starts after run ${cause.number}, which this command is a part of`;
    throw new ClipError(
      'refused',
      `A wait for run ${run.number} would never be over: ${why}.`,
      'Wait for it from outside of the run.',
    );
  }
}

/** Returns the runs that must succeed before this one starts, the nearest first. */
function requiredBy({ supervisor }: RouteDeps, run: Run): Run[] {
  const chain: Run[] = [];
  for (let each: Run | null = run; each !== null && chain.length < limits.waitRunsMax; ) {
    each = each.state.status === 'queued' && each.spec.after !== null ? supervisor.find(each.spec.after) : null;
    if (each !== null) chain.push(each);
  }
  return chain;
}
