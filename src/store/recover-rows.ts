/**
 * Reads what is still readable of a damaged database: table by table, in key order, around unreadable pages. Only a
 * copy is ever opened, because opening can change a file.
 */
import { closeSync, fstatSync, openSync, writeSync } from 'node:fs';
import Database from 'better-sqlite3';
import { toRun } from './run-row.ts';
import type { Sqlite } from './sqlite.ts';

export type Salvaged = {
  readonly table: string;
  readonly rows: number;
  /** Number of places with unreadable or invalid data. */
  readonly gaps: number;
};

type Row = Record<string, unknown>;

/** Tables that are made of others. */
const derived = new Set(['usage_entries', 'usage_sums', 'usage_changes']);

/** Rows per query. After an unreadable page, this many rows are read one by one. */
const batchRows = 200;
const pageBytes = 4_096;

/** Columns that hold JSON. SQLite does not detect a flipped bit in them, and it would be found much later. */
const jsonColumns = new Set([
  'data',
  'spec',
  'lineage',
  'state',
  'settings',
  'payload',
  'usage',
  'glance',
  'account',
  'totals_before',
  'totals',
  'author',
  'assignee',
  'budget',
  'found',
]);

/** Opens a copy of a damaged database. Returns null if not even its list of tables can be read. */
export function openDamaged(copy: string): Sqlite | null {
  const asItIs = tryOpen(copy);
  if (asItIs !== null) return asItIs;
  repairHeader(copy);
  return tryOpen(copy);
}

function tryOpen(path: string): Sqlite | null {
  let sqlite: Sqlite | null = null;
  try {
    sqlite = new Database(path, { fileMustExist: true });
    // Otherwise SQLite refuses a file that is shorter than its header says, although most of it is intact.
    sqlite.unsafeMode(true);
    sqlite.pragma('writable_schema = ON');
    if (sqlite.prepare('SELECT count(*) AS n FROM sqlite_master').get()) return sqlite;
  } catch {
    // The list of tables is unreadable.
  }
  sqlite?.close();
  return null;
}

/**
 * Restores the header. It is the same in all databases of clip, so if only the header is damaged, the rest can be read.
 */
function repairHeader(path: string): void {
  const fd = openSync(path, 'r+');
  try {
    const pages = Math.floor(fstatSync(fd).size / pageBytes);
    if (pages === 0) return;
    const start = Buffer.from('SQLite format 3\0\u0010\0\u0002\u0002\0\u0040\u0020\u0020', 'latin1');
    const numbers: [at: number, value: number][] = [
      [24, 1],
      [28, pages],
      [32, 0],
      [36, 0],
      [44, 4],
      [48, 0],
      [52, 0],
      [56, 1],
      [64, 0],
      [92, 1],
    ];
    writeSync(fd, start, 0, start.length, 0);
    for (const [at, value] of numbers) {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(value);
      writeSync(fd, bytes, 0, 4, at);
    }
  } finally {
    closeSync(fd);
  }
}

/** Copies every readable row into the existing tables. Returns the result for each table. */
export function salvage(source: Sqlite, target: Sqlite): Salvaged[] {
  return listTables(target).map((table) => {
    const columns = listColumns(target, table).filter((column) => listColumns(source, table).includes(column));
    if (columns.length === 0) return { table, rows: 0, gaps: 1 };
    const names = columns.map((column) => `"${column}"`).join(', ');
    const insert = target.prepare(`INSERT INTO "${table}" (${names}) VALUES (${columns.map(() => '?').join(', ')})`);
    let rows = 0;
    const gaps = eachRow(source, table, names, (row) => {
      if (!makesSense(table, row)) return false;
      try {
        insert.run(columns.map((column) => row[column]));
        rows += 1;
        return true;
      } catch {
        // A duplicate key, or a null in a required column: the row is damaged.
        return false;
      }
    });
    return { table, rows, gaps };
  });
}

/** Returns the highest number ever used in this table, as far as it is known. */
export function readSequence(source: Sqlite, table: string): number {
  try {
    const row = source.prepare('SELECT seq FROM sqlite_sequence WHERE name = ?').get(table) as
      | { seq: number }
      | undefined;
    return Number.isSafeInteger(row?.seq) ? (row?.seq ?? 0) : 0;
  } catch {
    return 0;
  }
}

function listTables(sqlite: Sqlite): string[] {
  const rows = sqlite.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY rowid").all() as {
    name: string;
  }[];
  return rows
    .map(({ name }) => name)
    .filter((name) => !name.startsWith('sqlite_') && name !== '__drizzle_migrations' && !derived.has(name));
}

function listColumns(sqlite: Sqlite, table: string): string[] {
  try {
    return (sqlite.prepare('SELECT name FROM pragma_table_info(?)').all(table) as { name: string }[]).map(
      ({ name }) => name,
    );
  } catch {
    return [];
  }
}

/** Calls `take` with each readable row. Returns the number of places at which a row was unreadable or rejected. */
function eachRow(source: Sqlite, table: string, names: string, take: (row: Row) => boolean): number {
  // NOT INDEXED: an index may be damaged while the table is intact.
  const query = source.prepare(
    `SELECT rowid AS "row id", ${names} FROM "${table}" NOT INDEXED WHERE rowid >= ? ORDER BY rowid LIMIT ?`,
  );
  const read = (from: number, most: number): Row[] | null => {
    try {
      return query.all(from, most) as Row[];
    } catch {
      return null;
    }
  };
  let gaps = 0;
  let oneByOne = 0;
  for (let from = 0; ; ) {
    const most = oneByOne > 0 ? 1 : batchRows;
    const rows = read(from, most);
    if (rows === null && most > 1) {
      oneByOne = batchRows;
      continue;
    }
    const next = rows === null ? nextReadable(from, (at) => read(at, 1) !== null) : Number(rows.at(-1)?.['row id']) + 1;
    if (rows === null) {
      gaps += 1;
      oneByOne = 0;
    } else oneByOne -= 1;
    for (const row of rows ?? []) if (!take(row)) gaps += 1;
    // Keys that do not grow mean that pages form a cycle.
    if (next === null || !(next > from) || (rows !== null && rows.length < most)) return gaps;
    from = next;
  }
}

/**
 * Returns the next key from which reading succeeds, found by growing and then narrowing steps; null if there is none.
 */
function nextReadable(bad: number, readable: (from: number) => boolean): number | null {
  let step = 1;
  while (!readable(bad + step)) {
    step *= 2;
    if (bad + step > Number.MAX_SAFE_INTEGER) return null;
  }
  let low = bad + Math.floor(step / 2);
  let high = bad + step;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (readable(middle)) high = middle;
    else low = middle;
  }
  return high;
}

function makesSense(table: string, row: Row): boolean {
  try {
    for (const [column, value] of Object.entries(row))
      if (jsonColumns.has(column) && typeof value === 'string') JSON.parse(value);
    if (table === 'runs') toRun({ ...row, queuedAt: row['queued_at'] } as Parameters<typeof toRun>[0]);
    return true;
  } catch {
    return false;
  }
}
