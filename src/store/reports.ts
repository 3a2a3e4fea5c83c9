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

export function createReportStore(db: Db) {
  const p = sql.placeholder;
  const counted = db
    .select({ count: sql<number>`count(*)` })
    .from(reports)
    .where(eq(reports.run, p('run')))
    .prepare();
  const one = db
    .select()
    .from(reports)
    .where(and(eq(reports.run, p('run')), eq(reports.id, p('id'))))
    .prepare();
  const ofRun = db
    .select()
    .from(reports)
    .where(eq(reports.run, p('run')))
    // In order of arrival, even within one millisecond.
    .orderBy(reports.at, sql`rowid`)
    .prepare();

  return {
    put(_tx: WriteTransaction, report: StoredReport): void {
      db.insert(reports).values(report).run();
    },

    get(run: number, id: string): StoredReport | null {
      const row = one.get({ run, id });
      return row ? toReport(row) : null;
    },

    /** Returns the reports of a run, oldest first. */
    ofRun: (run: number): StoredReport[] => ofRun.all({ run }).map(toReport),

    count: (run: number): number => counted.get({ run })?.count ?? 0,
  };
}

function toReport(row: typeof reports.$inferSelect): StoredReport {
  return { ...row, kind: kind.parse(row.kind) };
}
