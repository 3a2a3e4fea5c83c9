/** Helpers for folder paths. */
import { lstat, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { limits } from '#run/limits.ts';

/** Returns the path with links resolved; the given path if it cannot be resolved in time. */
export async function realFolder(folder: string): Promise<string> {
  return Promise.race([realpath(folder).catch(() => folder), later(limits.folderScanMs, folder)]);
}

/** Returns whether the path exists. */
export async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch {
    return false;
  }
}

/** Removes views left by an earlier daemon. `ours`: the home of clip. */
export async function removeViews(ours: string): Promise<void> {
  await rm(join(ours, 'views'), { recursive: true, force: true }).catch(() => {});
}

function later<T>(ms: number, value: T): Promise<T> {
  return new Promise((resolve) => setTimeout(() => resolve(value), ms).unref());
}
