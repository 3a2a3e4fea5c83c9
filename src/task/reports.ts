/** What an agent said of itself with `clip report`: better than guessing from its words. */

import type { ReportKind, ReportWords } from '../run/agent-report.ts';

export type AgentReport = ReportWords & { readonly at: number };
export type ReportCounts = Readonly<Record<ReportKind, number>>;

export function countReports(reports: readonly AgentReport[]): ReportCounts {
  const of = (wanted: ReportKind) => reports.filter(({ kind }) => kind === wanted).length;
  return { next: of('next'), progress: of('progress'), blocked: of('blocked'), done: of('done'), summary: of('summary') };
}

/** The blocker that still stands: one that was followed by `report done` does not. */
export function standingBlocker(reports: readonly AgentReport[]): AgentReport | null {
  return reports.findLast(({ kind }) => kind === 'blocked' || kind === 'done')?.kind === 'blocked' ? lastOf(reports, 'blocked') : null;
}

export function lastOf(reports: readonly AgentReport[], wanted: ReportKind): AgentReport | null {
  return reports.findLast(({ kind }) => kind === wanted) ?? null;
}

/** When it last reported something that counts; `next` only announces. */
export function lastUsefulReportAt(reports: readonly AgentReport[]): number | null {
  return reports.findLast(({ kind }) => kind !== 'next')?.at ?? null;
}
