import type { RunView } from '#protocol/answers.ts';
import { limits } from '#run/limits.ts';
import { endedStatuses, isEnded } from '#run/run.ts';
import type { ApiContext } from '../context.ts';

export type RecentRuns = ReturnType<typeof createRecentRuns>;

/** The runs that ended last. Their views cost a few queries each and seldom change, so they are cached. */
export function createRecentRuns({ store }: Pick<ApiContext, 'store'>) {
  const page = store.runs.page({ statuses: [...endedStatuses] }, { before: null, limit: limits.boardRuns });
  const endTime = ({ state }: (typeof page.runs)[number]) => (isEnded(state) ? state.endedAt : 0);
  let numbers = [...page.runs].sort((a, b) => endTime(b) - endTime(a)).map(({ number }) => number);
  const kept = new Map<number, RunView>();
  return {
    note(number: number, ended: boolean): void {
      // A new run may be the retry of a shown run, whose view then changes.
      if (!ended) return kept.clear();
      kept.delete(number);
      if (!numbers.includes(number)) numbers = [number, ...numbers].slice(0, limits.boardRuns);
    },
    /** Returns the views, without runs that were removed in the meantime. */
    views(viewsOf: (numbers: readonly number[]) => RunView[]): RunView[] {
      const missing = numbers.filter((number) => !kept.has(number));
      for (const view of viewsOf(missing)) kept.set(view.number, view);
      return numbers.flatMap((number) => kept.get(number) ?? []);
    },
  };
}
