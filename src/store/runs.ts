/** The runs in the database. */
import { and, asc, desc, eq, gt, inArray, like, sql } from 'drizzle-orm';
import { limits } from '#run/limits.ts';
import { endedStatuses, isEnded, liveStatuses, type Run, type RunStatus } from '#run/run.ts';
import type { StreamDigest } from '#run/stream-digest.ts';
import { pagesOfRuns } from './list-runs.ts';
import { count } from './meta.ts';
import type { Db } from './open.ts';
import { stateColumns, toRow, toRun } from './run-row.ts';
import { useToBury } from './run-usage.ts';
import { accounts, archivedLogs, reports, runLabels, runs, tombstones, workspaceStates } from './schema.ts';
import { runsOfTasks } from './task-runs.ts';
import type { WriteTransaction } from './transaction.ts';

export type QueuedRow = {
  readonly number: number;
  readonly id: string;
  readonly group: string | null;
  readonly priority: number;
  readonly parentRunId: string | null;
  readonly locks: readonly string[];
  readonly after: number | null;
  readonly agentId: string | null;
  readonly agentName: string | null;
  readonly taskId: number | null;
  readonly notBefore: number | null;
};

export function createRunStore(db: Db) {
  const total = count(db, 'runs_total');
  const p = sql.placeholder;
  const insert = db
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
    .prepare();
  const insertLabel = db
    .insert(runLabels)
    .values({ label: p('label'), value: p('value'), run: p('run') })
    .prepare();
  const update = db
    .update(runs)
    .set({
      status: sql`${p('status')}`,
      unsettled: sql`${p('unsettled')}`,
      needsPerson: sql`${p('needsPerson')}`,
      state: sql`${p('state')}`,
    })
    .where(eq(runs.number, p('number')))
    .prepare();
  const byNumber = db
    .select()
    .from(runs)
    .where(eq(runs.number, p('number')))
    .prepare();
  const byId = db
    .select()
    .from(runs)
    .where(eq(runs.id, p('id')))
    .prepare();
  const byKey = db
    .select()
    .from(runs)
    .where(eq(runs.key, p('key')))
    .prepare();
  const unsettled = db.select().from(runs).where(sql`unsettled = 1`).orderBy(asc(runs.number)).prepare();
  // Selects only what the queue needs: parsing whole runs would take a second for 20,000 of them.
  const queue = db
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
  const statusOf = db
    .select({ status: runs.status })
    .from(runs)
    .where(eq(runs.number, p('number')))
    .prepare();
  const lineageOf = db
    .select({ parent: runs.parentRunId })
    .from(runs)
    .where(eq(runs.id, p('id')))
    .prepare();

  return {
    ...runsOfTasks(db),
    ...pagesOfRuns(db, total.get),

    /** Inserts a run under the next number, which is never reused. */
    insert(tx: WriteTransaction, run: Omit<Run, 'number'>): Run {
      const row = insert.get(toRow(run));
      if (!row) throw new Error('The database gave no number.');
      for (const [label, value] of Object.entries(run.spec.labels)) insertLabel.run({ label, value, run: row.number });
      total.add(tx, 1);
      return { ...run, number: row.number };
    },

    /** Stores the run's new state. */
    setState(_tx: WriteTransaction, run: Run): void {
      update.run({ number: run.number, ...stateColumns(run) });
    },

    /** Returns runs that a person should look at, the newest first. */
    needingPerson(most: number): Run[] {
      return db
        .select()
        .from(runs)
        .where(sql`needs_person = 1`)
        .orderBy(desc(runs.number))
        .limit(most)
        .all()
        .map(toRun);
    },

    byNumber(number: number): Run | null {
      const row = byNumber.get({ number });
      return row ? toRun(row) : null;
    },

    byId(id: string): Run | null {
      const row = byId.get({ id });
      return row ? toRun(row) : null;
    },

    /** Returns whether there is such a run, without reading it. */
    isThere: (id: string): boolean =>
      db.select({ number: runs.number }).from(runs).where(eq(runs.id, id)).get() !== undefined,

    byKey(key: string): Run | null {
      const row = byKey.get({ key });
      return row ? toRun(row) : null;
    },

    /** Returns at most `most` runs whose id has this prefix. */
    byIdPrefix(prefix: string, most: number): Run[] {
      return db
        .select()
        .from(runs)
        .where(like(runs.id, `${prefix}%`))
        .limit(most)
        .all()
        .map(toRun);
    },

    /** Returns the live run of this name, else the newest ended one. */
    byName(name: string): Run | null {
      const row = db
        .select()
        .from(runs)
        .where(eq(runs.name, name))
        .orderBy(desc(inArray(runs.status, [...liveStatuses])), desc(runs.number))
        .limit(1)
        .get();
      return row ? toRun(row) : null;
    },

    /** Returns ended runs with numbers above `after`, oldest first. */
    endedAfter(after: number, most: number): Run[] {
      const where = and(gt(runs.number, after), inArray(runs.status, [...endedStatuses]));
      return db.select().from(runs).where(where).orderBy(asc(runs.number)).limit(most).all().map(toRun);
    },

    /** Returns the number of the `keep`-th newest ended run; 0 if there are fewer. */
    newestEnded(keep: number): number {
      if (keep === 0) return Number.POSITIVE_INFINITY;
      const where = inArray(runs.status, [...endedStatuses]);
      return (
        db
          .select({ number: runs.number })
          .from(runs)
          .where(where)
          .orderBy(desc(runs.number))
          .limit(1)
          .offset(keep - 1)
          .get()?.number ?? 0
      );
    },

    last(): Run | null {
      const row = db.select().from(runs).orderBy(desc(runs.number)).limit(1).get();
      return row ? toRun(row) : null;
    },

    /** Returns unsettled runs: starting, running, stopping, or ended with steps left to do. */
    unsettled: (): Run[] => unsettled.all().map(toRun),

    /** Returns all queued runs, oldest first. */
    queued: (): QueuedRow[] => queue.all().map((row) => ({ ...row, locks: JSON.parse(row.locks) as string[] })),

    status: (number: number): RunStatus | null => (statusOf.get({ number })?.status as RunStatus | undefined) ?? null,

    /** Returns the ids of the runs inside which this one was started, nearest first. */
    ancestors(parentRunId: string | null): string[] {
      const chain: string[] = [];
      for (let id = parentRunId; id !== null && chain.length <= limits.depthMax; ) {
        chain.push(id);
        id = lineageOf.get({ id })?.parent ?? null;
      }
      return chain;
    },

    /** Returns the runs started inside this one, including ended ones. */
    children(parentRunId: string): Run[] {
      return db.select().from(runs).where(eq(runs.parentRunId, parentRunId)).all().map(toRun);
    },

    /** Returns the number of the newest run that repeats this one, or null. */
    retryOf(id: string): number | null {
      return (
        db
          .select({ number: runs.number })
          .from(runs)
          .where(eq(runs.retryOfRunId, id))
          .orderBy(desc(runs.number))
          .limit(1)
          .get()?.number ?? null
      );
    },

    total: (): number => total.get(),

    /** Replaces an ended run by a tombstone. Number, id and key stay taken, and its usage is kept. */
    bury(tx: WriteTransaction, run: Run, used: Pick<StreamDigest, 'usage' | 'usageIsPart'>, at: number): void {
      const { number, id, key, spec, state, lineage } = run;
      const liveness = isEnded(state) ? state.liveness : null;
      const kept = {
        agentId: spec.agent?.id ?? null,
        taskId: lineage.taskId,
        advanced: liveness === null ? null : Number(liveness.state === 'advanced' || liveness.state === 'completed'),
        usage: useToBury(db, run, used),
      };
      db.insert(tombstones)
        .values({ number, id, key, status: state.status, ...kept, removedAt: at })
        .run();
      db.delete(archivedLogs).where(eq(archivedLogs.run, run.number)).run();
      db.delete(accounts).where(eq(accounts.run, run.number)).run();
      db.delete(reports).where(eq(reports.run, run.number)).run();
      db.delete(runLabels).where(eq(runLabels.run, run.number)).run();
      db.delete(workspaceStates).where(eq(workspaceStates.run, run.number)).run();
      db.delete(runs).where(eq(runs.number, run.number)).run();
      total.add(tx, -1);
    },

    isBuried(ref: { number: number } | { key: string } | { id: string }): boolean {
      const where =
        'number' in ref
          ? eq(tombstones.number, ref.number)
          : 'key' in ref
            ? eq(tombstones.key, ref.key)
            : eq(tombstones.id, ref.id);
      return db.select({ number: tombstones.number }).from(tombstones).where(where).get() !== undefined;
    },

    idOf: (number: number): string | null =>
      db.select({ id: runs.id }).from(runs).where(eq(runs.number, number)).get()?.id ?? null,

    /** Returns whether the run exists or was removed. */
    isKnown: (id: string): boolean =>
      db.select({ number: runs.number }).from(runs).where(eq(runs.id, id)).get() !== undefined ||
      db.select({ number: tombstones.number }).from(tombstones).where(eq(tombstones.id, id)).get() !== undefined,

    /** Reads all runs, page by page. Throws at the first invalid one. */
    readAll(): void {
      for (let last = 0; ; ) {
        const rows = db
          .select()
          .from(runs)
          .where(gt(runs.number, last))
          .orderBy(asc(runs.number))
          .limit(limits.pageRunsMax)
          .all();
        rows.forEach(toRun);
        const next = rows.at(-1)?.number;
        if (next === undefined) return;
        last = next;
      }
    },

    /** Returns the status of a removed run, because others may still depend on its success. */
    buriedStatus: (number: number): RunStatus | null =>
      (db.select({ status: tombstones.status }).from(tombstones).where(eq(tombstones.number, number)).get()?.status as
        | RunStatus
        | undefined) ?? null,
  };
}
