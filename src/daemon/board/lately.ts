import type { RunView } from '../../protocol/answers.ts';
import { limits } from '../../run/limits.ts';
import { endedStatuses, isEnded } from '../../run/run.ts';
import type { World } from '../api/world.ts';

export type Lately = ReturnType<typeof createLately>;

/** The runs that ended last. Their views cost a few queries each and seldom change, so they are kept. */
export function createLately({ store }: Pick<World, 'store'>) {
  const page = store.runs.page({ statuses: [...endedStatuses] }, { before: null, limit: limits.boardRuns });
  const endOf = ({ state }: (typeof page.runs)[number]) => (isEnded(state) ? state.endedAt : 0);
  let numbers = [...page.runs].sort((a, b) => endOf(b) - endOf(a)).map(({ number }) => number);
  const kept = new Map<number, RunView>();
  return {
    note(number: number, ended: boolean): void {
      // A new run may repeat one that is shown, which then says so.
      if (!ended) return kept.clear();
      kept.delete(number);
      if (!numbers.includes(number)) numbers = [number, ...numbers].slice(0, limits.boardRuns);
    },
    /** Those that were removed meanwhile are left out. */
    views(viewsOf: (numbers: readonly number[]) => RunView[]): RunView[] {
      const missing = numbers.filter((number) => !kept.has(number));
      for (const view of viewsOf(missing)) kept.set(view.number, view);
      return numbers.flatMap((number) => kept.get(number) ?? []);
    },
  };
}
