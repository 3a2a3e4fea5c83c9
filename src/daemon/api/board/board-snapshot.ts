/** Takes a snapshot of everything that the dashboard shows. */
import type { RunView } from '#protocol/answers.ts';
import type { BoardParts } from '#protocol/board.ts';
import { limits } from '#run/limits.ts';
import { createAttention } from '../../tasks/attention.ts';
import type { ApiContext } from '../context.ts';
import type { Show } from '../run-view.ts';
import type { RecentRuns } from './recent-runs.ts';
import type { Samples } from './resource-samples.ts';

export type Whole = { readonly parts: BoardParts; readonly runs: readonly RunView[] };

export function createSnapshot(
  deps: ApiContext & { readonly show: Show },
  { samples, lately }: { readonly samples: Samples; readonly lately: RecentRuns },
) {
  const needs = createAttention(deps);
  const buildViews = (numbers: readonly number[]): RunView[] =>
    numbers.flatMap((number) => {
      const run = deps.supervisor.find(number);
      return run === null ? [] : [deps.show.show(run)];
    });

  return async (): Promise<Whole> => {
    await lately.prepare(buildViews);
    const live = deps.supervisor
      .alive()
      .map(({ number }) => number)
      .sort((a, b) => a - b);
    const inLine = deps.scheduler.nextInLine(limits.boardRuns);
    const { costUsd, costKnownUsd, tokens, tokensKnown, runs } = deps.usageMeter.ofAllAgents();
    const recent = lately.views(buildViews);
    return {
      parts: {
        daemon: {
          pid: process.pid,
          version: deps.version,
          startedAt: new Date(deps.startedAt).toISOString(),
          home: deps.home.folder,
          memoryBytes: process.memoryUsage.rss(),
          trouble: deps.diskGuard.trouble(),
        },
        queue: deps.scheduler.slots(),
        spentToday: { runs, costUsd, costKnownUsd, tokens, tokensKnown },
        needsYou: needs(),
        live,
        queued: inLine,
        recent: recent.map(({ number }) => number),
      },
      runs: [
        ...buildViews(live).map((run) => ({ ...run, ...samples.of(run.number) })),
        ...buildViews(inLine),
        ...recent,
      ],
    };
  };
}
