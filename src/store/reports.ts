/** Reports that runs made with `clip report`. */
import { and, eq, sql } from 'drizzle-orm';
import { z } from 'zod';
import { type ReportKind, reportKinds } from '#run/agent-report.ts';
import type { Db } from './open.ts';
import { reports } from './schema.ts';
import type { WriteTransaction } from './transaction.ts';

export type StoredReport = {
  readonly run: number;
  readonly id: string;
  readonly task: number | null;
  readonly kind: ReportKind;
  readonly text: string;
  readonly who: string | null;
  readonly at: number;
};

const kind = z.enum(reportKinds);

export class ReportStore {
  readonly #db: Db;
  readonly #prepared: ReturnType<typeof prepare>;

  /** Prepares the statements. Throws if the database cannot be used. */
  constructor(db: Db) {
    this.#db = db;
    this.#prepared = prepare(db);
  }

  /** Inserts a report. Throws if the run has one with its id. */
  put(_tx: WriteTransaction, report: StoredReport): void {
    this.#db.insert(reports).values(report).run();
  }

  /** Returns the report of a run with this id, or null. */
  get(run: number, id: string): StoredReport | null {
    const row = this.#prepared.one.get({ run, id });
    return row ? toReport(row) : null;
  }

  /** Returns the reports of a run, oldest first. */
  ofRun(run: number): StoredReport[] {
    return this.#prepared.ofRun.all({ run }).map(toReport);
  }

  /** Returns the number of reports of a run. */
  count(run: number): number {
    return this.#prepared.count.get({ run })?.count ?? 0;
  }
}

function prepare(db: Db) {
  const p = sql.placeholder;
  return {
    count: db
      .select({ count: sql<number>`count(*)` })
      .from(reports)
      .where(eq(reports.run, p('run')))
      .prepare(),
    one: db
      .select()
      .from(reports)
      .where(and(eq(reports.run, p('run')), eq(reports.id, p('id'))))
      .prepare(),
    ofRun: db
      .select()
      .from(reports)
      .where(eq(reports.run, p('run')))
      // In order of arrival, even within one millisecond.
      .orderBy(reports.at, sql`rowid`)
      .prepare(),
  };
}

function toReport(row: typeof reports.$inferSelect): StoredReport {
  return { ...row, kind: kind.parse(row.kind) };
}
