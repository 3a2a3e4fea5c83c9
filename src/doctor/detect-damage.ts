/** Detects damage of a home's database while no daemon is running. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import type { Home } from '#config/home.ts';
import { findForgotten } from '#process/forgotten-folders.ts';
import { ClipError } from '#run/errors.ts';
import { isRunId } from '#run/run-id.ts';
import { refuseNewer } from '#store/compatibility.ts';
import { openReadOnly, repairedPath } from '#store/open.ts';
import { RunStore } from '#store/runs.ts';

/**
 * Describes the damage in words, or returns null. Throws ClipError for a database of a newer version, which must not be
 * repaired.
 */
export function detectDamage(home: Home, options: { migrations: string; version: string }): string | null {
  const folders = existsSync(home.runs) ? readdirSync(home.runs).filter(isRunId) : [];
  if (existsSync(repairedPath(home.database))) return 'an earlier repair was not finished';
  const size = statSync(home.database, { throwIfNoEntry: false })?.size ?? null;
  if (size === null || size === 0)
    return folders.length === 0
      ? null
      : `it is ${size === null ? 'missing' : 'empty'}, but there are runs in ${home.runs}`;
  try {
    const { sqlite, db, close } = openReadOnly(home.database);
    try {
      refuseNewer(sqlite, { path: home.database, ...options });
      const [answer] = sqlite.pragma('integrity_check(1)') as { integrity_check: string }[];
      if (answer?.integrity_check !== 'ok') return answer?.integrity_check ?? 'it gives no answer';
      const store = new RunStore(db);
      store.readAll();
      const lost = findForgotten(home.runs, folders, store);
      if (lost.length === 0) return null;
      const runs = lost.length === 1 ? 'run that was' : 'runs that were';
      return `it knows nothing of ${lost.length} ${runs} started (e.g. ${lost[0]})`;
    } finally {
      close();
    }
  } catch (error) {
    if (error instanceof ClipError && error.code === 'database_newer') throw error;
    return error instanceof Error ? error.message.replace(/\.$/, '') : String(error);
  }
}
