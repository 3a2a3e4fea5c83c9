/** Removes ended runs: first their rows, then their folders. Number, id, key and usage are kept. */
import { failpoint } from '#launch/failpoints.ts';
import { removeRunFolder } from '#process/real-folder.ts';
import type { Run } from '#run/run.ts';
import { isEnded } from '#run/run.ts';
import { isSettled } from '#run/state-machine.ts';
import type { Store } from '#store/store.ts';
import { findFolderIdentity } from '../core/folder-identity.ts';
import { describe, type LogFunction } from '../core/log.ts';
import type { Supervisor } from '../core/supervisor.ts';
import type { LogFollower } from '../output/log-follower.ts';

export type Removal = ReturnType<typeof createRemoval>;
/** What to prune: runs that ended before `endedBefore` and are not among the newest `keep`. Null disables a condition. */
export type PruneRule = { readonly endedBefore: number | null; readonly keep: number | null };

/** Runs per transaction, few enough for a short turn of the event loop. */
const chunkRuns = 100;

export function createRemoval(deps: {
  store: Store;
  supervisor: Pick<Supervisor, 'transaction'>;
  logFollower: Pick<LogFollower, 'digestOf'>;
  folderOf: (run: Run) => string;
  now: () => number;
  log: LogFunction;
}) {
  const { store } = deps;

  /** Removes all of these runs, or none. Folders that a crash leaves behind are removed at the next start. */
  function remove(runs: readonly Run[], point: 'rm.middle' | 'prune.middle'): void {
    const made = runs.map((run) => findFolderIdentity(store, run));
    deps.supervisor.transaction((tx) => {
      for (const run of runs) {
        store.runs.bury(tx, run, deps.logFollower.digestOf(run) ?? { usage: null, usageIsPart: false }, deps.now());
        store.events.forget(tx, run.number);
        // Recorded as an event, so followers of the history see it at once.
        tx.record({ task: null, run, type: 'removed', data: {} });
      }
    });
    failpoint(point);
    for (const [index, run] of runs.entries()) {
      try {
        removeRunFolder(deps.folderOf(run), made[index] ?? null);
      } catch (error) {
        deps.log('warn', 'folder of a removed run could not be deleted', { run: run.number, error: describe(error) });
      }
    }
  }

  /** Yields the runs that the rule matches, oldest first. Skips unsettled runs and the newest of each task. */
  function* chosen({ endedBefore, keep }: PruneRule): Generator<Run> {
    const newest = keep === null ? Number.POSITIVE_INFINITY : store.runs.newestEnded(keep);
    for (let after = 0; ; ) {
      const page = store.runs.endedAfter(after, chunkRuns);
      for (const run of page) {
        if (run.number >= newest) return;
        const old = endedBefore === null || (isEnded(run.state) && run.state.endedAt < endedBefore);
        if (old && isSettled(run) && !isNewestOfTask(run)) yield run;
      }
      after = page.at(-1)?.number ?? Number.POSITIVE_INFINITY;
      if (page.length < chunkRuns) return;
    }
  }

  function isNewestOfTask({ number, lineage }: Run): boolean {
    return lineage.taskId !== null && store.runs.latestOfTask(lineage.taskId, null)?.number === number;
  }

  return {
    remove: (run: Run): void => remove([run], 'rm.middle'),

    /** Removes the runs that the rule matches and returns their numbers. `dryRun` only returns them. Yields to other requests between chunks. */
    async prune(rule: PruneRule, dryRun: boolean): Promise<number[]> {
      const numbers: number[] = [];
      let chunk: Run[] = [];
      const flush = async () => {
        if (!dryRun && chunk.length > 0) remove(chunk, 'prune.middle');
        numbers.push(...chunk.map(({ number }) => number));
        chunk = [];
        await new Promise((resume) => setImmediate(resume));
      };
      for (const run of chosen(rule)) {
        chunk.push(run);
        if (chunk.length === chunkRuns) await flush();
      }
      await flush();
      return numbers;
    },
  };
}
