/** A home on a small disk of its own, which can be filled to the last byte. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createHome, type TestHome } from './home.ts';
import { mayMount as mayMountIn, mountDisk } from './small-disk.ts';
import { until } from './until.ts';

/** Whether a test may mount a disk: only root may, and not in every container. */
export const mayMount: boolean = (() => {
  const folder = mkdtempSync(join(tmpdir(), 'clip-disk-'));
  try {
    return mayMountIn(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
})();

export type DiskHome = TestHome & {
  /** Fills the disk. */
  readonly fill: () => void;
  /** Frees this many bytes. */
  readonly spare: (bytes: number) => void;
  /** Frees all of the space. */
  readonly empty: () => void;
  readonly untilFull: () => Promise<void>;
  readonly untilRoom: () => Promise<void>;
};

export function createHomeOnDisk(mib: number): DiskHome {
  const folder = mkdtempSync(join(tmpdir(), 'clip-disk-'));
  const disk = mountDisk(folder, mib);
  // This runs after the home was disposed of: handlers run in reverse order.
  onTestFinished(() => {
    disk.unmount();
    rmSync(folder, { recursive: true, force: true });
  });
  const home = createHome({ folder: join('..', basename(folder)) });
  const trouble = async () =>
    (await home.json<{ trouble: { code: string } | null }>(['daemon', 'status', '--json'])).trouble?.code ?? null;

  return {
    ...home,
    fill: () => disk.fill(),
    spare: disk.spare,
    empty: disk.free,
    untilFull: async () =>
      void (await until('the daemon knows that the disk is full', async () => (await trouble()) === 'disk_full')),
    untilRoom: async () =>
      void (await until('the daemon knows that there is room', async () => (await trouble()) === null)),
  };
}

/** Waits for the reserve, which is created shortly after the start. */
export function untilReserved(home: TestHome): Promise<unknown> {
  return until(
    'the reserve exists',
    () =>
      statSync(join(home.folder, 'clip.db-wal')).size > 6_000_000 &&
      statSync(join(home.folder, 'clip.db')).size > 4_000_000,
  );
}
