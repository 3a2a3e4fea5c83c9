/** Removes state that a program inherited from its parent and must not keep. */
import { closeSync, readdirSync, readFileSync } from 'node:fs';
import { findHelper, setOwnLimits } from './helper-program.ts';
import { readResourceLimits } from './resource-limits.ts';

/** The close-on-exec flag in /proc/<pid>/fdinfo. */
const closeOnExec = 0o2000000;
const stdioMax = 2;

/**
 * Closes inherited descriptors other than the standard streams and `kept`. A lock that a shell holds on a descriptor
 * (flock) would stay taken, and a pipe open, for as long as any process has it open. Node opens all its own files with
 * close-on-exec, so a descriptor without it was inherited. Does nothing on systems without /proc; on macOS, libuv
 * starts programs with only the descriptors that they were given.
 */
export function closeInheritedDescriptors(kept: ReadonlySet<number>): void {
  for (const name of descriptors()) {
    const fd = Number(name);
    if (!(fd > stdioMax) || kept.has(fd) || isOurs(fd)) continue;
    try {
      closeSync(fd);
    } catch {
      // The descriptor of the listing itself is closed by now.
    }
  }
}

/**
 * Removes the number with which the kernel marks a run (process/kernel-mark.ts). A daemon or keeper that is started
 * inside a run does not belong to it.
 */
export function dropInheritedMark(): void {
  if (readResourceLimits('self')?.locks?.[0] == null) return;
  const prlimit = findHelper('prlimit', process.env['PATH'] ?? '');
  if (prlimit !== null) setOwnLimits(prlimit, ['--locks=unlimited:']);
}

function descriptors(): string[] {
  try {
    return readdirSync('/proc/self/fd');
  } catch {
    return [];
  }
}

function isOurs(fd: number): boolean {
  try {
    const flags = /^flags:\s+([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1];
    return flags === undefined || (Number.parseInt(flags, 8) & closeOnExec) !== 0;
  } catch {
    return true;
  }
}
