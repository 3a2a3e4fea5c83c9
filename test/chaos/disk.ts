/** A small disk of its own for a home, which can be filled. Only where this process may mount one. */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const diskBytes = 48 * 2 ** 20;
const blockBytes = 2 ** 20;

export type Disk = ReturnType<typeof mountDisk>;

/** Whether disks can be mounted here; tried once. */
export function mayMount(folder: string): boolean {
  const place = join(folder, 'try');
  mkdirSync(place);
  const mounted = run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', place]);
  const freed = mounted && run('umount', [place]);
  rmSync(place, { recursive: true, force: true });
  return freed;
}

export function mountDisk(folder: string) {
  mkdirSync(folder, { mode: 0o700 });
  if (!run('mount', ['-t', 'tmpfs', '-o', `size=${diskBytes},mode=700`, 'tmpfs', folder])) throw new Error(`No disk can be mounted at ${folder}.`);
  const ballast = join(folder, 'ballast');
  return {
    /** Until no more than so many bytes are left. */
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
