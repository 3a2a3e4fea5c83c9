/**
 * The last part of a repair: moves the damaged database aside under a new name and puts the new one in its place. Each
 * step can be repeated, so a killed repair can be continued.
 */
import { existsSync, linkSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Home } from '#config/home.ts';
import { failpoint } from '#launch/failpoints.ts';
import { flushFolder } from '#process/run-folder.ts';

/**
 * Moves the damaged database aside. `strangers`: entries in runs/ that are not runs, which move along. Returns their
 * number.
 */
export function setAside({
  home,
  aside,
  ready,
  strangers,
}: {
  home: Home;
  aside: string;
  ready: string;
  strangers: readonly string[];
}): number {
  const parts = ['', '-wal', '-shm'].map((end) => `${home.database}${end}`).filter((path) => existsSync(path));
  if (parts.length > 0 || strangers.length > 0) mkdirSync(aside, { recursive: true, mode: 0o700 });
  // Files are linked, not moved, so that every part has a name at every moment.
  for (const path of parts) linkOnce(path, join(aside, basename(path)));
  for (const id of strangers) {
    mkdirSync(join(aside, 'runs'), { recursive: true, mode: 0o700 });
    renameSync(join(home.runs, id), join(aside, 'runs', id));
  }
  if (existsSync(aside)) flushFolder(aside);
  // SQLite would apply the old log to the new database and corrupt it.
  for (const path of parts.slice(1)) rmSync(path, { force: true });
  flushFolder(home.folder);
  failpoint('repair.before-place');
  renameSync(ready, home.database);
  flushFolder(home.folder);
  return strangers.length;
}

function linkOnce(from: string, to: string): void {
  if (statSync(to, { throwIfNoEntry: false })?.ino === statSync(from).ino) return;
  linkSync(from, to);
}
