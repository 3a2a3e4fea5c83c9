import { setImmediate } from 'node:timers/promises';
import type { RunView } from '#protocol/answers.ts';
import { limits } from '#run/limits.ts';
import { endedStatuses, isEnded, type Run } from '#run/run.ts';
import type { ApiContext } from '../context.ts';

/** One view takes a quarter of a millisecond. */
const viewsPerTurn = 4;

export type RecentRuns = ReturnType<typeof createRecentRuns>;

/** The runs that ended last. Their views cost a few queries each and seldom change, so they are cached. */
export function createRecentRuns({ store }: Pick<ApiContext, 'store'>) {
  const newest = store.runs.newest(endedStatuses, limits.boardRuns);
  const endTime = ({ state }: Run) => (isEnded(state) ? state.endedAt : 0);
  let numbers = newest.sort((a, b) => endTime(b) - endTime(a)).map(({ number }) => number);
  const kept = new Map<number, RunView>();
  return {
    note(number: number, ended: boolean): void {
      // A new run may be the retry of a shown run, whose view then changes.
      if (!ended) return kept.clear();
      kept.delete(number);
      if (!numbers.includes(number)) numbers = [number, ...numbers].slice(0, limits.boardRuns);
    },
    /** Builds the views that are missing, a few in each turn of the event loop. */
    async prepare(viewsOf: (numbers: readonly number[]) => RunView[]): Promise<void> {
      const missing = numbers.filter((number) => !kept.has(number));
      for (let from = 0; from < missing.length; from += viewsPerTurn) {
        for (const view of viewsOf(missing.slice(from, from + viewsPerTurn))) kept.set(view.number, view);
        await setImmediate();
      }
    },
    /** Returns the views, without runs that were removed in the meantime. */
    views(viewsOf: (numbers: readonly number[]) => RunView[]): RunView[] {
      const missing = numbers.filter((number) => !kept.has(number));
      for (const view of viewsOf(missing)) kept.set(view.number, view);
      return numbers.flatMap((number) => kept.get(number) ?? []);
    },
  };
}
