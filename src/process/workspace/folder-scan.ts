/** Lists the files of a folder that is not a repository. */
import { opendir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { limits } from '#run/limits.ts';

/** Folders that programs use internally, which change without any work being done. */
const passedOver = new Set(['node_modules', '.git', '.hg', '.svn', '.cache', '__pycache__', '.venv']);

/** Returns whether a path, relative to the root, is in such a folder. */
export const isPassedOver = (path: string): boolean => path.split('/').some((name) => passedOver.has(name));

/**
 * Returns the paths of all files, relative to the root. Null if the folder is gone, holds too many files, or takes
 * too long, because a partial list would mislead. `ours`: a folder to skip; `until`: wall clock.
 */
export async function listFiles(root: string, ours: string, until: number): Promise<readonly string[] | null> {
  const found: string[] = [];
  const folders = [root];
  let count = 0;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    try {
      for await (const entry of await opendir(folder)) {
        count += 1;
        if (count > limits.workspaceFiles || Date.now() > until) return null;
        const path = join(folder, entry.name);
        if (entry.isDirectory()) {
          if (!passedOver.has(entry.name) && path !== ours) folders.push(path);
        } else if (entry.isFile() || entry.isSymbolicLink()) found.push(relative(root, path));
      }
    } catch {
      // The root itself is not readable, so nothing is known.
      if (folder === root && count === 0) return null;
      // An unreadable folder, or a file deleted in the meantime. The rest is still worth comparing.
    }
  }
  return found;
}
