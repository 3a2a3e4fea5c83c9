import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { DiskGuard } from '#daemon/core/disk-guard.ts';
import { limits } from '#run/limits.ts';
import type { Reserve } from '#store/reserve.ts';
import { mayMount } from '../support/disk.ts';
import { mountDisk } from '../support/small-disk.ts';

const reserve = { isThere: () => true, isLow: () => false, make: () => {} } as unknown as Reserve;

/** Mounts a disk of 32 MiB with a guard that watches it. `look`: lets the guard look at it. */
function watchedDisk(inodes = 0) {
  const folder = mkdtempSync(join(tmpdir(), 'clip-disk-'));
  const disk = mountDisk(folder, 32, inodes);
  let freed = 0;
  const guard = new DiskGuard({
    folder,
    log: () => {},
    freed: () => {
      freed += 1;
    },
  });
  onTestFinished(() => {
    guard.close();
    disk.unmount();
    rmSync(folder, { recursive: true, force: true });
  });
  guard.watch(reserve);
  /** Returns whether the disk then counts as full. */
  const look = () => {
    vi.advanceTimersByTime(limits.diskLookMs);
    return guard.isFull();
  };
  return { folder, disk, look, freed: () => freed };
}

describe.skipIf(!mayMount)('a disk', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('on which few more files can be created counts as full, until some are removed', () => {
    const { folder, look, freed } = watchedDisk(limits.freeFilesMin + 20);
    expect(look()).toBe(false);
    const files = Array.from({ length: 30 }, (_, index) => join(folder, String(index)));
    for (const file of files) writeFileSync(file, '');
    expect(look()).toBe(true);
    for (const file of files) rmSync(file);
    expect([look(), freed()]).toEqual([false, 1]);
  });

  it('that was full counts as full until there is room for the reserve and some runs', () => {
    const { disk, look, freed } = watchedDisk();
    disk.fill(limits.freeBytesMin - 2 ** 20);
    expect(look()).toBe(true);
    disk.spare(4 * 2 ** 20);
    expect([look(), look(), freed()]).toEqual([true, true, 0]);
    disk.free();
    expect([look(), look(), freed()]).toEqual([false, false, 1]);
  });
});
