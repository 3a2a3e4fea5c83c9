/** Finds the file in which an agent CLI keeps a session. The folders belong to the user and may contain anything. */
import { constants, type Dirent } from 'node:fs';
import { open, opendir } from 'node:fs/promises';
import { join } from 'node:path';

/** Entries of one folder that are searched for the file of a session. */
const sessionFileEntries = 5_000;
/** Folders that are searched for it. */
const sessionFileFolders = 2_000;

/** Steps of a path from the root, in which `*` matches any folder, and the prefix and suffix of the file name. */
export type SessionLocation = { readonly folders: readonly string[]; readonly prefix: string; readonly suffix: string };

/** Limit of the first line, which may hold the instructions of the CLI. */
const firstLineBytesMax = 1024 * 1024;

/**
 * Returns the path of the first regular file that lies in one of the places and whose first line belongs to the
 * session, or null. Symbolic links below the first step are not followed, and the number of examined entries is
 * limited.
 */
export async function findSessionFile(
  places: readonly SessionLocation[],
  isOwn: (firstLine: string) => boolean,
): Promise<string | null> {
  for (const { folders, prefix, suffix } of places) {
    for (const folder of await listFolders(folders)) {
      for (const entry of await listEntries(folder)) {
        if (!entry.isFile() || !entry.name.startsWith(prefix) || !entry.name.endsWith(suffix)) continue;
        const path = join(folder, entry.name);
        const line = await readFirstLine(path);
        if (line !== null && isOwn(line)) return path;
      }
    }
  }
  return null;
}

async function listFolders(steps: readonly string[]): Promise<readonly string[]> {
  let found: readonly string[] = ['/'];
  for (const step of steps) {
    if (step !== '*') {
      found = found.map((folder) => join(folder, step));
      continue;
    }
    const inner: string[] = [];
    for (const folder of found)
      for (const entry of await listEntries(folder)) if (entry.isDirectory()) inner.push(join(folder, entry.name));
    found = inner.slice(0, sessionFileFolders);
  }
  return found;
}

/** Returns the entries of a folder; empty if it does not exist or is not readable. */
async function listEntries(folder: string): Promise<readonly Dirent[]> {
  const entries: Dirent[] = [];
  try {
    for await (const entry of await opendir(folder)) {
      entries.push(entry);
      if (entries.length >= sessionFileEntries) break;
    }
  } catch {
    return entries;
  }
  return entries;
}

/**
 * Returns the first line of a file. Null if it cannot be read, is not a regular file, or has no complete line within
 * the limit.
 */
async function readFirstLine(path: string): Promise<string | null> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    try {
      if (!(await file.stat()).isFile()) return null;
      const buffer = Buffer.alloc(firstLineBytesMax);
      const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
      const end = buffer.subarray(0, bytesRead).indexOf(0x0a);
      return end < 0 ? null : buffer.toString('utf8', 0, end);
    } finally {
      await file.close();
    }
  } catch {
    return null;
  }
}
