/** Tombstones of removed runs. */
import { eq } from 'drizzle-orm';
import { isEnded, type Run, type RunStatus } from '#run/run.ts';
import type { StreamDigest } from '#run/stream-digest.ts';
import type { Db } from './open.ts';
import { useToBury } from './run-usage.ts';
import { accounts, archivedLogs, reports, runLabels, runs, tombstones, workspaceStates } from './schema.ts';
import type { WriteTransaction } from './transaction.ts';

/** A removed run is found by one of these. */
export type TombstoneRef = { number: number } | { key: string } | { id: string };
/** What a run has used, according to its stream. */
export type BuriedUsage = Pick<StreamDigest, 'usage' | 'usageIsPart'>;

/** Deletes an ended run and everything that belongs to it, and inserts its tombstone. */
export function insertTombstone(_tx: WriteTransaction, db: Db, run: Run, used: BuriedUsage, at: number): void {
  const { number, id, key, spec, state, lineage } = run;
  const liveness = isEnded(state) ? state.liveness : null;
  const advanced = liveness === null ? null : Number(liveness.state === 'advanced' || liveness.state === 'completed');
  db.insert(tombstones)
    .values({
      number,
      id,
      key,
      status: state.status,
      agentId: spec.agent?.id ?? null,
      taskId: lineage.taskId,
      advanced,
      usage: useToBury(db, run, used),
      removedAt: at,
    })
    .run();
  db.delete(archivedLogs).where(eq(archivedLogs.run, number)).run();
  db.delete(accounts).where(eq(accounts.run, number)).run();
  db.delete(reports).where(eq(reports.run, number)).run();
  db.delete(runLabels).where(eq(runLabels.run, number)).run();
  db.delete(workspaceStates).where(eq(workspaceStates.run, number)).run();
  db.delete(runs).where(eq(runs.number, number)).run();
}

/** Returns whether there is such a tombstone. */
export function hasTombstone(db: Db, ref: TombstoneRef): boolean {
  const where =
    'number' in ref
      ? eq(tombstones.number, ref.number)
      : 'key' in ref
        ? eq(tombstones.key, ref.key)
        : eq(tombstones.id, ref.id);
  return db.select({ number: tombstones.number }).from(tombstones).where(where).get() !== undefined;
}

/** Returns the status that a removed run had; null if it was not removed. */
export function findBuriedStatus(db: Db, number: number): RunStatus | null {
  const row = db.select({ status: tombstones.status }).from(tombstones).where(eq(tombstones.number, number)).get();
  return (row?.status as RunStatus | undefined) ?? null;
}
