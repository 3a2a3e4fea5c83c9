/** One look at everything that the dashboard shows. */
import type { RunView } from '../../protocol/answers.ts';
import type { BoardParts } from '../../protocol/board.ts';
import { limits } from '../../run/limits.ts';
import type { Show } from '../api/show.ts';
import type { World } from '../api/world.ts';
import { createNeeds } from '../needs.ts';
import type { Lately } from './lately.ts';
import type { Samples } from './samples.ts';

export type Whole = { readonly parts: BoardParts; readonly runs: readonly RunView[] };

export function createLook(world: World & { readonly show: Show }, { samples, lately }: { readonly samples: Samples; readonly lately: Lately }) {
  const needs = createNeeds(world);
  const viewsOf = (numbers: readonly number[]): RunView[] =>
    numbers.flatMap((number) => {
      const run = world.supervisor.find(number);
      return run === null ? [] : [world.show.show(run)];
    });

  return (): Whole => {
    const { max, taken, held, queued } = world.scheduler.slots();
    const live = world.supervisor
      .alive()
      .map(({ number }) => number)
      .sort((a, b) => a - b);
    const inLine = world.scheduler.nextInLine(limits.boardRuns);
    const { costUsd, costKnownUsd, tokens, tokensKnown, runs } = world.used.ofAllAgents();
    const recent = lately.views(viewsOf);
    return {
      parts: {
        daemon: {
          pid: process.pid,
          version: world.version,
          startedAt: new Date(world.startedAt).toISOString(),
          home: world.home.folder,
          memoryBytes: process.memoryUsage.rss(),
          trouble: world.room.trouble(),
        },
        queue: { held, queued, slots: max, taken },
        spentToday: { runs, costUsd, costKnownUsd, tokens, tokensKnown },
        needsYou: needs(),
        live,
        queued: inLine,
        recent: recent.map(({ number }) => number),
      },
      runs: [...viewsOf(live).map((run) => ({ ...run, ...samples.of(run.number) })), ...viewsOf(inLine), ...recent],
    };
  };
}
