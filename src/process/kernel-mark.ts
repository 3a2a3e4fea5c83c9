/**
 * A mark that the kernel keeps: the soft limit on file locks (RLIMIT_LOCKS). Linux has ignored it since 2.4 but still
 * passes it on to children. A run without a control group gets its own number there. Unlike a variable it survives a
 * program that overwrites its environment (redis, nginx, postgres), a change of user, and a process that hides its
 * memory (ssh-agent), and every process may read it. This module uses little more than node:*, because
 * the keeper loads it.
 */
import { createHash } from 'node:crypto';
import { readProcFile } from './proc-file.ts';

/** Number of hexadecimal digits that JavaScript represents exactly as a number. */
const digits = 12;

/** Returns the number that marks the processes of a run. */
export function computeKernelMark(runId: string): number {
  return 1 + Number.parseInt(createHash('sha256').update(runId).digest('hex').slice(0, digits), 16);
}

/** Returns the mark of a process; null if it has none, has ended, or is not readable. */
export function readKernelMark(pid: number): number | null {
  const soft = /^Max file locks\s+(\d+)/m.exec(readProcFile(pid, 'limits', 'latin1') ?? '')?.[1];
  return soft === undefined ? null : Number(soft);
}
