/** The runs in the database. */
import { and, asc, desc, eq, gt, inArray, like, sql } from 'drizzle-orm';
import { limits } from '#run/limits.ts';
import { endedStatuses, liveStatuses, type Run, type RunStatus } from '#run/run.ts';
import {
  findFirstSince,
  type LedgerFilter,
  listNames,
  type Paging,
  type RunFilter,
  type RunPage,
  selectLedger,
  selectPage,
} from './list-runs.ts';
import { StoredCount } from './meta.ts';
import type { Db } from './open.ts';
import { stateColumns, toRow, toRun } from './run-row.ts';
import { prepareRunReads, prepareRunWrites } from './run-statements.ts';
import { runs } from './schema.ts';
import { endedOfTask, latestByAgent, openOfTask } from './task-runs.ts';
import { type BuriedUsage, findBuriedStatus, hasTombstone, insertTombstone, type TombstoneRef } from './tombstones.ts';
import type { WriteTransaction } from './transaction.ts';

/** What the queue knows of a queued run. */
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

export class RunStore {
  readonly #db: Db;
  readonly #total: StoredCount;
  readonly #writes: ReturnType<typeof prepareRunWrites>;
  readonly #reads: ReturnType<typeof prepareRunReads>;

  /** Prepares the statements. Throws if the database cannot be used. */
  constructor(db: Db) {
    this.#db = db;
    this.#total = new StoredCount(db, 'runs_total');
    this.#writes = prepareRunWrites(db);
    this.#reads = prepareRunReads(db);
  }

  /** Inserts a run under the next number, which is never reused. */
  insert(tx: WriteTransaction, run: Omit<Run, 'number'>): Run {
    const row = this.#writes.insert.get(toRow(run));
    if (!row) throw new Error('The database gave no number.');
    const { number } = row;
    for (const [label, value] of Object.entries(run.spec.labels))
      this.#writes.insertLabel.run({ label, value, run: number });
    this.#total.add(tx, 1);
    return { ...run, number };
  }

  /** Stores the run's new state. */
  setState(_tx: WriteTransaction, run: Run): void {
    this.#writes.update.run({ number: run.number, ...stateColumns(run) });
  }

  /** Returns the run with this number, or null. */
  byNumber(number: number): Run | null {
    const row = this.#reads.byNumber.get({ number });
    return row ? toRun(row) : null;
  }

  /** Returns the run with this id, or null. */
  byId(id: string): Run | null {
    const row = this.#reads.byId.get({ id });
    return row ? toRun(row) : null;
  }

  /** Returns the run with this key, or null. */
  byKey(key: string): Run | null {
    const row = this.#reads.byKey.get({ key });
    return row ? toRun(row) : null;
  }

  /** Returns at most `most` runs whose id has this prefix. */
  byIdPrefix(prefix: string, most: number): Run[] {
    const where = like(runs.id, `${prefix}%`);
    return this.#db.select().from(runs).where(where).limit(most).all().map(toRun);
  }

  /** Returns the live run of this name, else the newest ended one, or null. */
  byName(name: string): Run | null {
    const row = this.#db
      .select()
      .from(runs)
      .where(eq(runs.name, name))
      .orderBy(desc(inArray(runs.status, [...liveStatuses])), desc(runs.number))
      .limit(1)
      .get();
    return row ? toRun(row) : null;
  }

  /** Returns the run with the highest number, or null. */
  last(): Run | null {
    const row = this.#db.select().from(runs).orderBy(desc(runs.number)).limit(1).get();
    return row ? toRun(row) : null;
  }

  /** Returns the number of runs. */
  total(): number {
    return this.#total.get();
  }

  /** Returns the id of the run with this number, or null. */
  idOf(number: number): string | null {
    return this.#db.select({ id: runs.id }).from(runs).where(eq(runs.number, number)).get()?.id ?? null;
  }

  /** Returns whether there is such a run, without reading it. */
  isThere(id: string): boolean {
    return this.#db.select({ number: runs.number }).from(runs).where(eq(runs.id, id)).get() !== undefined;
  }

  /** Returns whether the run exists or was removed. */
  isKnown(id: string): boolean {
    return this.isThere(id) || this.isBuried({ id });
  }

