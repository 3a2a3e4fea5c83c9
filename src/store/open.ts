/** Opening clip.db: settings, migrations, and refusing what cannot be served. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { type BetterSQLite3Database, drizzle } from 'drizzle-orm/better-sqlite3';
import { migrate } from 'drizzle-orm/better-sqlite3/migrator';
import { ClipError } from '../run/errors.ts';

export type Sqlite = Database.Database;
export type Db = BetterSQLite3Database;

export type Opened = { readonly sqlite: Sqlite; readonly db: Db; readonly close: () => void };

/** Kilobytes of page cache: enough for the hot pages of a million runs, small enough for a small daemon. */
const cacheKib = 4_096;

/** Opens the database for the daemon and brings it to this version's schema, in one transaction. `migrated`: called when that is done, and not checked yet. Throws ClipError (exit 7). */
export function openStore(options: { path: string; migrations: string; version: string; migrated?: () => void }): Opened {
  refuseEmptied(options.path);
  const sqlite = openDatabase(options.path);
  try {
    const db = drizzle(sqlite);
    refuseNewer(sqlite, options);
    // Foreign keys must be off before the transaction begins, or rebuilding a table would cascade.
    sqlite.pragma('foreign_keys = OFF');
    migrate(db, { migrationsFolder: options.migrations });
    options.migrated?.();
    if ((sqlite.pragma('foreign_key_check') as unknown[]).length > 0)
      throw new ClipError('database_damaged', `The database ${options.path} has rows that point nowhere.`, 'Run clip doctor.');
    sqlite.prepare("INSERT INTO meta (key, value) VALUES ('version', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value").run(options.version);
    return { sqlite, db, close: () => sqlite.close() };
  } catch (error) {
    sqlite.close();
    throw asClipError(error, options.path);
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
function refuseEmptied(path: string): void {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0) return;
  const runs = join(dirname(path), 'runs');
  if (!existsSync(runs) || readdirSync(runs).length === 0) return;
  throw new ClipError(
    'database_damaged',
    `The database ${path} is missing or empty, but there are runs in ${runs}.`,
    'It was left as it is. clip doctor says more.',
  );
}

function refuseNewer(sqlite: Sqlite, options: { path: string; migrations: string; version: string }): void {
  const journal = JSON.parse(readFileSync(join(options.migrations, 'meta/_journal.json'), 'utf8')) as { entries: { when: number }[] };
  const known = Math.max(...journal.entries.map(({ when }) => when));
  const table = sqlite.prepare("SELECT 1 FROM sqlite_master WHERE name = '__drizzle_migrations'").get();
  if (!table) return;
  const applied = sqlite.prepare('SELECT max(created_at) AS latest FROM __drizzle_migrations').get() as { latest: number | null };
  if (applied.latest === null || Number(applied.latest) <= known) return;
  const row = sqlite.prepare("SELECT value FROM meta WHERE key = 'version'").get() as { value: string } | undefined;
  throw new ClipError(
    'database_newer',
    `The database ${options.path} was written by clip ${row?.value ?? 'of a newer version'}; this is clip ${options.version}.`,
    'Use that version again, or point CLIP_HOME at another home.',
  );
}

/** What SQLite says, in the words and exit codes of clip. */
export function asClipError(error: unknown, path: string): ClipError {
  if (error instanceof ClipError) return error;
  const code = (error as { code?: string }).code ?? '';
  if (code === 'SQLITE_FULL')
    return new ClipError('disk_full', `There is no space left for the database ${path}.`, 'Free some space; nothing recorded so far is lost.', error);
  if (code === 'SQLITE_CORRUPT' || code === 'SQLITE_NOTADB') {
    return new ClipError('database_damaged', `The database ${path} is damaged.`, 'It was left as it is. clip doctor says more.', error);
  }
  if (code.startsWith('SQLITE_')) {
    const detail = error instanceof Error ? error.message : code;
    const sentence = existsSync(path) ? `The database ${path} cannot be used: ${detail}.` : `The database ${path} cannot be made: ${detail}.`;
    return new ClipError('database', sentence, 'Check its folder, its owner and the space on the disk.', error);
  }
  throw error;
}
