/** `GET /v1/wait`: a line for each run as it gets where it is waited for. Works on runs that are there already. */

import { readOutputSize } from '../../process/run-records.ts';
import { waitQuery } from '../../protocol/requests.ts';
import { ClipError } from '../../run/errors.ts';
import { limits } from '../../run/limits.ts';
import { isAlive, isEnded, type Run } from '../../run/run.ts';
import { silentMs } from '../../run/silence.ts';
import { isSettled } from '../../run/step.ts';
import { read } from './border.ts';
import { startLines } from './stream.ts';
import type { Routes } from './world.ts';

/** Looked at in one turn of the loop: thousands may be waited for. */
const runsInATurn = 200;

type Goal = 'started' | 'quiet' | 'ended';

export const waitRoutes: Routes = (api, world) => {
  api.get('/v1/wait', async (request, reply) => {
    const query = read(waitQuery, request.query);
    if (query.run.length > limits.waitRunsMax) throw new ClipError('usage', `At most ${limits.waitRunsMax} runs can be waited for at once.`);
    const runs = query.run.map(world.resolve);
    const open = new Map(runs.map((run) => [run.number, run]));
    const out = startLines(reply, world.version);
    void out.send({ type: 'waiting', runs: runs.map(({ number }) => number) });

    let sending: Promise<unknown> = Promise.resolve();
    const unwatch = world.watchers.watch(({ run }) => {
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
      const run = world.supervisor.find(number);
      if (run) check(run);
    }

    function check(run: Run): void {
      if (!isThere(run, query.for)) return;
      open.delete(run.number);
      const view = world.show.show(run);
      // One after the other: a client that reads slowly is waited for once, not once for each run.
      sending = sending.then(() => out.send({ type: 'reached', run: view }));
      if (open.size === 0) void sending.then(out.end);
    }
  });

  function isThere(run: Run, goal: Goal): boolean {
    // Ended means settled: whoever waited finds nothing of the run alive any more.
    if (isEnded(run.state)) return isSettled(run);
    if (goal === 'started') return isAlive(run.state);
    if (goal === 'quiet' && isAlive(run.state)) {
      return silentMs(run.state, readOutputSize(world.folderOf(run)).lastOutputAt, world.now()) >= limits.quietMs;
    }
    return false;
  }
};
