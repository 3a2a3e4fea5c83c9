/** Looks through the process table, one pass for all who ask at about the same time. */

import { type Families, findFamilies, type Member, type Wanted } from '../process/family.ts';
import type { Leader } from '../run/run.ts';

export type Found = { readonly members: readonly Member[]; readonly everythingReadable: boolean };
export type Sweeper = ReturnType<typeof createSweeper>;

/**
 * A pass may take 30 ms with thousands of processes, so passes fill at most a tenth of the time. What counts is the time
 * that they have computed: who was stopped, or kept waiting by a busy machine, has used nothing up, and stops wait for him.
 */
const restPerPass = 9;

export function createSweeper(ours: () => ReadonlySet<number>) {
  let asked: { wanted: Wanted; resolve: (found: Found) => void; reject: (error: unknown) => void }[] = [];
  let armed = false;
  let restUntil = 0;

  function pass(): void {
    const asking = asked;
    asked = [];
    armed = false;
    const before = process.cpuUsage();
    let families: Families;
    try {
      families = findFamilies(
        asking.map(({ wanted }) => wanted),
        ours(),
      );
    } catch (error) {
      for (const { reject } of asking) reject(error);
      return;
    }
    const { user, system } = process.cpuUsage(before);
    restUntil = performance.now() + ((user + system) / 1_000) * restPerPass;
    for (const { wanted, resolve } of asking) {
      resolve({ members: families.members.get(wanted.runId) ?? [], everythingReadable: families.everythingReadable });
    }
  }

  return {
    find(runId: string, leader: Leader | null): Promise<Found> {
      return new Promise((resolve, reject) => {
        asked.push({ wanted: { runId, leader }, resolve, reject });
        if (armed) return;
        armed = true;
        const rest = restUntil - performance.now();
        if (rest > 1) setTimeout(pass, rest);
        else setImmediate(pass);
      });
    },
  };
}