  /** Returns the status of the run with this number, or null. */
  status(number: number): RunStatus | null {
    return (this.#reads.statusOf.get({ number })?.status as RunStatus | undefined) ?? null;
  }

  /** Returns unsettled runs: starting, running, stopping, or ended with steps left to do. */
  unsettled(): Run[] {
    return this.#reads.unsettled.all().map(toRun);
  }

  /** Returns all queued runs, oldest first. */
  queued(): QueuedRow[] {
    return this.#reads.queued.all().map((row) => ({ ...row, locks: JSON.parse(row.locks) as string[] }));
  }

  /** Returns runs that a person should look at, the newest first. */
  needingPerson(most: number): Run[] {
    const where = sql`needs_person = 1`;
    return this.#db.select().from(runs).where(where).orderBy(desc(runs.number)).limit(most).all().map(toRun);
  }

  /** Returns ended runs with numbers above `after`, oldest first. */
  endedAfter(after: number, most: number): Run[] {
    const where = and(gt(runs.number, after), inArray(runs.status, [...endedStatuses]));
    return this.#db.select().from(runs).where(where).orderBy(asc(runs.number)).limit(most).all().map(toRun);
  }

  /** Returns the number of the `keep`-th newest ended run; 0 if there are fewer, infinity if none is to be kept. */
  newestEnded(keep: number): number {
    if (keep === 0) return Number.POSITIVE_INFINITY;
    const row = this.#db
      .select({ number: runs.number })
      .from(runs)
      .where(inArray(runs.status, [...endedStatuses]))
      .orderBy(desc(runs.number))
      .limit(1)
      .offset(keep - 1)
      .get();
    return row?.number ?? 0;
  }

  /** Returns the ids of the runs inside which this one was started, nearest first. */
  ancestors(parentRunId: string | null): string[] {
    const chain: string[] = [];
    for (let id = parentRunId; id !== null && chain.length <= limits.depthMax; ) {
      chain.push(id);
      id = this.#reads.lineageOf.get({ id })?.parent ?? null;
    }
    return chain;
  }

  /** Returns the runs started inside this one, including ended ones. */
  children(parentRunId: string): Run[] {
    return this.#db.select().from(runs).where(eq(runs.parentRunId, parentRunId)).all().map(toRun);
  }

  /** Returns the number of the newest run that repeats this one, or null. */
  retryOf(id: string): number | null {
    return this.#reads.retryOf.get({ id })?.number ?? null;
  }

  /** Reads all runs, page by page. Throws at the first invalid one. */
  readAll(): void {
    for (let last = 0; ; ) {
      const rows = this.#db
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
  }

  /** Returns a page of runs below `before`, newest first. */
  page(filter: RunFilter, paging: Paging): RunPage {
    return selectPage(this.#db, filter, paging, () => this.total());
  }

  /** Returns the names of runs, the most recently used first. */
  names(): string[] {
    return listNames(this.#db);
  }

  /** Returns the newest runs in these states, queued at or after `since`. Unlike `page`, it counts nothing. */
  newest(statuses: readonly RunStatus[], most: number, since: number | null = null): Run[] {
    const from = since === null ? 0 : findFirstSince(this.#db, since);
    if (from === null) return [];
    return statuses
      .flatMap((status) => this.#reads.numbersOfStatus.all({ status, from, most }))
      .sort((a, b) => b.number - a.number)
      .slice(0, most)
      .flatMap(({ number }) => this.byNumber(number) ?? []);
  }

  /** Returns runs of agents and of tasks, newest first. */
  ledger(filter: LedgerFilter, most: number): Run[] {
    return selectLedger(this.#db, filter, most);
  }

  /** Returns the newest run of a task, by this agent if one is given, or null. */
  latestOfTask(task: number, agentId: string | null): Run | null {
    if (agentId !== null) return latestByAgent(this.#db, task, agentId);
    const row = this.#reads.latestOfTask.get({ task });
    return row ? toRun(row) : null;
  }

  /** Returns the newest ended runs of a task. */
  endedOfTask(task: number, most: number): Run[] {
    return endedOfTask(this.#db, task, most);
  }

  /** Returns runs of a task that have not ended or are not finalized. */
  openOfTask(task: number): Run[] {
    return openOfTask(this.#db, task);
  }

  /** Replaces an ended run by a tombstone. Number, id and key stay taken, and its usage is kept. */
  bury(tx: WriteTransaction, run: Run, used: BuriedUsage, at: number): void {
    insertTombstone(tx, this.#db, run, used, at);
    this.#total.add(tx, -1);
  }

  /** Returns whether such a run was removed. */
  isBuried(ref: TombstoneRef): boolean {
    return hasTombstone(this.#db, ref);
  }

  /** Returns the status of a removed run, because others may still depend on its success; null if there is none. */
  buriedStatus(number: number): RunStatus | null {
    return findBuriedStatus(this.#db, number);
  }
}
