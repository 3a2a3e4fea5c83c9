/** The runs of a task. */
import { and, asc, desc, eq, inArray, sql } from 'drizzle-orm';
import { endedStatuses, type Run } from '#run/run.ts';
import type { Db } from './open.ts';
import { toRun } from './run-row.ts';
import { runs } from './schema.ts';

/** Returns the newest run of a task by this agent, or null. */
export function latestByAgent(db: Db, task: number, agentId: string): Run | null {
  const where = and(eq(runs.taskId, task), eq(runs.agentId, agentId));
  const row = db.select().from(runs).where(where).orderBy(desc(runs.number)).limit(1).get();
  return row ? toRun(row) : null;
}

/** Returns the newest ended runs of a task. */
export function endedOfTask(db: Db, task: number, most: number): Run[] {
  const where = and(eq(runs.taskId, task), inArray(runs.status, [...endedStatuses]));
  return db.select().from(runs).where(where).orderBy(desc(runs.number)).limit(most).all().map(toRun);
}

/** Returns runs of a task that have not ended or are not finalized. */
export function openOfTask(db: Db, task: number): Run[] {
  const where = and(eq(runs.taskId, task), sql`task_id is not null and (status = 'queued' or unsettled = 1)`);
  return db.select().from(runs).where(where).orderBy(asc(runs.number)).all().map(toRun);
}
