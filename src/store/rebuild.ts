/**
 * Builds a new database from what a damaged one still holds. It is written under a temporary name in the schema of
 * the damaged one, migrated like any old database, and closed. Only then does it get the name under which it may be
 * put in place.
 */
import Database from 'better-sqlite3';
import { drizzle } from 'drizzle-orm/better-sqlite3';
import type { Agent } from '#run/agent.ts';
import type { RunEvent } from '#run/events.ts';
import type { Origin, Run } from '#run/run.ts';
import { AgentStore } from './agents.ts';
import { asClipError } from './database-errors.ts';
import { EventStore } from './events.ts';
import { writeMeta } from './meta.ts';
import { migrateTo, readLevel, readMigrations } from './migrations.ts';
import type { Db } from './open.ts';
import { openDamaged, readSequence, type Salvaged, salvage } from './recover-rows.ts';
import { toRow } from './run-row.ts';
import { RunStore } from './runs.ts';
import { runs } from './schema.ts';
import type { Sqlite } from './sqlite.ts';
import { inTransaction, type WriteTransaction } from './transaction.ts';
import { bookAll } from './usage-booking.ts';
import { WakeStore } from './wakes.ts';

/** A run with the history that leads to its state. */
export type ImportedRun = {
  readonly run: Run;
  readonly events: readonly { readonly at: number; readonly event: RunEvent }[];
};
/** What the folders of runs add to what was salvaged. */
type RecoveredRecords = {
  readonly taken: readonly ImportedRun[];
  readonly highestRun: number;
  readonly highestTask: number;
  readonly repairedFrom: string;
};

const counted = ['runs', 'tasks', 'events', 'comments'] as const;

/**
 * Starts a rebuild. `copy`: a copy of the damaged database; null if there was none. `into`: the path of the new one,
 * which must not exist. Throws ClipError.
 */
export function rebuild(options: {
  copy: string | null;
  into: string;
  migrations: string;
  version: string;
}): Rebuilding {
  const source = options.copy === null ? null : openDamaged(options.copy);
  const sqlite = new Database(options.into);
  try {
    // The new database is not read before it is complete, so it needs no durable journal.
    sqlite.pragma('journal_mode = MEMORY');
    sqlite.pragma('foreign_keys = OFF');
    const newest = Math.max(...readMigrations(options.migrations).map(({ when }) => when));
    migrateTo(sqlite, options.migrations, Math.min(newest, levelIfKnown(source) ?? newest));
    const salvaged = source === null ? [] : sqlite.transaction(() => salvage(source, sqlite))();
    migrateTo(sqlite, options.migrations, newest);
    const highest = new Map(
      counted.map((table) => [
        table as string,
        Math.max(source === null ? 0 : readSequence(source, table), highestIn(sqlite, table)),
      ]),
    );
    return new Rebuilding(sqlite, { salvaged, highest, version: options.version });
  } catch (error) {
    sqlite.close();
    throw asClipError(error, options.into);
  } finally {
    source?.close();
  }
}

/** A new database with what was salvaged, open until `finish` or `close`. */
export class Rebuilding {
  readonly salvaged: readonly Salvaged[];
  readonly #sqlite: Sqlite;
  readonly #db: Db;
  readonly #runs: RunStore;
  readonly #version: string;
  /** The highest number ever used in each table that counts its rows, as far as it is known. */
  readonly #highest: ReadonlyMap<string, number>;

  constructor(
    sqlite: Sqlite,
    found: { salvaged: readonly Salvaged[]; highest: ReadonlyMap<string, number>; version: string },
  ) {
    this.salvaged = found.salvaged;
    this.#sqlite = sqlite;
    this.#db = drizzle(sqlite);
    this.#runs = new RunStore(this.#db);
    this.#version = found.version;
    this.#highest = found.highest;
  }

