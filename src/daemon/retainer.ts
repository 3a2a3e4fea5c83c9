/** Keeps the logs of ended runs within their age and their size: recorded as removed, then removed. */
import { join } from 'node:path';
import type { Config } from '../config/settings.ts';
import { crashPoint } from '../launch/crash-point.ts';
import { removeLogs } from '../process/log-files.ts';
import { limits } from '../run/limits.ts';
import { logsToRemove, type Removal } from '../run/retention.ts';
import type { KeptRow } from '../store/archives.ts';
import type { Store } from '../store/store.ts';
import type { Log } from './log.ts';
import type { Supervisor } from './supervisor.ts';

const dayMs = 24 * 60 * 60_000;

export function createRetainer(world: {
  store: Store;
  supervisor: Supervisor;
  config: Pick<Config['logs'], 'keep_days' | 'size_max_gb'>;
  runsFolder: string;
  isClosing: () => boolean;
  now: () => number;
  log: Log;
}) {
  const { store, supervisor, config, now } = world;
  const rule = { keepMs: config.keep_days * dayMs, bytesMax: config.size_max_gb * 2 ** 30 };

  async function retain(): Promise<void> {
    let { bytes } = store.archives.totals();
    for (let after: KeptRow | null = null; !world.isClosing(); ) {
      const page: KeptRow[] = store.archives.oldest(after, limits.archiveRuns);
      const { removals, done } = logsToRemove(page, bytes, rule, { at: now(), isNewestOfTask });
      remove(removals);
      bytes -= removals.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
      after = page.at(-1) ?? null;
      if (done || after === null) return;
      // Others get their turn between the pages.
      await new Promise((resume) => setImmediate(resume));
    }
  }

  function isNewestOfTask(number: number): boolean {
    const task = store.runs.byNumber(number)?.lineage.taskId ?? null;
    return task !== null && store.runs.latestOfTask(task, null)?.number === number;
  }

  function remove(removals: readonly Removal[]): void {
    if (removals.length === 0) return;
    const numbers = removals.map(({ run }) => run);
    supervisor.together(() => {
      store.archives.remove(numbers, now());
      for (const { run: number, storedBytes, why } of removals) {
        const run = store.runs.byNumber(number);
        supervisor.note({ task: run?.lineage.taskId ?? null, run, type: 'logs-removed', data: { type: 'logs-removed', why, bytes: storedBytes } });
      }
    });
    world.log('info', 'logs of ended runs were removed', { runs: numbers.length, first: numbers[0], last: numbers.at(-1) });
    crashPoint('retain.middle');
    clear(numbers);
  }

  function clear(numbers: readonly number[]): void {
    for (const number of numbers) {
      const run = store.runs.byNumber(number);
      if (run !== null) removeLogs(join(world.runsFolder, run.id));
    }
    store.archives.cleared(numbers);
  }

  return {
    retain,
    /** Files of logs that were removed by one who died over it. */
    finish(): void {
      for (let left = store.archives.uncleared(limits.archiveRuns); left.length > 0; left = store.archives.uncleared(limits.archiveRuns)) clear(left);
    },
  };
}
