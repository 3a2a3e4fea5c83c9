/** CPU and memory of all processes of a run. */
import type pidusageType from 'pidusage';
import { canBeSeen } from './process-identity.ts';
import type { Member } from './run-processes.ts';

export type Sample = { readonly cpuPercent: number | null; readonly memoryBytes: number | null };

let pidusage: typeof pidusageType | null = null;

/**
 * Returns sums over the members; null if nothing could be measured. CPU is measured since the last sample of the same
 * process.
 */
export async function sampleMembers(all: readonly Member[]): Promise<Sample> {
  // A pid of another pid namespace belongs to another process here.
  const members = all.filter(canBeSeen);
  if (members.length === 0) return { cpuPercent: null, memoryBytes: null };
  // Loaded on first use, because most daemons never sample.
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
