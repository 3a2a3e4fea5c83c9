/** The statements on runs that are prepared once, because they are executed for each change or each view of a run. */
import { and, asc, desc, eq, gte, sql } from 'drizzle-orm';
import type { Db } from './open.ts';
import { runLabels, runs } from './schema.ts';

const p = sql.placeholder;

/** Prepares the statements that insert and change runs. Throws if the database cannot be used. */
export function prepareRunWrites(db: Db) {
  return {
    insert: db
      .insert(runs)
      .values({
        id: p('id'),
        status: p('status'),
        name: p('name'),
        key: p('key'),
        group: p('group'),
        priority: p('priority'),
        queuedAt: p('queuedAt'),
        parentRunId: p('parentRunId'),
        agentId: p('agentId'),
        taskId: p('taskId'),
        retryOfRunId: p('retryOfRunId'),
        retryReason: p('retryReason'),
        unsettled: p('unsettled'),
        needsPerson: p('needsPerson'),
        spec: p('spec'),
        lineage: p('lineage'),
        state: p('state'),
      })
      .returning({ number: runs.number })
      .prepare(),
    insertLabel: db
      .insert(runLabels)
      .values({ label: p('label'), value: p('value'), run: p('run') })
      .prepare(),
    update: db
      .update(runs)
      .set({
        status: sql`${p('status')}`,
        unsettled: sql`${p('unsettled')}`,
        needsPerson: sql`${p('needsPerson')}`,
        state: sql`${p('state')}`,
      })
      .where(eq(runs.number, p('number')))
      .prepare(),
  };
}

/** Prepares the statements that read runs. Throws if the database cannot be used. */
export function prepareRunReads(db: Db) {
  return {
    byNumber: db
      .select()
      .from(runs)
      .where(eq(runs.number, p('number')))
      .prepare(),
    byId: db
      .select()
      .from(runs)
      .where(eq(runs.id, p('id')))
      .prepare(),
    byKey: db
      .select()
      .from(runs)
      .where(eq(runs.key, p('key')))
      .prepare(),
    numbersOfStatus: db
      .select({ number: runs.number })
      .from(runs)
      .where(and(eq(runs.status, p('status')), gte(runs.number, p('from'))))
      .orderBy(desc(runs.number))
      .limit(p('most'))
      .prepare(),
    retryOf: db
      .select({ number: runs.number })
      .from(runs)
      .where(eq(runs.retryOfRunId, p('id')))
      .orderBy(desc(runs.number))
      .limit(1)
      .prepare(),
    latestOfTask: db
      .select()
      .from(runs)
      .where(eq(runs.taskId, p('task')))
      .orderBy(desc(runs.number))
      .limit(1)
      .prepare(),
    unsettled: db.select().from(runs).where(sql`unsettled = 1`).orderBy(asc(runs.number)).prepare(),
    queued: prepareQueue(db),
    statusOf: db
      .select({ status: runs.status })
      .from(runs)
      .where(eq(runs.number, p('number')))
      .prepare(),
    lineageOf: db
      .select({ parent: runs.parentRunId })
      .from(runs)
      .where(eq(runs.id, p('id')))
      .prepare(),
  };
}

/** Selects only what the queue needs: parsing whole runs would take a second for 20,000 of them. */
function prepareQueue(db: Db) {
  return db
    .select({
      number: runs.number,
      id: runs.id,
      group: runs.group,
      priority: runs.priority,
      parentRunId: runs.parentRunId,
      locks: sql<string>`json_extract(${runs.spec}, '$.locks')`,
      after: sql<number | null>`json_extract(${runs.spec}, '$.after')`,
      agentId: runs.agentId,
      agentName: sql<string | null>`json_extract(${runs.spec}, '$.agent.name')`,
      taskId: runs.taskId,
      notBefore: sql<number | null>`json_extract(${runs.state}, '$.notBefore')`,
    })
    .from(runs)
    .where(sql`status = 'queued'`)
    .orderBy(asc(runs.number))
    .prepare();
}
