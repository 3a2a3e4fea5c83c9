/** Writes a consistent copy of the database, with or without a running daemon. Values of variables are not in it. */
import { closeSync, fsyncSync, linkSync, openSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Home } from '#config/home.ts';
import { vacuumInto } from '#store/vacuum-into.ts';

export type Backup =
  | { readonly path: string; readonly bytes: number; readonly runs: number }
  | { readonly why: string; readonly hint: string };

/** Copies the database. It never overwrites a file. The copy gets its name only when it is complete. */
export function backUp(home: Home, file: string): Backup {
  const path = resolve(file);
  if (!statSync(home.database, { throwIfNoEntry: false }))
    return { why: `There is no database in ${home.folder} yet.`, hint: 'The first run makes it.' };
  if (statSync(path, { throwIfNoEntry: false }))
    return { why: `${path} is there already.`, hint: 'Name another file, or move that one away.' };
  if (!statSync(dirname(path), { throwIfNoEntry: false })?.isDirectory())
    return { why: `There is no folder ${dirname(path)}.`, hint: 'Make it first, or name another place.' };
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}`);
  const umask = process.umask(0o077);
  try {
    const runs = vacuumInto(home.database, temporary);
    flush(temporary);
    // A link, unlike a rename, does not replace a file that was created meanwhile.
    linkSync(temporary, path);
    flush(dirname(path));
    return { path, bytes: statSync(path).size, runs };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST')
      return { why: `${path} is there already.`, hint: 'Name another file, or move that one away.' };
    return {
      why: `The backup could not be written: ${(error as Error).message}.`,
      hint: `Look at ${dirname(path)} and the space on its disk; clip doctor looks at the database.`,
    };
  } finally {
    process.umask(umask);
    rmSync(temporary, { force: true });
  }
}

function flush(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
