/** Keeps the logs of ended runs within the limits of age and size. Logs are recorded as removed, then removed. */
import { join } from 'node:path';
import type { Config } from '#config/settings.ts';
import { failpoint } from '#launch/failpoints.ts';
import { removeLogs } from '#process/log-files.ts';
import { withRunFolder } from '#process/real-folder.ts';
import { limits } from '#run/limits.ts';
import { logsToRemove, type Removal } from '#run/retention.ts';
import type { Run } from '#run/run.ts';
import type { KeptRow } from '#store/archived-logs.ts';
import type { Store } from '#store/store.ts';
import { findFolderIdentity } from '../core/folder-identity.ts';
import { describe, type LogFunction } from '../core/log.ts';
import type { Supervisor } from '../core/supervisor.ts';

const dayMs = 24 * 60 * 60_000;

export function createLogRetention(deps: {
  store: Store;
  supervisor: Supervisor;
  config: Pick<Config['logs'], 'keep_days' | 'size_max_gb'>;
  runsFolder: string;
  isClosing: () => boolean;
  now: () => number;
  log: LogFunction;
}) {
  const { store, supervisor, config, now } = deps;
  const rule = { keepMs: config.keep_days * dayMs, bytesMax: config.size_max_gb * 2 ** 30 };

  async function retain(): Promise<void> {
    let { bytes } = store.archives.totals();
    for (let after: KeptRow | null = null; !deps.isClosing(); ) {
      const page: KeptRow[] = store.archives.oldest(after, limits.archiveRuns);
      const { removals, done } = logsToRemove(page, bytes, rule, { at: now(), isNewestOfTask });
      remove(removals);
      bytes -= removals.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
      after = page.at(-1) ?? null;
      if (done || after === null) return;
      // Yields to other requests between the pages.
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
    supervisor.transaction((tx) => {
      store.archives.remove(tx, numbers, now());
      for (const { run: number, storedBytes, why } of removals) {
        const run = store.runs.byNumber(number);
        tx.record({
          task: run?.lineage.taskId ?? null,
          run,
          type: 'logs-removed',
          data: { type: 'logs-removed', why, bytes: storedBytes },
        });
      }
    });
    deps.log('info', 'logs of ended runs removed', { runs: numbers.length, first: numbers[0], last: numbers.at(-1) });
    failpoint('retain.middle');
    clear(numbers);
  }

  function clear(numbers: readonly number[]): void {
    for (const number of numbers) {
      const run = store.runs.byNumber(number);
      if (run !== null) removeLogsOfRun(run);
    }
    store.transaction((tx) => store.archives.cleared(tx, numbers));
  }

  function removeLogsOfRun(run: Run): void {
    try {
      withRunFolder(join(deps.runsFolder, run.id), removeLogs, findFolderIdentity(store, run));
    } catch (error) {
      // The run has replaced the folder, or the removal failed. A replaced folder must not be touched.
      deps.log('warn', 'logs of a run could not be removed', { run: run.number, error: describe(error) });
    }
  }

  return {
    retain,
    /** Removes the files of logs whose removal was interrupted by a crash. */
    finish(): void {
      for (
        let left = store.archives.uncleared(limits.archiveRuns);
        left.length > 0;
        left = store.archives.uncleared(limits.archiveRuns)
      )
        clear(left);
    },
  };
}
