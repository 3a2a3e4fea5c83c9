/**
 * The last part of a repair: the damaged database is set aside under a new name and the new one put in its place.
 * Each step can be done again: whoever is killed in the middle leaves a state in which this goes on.
 */
import { existsSync, linkSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Home } from '../config/home.ts';
import { crashPoint } from '../launch/crash-point.ts';
import { flushFolder } from '../process/run-folder.ts';

/** `strangers`: folders in runs/ that are no run's; they go along. Gives how many lie there. */
export function setAside({ home, aside, ready, strangers }: { home: Home; aside: string; ready: string; strangers: readonly string[] }): number {
  const parts = ['', '-wal', '-shm'].map((end) => `${home.database}${end}`).filter((path) => existsSync(path));
  if (parts.length > 0 || strangers.length > 0) mkdirSync(aside, { recursive: true, mode: 0o700 });
  // Linked, not moved: there is no moment at which a part of it has no name.
  for (const path of parts) linkOnce(path, join(aside, basename(path)));
  for (const id of strangers) {
    mkdirSync(join(aside, 'runs'), { recursive: true, mode: 0o700 });
    renameSync(join(home.runs, id), join(aside, 'runs', id));
  }
  if (existsSync(aside)) flushFolder(aside);
  // SQLite would take the old log for one of the new database, and the two would make a third.
  for (const path of parts.slice(1)) rmSync(path, { force: true });
  flushFolder(home.folder);
  crashPoint('mend.before-place');
  renameSync(ready, home.database);
  flushFolder(home.folder);
  return strangers.length;
}

function linkOnce(from: string, to: string): void {
  if (statSync(to, { throwIfNoEntry: false })?.ino === statSync(from).ino) return;
  linkSync(from, to);
}
