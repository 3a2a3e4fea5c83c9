/** A home on a small disk of its own, which can be filled to the last byte. */
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, statSync, truncateSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createHome, type TestHome } from './home.ts';
import { until } from './until.ts';

const mount = (folder: string, mib: number) => spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${mib}m,mode=0700`, 'tmpfs', folder]).status === 0;
const unmount = (folder: string) => spawnSync('umount', [folder]).status === 0 || spawnSync('umount', ['-l', folder]).status === 0;

/** Whether a test may mount a disk here: as root, and not in every container. */
export const mayMount: boolean = (() => {
  const folder = mkdtempSync(join(tmpdir(), 'clip-disk-'));
  try {
    return mount(folder, 1) && unmount(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
})();

export type DiskHome = TestHome & {
  /** Takes all the space there is. */
  readonly fill: () => void;
  /** Gives so much of it back. */
  readonly spare: (bytes: number) => void;
  /** Gives it back. */
  readonly empty: () => void;
  readonly untilFull: () => Promise<void>;
  readonly untilRoom: () => Promise<void>;
};

export function createHomeOnDisk(mib: number): DiskHome {
  const folder = mkdtempSync(join(tmpdir(), 'clip-disk-'));
  if (!mount(folder, mib)) throw new Error(`Nothing can be mounted at ${folder}.`);
  // After the home was disposed of: what was registered first comes last.
  onTestFinished(() => {
    unmount(folder);
    rmSync(folder, { recursive: true, force: true });
  });
  const home = createHome({ folder: join('..', basename(folder)) });
  const filler = join(folder, 'filler');
  const trouble = async () => (await home.json<{ trouble: { code: string } | null }>(['daemon', 'status', '--json'])).trouble?.code ?? null;

  function fill(): void {
    const fd = openSync(filler, 'a');
    for (const bytes of [Buffer.alloc(64 * 1_024), Buffer.alloc(4_096), Buffer.alloc(1)]) {
      try {
        while (writeSync(fd, bytes) > 0);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
    }
    closeSync(fd);
  }

  return {
    ...home,
    fill,
    spare: (bytes) => truncateSync(filler, statSync(filler).size - bytes),
    empty: () => (existsSync(filler) ? truncateSync(filler, 0) : undefined),
    untilFull: async () => void (await until('the daemon knows that the disk is full', async () => (await trouble()) === 'disk_full')),
    untilRoom: async () => void (await until('the daemon knows that there is room', async () => (await trouble()) === null)),
  };
}

/** The reserve is made a moment after the start. */
export function untilReserved(home: TestHome): Promise<unknown> {
  return until(
    'the reserve is there',
    () => statSync(join(home.folder, 'clip.db-wal')).size > 6_000_000 && statSync(join(home.folder, 'clip.db')).size > 4_000_000,
  );
}
