/** Lists every file, folder and socket of a home. */
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export type Entry = {
  readonly path: string;
  readonly kind: 'file' | 'folder' | 'socket' | 'other';
  readonly mode: number;
};

/**
 * Returns the entries of a folder, including the folder itself. Entries that disappear during the listing are left out.
 */
export function entriesOf(folder: string): Entry[] {
  const below = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name));
  return [folder, ...below].flatMap((path) => {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (!stat) return [];
    const kind = stat.isFile() ? 'file' : stat.isDirectory() ? 'folder' : stat.isSocket() ? 'socket' : 'other';
    return [{ path, kind, mode: stat.mode & 0o7777 } as const];
  });
}
