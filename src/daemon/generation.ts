/** The generation of a daemon: its number in this home, and how its predecessor ended. */
import type { Store } from '#store/store.ts';
import { recognizeCopy } from './copied-home.ts';
import type { LogFunction } from './core/log.ts';
import { refuseForgotten } from './runs/orphan-folders.ts';

/** Throws if the database has lost its newest records. A write error (e.g. disk full) does not prevent startup. */
export function beginGeneration(deps: {
  store: Store;
  /** The folder of the home. */
  folder: string;
  runsFolder: string;
  /** Whether to hold the queue after an unclean end. */
  holdAfterCrash: boolean;
  now: () => number;
  tryWriting: (what: string, write: () => void) => void;
  log: LogFunction;
}): { generation: number; uncleanBefore: boolean } {
  const { store } = deps;
  // Exceeds every earlier generation, even if the database that recorded them was lost: keepers reject older daemons.
  const generation = Math.max(Number(store.readMeta('generation') ?? 0) + 1, deps.now());
  const uncleanBefore = store.readMeta('unclean') === '1';
  if (uncleanBefore) refuseForgotten(deps.runsFolder, store.runs);
  deps.tryWriting('daemon generation', () =>
    store.transaction(() => {
      store.writeMeta('generation', String(generation));
      store.writeMeta('unclean', '1');
      if (uncleanBefore && deps.holdAfterCrash) store.writeMeta('queue_held', '1');
      const original = recognizeCopy(store, deps.folder);
      if (original !== null)
        deps.log('warn', 'home is a copy; live runs left to the original, queue held if anything waits', { original });
    }),
  );
  return { generation, uncleanBefore };
}
