/**
 * `GET /v1/board`: what the dashboard shows, pushed as it changes.
 *
 * Each line is a snapshot without what the client already has. A slow client skips snapshots instead of falling
 * behind, and nothing is buffered for it. Changes are sent at once, but at most a few lines per second.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { limits } from '#run/limits.ts';
import { isEnded } from '#run/run.ts';
import { createSnapshot } from '../board/board-snapshot.ts';
import { createSignal } from '../board/change-signal.ts';
import { createNews } from '../board/delta.ts';
import { createRecentRuns } from '../board/recent-runs.ts';
import { createSamples } from '../board/resource-samples.ts';
import type { Routes } from '../context.ts';
import { startLines } from '../ndjson-stream.ts';

export const boardRoutes: Routes = (api, deps) => {
  const samples = createSamples(deps);

  api.get('/v1/board', async (_request, reply) => {
    const out = startLines(reply, deps.version);
    const lately = createRecentRuns(deps);
    const look = createSnapshot(deps, { samples, lately });
    const news = createNews();
    const bell = createSignal();
    const unwatch = deps.changeFeed.watch(({ run }) => {
      if (run !== null) lately.note(run.number, isEnded(run.state));
      bell.ring();
    });
    out.onClose(() => {
      unwatch();
      bell.ring();
    });
    while (!out.closed()) {
      await samples.refresh();
      const line = news.of(await look());
      if (line !== null && !(await out.send(line))) return;
      await sleep(limits.boardPauseMs);
      if (!out.closed()) await bell.rung(deps.supervisor.alive().length > 0 ? limits.sampleMs : limits.boardIdleMs);
    }
  });
};
