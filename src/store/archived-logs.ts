/** The logs of ended runs: their form on disk, and facts that outlive them. */
import { and, asc, eq, gt, inArray, sql } from 'drizzle-orm';
import { z } from 'zod';
import { endedStatuses, type Run } from '#run/run.ts';
import type { Db } from './open.ts';
import { toRun } from './run-row.ts';
import { archivedLogs, runs } from './schema.ts';
import type { WriteTransaction } from './transaction.ts';

const form = z.enum(['plain', 'gzip', 'none']);
/** Form of a log: as the run wrote it, compressed, or absent. */
export type LogForm = z.infer<typeof form>;

export type Archive = {
  readonly run: number;
  readonly endedAt: number;
  /** Size as written; null for a log that did not exist. */
  readonly stdoutBytes: number | null;
  readonly stderrBytes: number | null;
  readonly stdoutForm: LogForm;
  readonly stderrForm: LogForm;
  readonly lastOutputAt: number | null;
  readonly lastWords: string | null;
  readonly storedBytes: number;
  readonly removedAt: number | null;
};

export type KeptRow = { readonly run: number; readonly endedAt: number; readonly storedBytes: number };

export class ArchiveStore {
  readonly #db: Db;
  readonly #byRun: ReturnType<typeof prepareByRun>;

  /** Prepares a statement. Throws if the database cannot be used. */
  constructor(db: Db) {
    this.#db = db;
    this.#byRun = prepareByRun(db);
  }

  /** Returns how the logs of a run are kept; null if they were not archived. */
  of(run: number): Archive | null {
    const row = this.#byRun.get({ run });
    if (row === undefined) return null;
    const { cleared: _, ...archive } = row;
    return { ...archive, stdoutForm: form.parse(row.stdoutForm), stderrForm: form.parse(row.stderrForm) };
  }

  /** Returns settled runs whose logs were not archived, with numbers above `after`, oldest first. */
  unarchived(after: number, most: number): Run[] {
    const ended = sql.raw(endedStatuses.map((status) => `'${status}'`).join(', '));
    const due = sql`archived = 0 and unsettled = 0 and status in (${ended})`;
    return this.#db
      .select()
      .from(runs)
      .where(and(due, gt(runs.number, after)))
      .orderBy(asc(runs.number))
      .limit(most)
      .all()
      .map(toRun);
  }

  /** Stores how the logs of a run are kept. */
  put(_tx: WriteTransaction, archive: Archive): void {
    const row = { ...archive, cleared: 0 };
    this.#db.insert(archivedLogs).values(row).onConflictDoUpdate({ target: archivedLogs.run, set: row }).run();
    this.#db.update(runs).set({ archived: 1 }).where(eq(runs.number, archive.run)).run();
  }

  /** Returns the number, the total size on disk, and the oldest end of all kept logs. */
  totals(): { readonly runs: number; readonly bytes: number; readonly oldestAt: number | null } {
    const row = this.#db
      .select({
        runs: sql<number>`count(*)`,
        bytes: sql<number>`coalesce(sum(stored_bytes), 0)`,
        oldestAt: sql<number | null>`min(ended_at)`,
      })
      .from(archivedLogs)
      .where(kept)
      .get();
    return row ?? { runs: 0, bytes: 0, oldestAt: null };
  }

  /** Returns kept logs after `after`, oldest first. */
  oldest(after: KeptRow | null, most: number): KeptRow[] {
    const behind = after === null ? undefined : sql`(ended_at, run) > (${after.endedAt}, ${after.run})`;
    return this.#db
      .select({ run: archivedLogs.run, endedAt: archivedLogs.endedAt, storedBytes: archivedLogs.storedBytes })
      .from(archivedLogs)
      .where(and(kept, behind))
      .orderBy(asc(archivedLogs.endedAt), asc(archivedLogs.run))
      .limit(most)
      .all();
  }

  /** Marks logs as removed. Their files follow, and then `cleared`. */
  remove(_tx: WriteTransaction, numbers: readonly number[], at: number): void {
    this.#db
      .update(archivedLogs)
      .set({ removedAt: at, storedBytes: 0 })
      .where(inArray(archivedLogs.run, [...numbers]))
      .run();
  }

  /** Returns removed logs whose files may still exist. */
  uncleared(most: number): number[] {
    return this.#db
      .select({ run: archivedLogs.run })
      .from(archivedLogs)
      .where(sql`removed_at is not null and cleared = 0`)
      .limit(most)
      .all()
      .map(({ run }) => run);
  }

  /** Marks the files of removed logs as deleted. */
  cleared(_tx: WriteTransaction, numbers: readonly number[]): void {
    this.#db
      .update(archivedLogs)
      .set({ cleared: 1 })
      .where(inArray(archivedLogs.run, [...numbers]))
      .run();
  }
}

/** Condition of logs that are on disk. */
const kept = sql`removed_at is null and stored_bytes > 0`;

function prepareByRun(db: Db) {
  return db
    .select()
    .from(archivedLogs)
    .where(eq(archivedLogs.run, sql.placeholder('run')))
    .prepare();
}
