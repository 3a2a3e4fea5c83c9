/**
 * `GET /v1/board`: what the dashboard shows, pushed as it changes.
 *
 * Each line is a look at everything, less what the client has already: so a slow client skips looks instead of
 * falling behind, and nothing is kept for it. A change is told at once, but no more than a few lines a second.
 */
import { limits } from '../../run/limits.ts';
import { isEnded } from '../../run/run.ts';
import { createBell } from '../board/bell.ts';
import { createLately } from '../board/lately.ts';
import { createLook } from '../board/look.ts';
import { createNews } from '../board/news.ts';
import { createSamples } from '../board/samples.ts';
import { startLines } from './stream.ts';
import type { Routes } from './world.ts';

export const boardRoutes: Routes = (api, world) => {
  const samples = createSamples(world);

  api.get('/v1/board', async (_request, reply) => {
    const out = startLines(reply, world.version);
    const lately = createLately(world);
    const look = createLook(world, { samples, lately });
    const news = createNews();
    const bell = createBell();
    const unwatch = world.watchers.watch(({ run }) => {
      if (run !== null) lately.note(run.number, isEnded(run.state));
      bell.ring();
    });
    out.onClose(() => {
      unwatch();
      bell.ring();
    });
    while (!out.closed()) {
      await samples.refresh();
      const line = news.of(look());
      if (line !== null && !(await out.send(line))) return;
      await new Promise((resolve) => setTimeout(resolve, limits.boardPauseMs));
      if (!out.closed()) await bell.rung(world.supervisor.alive().length > 0 ? limits.sampleMs : limits.boardIdleMs);
    }
  });
};
