/** Finds the worktree of a folder. */
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { findRemoteMount } from './mounts.ts';
import { knownWorktree } from './reach-folder.ts';

/**
 * Returns the nearest ancestor that holds a `.git` (a folder, or a file in a linked worktree). Returns the folder
 * itself if there is none, or if it is on a remote mount and was not examined yet.
 */
export function findWorktree(folder: string): string {
  if (findRemoteMount(folder) !== null) return knownWorktree(folder) ?? resolve(folder);
  const real = realpathSync(folder);
  for (let at = real; ; at = dirname(at)) {
    if (existsSync(join(at, '.git'))) return at;
    if (dirname(at) === at) return real;
  }
}
