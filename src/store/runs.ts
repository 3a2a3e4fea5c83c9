/** The runs in the database. Every writing function here is meant to be called inside one transaction of the supervisor. */
import { and, asc, desc, eq, gte, inArray, like, lt, or, type SQL, sql } from 'drizzle-orm';
import { limits } from '../run/limits.ts';
import { isEnded, liveStatuses, type Run, type RunState, type RunStatus } from '../run/run.ts';
import type { Usage } from '../run/usage.ts';
import { count } from './meta.ts';
import type { Db } from './open.ts';
import { rowOf, runOf, stateColumns } from './rows.ts';
import { runsOfTasks } from './runs-of-tasks.ts';
import { accounts, reports, runLabels, runs, tombstones } from './schema.ts';
import { useToBury } from './spending.ts';

export type RunFilter = {
  readonly statuses?: readonly RunStatus[] | undefined;
  readonly group?: string | undefined;
  readonly label?: { readonly key: string; readonly value: string } | undefined;
  /** Queued at or after this moment. */
  readonly since?: number | undefined;
  readonly name?: string | undefined;
  readonly agentId?: string | undefined;
  readonly task?: number | undefined;
};

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

export type RunPage = { readonly runs: readonly Run[]; readonly next: number | null; readonly hidden: number };

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
    .set({ status: sql`${p('status')}`, unsettled: sql`${p('unsettled')}`, state: sql`${p('state')}` })
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
  // Only what the queue needs, taken out by SQLite: parsing whole runs would take a second for 20,000 of them.
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

    /** Gives the run the next number, which is never given again. */
    insert(run: Omit<Run, 'number'>): Run {
      const row = insert.get(rowOf(run));
      if (!row) throw new Error('The database gave no number.');
      for (const [label, value] of Object.entries(run.spec.labels)) insertLabel.run({ label, value, run: row.number });
      total.add(1);
      return { ...run, number: row.number };
    },

    setState(number: number, state: RunState): void {
      update.run({ number, ...stateColumns(state) });
    },

    byNumber(number: number): Run | null {
      const row = byNumber.get({ number });
      return row ? runOf(row) : null;
    },

    byId(id: string): Run | null {
      const row = byId.get({ id });
      return row ? runOf(row) : null;
    },

    byKey(key: string): Run | null {
      const row = byKey.get({ key });
      return row ? runOf(row) : null;
    },

    /** At most `most` runs whose id begins so. */
    byIdPrefix(prefix: string, most: number): Run[] {
      return db
        .select()
        .from(runs)
        .where(like(runs.id, `${prefix}%`))
        .limit(most)
        .all()
        .map(runOf);
    },

    /** The live run of this name, else the newest ended one. */
    byName(name: string): Run | null {
      const row = db
        .select()
        .from(runs)
        .where(eq(runs.name, name))
        .orderBy(desc(inArray(runs.status, [...liveStatuses])), desc(runs.number))
        .limit(1)
        .get();
      return row ? runOf(row) : null;
    },

    last(): Run | null {
      const row = db.select().from(runs).orderBy(desc(runs.number)).limit(1).get();
      return row ? runOf(row) : null;
    },

    /** Runs that need attention: starting, running, stopping, or ended with steps left to do. */
    unsettled: (): Run[] => unsettled.all().map(runOf),

    /** All queued runs, oldest first. */
    queued: (): QueuedRow[] => queue.all().map((row) => ({ ...row, locks: JSON.parse(row.locks) as string[] })),

    status: (number: number): RunStatus | null => (statusOf.get({ number })?.status as RunStatus | undefined) ?? null,

    /** Ids of the runs this one was started in, nearest first. */
    ancestors(parentRunId: string | null): string[] {
      const chain: string[] = [];
      for (let id = parentRunId; id !== null && chain.length <= limits.depthMax; ) {
        chain.push(id);
        id = lineageOf.get({ id })?.parent ?? null;
      }
      return chain;
    },

    /** Runs that were started inside this one, ended ones among them. */
    children(parentRunId: string): Run[] {
      return db.select().from(runs).where(eq(runs.parentRunId, parentRunId)).all().map(runOf);
    },

    /** Number of the newest run that repeats this one; null when there is none. */
    retryOf(id: string): number | null {
      return db.select({ number: runs.number }).from(runs).where(eq(runs.retryOfRunId, id)).orderBy(desc(runs.number)).limit(1).get()?.number ?? null;
    },

    /** Runs of agents and of tasks, newest first; `hidden`: how many more there are. */
    ledger(filter: Pick<RunFilter, 'task' | 'agentId' | 'since'>, most: number): { runs: Run[]; hidden: number } {
      const where = and(...conditions(db, filter, null), sql`(agent_id is not null or task_id is not null)`);
      const all = db.select({ n: sql<number>`count(*)` }).from(runs).where(where).get()?.n ?? 0;
      const shown = db.select().from(runs).where(where).orderBy(desc(runs.number)).limit(most).all().map(runOf);
      return { runs: shown, hidden: all - shown.length };
    },

    total: (): number => total.get(),

    /** Newest first, from below `before`. One query for each status, merged, so that each walks its own index. */
    page(filter: RunFilter, paging: { before: number | null; limit: number }): RunPage {
      const found = selectRuns(db, filter, paging.before, paging.limit + 1, false) as Run[];
      const shown = found.slice(0, paging.limit);
      const last = shown.at(-1);
      const more = found.length > shown.length && last !== undefined;
      if (!more) return { runs: shown, next: null, hidden: 0 };
      const unfiltered = Object.values(filter).every((value) => value === undefined);
      const hidden = !unfiltered ? countRuns(db, filter, last.number) : paging.before === null ? total.get() - shown.length : countBelow(db, last.number);
      return { runs: shown, next: last.number, hidden };
    },

    /** Forgets an ended run; number, id and key stay taken, and what it used stays known. */
    bury(run: Run, usage: Usage | null, at: number): void {
      const { number, id, key, spec, state, lineage } = run;
      const liveness = isEnded(state) ? state.liveness : null;
      const kept = {
        agentId: spec.agent?.id ?? null,
        taskId: lineage.taskId,
        advanced: liveness === null ? null : Number(liveness.state === 'advanced' || liveness.state === 'completed'),
        usage: useToBury(db, run, usage),
      };
      db.insert(tombstones)
        .values({ number, id, key, status: state.status, ...kept, removedAt: at })
        .run();
      db.delete(accounts).where(eq(accounts.run, run.number)).run();
      db.delete(reports).where(eq(reports.run, run.number)).run();
      db.delete(runLabels).where(eq(runLabels.run, run.number)).run();
      db.delete(runs).where(eq(runs.number, run.number)).run();
      total.add(-1);
    },

    isBuried(ref: { number: number } | { key: string } | { id: string }): boolean {
      const where = 'number' in ref ? eq(tombstones.number, ref.number) : 'key' in ref ? eq(tombstones.key, ref.key) : eq(tombstones.id, ref.id);
      return db.select({ number: tombstones.number }).from(tombstones).where(where).get() !== undefined;
    },

    /** How a removed run had ended; others may still wait for its success. */
    buriedStatus: (number: number): RunStatus | null =>
      (db.select({ status: tombstones.status }).from(tombstones).where(eq(tombstones.number, number)).get()?.status as RunStatus | undefined) ?? null,
  };
}

