import type { BoardLine } from '#protocol/board.ts';
import type { Whole } from './board-snapshot.ts';

/** Computes what a client does not have yet. */
export function createNews() {
  let parts = new Map<string, string>();
  let runs = new Map<number, string>();
  return {
    of(whole: Whole): BoardLine | null {
      const partsNow = new Map(Object.entries(whole.parts).map(([name, value]) => [name, JSON.stringify(value)]));
      const runsNow = new Map(whole.runs.map((run) => [run.number, JSON.stringify(run)]));
      const changed = Object.fromEntries(
        Object.entries(whole.parts).filter(([name]) => partsNow.get(name) !== parts.get(name)),
      );
      const fresh = whole.runs.filter(({ number }) => runsNow.get(number) !== runs.get(number));
      const steady = fresh.length === 0 && Object.keys(changed).every((name) => name === 'daemon') && parts.size > 0;
      const spoken = !steady || describeTrouble(parts) !== describeTrouble(partsNow);
      parts = partsNow;
      runs = runsNow;
      return spoken ? { type: 'board', ...changed, runs: fresh } : null;
    },
  };
}

/** Returns the trouble of the daemon. Its memory changes constantly and alone is not worth a line. */
function describeTrouble(parts: ReadonlyMap<string, string>): string {
  const { trouble = null } = JSON.parse(parts.get('daemon') ?? '{}') as { trouble?: unknown };
  return JSON.stringify(trouble);
}
