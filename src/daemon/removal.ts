/** Deleting ended runs: forgotten in the database first, then their folders; number, id, key and what was used stay known. */
import { rmSync } from 'node:fs';
import { crashPoint } from '../launch/crash-point.ts';
import type { Run } from '../run/run.ts';
import { isEnded } from '../run/run.ts';
import { isSettled } from '../run/step.ts';
import type { Store } from '../store/store.ts';
import { describe, type Log } from './log.ts';
import type { Supervisor } from './supervisor.ts';
import type { Tails } from './tails.ts';

export type Removal = ReturnType<typeof createRemoval>;
/** What is pruned: runs that ended before that, and that are not among the newest so many. Null where it does not matter. */
export type PruneRule = { readonly endedBefore: number | null; readonly keep: number | null };

/** Runs in one transaction: few enough for a short turn of the loop. */
const chunkRuns = 100;

export function createRemoval(world: {
  store: Store;
  supervisor: Pick<Supervisor, 'together' | 'note'>;
  tails: Pick<Tails, 'glanceOf'>;
  folderOf: (run: Run) => string;
  now: () => number;
  log: Log;
}) {
  const { store } = world;

  /** All of them, or none. What a crash leaves of their folders goes at the next start. */
  function remove(runs: readonly Run[], point: 'rm.middle' | 'prune.middle'): void {
    world.supervisor.together(() => {
      for (const run of runs) {
        store.runs.bury(run, world.tails.glanceOf(run)?.usage ?? null, world.now());
        store.events.forget(run.number);
        world.supervisor.note({ task: null, run, type: 'removed', data: {} });
      }
    });
    crashPoint(point);
    for (const run of runs) {
      try {
        rmSync(world.folderOf(run), { recursive: true, force: true, maxRetries: 3 });
      } catch (error) {
        world.log('warn', 'the folder of a removed run is still there', { run: run.number, error: describe(error) });
      }
    }
  }

  /** The runs that this rule takes, oldest first: settled ones, and never the newest of a task. */
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

    /** Removes what the rule takes; with `dryRun` only says what that would be. Others have their turn in between. */
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
