/**
 * A home that is a copy of another one. The live runs in its database belong to the original. Their processes belong
 * to a home that still exists, so the copy neither signals nor repeats them.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { readExit } from '#process/run-folder-reader.ts';
import { isEnded, type Run } from '#run/run.ts';
import type { Store } from '#store/store.ts';
import type { WriteTransaction } from '#store/transaction.ts';

/** Keys of the database facts: the last folder of this home, and the runs that belong to another home. */
const facts = { folder: 'home_folder', runs: 'foreign_runs' } as const;

export type CopiedHome = {
  /** Returns the home that owns this run, or null if that is this home. */
  readonly originalOf: (runId: string) => string | null;
};

type ForeignRuns = { readonly home: string; readonly ids: readonly string[] };

/**
 * Compares the folder of the home with the recorded one. Returns the folder of the original if this home is a copy,
 * else null. A home that was moved, or is reached by another path, is not a copy.
 */
export function recognizeCopy(tx: WriteTransaction, store: Store, folder: string): string | null {
  const before = store.readMeta(facts.folder);
  if (before === folder) return null;
  store.writeMeta(tx, facts.folder, folder);
  if (before === null || !isAnotherHome(before, folder)) return null;
  const unsettled = store.runs.unsettled();
  store.writeMeta(
    tx,
    facts.runs,
    JSON.stringify({ home: before, ids: unsettled.map(({ id }) => id) } satisfies ForeignRuns),
  );
  const hasMoreToStart = unsettled.some((run) => isUnfinished(run, folder)) || store.wakes.allWaiting({}).length > 0;
  if (hasMoreToStart) store.writeMeta(tx, 'queue_held', '1');
  return before;
}

export function createCopiedHome(store: Pick<Store, 'readMeta'>): CopiedHome {
  const stored = store.readMeta(facts.runs);
  const foreign = stored === null ? null : (JSON.parse(stored) as ForeignRuns);
  const ids = new Set(foreign?.ids);
  return { originalOf: (runId) => (foreign !== null && ids.has(runId) ? foreign.home : null) };
}

/** Returns true if clip may still start something for this run or after it. Both homes would start it otherwise. */
function isUnfinished({ id, state, lineage }: Run, folder: string): boolean {
  return (
    lineage.taskId !== null ||
    state.status === 'queued' ||
    (!isEnded(state) && readExit(join(folder, 'runs', id)) === null)
  );
}

function isAnotherHome(before: string, folder: string): boolean {
  const database = statSync(join(before, 'clip.db'), { throwIfNoEntry: false });
  const ours = statSync(join(folder, 'clip.db'));
  return database !== undefined && (database.ino !== ours.ino || database.dev !== ours.dev);
}
