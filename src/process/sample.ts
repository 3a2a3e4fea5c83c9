/** CPU and memory of a run's whole family. */
import type pidusageType from 'pidusage';
import type { Member } from './family.ts';

export type Sample = { readonly cpuPercent: number | null; readonly memoryBytes: number | null };

let pidusage: typeof pidusageType | null = null;

/** Sums over the members; null where nothing could be measured. CPU is since the last sample of the same process. */
export async function sampleMembers(members: readonly Member[]): Promise<Sample> {
  if (members.length === 0) return { cpuPercent: null, memoryBytes: null };
  // Loaded at the first look: a daemon that nobody watches does without.
  pidusage ??= (await import('pidusage')).default;
  try {
    const stats = Object.values(await pidusage(members.map(({ pid }) => pid))).filter((stat) => stat != null);
    if (stats.length === 0) return { cpuPercent: null, memoryBytes: null };
    return {
      cpuPercent: Math.round(stats.reduce((sum, stat) => sum + stat.cpu, 0) * 10) / 10,
      memoryBytes: stats.reduce((sum, stat) => sum + stat.memory, 0),
    };
  } catch {
    return { cpuPercent: null, memoryBytes: null };
  }
}