/** Newest first. Several statuses are asked for one by one and merged: an OR over them would have to sort all rows. */
function selectRuns(db: Db, filter: RunFilter, before: number | null, limit: number, countOnly: boolean): Run[] | { number: number }[] {
  const statuses = filter.statuses?.length ? filter.statuses : [null];
  const parts = statuses.map((status) => {
    const where = and(...conditions(db, filter, before), ...(status === null ? [] : [eq(runs.status, status)]));
    return countOnly
      ? db.select({ number: runs.number }).from(runs).where(where).orderBy(desc(runs.number)).limit(limit).all()
      : db.select().from(runs).where(where).orderBy(desc(runs.number)).limit(limit).all();
  });
  const merged = parts
    .flat()
    .sort((a, b) => b.number - a.number)
    .slice(0, limit);
  return countOnly ? merged : (merged as (typeof runs.$inferSelect)[]).map(runOf);
}

/** Exact: a walk over the smallest index, 20 ms for a million runs, and only on the pages after the first. */
function countBelow(db: Db, number: number): number {
  return db.select({ n: sql<number>`count(*)` }).from(runs).where(lt(runs.number, number)).get()?.n ?? 0;
}

function countRuns(db: Db, filter: RunFilter, before: number): number {
  return selectRuns(db, filter, before, limits.hiddenCountMax, true).length;
}

function conditions(db: Db, filter: RunFilter, before: number | null): SQL[] {
  const all: (SQL | undefined)[] = [];
  if (before !== null) all.push(lt(runs.number, before));
  if (filter.group !== undefined) all.push(eq(runs.group, filter.group));
  if (filter.agentId !== undefined) all.push(eq(runs.agentId, filter.agentId));
  if (filter.task !== undefined) all.push(eq(runs.taskId, filter.task));
  if (filter.name !== undefined) all.push(eq(runs.name, filter.name));
  if (filter.label) {
    const { key, value } = filter.label;
    all.push(
      inArray(
        runs.number,
        db
          .select({ run: runLabels.run })
          .from(runLabels)
          .where(and(eq(runLabels.label, key), eq(runLabels.value, value))),
      ),
    );
  }
  if (filter.since !== undefined) {
    // Numbers grow with time, so the first number since then bounds the walk.
    const first = db
      .select({ number: sql<number>`min(${runs.number})` })
      .from(runs)
      .where(gte(runs.queuedAt, filter.since))
      .get()?.number;
    all.push(first == null ? sql`0` : or(gte(runs.number, first)));
  }
  return all.filter((condition) => condition !== undefined);
}
