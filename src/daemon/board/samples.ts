import { type Sample, sampleMembers } from '../../process/sample.ts';
import { limits } from '../../run/limits.ts';
import { isAlive } from '../../run/run.ts';
import type { World } from '../api/world.ts';

export type Samples = ReturnType<typeof createSamples>;

/** CPU and memory of the living, measured once for all who look. */
export function createSamples({ supervisor, sweeper, now }: Pick<World, 'supervisor' | 'sweeper' | 'now'>) {
  let samples = new Map<number, Sample>();
  let at = Number.NEGATIVE_INFINITY;
  let under: Promise<void> | null = null;

  async function take(): Promise<void> {
    const alive = supervisor.alive().filter(({ state }) => isAlive(state));
    const entries = alive.map(async ({ id, number, state }) => {
      const { members } = await sweeper.find(id, isAlive(state) ? state.leader : null);
      return [number, await sampleMembers(members)] as const;
    });
    samples = new Map(await Promise.all(entries));
    at = now();
  }

  return {
    of: (number: number): Sample | Record<string, never> => samples.get(number) ?? {},
    async refresh(): Promise<void> {
      // A clock that was set back makes an old sample look new.
      const age = now() - at;
      if (age >= 0 && age < limits.sampleMs) return;
      // What could not be measured is not shown; the next look tries again.
      under ??= take()
        .catch(() => {
          samples = new Map();
        })
        .finally(() => {
          under = null;
        });
      await under;
    },
  };
}