  /** Returns the ids of runs that need no recovery: they are present, or were removed. */
  knownIds(): Set<string> {
    return new Set(this.#column('SELECT id FROM runs UNION ALL SELECT id FROM tombstones').map(String));
  }

  /** Returns the numbers of these runs. */
  takenNumbers(): Set<number> {
    return new Set(this.#column('SELECT number FROM runs UNION ALL SELECT number FROM tombstones').map(Number));
  }

  /** Returns the id of the run with this number, or null. */
  idOf(number: number): string | null {
    return this.#runs.idOf(number);
  }

  /** Returns the numbers of the tasks. */
  tasks(): Set<number> {
    return new Set(this.#column('SELECT number FROM tasks').map(Number));
  }

  /** Returns the newest run of each task. */
  newestOfTasks(): Map<number, number> {
    const rows = this.#all(
      'SELECT task_id, max(number) AS newest FROM runs WHERE task_id IS NOT NULL GROUP BY task_id',
    );
    return new Map(rows.map((row) => [Number(row['task_id']), Number(row['newest'])]));
  }

  /** Returns the agent with this name, or null. */
  agentNamed(name: string): Agent | null {
    return new AgentStore(this.#db).byName(name);
  }

  /** Returns the wake that started this run, or null. */
  originOf(runId: string): Origin | null {
    const wake = new WakeStore(this.#db).ofRun(runId);
    if (wake === null) return null;
    const { continuationAttempt: attempt, maxContinuationAttempts: attemptsMax, sourceRunId: ofRunId } = wake.payload;
    return { wakeId: wake.id, reason: wake.reason, attempt, attemptsMax, ofRunId };
  }

  /** Returns the highest number that a run ever had, as far as it is known. */
  highestRun(): number {
    return this.#highest.get('runs') ?? 0;
  }

  /**
   * Inserts the recovered runs, ensures that no number is reused, and closes the database. Throws ClipError.
   * `repairedFrom`: where the damaged database will be kept.
   */
  finish(options: RecoveredRecords): { wakesDropped: number; tasksBlocked: number[] } {
    const sqlite = this.#sqlite;
    try {
      const done = inTransaction(sqlite, (tx) => this.#complete(tx, options));
      sqlite.pragma('synchronous = FULL');
      sqlite.pragma('journal_mode = DELETE');
      return done;
    } catch (error) {
      throw asClipError(error, sqlite.name);
    } finally {
      sqlite.close();
    }
  }

  /** Closes the database. What was written stays. */
  close(): void {
    this.#sqlite.close();
  }

  #complete(tx: WriteTransaction, { taken, highestRun, highestTask, repairedFrom }: RecoveredRecords) {
    const sqlite = this.#sqlite;
    insert(tx, sqlite, taken);
    for (const table of counted) {
      const more = table === 'runs' ? highestRun : table === 'tasks' ? highestTask : 0;
      raiseSequence(sqlite, table, Math.max(this.#highest.get(table) ?? 0, more, highestIn(sqlite, table)));
    }
    const dropped = dropWakesOfNobody(sqlite);
    writeMeta(tx, this.#db, 'runs_total', String(this.#column('SELECT count(*) FROM runs')[0]));
    writeMeta(tx, this.#db, 'version', this.#version);
    bookAll(tx, sqlite);
    // Marks the end as unclean, so the next daemon recovers live runs as after a crash.
    writeMeta(tx, this.#db, 'unclean', '1');
    writeMeta(tx, this.#db, 'mended_from', repairedFrom);
    return dropped;
  }

  #all(query: string): Record<string, unknown>[] {
    return this.#sqlite.prepare(query).all() as Record<string, unknown>[];
  }

  #column(query: string): unknown[] {
    return this.#all(query).map((row) => Object.values(row)[0]);
  }
}

function levelIfKnown(source: Sqlite | null): number | null {
  try {
    return source === null ? null : readLevel(source);
  } catch {
    return null;
  }
}

function highestIn(sqlite: Sqlite, table: (typeof counted)[number]): number {
  const key = { runs: 'number', tasks: 'number', events: 'seq', comments: 'id' }[table];
  const of = (query: string) => Number((sqlite.prepare(query).get() as { n: number | null }).n ?? 0);
  const own = of(`SELECT max(${key}) AS n FROM ${table}`);
  return table === 'runs' ? Math.max(own, of('SELECT max(number) AS n FROM tombstones')) : own;
}

function insert(tx: WriteTransaction, sqlite: Sqlite, taken: readonly ImportedRun[]): void {
  const db = drizzle(sqlite);
  const events = new EventStore(db);
  for (const { run, events: history } of taken) {
    const { number, ...rest } = run;
    db.insert(runs)
      .values({ number, ...toRow(rest) })
      .run();
    const { command, cwd } = run.spec;
    const of = { run: number, runId: run.id, taskId: run.lineage.taskId };
    events.append(tx, {
      ...of,
      at: run.queuedAt,
      type: 'admitted',
      data: { type: 'admitted', command, cwd, retryOfRunId: null, parentRunId: null, importRun: true },
    });
    for (const { at, event } of history) events.append(tx, { ...of, at, type: event.type, data: event });
  }
}

function raiseSequence(sqlite: Sqlite, table: string, to: number): void {
  const { changes } = sqlite.prepare('UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?').run(to, table);
  if (changes === 0 && to > 0) sqlite.prepare('INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)').run(table, to);
}

/**
 * Cancels wakes whose run is lost, and blocks their tasks. Such a wake would stay pending indefinitely and hold its
 * task, so a person must decide.
 */
function dropWakesOfNobody(sqlite: Sqlite): { wakesDropped: number; tasksBlocked: number[] } {
  const why = 'Its run was lost with the damaged database.';
  const gone =
    "FROM wakes WHERE status IN ('queued', 'claimed') AND (run_id IS NULL OR run_id NOT IN (SELECT id FROM runs))";
  const tasks = (sqlite.prepare(`SELECT DISTINCT task ${gone} AND task IS NOT NULL`).all() as { task: number }[]).map(
    ({ task }) => task,
  );
  const now = Date.now();
  const blocked = tasks.filter((task) => {
    const set = "status = 'blocked', blocked_reason = ?, blocked_next = ?, updated_at = ?";
    const block = `UPDATE tasks SET ${set} WHERE number = ? AND status IN ('todo', 'in_progress')`;
    return sqlite.prepare(block).run(why, `Go on with it: clip continue T${task}`, now, task).changes > 0;
  });
  const { changes } = sqlite
    .prepare(`UPDATE wakes SET status = 'cancelled', error = ?, finished_at = ? WHERE id IN (SELECT id ${gone})`)
    .run(why, now);
  sqlite.prepare('UPDATE tasks SET execution_run_id = NULL WHERE execution_run_id NOT IN (SELECT id FROM runs)').run();
  return { wakesDropped: changes, tasksBlocked: blocked };
}
