import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readHandles } from '../../process/handles.ts';
import type { DaemonAnswer } from '../../protocol/answers.ts';
import { stopDaemonRequest } from '../../protocol/requests.ts';
import { isEnded, type Run } from '../../run/run.ts';
import { isSettled } from '../../run/step.ts';
import { createNeeds } from '../needs.ts';
import { read } from './border.ts';
import type { Routes, World } from './world.ts';

export const daemonRoutes: Routes = (api, world) => {
  const needs = createNeeds(world);

  const daemon = (): Omit<DaemonAnswer, 'schema'> => ({
    running: true,
    pid: process.pid,
    version: world.version,
    startedAt: new Date(world.startedAt).toISOString(),
    home: world.home.folder,
    socket: world.home.socket,
    uptimeMs: world.now() - world.startedAt,
    keepers: world.keepers.list(),
    memoryBytes: process.memoryUsage.rss(),
    ...readHandles(),
    trouble: world.room.trouble(),
  });

  api.get('/v1/daemon', () => ({ schema: 1, ...daemon() }));

  api.get('/v1/status', async () => {
    const { max, taken, held, queued } = world.scheduler.slots();
    const live = world.supervisor.alive().sort((a, b) => a.number - b.number);
    return {
      schema: 1,
      daemon: daemon(),
      queue: { held, queued, slots: max, taken },
      live: await Promise.all(live.map(world.show.showSampled)),
      needsYou: needs(),
    };
  });

  api.post('/v1/daemon/stop', async (request, reply) => {
    const { cancelRuns } = read(stopDaemonRequest, request.body);
    // Runs have their grace to end.
    request.raw.socket.setTimeout(0);
    if (cancelRuns) await cancelEverything(world);
    const live = world.supervisor.alive();
    const unenforced = live.length === 0 ? [] : unenforcedWords(world, live);
    // The answer first, then the end.
    reply.raw.on('close', () => void world.shutdown());
    return reply.header('connection', 'close').send({ schema: 1, stopped: true, liveRuns: live.length, unenforced });
  });

  api.get('/v1/openapi.json', (_request, reply) =>
    reply.type('application/json').send(readFileSync(join(dirname(fileURLToPath(import.meta.url)), 'openapi.json'))),
  );
};

/** What nobody watches over while no daemon is there. */
function unenforcedWords({ spending }: World, live: readonly Run[]): string[] {
  const words: string[] = [];
  if (live.some(({ spec }) => spec.silenceMs !== null)) words.push('silence limits');
  if (live.some(({ state }) => state.status === 'stopping')) words.push('stops under way');
  if (live.some((run) => spending.limitsOf(run).length > 0)) words.push('budgets');
  words.push('output limits', 'clearing of leftovers', 'the queue');
  return words;
}

/**
 * Queued runs too: a stopped daemon with `--cancel-runs` leaves nothing that would go on later. What comes to be
 * meanwhile, because it follows a run that had just ended, say, is cancelled as well.
 */
async function cancelEverything(world: World): Promise<void> {
  const { supervisor } = world;
  cancelAll(world);
  await new Promise<void>((resolve) => {
    const check = () => {
      if (!supervisor.awake().every(isSettled) || hasQueued(world)) return;
      unwatch();
      resolve();
    };
    const unwatch = world.watchers.watch(({ run }) => {
      if (run === null || isEnded(run.state)) return setImmediate(check);
      if (run.state.status !== 'stopping') setImmediate(() => cancelAll(world));
    });
    check();
  });
}

function cancelAll({ store, supervisor }: World): void {
  const order = { type: 'stop-requested', order: 'cancelled', graceMs: null, now: false } as const;
  for (;;) {
    const queued = store.runs.page({ statuses: ['queued'] }, { before: null, limit: 500 }).runs;
    if (queued.length === 0) break;
    supervisor.submitAll(queued.map(({ number }) => ({ number, event: order })));
  }
  const going = supervisor.alive().filter(({ state }) => state.status !== 'stopping');
  supervisor.submitAll(going.map(({ number }) => ({ number, event: order })));
}

function hasQueued({ store }: World): boolean {
  return store.runs.page({ statuses: ['queued'] }, { before: null, limit: 1 }).runs.length > 0;
}
