/** The memory of a process, as the kernel counts it. */
import { readFileSync } from 'node:fs';

/** Returns the resident memory in MiB. */
export const residentMiB = (pid: number): number => statusOf(pid, 'VmRSS');
/** Returns the peak resident memory in MiB. */
export const peakMiB = (pid: number): number => statusOf(pid, 'VmHWM');

function statusOf(pid: number, field: string): number {
  const kib = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (kib === undefined) throw new Error(`Process ${pid} has no ${field}.`);
  return Math.round(Number(kib) / 1_024);
}
