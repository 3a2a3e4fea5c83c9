/** Reports that an agent sent with `clip report`. They are more reliable than guesses from its messages. */

import type { ReportKind, ReportWords } from '#run/agent-report.ts';

export type AgentReport = ReportWords & { readonly at: number };
export type ReportCounts = Readonly<Record<ReportKind, number>>;

/** Returns the number of reports of each kind. */
export function countReports(reports: readonly AgentReport[]): ReportCounts {
  const of = (wanted: ReportKind) => reports.filter(({ kind }) => kind === wanted).length;
  return {
    next: of('next'),
    progress: of('progress'),
    blocked: of('blocked'),
    done: of('done'),
    summary: of('summary'),
  };
}

/** Returns the blocker that still stands, or null. A later `report done` clears it. */
export function standingBlocker(reports: readonly AgentReport[]): AgentReport | null {
  return reports.findLast(({ kind }) => kind === 'blocked' || kind === 'done')?.kind === 'blocked'
    ? findLast(reports, 'blocked')
    : null;
}

/** Returns the last report of a kind, or null. */
export function findLast(reports: readonly AgentReport[], wanted: ReportKind): AgentReport | null {
  return reports.findLast(({ kind }) => kind === wanted) ?? null;
}

/** Returns the time of the last report that counts as useful. `next` only announces, so it does not count. */
export function lastUsefulReportAt(reports: readonly AgentReport[]): number | null {
  return reports.findLast(({ kind }) => kind !== 'next')?.at ?? null;
}
