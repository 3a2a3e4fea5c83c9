/** Which worktree a folder is part of. */
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The nearest folder upwards that holds a `.git` (a folder, or a file in a linked worktree); the folder itself when there is none. */
export function worktreeOf(folder: string): string {
  const real = realpathSync(folder);
  for (let at = real; ; at = dirname(at)) {
    if (existsSync(join(at, '.git'))) return at;
    if (dirname(at) === at) return real;
  }
}
