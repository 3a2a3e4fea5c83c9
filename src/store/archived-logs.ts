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

export function createArchiveStore(db: Db) {
  const p = sql.placeholder;
  const byRun = db
    .select()
    .from(archivedLogs)
    .where(eq(archivedLogs.run, p('run')))
    .prepare();
  const kept = sql`removed_at is null and stored_bytes > 0`;

  return {
    of(run: number): Archive | null {
      const row = byRun.get({ run });
      if (row === undefined) return null;
      const { cleared: _, ...archive } = row;
      return { ...archive, stdoutForm: form.parse(row.stdoutForm), stderrForm: form.parse(row.stderrForm) };
    },

    /** Returns settled runs whose logs were not archived, with numbers above `after`, oldest first. */
    unarchived(after: number, most: number): Run[] {
      const due = sql`archived = 0 and unsettled = 0 and status in (${sql.raw(endedStatuses.map((status) => `'${status}'`).join(', '))})`;
      return db
        .select()
        .from(runs)
        .where(and(due, gt(runs.number, after)))
        .orderBy(asc(runs.number))
        .limit(most)
        .all()
        .map(toRun);
    },

    put(_tx: WriteTransaction, archive: Archive): void {
      const row = { ...archive, cleared: 0 };
      db.insert(archivedLogs).values(row).onConflictDoUpdate({ target: archivedLogs.run, set: row }).run();
      db.update(runs).set({ archived: 1 }).where(eq(runs.number, archive.run)).run();
    },

    /** Returns the number, the total size on disk, and the oldest end of all kept logs. */
    totals(): { readonly runs: number; readonly bytes: number; readonly oldestAt: number | null } {
      const row = db
        .select({
          runs: sql<number>`count(*)`,
          bytes: sql<number>`coalesce(sum(stored_bytes), 0)`,
          oldestAt: sql<number | null>`min(ended_at)`,
        })
        .from(archivedLogs)
        .where(kept)
        .get();
      return row ?? { runs: 0, bytes: 0, oldestAt: null };
    },

    /** Returns kept logs after `after`, oldest first. */
    oldest(after: KeptRow | null, most: number): KeptRow[] {
      const behind = after === null ? undefined : sql`(ended_at, run) > (${after.endedAt}, ${after.run})`;
      return db
        .select({ run: archivedLogs.run, endedAt: archivedLogs.endedAt, storedBytes: archivedLogs.storedBytes })
        .from(archivedLogs)
        .where(and(kept, behind))
        .orderBy(asc(archivedLogs.endedAt), asc(archivedLogs.run))
        .limit(most)
        .all();
    },

    /** Marks logs as removed. Their files follow, and then `cleared`. */
    remove(_tx: WriteTransaction, numbers: readonly number[], at: number): void {
      db.update(archivedLogs)
        .set({ removedAt: at, storedBytes: 0 })
        .where(inArray(archivedLogs.run, [...numbers]))
        .run();
    },

    /** Returns removed logs whose files may still exist. */
    uncleared(most: number): number[] {
      return db
        .select({ run: archivedLogs.run })
        .from(archivedLogs)
        .where(sql`removed_at is not null and cleared = 0`)
        .limit(most)
        .all()
        .map(({ run }) => run);
    },

    cleared(_tx: WriteTransaction, numbers: readonly number[]): void {
      db.update(archivedLogs)
        .set({ cleared: 1 })
        .where(inArray(archivedLogs.run, [...numbers]))
        .run();
    },
  };
}
