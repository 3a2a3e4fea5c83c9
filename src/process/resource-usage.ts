/** CPU and memory of all processes of a run. */
import { readFileSync } from 'node:fs';
import type pidusageType from 'pidusage';
import { readProcFile } from './proc-file.ts';
import { parseStat, ticksPerSecond } from './process-birth.ts';
import { canBeSeen } from './process-identity.ts';
import type { Member } from './run-processes.ts';

export type Sample = { readonly cpuPercent: number | null; readonly memoryBytes: number | null };

const unknown: Sample = { cpuPercent: null, memoryBytes: null };

/**
 * Returns sums over the members; null if nothing could be measured. CPU is measured since the last sample of the same
 * process.
 */
export async function sampleMembers(all: readonly Member[]): Promise<Sample> {
  // A pid of another pid namespace belongs to another process here.
  const members = all.filter(canBeSeen);
  if (members.length === 0) return unknown;
  const usages = process.platform === 'linux' ? members.flatMap(readUsage) : await readUsagesElsewhere(members);
  if (usages.length === 0) return unknown;
  return {
    cpuPercent: Math.round(usages.reduce((sum, { cpu }) => sum + cpu, 0) * 10) / 10,
    memoryBytes: usages.reduce((sum, { memory }) => sum + memory, 0),
  };
}

type Usage = { readonly cpu: number; readonly memory: number };

/** The CPU time of a process in ticks when it was sampled last. `at`: milliseconds of the monotonic clock. */
type Known = { readonly startTime: number; readonly ticks: number; readonly at: number; readonly cpu: number };

const known = new Map<number, Known>();
/** Samples that are older are forgotten. */
const knownMs = 60_000;
/** Two samples of a process that are closer have the same share of a CPU, because its time is counted in ticks of 10 ms. */
const apartMs = 500;
let forgottenAt = 0;

/** Reads the usage of a process from /proc synchronously, which takes a tenth of the CPU time of asynchronous reads. */
function readUsage({ pid, startTime }: Member): Usage[] {
  const line = readProcFile(pid, 'stat', 'latin1');
  if (line === null || parseStat(line)?.startTime !== startTime) return [];
  const at = performance.now();
  const { ticks, pages } = parseUsage(line);
  const before = known.get(pid);
  const isSame = before !== undefined && before.startTime === startTime && at - before.at < knownMs;
  if (isSame && at - before.at < apartMs) return [{ cpu: before.cpu, memory: pages * pageBytes() }];
  const cpu = isSame ? ((ticks - before.ticks) / ticksPerSecond / (at - before.at)) * 100_000 : 0;
  known.set(pid, { startTime, ticks, at, cpu });
  forgetOld(at);
  return [{ cpu, memory: pages * pageBytes() }];
}

/** Returns user and system time (fields 14 and 15 of proc_pid_stat(5)) and resident pages (field 24). */
function parseUsage(line: string): { readonly ticks: number; readonly pages: number } {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ', 22);
  return { ticks: Number(fields[11]) + Number(fields[12]), pages: Number(fields[21]) };
}

function forgetOld(now: number): void {
  if (now - forgottenAt < knownMs) return;
  forgottenAt = now;
  for (const [pid, { at }] of known) if (now - at >= knownMs) known.delete(pid);
}

let pageSize: number | null = null;

/** Returns the size of a page: that power of two of which the resident pages of this process make its resident bytes. */
function pageBytes(): number {
  pageSize ??=
    2 ** Math.round(Math.log2(process.memoryUsage.rss() / parseUsage(readFileSync('/proc/self/stat', 'latin1')).pages));
  return pageSize;
}

let pidusage: typeof pidusageType | null = null;

async function readUsagesElsewhere(members: readonly Member[]): Promise<Usage[]> {
  // Loaded on first use, because most daemons never sample.
  pidusage ??= (await import('pidusage')).default;
  try {
    return Object.values(await pidusage(members.map(({ pid }) => pid))).filter((stat) => stat != null);
  } catch {
    return [];
  }
}
