/** `GET /v1/wait`: sends a line for each run when it reaches the awaited state. Runs that are already there are included. */

import type { FastifyRequest } from 'fastify';
import { readOutputSize } from '#process/run-folder-reader.ts';
import { waitQuery } from '#protocol/requests.ts';
import { ClipError } from '#run/errors.ts';
import { limits } from '#run/limits.ts';
import { isAlive, isEnded, type Run } from '#run/run.ts';
import { silentMs } from '#run/silence.ts';
import { isSettled } from '#run/state-machine.ts';
import { runHeader } from '../auth.ts';
import type { Routes } from '../context.ts';
import { read } from '../errors.ts';
import { startLines } from '../ndjson-stream.ts';

/** Runs checked per turn of the event loop: thousands may be waited for. */
const runsInATurn = 200;

type Goal = 'started' | 'quiet' | 'ended';

export const waitRoutes: Routes = (api, deps) => {
  api.get('/v1/wait', async (request, reply) => {
    const query = read(waitQuery, request.query);
    if (query.run.length > limits.waitRunsMax)
      throw new ClipError('usage', `At most ${limits.waitRunsMax} runs can be waited for at once.`);
    const runs = query.run.map(deps.resolve);
    if (query.for === 'ended') refuseDeadlock(request, runs);
    const open = new Map(runs.map((run) => [run.number, run]));
    const out = startLines(reply, deps.version);
    void out.send({ type: 'waiting', runs: runs.map(({ number }) => number) });

    let sending: Promise<unknown> = Promise.resolve();
    const unwatch = deps.changeFeed.watch(({ run }) => {
      if (run !== null && open.has(run.number)) check(run);
    });
    const timer = query.for === 'quiet' ? setInterval(() => [...open.keys()].forEach(checkAgain), limits.tickMs) : null;
    out.onClose(() => {
      unwatch();
      if (timer) clearInterval(timer);
    });
    for (const [index, number] of [...open.keys()].entries()) {
      if (index % runsInATurn === runsInATurn - 1) await new Promise((resume) => setImmediate(resume));
      if (open.has(number)) checkAgain(number);
    }

    function checkAgain(number: number): void {
      const run = deps.supervisor.find(number);
      if (run) check(run);
    }

    function check(run: Run): void {
      if (!isThere(run, query.for)) return;
      open.delete(run.number);
      const view = deps.show.show(run);
      // Lines are sent one after the other, so a slow client is waited for once, not once per run.
      sending = sending.then(() => out.send({ type: 'reached', run: view }));
      if (open.size === 0) void sending.then(out.end);
    }
  });

  /** Refuses a wait inside a run for that run itself, or for one that starts only after it. It would never end. */
  function refuseDeadlock({ headers }: FastifyRequest, runs: readonly Run[]): void {
    const id = headers[runHeader];
    const caller = typeof id === 'string' ? deps.supervisor.findById(id) : null;
    if (caller === null) return;
    const around = new Set([caller.id, ...deps.store.runs.ancestors(caller.lineage.parentRunId)]);
    for (const run of runs) {
      const cause = [run, ...requiredBy(run)].find((each) => around.has(each.id));
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
  function requiredBy(run: Run): Run[] {
    const chain: Run[] = [];
    for (let each: Run | null = run; each !== null && chain.length < limits.waitRunsMax; ) {
      each = each.state.status === 'queued' && each.spec.after !== null ? deps.supervisor.find(each.spec.after) : null;
      if (each !== null) chain.push(each);
    }
    return chain;
  }

  function isThere(run: Run, goal: Goal): boolean {
    // Ended means settled: no process of the run is alive after the wait.
    if (isEnded(run.state)) return isSettled(run);
    if (goal === 'started') return isAlive(run.state);
    if (goal === 'quiet' && isAlive(run.state)) {
      return silentMs(run.state, readOutputSize(deps.folderOf(run)).lastOutputAt, deps.now()) >= limits.quietMs;
    }
    return false;
  }
};
