/** The migrations: lists them, reads how far a database is migrated, and applies them up to a level. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import type { Sqlite } from './sqlite.ts';

type Migration = { readonly when: number; readonly hash: string; readonly statements: readonly string[] };

/** Returns the migrations in this folder, oldest first. Throws if they cannot be read. */
export function readMigrations(folder: string): readonly Migration[] {
  return readMigrationFiles({ migrationsFolder: folder }).map(({ folderMillis, hash, sql }) => ({
    when: folderMillis,
    hash,
    statements: sql,
  }));
}

/** Returns the time of the newest migration in this folder. Reads only their list. Throws if it cannot be read. */
export function newestLevel(folder: string): number {
  const { entries } = JSON.parse(readFileSync(join(folder, 'meta', '_journal.json'), 'utf8')) as {
    entries: readonly { readonly when: number }[];
  };
  return Math.max(...entries.map(({ when }) => when));
}

/** Returns the time of the newest applied migration; null if there is none. Throws if it cannot be read. */
export function readLevel(sqlite: Sqlite): number | null {
  if (!sqlite.prepare("SELECT 1 FROM sqlite_master WHERE name = '__drizzle_migrations'").get()) return null;
  const { latest } = sqlite.prepare('SELECT max(created_at) AS latest FROM __drizzle_migrations').get() as {
    latest: number | null;
  };
  return latest === null ? null : Number(latest);
}

/**
 * Applies the migrations up to `level`, as drizzle's `migrate` applies all of them. Rows recovered from an older schema
 * can be inserted before the remaining ones.
 */
export function migrateTo(sqlite: Sqlite, folder: string, level: number): void {
  sqlite.transaction(() => {
    const columns = 'id SERIAL PRIMARY KEY, hash text NOT NULL, created_at numeric';
    sqlite.exec(`CREATE TABLE IF NOT EXISTS "__drizzle_migrations" (${columns})`);
    const done = readLevel(sqlite) ?? 0;
    for (const { when, hash, statements } of readMigrations(folder)) {
      if (when <= done || when > level) continue;
      for (const statement of statements) sqlite.exec(statement);
      sqlite.prepare('INSERT INTO "__drizzle_migrations" (hash, created_at) VALUES (?, ?)').run(hash, when);
    }
  })();
}
