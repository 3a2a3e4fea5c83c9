/** A daemon's turn among those of its home: which one it is, and how the one before it ended. */
import type { Store } from '../store/store.ts';
import { refuseForgotten } from './orphans.ts';

/** Throws where the database has lost its newest records. What cannot be written, on a full disk say, is no reason not to serve. */
export function takeTurn(world: {
  store: Store;
  runsFolder: string;
  /** Queued runs wait for somebody after an end like that. */
  holdAfterCrash: boolean;
  now: () => number;
  tryWriting: (what: string, write: () => void) => void;
}): { generation: number; uncleanBefore: boolean } {
  const { store } = world;
  // Above every one before, also where the database that knew them was lost: keepers listen to nobody older.
  const generation = Math.max(Number(store.readMeta('generation') ?? 0) + 1, world.now());
  const uncleanBefore = store.readMeta('unclean') === '1';
  if (uncleanBefore) refuseForgotten({ runsFolder: world.runsFolder, isKnown: store.runs.isKnown });
  world.tryWriting('that a daemon is here', () =>
    store.transaction(() => {
      store.writeMeta('generation', String(generation));
      store.writeMeta('unclean', '1');
      if (uncleanBefore && world.holdAfterCrash) store.writeMeta('queue_held', '1');
    }),
  );
  return { generation, uncleanBefore };
}
