/** Compares the sums of usage with what runs and tombstones say, and repairs them. */
import Database from 'better-sqlite3';
import { asClipError } from './database-errors.ts';
import type { Sqlite } from './sqlite.ts';
import { inTransaction } from './transaction.ts';
import { bookAll } from './usage-booking.ts';
import { amountColumns, amountList, entryList, fillStatements, linesQuery } from './usage-lines.ts';

/** Entries, and sums, that differ from what they should be. */
export type UsageDrift = { readonly entries: number; readonly sums: number };

/** `newest` is left out: it only orders groups, and does not go back when a later end is taken back. */
const sumColumns = `task, span, agent, slot, listed, tasks, ${amountList}`;
const isSomething = ['listed', ...Object.values(amountColumns)].map((column) => `${column} <> 0`).join(' OR ');

/**
 * Returns how many rows are wrong, by the slow way; null if the database has no sums, or a program has yet to book what
 * was changed. It reads all runs of agents and tasks. Only temporary tables are written.
 */
export function findUsageDrift(sqlite: Sqlite): UsageDrift | null {
  if (!hasSums(sqlite)) return null;
  // One transaction, so that all queries see the same moment beside a running daemon.
  return sqlite.transaction(() => {
    if (sqlite.prepare('SELECT 1 FROM usage_changes').get() !== undefined) return null;
    sqlite.exec('CREATE TEMP TABLE right_entries AS SELECT * FROM usage_entries WHERE false');
    sqlite.exec('CREATE TEMP TABLE right_sums AS SELECT * FROM usage_sums WHERE false');
    sqlite.exec(`INSERT INTO right_entries (${entryList}) ${linesQuery(false)}`);
    for (const statement of fillStatements('right_entries', 'right_sums')) sqlite.exec(statement);
    const drift = {
      entries: countDifferences(sqlite, entryList, 'right_entries', 'usage_entries'),
      sums: countDifferences(sqlite, sumColumns, 'right_sums', `(SELECT * FROM usage_sums WHERE ${isSomething})`),
    };
    sqlite.exec('DROP TABLE right_entries; DROP TABLE right_sums');
    return drift;
  })();
}

/** Books all runs of a database again if its sums are wrong. Returns what was wrong, or null. Throws ClipError. */
export function repairUsage(path: string): UsageDrift | null {
  let sqlite: Sqlite | null = null;
  try {
    sqlite = new Database(path, { fileMustExist: true });
    const drift = findUsageDrift(sqlite);
    if (drift === null || drift.entries + drift.sums === 0) return null;
    const opened = sqlite;
    inTransaction(opened, (tx) => bookAll(tx, opened));
    return drift;
  } catch (error) {
    throw asClipError(error, path);
  } finally {
    sqlite?.close();
  }
}

function hasSums(sqlite: Sqlite): boolean {
  return sqlite.prepare("SELECT 1 FROM sqlite_master WHERE name = 'usage_changes'").get() !== undefined;
}

function countDifferences(sqlite: Sqlite, columns: string, right: string, kept: string): number {
  const missing = (a: string, b: string) => {
    const query = `SELECT count(*) FROM (SELECT ${columns} FROM ${a} EXCEPT SELECT ${columns} FROM ${b})`;
    return sqlite.prepare(query).pluck().get() as number;
  };
  return Math.max(missing(right, kept), missing(kept, right));
}
