/** What is wrong with the database of a home, looked at while no daemon is there. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Home } from '../config/home.ts';
import { wasLaunched } from '../process/run-records.ts';
import { ClipError } from '../run/errors.ts';
import { mendedPath, openReadOnly } from '../store/open.ts';
import { createRunStore } from '../store/runs.ts';
import { refuseNewer } from '../store/versions.ts';

/** In words; null when nothing is. Throws ClipError for a database that is none of ours to mend: one of a newer version. */
export function damageOf(home: Home, options: { migrations: string; version: string }): string | null {
  const folders = existsSync(home.runs) ? readdirSync(home.runs) : [];
  if (existsSync(mendedPath(home.database))) return 'an earlier repair was not finished';
  const size = statSync(home.database, { throwIfNoEntry: false })?.size ?? null;
  if (size === null || size === 0) return folders.length === 0 ? null : `it is ${size === null ? 'missing' : 'empty'}, but there are runs in ${home.runs}`;
  try {
    const { sqlite, db, close } = openReadOnly(home.database);
    try {
      refuseNewer(sqlite, { path: home.database, ...options });
      const [answer] = sqlite.pragma('integrity_check(1)') as { integrity_check: string }[];
      if (answer?.integrity_check !== 'ok') return answer?.integrity_check ?? 'it gives no answer';
      const store = createRunStore(db);
      store.readAll();
      const lost = folders.filter((id) => isLost(id, home, store));
      return lost.length === 0 ? null : `it knows nothing of ${lost.length} ${lost.length === 1 ? 'run that was' : 'runs that were'} started (${lost[0]}, say)`;
    } finally {
      close();
    }
  } catch (error) {
    if (error instanceof ClipError && error.code === 'database_newer') throw error;
    return error instanceof Error ? error.message.replace(/\.$/, '') : String(error);
  }
}

/** A run is recorded before it is launched: one that was launched and is not known was forgotten. */
export function isLost(id: string, home: Pick<Home, 'runs'>, runs: { readonly isKnown: (id: string) => boolean }): boolean {
  return !runs.isKnown(id) && wasLaunched(join(home.runs, id));
}
