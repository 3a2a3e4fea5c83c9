/** The files of a folder that is no repository, by path, size and time: enough to tell what changed between two looks. */
import { lstat, opendir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { limits } from '../run/limits.ts';

/** What programs keep for themselves: it changes without any work being done. */
const passedOver = new Set(['node_modules', '.git', '.hg', '.svn', '.cache', '__pycache__', '.venv']);

/** Null when the folder is gone, there is too much to look at, or it takes too long: then nothing is known, rather than a part of it. `ours`: a folder that is passed over; `until`: on the wall clock. */
export async function scanFolder(root: string, ours: string, until: number): Promise<Record<string, string> | null> {
  const found: Record<string, string> = {};
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
        } else if (entry.isFile()) {
          const { size, mtimeMs } = await lstat(path);
          found[relative(root, path)] = `${size} ${mtimeMs}`;
        }
      }
    } catch {
      // Of what cannot be looked into at all nothing is known.
      if (folder === root && count === 0) return null;
      // A folder that may not be read, or a file that went in between: what is left is still worth comparing.
    }
  }
  return found;
}
