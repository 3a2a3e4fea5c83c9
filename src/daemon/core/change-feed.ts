/** Notifies watchers of changes of runs and tasks. Notification is the last part of a change, after it was committed. */
import type { Run } from '#run/run.ts';
import type { StoredEvent } from '#store/events.ts';

/** `run`: null if only a task has changed. */
export type RunChange = { readonly run: Run | null; readonly event: StoredEvent };
export type Watcher = (change: RunChange) => void;
export type ChangeFeed = ReturnType<typeof createChangeFeed>;

export function createChangeFeed() {
  const changeFeed = new Set<Watcher>();
  return {
    /** Adds a watcher. Returns the function that removes it. */
    watch(watcher: Watcher): () => void {
      changeFeed.add(watcher);
      return () => changeFeed.delete(watcher);
    },
    tell(change: RunChange): void {
      for (const watcher of [...changeFeed]) watcher(change);
    },
    count: (): number => changeFeed.size,
  };
}
