/** Who wants to be told when a run or a task changes. Telling is the last part of a change, after it is on disk. */
import type { Run } from '../run/run.ts';
import type { StoredEvent } from '../store/events.ts';

/** `run`: null when it is only a task that changed. */
export type Change = { readonly run: Run | null; readonly event: StoredEvent };
export type Watcher = (change: Change) => void;
export type Watchers = ReturnType<typeof createWatchers>;

export function createWatchers() {
  const watchers = new Set<Watcher>();
  return {
    /** Returns the function that ends the watching. */
    watch(watcher: Watcher): () => void {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    tell(change: Change): void {
      for (const watcher of [...watchers]) watcher(change);
    },
    count: (): number => watchers.size,
  };
}
