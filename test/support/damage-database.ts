/** Damages a database with real bytes, written over the pages that SQLite uses for a table or an index. */
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { TestHome } from './home.ts';

export const databaseOf = (home: TestHome): string => join(home.folder, 'clip.db');
const pageBytes = 4_096;

/** Returns the pages with the rows of a table or an index, in the order of its keys. */
export function leavesOf(path: string, name: string): number[] {
  const database = new Database(path, { readonly: true });
  try {
    const rows = database
      .prepare("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY path")
      .all(name) as { pageno: number }[];
    return rows.map(({ pageno }) => pageno);
  } finally {
    database.close();
  }
}

/** Returns the first page of a table. */
export function rootOf(path: string, name: string): number {
  const database = new Database(path, { readonly: true });
  try {
    return (database.prepare('SELECT rootpage FROM sqlite_master WHERE name = ?').get(name) as { rootpage: number })
      .rootpage;
  } finally {
    database.close();
  }
}

export function ruinPage(path: string, page: number): void {
  overwrite(path, (page - 1) * pageBytes, randomBytes(pageBytes));
}

export function overwrite(path: string, at: number, bytes: Buffer): void {
  const fd = openSync(path, 'r+');
  writeSync(fd, bytes, 0, bytes.length, at);
  closeSync(fd);
}

/** Returns all rows of a table. No daemon may be running. */
export function rowsOf(path: string, table: string): Record<string, unknown>[] {
  const database = new Database(path, { readonly: true });
  try {
    return database.prepare(`SELECT * FROM ${table} ORDER BY rowid`).all() as Record<string, unknown>[];
  } finally {
    database.close();
  }
}
