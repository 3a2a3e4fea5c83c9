/** The generation of a daemon: its number in this home, and how its predecessor ended. */
import { recognizeCopy } from './copied-home.ts';
import type { Core } from './core/core.ts';
import { refuseForgotten } from './runs/orphan-folders.ts';

/** Throws if the database has lost its newest records. A write error (e.g. disk full) does not prevent startup. */
export function beginGeneration({ store, home, config, now, tryWriting, log }: Core): {
  generation: number;
  uncleanBefore: boolean;
} {
  // Exceeds every earlier generation, even if the database that recorded them was lost: keepers reject older daemons.
  const generation = Math.max(Number(store.readMeta('generation') ?? 0) + 1, now());
  const uncleanBefore = store.readMeta('unclean') === '1';
  if (uncleanBefore) refuseForgotten(home.runs, store.runs);
  tryWriting('daemon generation', () =>
    store.transaction((tx) => {
      store.writeMeta(tx, 'generation', String(generation));
      store.writeMeta(tx, 'unclean', '1');
      if (uncleanBefore && config.after_crash === 'hold') store.writeMeta(tx, 'queue_held', '1');
      const original = recognizeCopy(tx, store, home.folder);
      if (original !== null)
        log('warn', 'home is a copy; live runs left to the original, queue held if anything waits', { original });
    }),
  );
  return { generation, uncleanBefore };
}
