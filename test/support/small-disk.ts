/**
 * A small disk for a home, which can be filled to the last byte. It needs permission to mount. This module does not
 * import vitest, because the chaos driver uses it as well.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const mibUsual = 48;
const blockBytes = 2 ** 20;

export type Disk = ReturnType<typeof mountDisk>;

/** Returns whether disks can be mounted here, by mounting one. */
export function mayMount(folder: string): boolean {
  const place = join(folder, 'try');
  mkdirSync(place);
  const mounted = run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', place]);
  const freed = mounted && run('umount', [place]);
  rmSync(place, { recursive: true, force: true });
  return freed;
}

/** `inodes`: how many files the disk takes; 0 for no limit. */
export function mountDisk(folder: string, mib = mibUsual, inodes = 0) {
  mkdirSync(folder, { mode: 0o700, recursive: true });
  if (!run('mount', ['-t', 'tmpfs', '-o', `size=${mib}m,nr_inodes=${inodes},mode=700`, 'tmpfs', folder]))
    throw new Error(`No disk can be mounted at ${folder}.`);
  const ballast = join(folder, 'ballast');
  return {
    /** Fills the disk until at most this many bytes are left. */
    fill(left = 0): void {
      const spare = join(folder, 'spare');
      if (left > 0) writeFileSync(spare, Buffer.alloc(left));
      const fd = openSync(ballast, 'a', 0o600);
      try {
        for (let block = Buffer.alloc(blockBytes, 0x2e); block.length > 0; ) {
          if (!wrote(fd, block)) block = block.subarray(0, Math.floor(block.length / 2));
        }
      } finally {
        closeSync(fd);
        rmSync(spare, { force: true });
      }
    },
    /** Frees this many bytes. */
    spare: (bytes: number): void => truncateSync(ballast, statSync(ballast).size - bytes),
    free: (): void => rmSync(ballast, { force: true }),
    unmount: (): boolean => run('umount', [folder]) || run('umount', ['-l', folder]),
  };
}

function wrote(fd: number, block: Buffer): boolean {
  try {
    return writeSync(fd, block) > 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false;
    throw error;
  }
}

function run(program: string, args: readonly string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}
