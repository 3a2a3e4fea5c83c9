/** Lists of runs: filtered, newest first, in pages, with a count of what is not shown. */
import { and, asc, desc, eq, gte, inArray, isNotNull, lt, type SQL, sql } from 'drizzle-orm';
import { limits } from '#run/limits.ts';
import type { Run, RunStatus } from '#run/run.ts';
import type { Db } from './open.ts';
import { toRun } from './run-row.ts';
import { runLabels, runs } from './schema.ts';

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

/** A mistyped name most likely means a recent one. */
const namesMax = 500;
/** Runs among which the lowest number since a moment is looked for. */
const earlyRuns = 200;

export type RunPage = { readonly runs: readonly Run[]; readonly next: number | null; readonly hidden: number };
/** `before`: the number below which the page begins; null for the newest run. */
export type Paging = { readonly before: number | null; readonly limit: number };
export type LedgerFilter = Pick<RunFilter, 'task' | 'agentId' | 'since'>;

/** Returns a page of runs, newest first. `total`: returns the stored count of all runs. */
export function selectPage(db: Db, filter: RunFilter, { before, limit }: Paging, total: () => number): RunPage {
  const found = selectRuns(db, filter, before, limit + 1, false) as Run[];
  const shown = found.slice(0, limit);
  const last = shown.at(-1);
  const more = found.length > shown.length && last !== undefined;
  if (!more) return { runs: shown, next: null, hidden: 0 };
  const unfiltered = Object.values(filter).every((value) => value === undefined);
  const hidden = !unfiltered
    ? countRuns(db, filter, last.number)
    : before === null
      ? total() - shown.length
      : countBelow(db, last.number);
  return { runs: shown, next: last.number, hidden };
}

/** Returns the names of runs, the most recently used first. */
export function listNames(db: Db): string[] {
  const latest = db
    .select({ name: runs.name })
    .from(runs)
    .where(isNotNull(runs.name))
    .groupBy(runs.name)
    .orderBy(desc(sql`max(${runs.number})`));
  return latest
    .limit(namesMax)
    .all()
    .flatMap(({ name }) => (name === null ? [] : [name]));
}

/**
 * Returns the lowest number of the runs that were queued at or after `since`; null if there is none. Numbers grow with
 * time, so only the first few are looked at: the clock may have been set back.
 */
export function findFirstSince(db: Db, since: number): number | null {
  const early = db
    .select({ number: runs.number })
    .from(runs)
    .where(gte(runs.queuedAt, since))
    .orderBy(asc(runs.queuedAt))
    .limit(earlyRuns)
    .as('early');
  return (
    db
      .select({ number: sql<number | null>`min(${early.number})` })
      .from(early)
      .get()?.number ?? null
  );
}

/** Returns runs of agents and of tasks, newest first. */
export function selectLedger(db: Db, filter: LedgerFilter, most: number): Run[] {
  const since = filter.since === undefined ? undefined : gte(runs.queuedAt, filter.since);
  const where = and(...conditions(db, filter, null), sql`(agent_id is not null or task_id is not null)`, since);
  return db.select().from(runs).where(where).orderBy(desc(runs.number)).limit(most).all().map(toRun);
}

/**
 * Returns runs, newest first. Each status is queried separately and the results are merged, because an OR would sort
 * all rows.
 */
function selectRuns(
  db: Db,
  filter: RunFilter,
  before: number | null,
  limit: number,
  countOnly: boolean,
): Run[] | { number: number }[] {
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
  return countOnly ? merged : (merged as (typeof runs.$inferSelect)[]).map(toRun);
}

/** Returns the exact count: a scan of the smallest index, 20 ms for a million runs, only on pages after the first. */
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
    // The first number since then bounds the scan.
    const first = findFirstSince(db, filter.since);
    all.push(first === null ? sql`0` : gte(runs.number, first));
  }
  return all.filter((condition) => condition !== undefined);
}
