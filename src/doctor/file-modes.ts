/** Access to the files in the home. */
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Home } from '#config/home.ts';

/** Returns the paths at the top of the home that other users can access. */
export function openToOthers(home: Home): string[] {
  return [home.folder, home.runs, ...readdirSync(home.folder).map((name) => join(home.folder, name))].filter((path) => {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    return stat !== undefined && !stat.isSymbolicLink() && (stat.mode & 0o077) !== 0;
  });
}
