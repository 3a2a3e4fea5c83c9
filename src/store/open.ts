/** Opens clip.db: applies settings and migrations, and refuses databases that cannot be served. */

import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { type BetterSQLite3Database, drizzle } from 'drizzle-orm/better-sqlite3';
import { migrate } from 'drizzle-orm/better-sqlite3/migrator';
import { ClipError } from '#run/errors.ts';
import { isRunId } from '#run/run-id.ts';
import { copyBefore, refuseNewer } from './compatibility.ts';
import { asClipError, isDiskFull, repairHint } from './database-errors.ts';
import { newestLevel, readLevel } from './migrations.ts';
import type { Sqlite } from './sqlite.ts';

export type Db = BetterSQLite3Database;

export type OpenDatabase = { readonly sqlite: Sqlite; readonly db: Db; readonly close: () => void };

/**
 * Makes a change that another program blocks fail at once instead of blocking the event loop. Limits are enforced and
 * clients are answered in between, and the change is retried.
 */
export function failFast(sqlite: Sqlite): void {
  sqlite.pragma(`busy_timeout = ${servingBusyMs}`);
}

/** Kilobytes of page cache: enough for the hot pages of a million runs, small enough for a small daemon. */
const cacheKib = 4_096;
/** How long a change waits for another program that writes to the database, during startup and while serving. */
const startingBusyMs = 5_000;
const servingBusyMs = 100;
/**
 * Twice the size of the write-ahead log between two checkpoints, and more than the reserve for a full disk
 * (reserve.ts).
 */
const logBytesKept = 16 * 2 ** 20;

/**
 * Opens the database for the daemon and migrates it in one transaction. `migrated` is called after the migration and
 * before the check; `say` writes to the log. Throws ClipError (exit 7).
 */
export function openStore(options: {
  path: string;
  migrations: string;
  version: string;
  migrated?: () => void;
  say?: (sentence: string, facts: Record<string, unknown>) => void;
}): OpenDatabase {
  refuseEmptied(options.path, (statSync(options.path, { throwIfNoEntry: false })?.size ?? 0) === 0);
  const sqlite = openDatabase(options.path);
  try {
    const db = drizzle(sqlite);
    if (readLevel(sqlite) === null) refuseEmptied(options.path, true);
    refuseNewer(sqlite, options);
    copyBefore(sqlite, options, options.say ?? (() => {}));
    // Foreign keys must be off before a migration begins, or rebuilding a table would cascade.
    sqlite.pragma('foreign_keys = OFF');
    if (readLevel(sqlite) !== newestLevel(options.migrations)) migrateToNewest(sqlite, db, options);
    options.migrated?.();
    writeVersion(sqlite, options.version);
    return { sqlite, db, close: () => sqlite.close() };
  } catch (error) {
    sqlite.close();
    throw asClipError(error, options.path);
  }
}

/** Applies what is missing, and checks all rows. Throws if one of them points nowhere. */
function migrateToNewest(sqlite: Sqlite, db: Db, { migrations, path }: { migrations: string; path: string }): void {
  migrate(db, { migrationsFolder: migrations });
  if ((sqlite.pragma('foreign_key_check') as unknown[]).length > 0)
    throw new ClipError('database_damaged', `The database ${path} has rows that point nowhere.`, repairHint);
}

/**
 * Records the version that used the database last. A full disk is ignored, because the daemon still serves what it can.
 */
function writeVersion(sqlite: Sqlite, version: string): void {
  if (
    (sqlite.prepare("SELECT value FROM meta WHERE key = 'version'").get() as { value: string } | undefined)?.value ===
    version
  )
    return;
  try {
    sqlite
      .prepare(
        "INSERT INTO meta (key, value) VALUES ('version', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
      )
      .run(version);
  } catch (error) {
    if (!isDiskFull(error)) throw error;
  }
}

/** Opens the database read-only, beside a running daemon. Nothing is migrated or written. Throws ClipError. */
export function openReadOnly(path: string): OpenDatabase {
  try {
    const sqlite = new Database(path, { readonly: true, fileMustExist: true });
    return { sqlite, db: drizzle(sqlite), close: () => sqlite.close() };
  } catch (error) {
    throw asClipError(error, path);
  }
}

/** Returns where a repair keeps the new database until the damaged one is set aside. */
export const repairedPath = (path: string): string => `${path}.repaired`;

function openDatabase(path: string): Sqlite {
  try {
    const sqlite = new Database(path);
    sqlite.pragma('journal_mode = WAL');
    // FULL: an acknowledged change survives a power failure (0.2 ms per commit).
    sqlite.pragma('synchronous = FULL');
    sqlite.pragma(`cache_size = -${cacheKib}`);
    sqlite.pragma(`busy_timeout = ${startingBusyMs}`);
    // The write-ahead log grows during long reads by another program. Afterwards it is truncated to this size.
    sqlite.pragma(`journal_size_limit = ${logBytesKept}`);
    return sqlite;
  } catch (error) {
    throw asClipError(error, path);
  }
}

/**
 * Throws if the database is missing or empty but run folders exist. SQLite would take an empty file for a new
 * database, and run numbers would be reused.
 */
function refuseEmptied(path: string, empty: boolean): void {
  if (existsSync(repairedPath(path)))
    throw new ClipError(
      'database_damaged',
      `The repair of the database ${path} was not finished.`,
      'Finish it: clip doctor --fix',
    );
  if (!empty) return;
  const runs = join(dirname(path), 'runs');
  if (!existsSync(runs) || !readdirSync(runs).some(isRunId)) return;
  throw new ClipError(
    'database_damaged',
    `The database ${path} is missing or empty, but there are runs in ${runs}.`,
    repairHint,
  );
}
