import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { submitterIn, submitterVariable } from '#launch/submitter.ts';
import { readHandles } from '#process/open-handles.ts';
import type { DaemonAnswer, KeeperWantedAnswer } from '#protocol/answers.ts';
import { keeperRequest, statusQuery, stopDaemonRequest } from '#protocol/requests.ts';
import { limits } from '#run/limits.ts';
import { isEnded, type Run } from '#run/run.ts';
import { isSettled } from '#run/state-machine.ts';
import { createAttention } from '../../tasks/attention.ts';
import { read } from '../api-errors.ts';
import type { ApiContext, Routes } from '../context.ts';
import { createEndedSince } from '../ended-since.ts';

export const daemonRoutes: Routes = (api, deps) => {
  const needs = createAttention(deps);

  const daemon = (): Omit<DaemonAnswer, 'schema'> => ({
    running: true,
    pid: process.pid,
    version: deps.version,
    startedAt: new Date(deps.startedAt).toISOString(),
    home: deps.home.folder,
    socket: deps.home.socket,
    uptimeMs: deps.now() - deps.startedAt,
    keepers: deps.keepers.list(),
    memoryBytes: process.memoryUsage.rss(),
    ...readHandles(),
    trouble: deps.diskGuard.trouble(),
  });

  api.get('/v1/daemon', () => ({ schema: 1, ...daemon() }));

  api.post('/v1/keepers', (request): KeeperWantedAnswer => {
    const { submitter } = read(keeperRequest, request.body);
    return { schema: 1, keeper: deps.keepers.want(submitterIn({ [submitterVariable]: submitter })) };
  });

  const endedSince = createEndedSince(deps);

  api.get('/v1/status', async (request) => {
    const { look } = read(statusQuery, request.query);
    const live = deps.supervisor.alive().sort((a, b) => a.number - b.number);
    return {
      schema: 1,
      daemon: daemon(),
      queue: deps.scheduler.slots(),
      live: await Promise.all(live.map((run) => deps.show.showSampled(run))),
      queued: deps.scheduler.nextInLine(limits.queuedShown).flatMap((number) => {
        const run = deps.supervisor.find(number);
        return run === null ? [] : [deps.show.show(run)];
      }),
      ended: endedSince(look),
      needsYou: needs(),
    };
  });

  api.post('/v1/daemon/stop', async (request, reply) => {
    const { cancelRuns } = read(stopDaemonRequest, request.body);
    // Runs may use their grace period to end.
    request.raw.socket.setTimeout(0);
    if (cancelRuns) await cancelEverything(deps);
    const live = deps.supervisor.alive();
    const unenforced = live.length === 0 ? [] : formatUnenforced(deps, live);
    // Shuts down after the answer was sent.
    reply.raw.on('close', () => void deps.shutdown());
    return reply.header('connection', 'close').send({ schema: 1, stopped: true, liveRuns: live.length, unenforced });
  });

  api.get('/v1/openapi.json', (_request, reply) =>
    reply.type('application/json').send(readFileSync(join(dirname(fileURLToPath(import.meta.url)), 'openapi.json'))),
  );
};

/** Describes the limits that are not enforced while no daemon runs. */
function formatUnenforced({ budgets }: ApiContext, live: readonly Run[]): string[] {
  const words: string[] = [];
  if (live.some(({ spec }) => spec.silenceMs !== null)) words.push('silence limits');
  if (live.some(({ state }) => state.status === 'stopping')) words.push('stops under way');
  if (live.some((run) => budgets.limitsOf(run).length > 0)) words.push('budgets');
  words.push('output limits', 'clearing of leftovers', 'the queue');
  return words;
}

/**
 * Cancels all live and queued runs, so that a daemon stopped with `--cancel-runs` leaves nothing to resume. Also
 * cancels runs that are created meanwhile, for example as follow-ups of runs that just ended.
 */
async function cancelEverything(deps: ApiContext): Promise<void> {
  const { supervisor } = deps;
  cancelAll(deps);
  await new Promise<void>((resolve) => {
    const check = () => {
      if (!supervisor.awake().every(isSettled) || hasQueued(deps)) return;
      unwatch();
      resolve();
    };
    const unwatch = deps.changeFeed.watch(({ run }) => {
      if (run === null || isEnded(run.state)) return setImmediate(check);
      if (run.state.status !== 'stopping') setImmediate(() => cancelAll(deps));
    });
    check();
  });
}

function cancelAll({ store, supervisor }: ApiContext): void {
  const order = { type: 'stop-requested', order: 'cancelled', graceMs: null, now: false } as const;
  for (;;) {
    const queued = store.runs.page({ statuses: ['queued'] }, { before: null, limit: 500 }).runs;
    if (queued.length === 0) break;
    supervisor.submitAll(queued.map(({ number }) => ({ number, event: order })));
  }
  const going = supervisor.alive().filter(({ state }) => state.status !== 'stopping');
  supervisor.submitAll(going.map(({ number }) => ({ number, event: order })));
}

function hasQueued({ store }: ApiContext): boolean {
  return store.runs.page({ statuses: ['queued'] }, { before: null, limit: 1 }).runs.length > 0;
}
