/** Opening clip.db: settings, migrations, and refusing what cannot be served. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { type BetterSQLite3Database, drizzle } from 'drizzle-orm/better-sqlite3';
import { migrate } from 'drizzle-orm/better-sqlite3/migrator';
import { ClipError } from '../run/errors.ts';
import { levelOf } from './migrations.ts';
import type { Sqlite } from './sqlite.ts';
import { asClipError, isNoRoom, mendHint } from './trouble.ts';
import { copyBefore, refuseNewer } from './versions.ts';

export type Db = BetterSQLite3Database;

export type Opened = { readonly sqlite: Sqlite; readonly db: Db; readonly close: () => void };

/** Kilobytes of page cache: enough for the hot pages of a million runs, small enough for a small daemon. */
const cacheKib = 4_096;

/** Opens the database for the daemon and brings it to this version's schema, in one transaction. `migrated`: called when that is done, and not checked yet; `say`: for the log. Throws ClipError (exit 7). */
export function openStore(options: {
  path: string;
  migrations: string;
  version: string;
  migrated?: () => void;
  say?: (sentence: string, facts: Record<string, unknown>) => void;
}): Opened {
  refuseEmptied(options.path, (statSync(options.path, { throwIfNoEntry: false })?.size ?? 0) === 0);
  const sqlite = openDatabase(options.path);
  try {
    const db = drizzle(sqlite);
    if (levelOf(sqlite) === null) refuseEmptied(options.path, true);
    refuseNewer(sqlite, options);
    copyBefore(sqlite, options, options.say ?? (() => {}));
    // Foreign keys must be off before the transaction begins, or rebuilding a table would cascade.
    sqlite.pragma('foreign_keys = OFF');
    migrate(db, { migrationsFolder: options.migrations });
    options.migrated?.();
    if ((sqlite.pragma('foreign_key_check') as unknown[]).length > 0)
      throw new ClipError('database_damaged', `The database ${options.path} has rows that point nowhere.`, mendHint);
    writeVersion(sqlite, options.version);
    return { sqlite, db, close: () => sqlite.close() };
  } catch (error) {
    sqlite.close();
    throw asClipError(error, options.path);
  }
}

/** On a full disk the daemon serves what it can, all the same: which version was here last is then not written down. */
function writeVersion(sqlite: Sqlite, version: string): void {
  if ((sqlite.prepare("SELECT value FROM meta WHERE key = 'version'").get() as { value: string } | undefined)?.value === version) return;
  try {
    sqlite.prepare("INSERT INTO meta (key, value) VALUES ('version', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value").run(version);
  } catch (error) {
    if (!isNoRoom(error)) throw error;
  }
}

/** Opens it for looking only, beside a living daemon: nothing is migrated or written. Throws ClipError. */
export function openReadOnly(path: string): Opened {
  try {
    const sqlite = new Database(path, { readonly: true, fileMustExist: true });
    return { sqlite, db: drizzle(sqlite), close: () => sqlite.close() };
  } catch (error) {
    throw asClipError(error, path);
  }
}

/** Where a repair leaves the new database until the damaged one is out of its way. */
export const mendedPath = (path: string): string => `${path}.mended`;

function openDatabase(path: string): Sqlite {
  try {
    const sqlite = new Database(path);
    sqlite.pragma('journal_mode = WAL');
    // FULL: what was answered is on disk, also when the power fails (0.2 ms a commit here).
    sqlite.pragma('synchronous = FULL');
    sqlite.pragma(`cache_size = -${cacheKib}`);
    sqlite.pragma('busy_timeout = 5000');
    return sqlite;
  } catch (error) {
    throw asClipError(error, path);
  }
}

/** SQLite takes an empty file for a new database; beside the folders of runs it is a lost one, and their numbers must not come again. */
function refuseEmptied(path: string, empty: boolean): void {
  if (existsSync(mendedPath(path)))
    throw new ClipError('database_damaged', `The repair of the database ${path} was not finished.`, 'Finish it: clip doctor --fix');
  if (!empty) return;
  const runs = join(dirname(path), 'runs');
  if (!existsSync(runs) || readdirSync(runs).length === 0) return;
  throw new ClipError('database_damaged', `The database ${path} is missing or empty, but there are runs in ${runs}.`, mendHint);
}
