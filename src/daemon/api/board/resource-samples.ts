import { type Sample, sampleMembers } from '#process/resource-usage.ts';
import { limits } from '#run/limits.ts';
import { isAlive } from '#run/run.ts';
import type { ApiContext } from '../context.ts';

export type Samples = ReturnType<typeof createSamples>;

/** CPU and memory of live runs, sampled once for all clients. */
export function createSamples({ supervisor, scanner, now }: Pick<ApiContext, 'supervisor' | 'scanner' | 'now'>) {
  let samples = new Map<number, Sample>();
  let at = Number.NEGATIVE_INFINITY;
  let under: Promise<void> | null = null;

  async function take(): Promise<void> {
    const alive = supervisor.alive().filter(({ state }) => isAlive(state));
    const entries = alive.map(async ({ id, number, state }) => {
      const { members } = await scanner.find(id, isAlive(state) ? state.leader : null, { forShow: true });
      return [number, await sampleMembers(members)] as const;
    });
    samples = new Map(await Promise.all(entries));
    at = now();
  }

  return {
    of: (number: number): Sample | Record<string, never> => samples.get(number) ?? {},
    async refresh(): Promise<void> {
      // If the clock was set back, an old sample would look new.
      const age = now() - at;
      if (age >= 0 && age < limits.sampleMs) return;
      // A failed sample is not shown. The next refresh tries again.
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
