/** Workspace states in the database. */
import { and, desc, eq, gt, inArray, isNotNull, isNull, lt, ne, type SQL, sql } from 'drizzle-orm';
import { limits } from '#run/limits.ts';
import type { Snapshot } from '#run/workspace.ts';
import type { Db } from './open.ts';
import { packSnapshot, unpackSnapshot } from './packed-snapshot.ts';
import { events, runs, workspaceStates } from './schema.ts';
import { taskBaselines, tasks } from './task-schema.ts';
import type { WriteTransaction } from './transaction.ts';

/** `found`: null if unknown. */
export type FoundState = {
  readonly run: number;
  readonly task: number | null;
  readonly streak: number;
  readonly found: Snapshot | null;
};
export type OtherRun = { readonly id: string; readonly parentRunId: string | null; readonly cwd: string };
export type TaskFolder = {
  readonly task: number;
  readonly cwd: string | null;
  readonly madeIn: string;
  readonly agentId: string | null;
};
export type Baseline = { readonly run: number; readonly found: Snapshot };

export class WorkspaceStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /** Stores the state that a run found. A second snapshot before the same start replaces the first. */
  putFound(_tx: WriteTransaction, { found, ...row }: FoundState): void {
    const values = { ...row, found: found === null ? null : packSnapshot(found), marks: null };
    this.#db
      .insert(workspaceStates)
      .values(values)
      .onConflictDoUpdate({ target: workspaceStates.run, set: values })
      .run();
  }

  /** Returns the state that a run found; null if none is stored. */
  of(run: number): FoundState | null {
    const row = this.#db.select().from(workspaceStates).where(ofRun(run)).get();
    if (row === undefined) return null;
    const { run: number, task, streak, found } = row;
    return { run: number, task, streak, found: found === null ? null : unpackSnapshot(found) };
  }

  /** Deletes states that are no longer needed: those found by settled runs, and baselines of closed tasks. */
  forgetSettled(_tx: WriteTransaction): void {
    const settled = this.#db.select({ number: runs.number }).from(runs).where(eq(runs.unsettled, 0));
    const where = and(isNotNull(workspaceStates.found), inArray(workspaceStates.run, settled));
    this.#db
      .delete(workspaceStates)
      .where(and(where, isNull(workspaceStates.task)))
      .run();
    this.#db.update(workspaceStates).set({ found: null }).where(where).run();
    const closed = this.#db
      .select({ number: tasks.number })
      .from(tasks)
      .where(inArray(tasks.status, ['done', 'cancelled']));
    this.#db.delete(taskBaselines).where(inArray(taskBaselines.task, closed)).run();
  }

  /** Deletes what earlier streaks of this task have seen. */
  forgetStreaksBefore(_tx: WriteTransaction, task: number, streak: number): void {
    this.#db
      .delete(workspaceStates)
      .where(and(eq(workspaceStates.task, task), lt(workspaceStates.run, streak), isNull(workspaceStates.found)))
      .run();
  }

  /** Stores what the run has seen. The found state stays, because the comparison may have to be repeated. */
  putMarks(_tx: WriteTransaction, run: number, marks: readonly string[]): void {
    this.#db
      .update(workspaceStates)
      .set({ marks: marks.join(' ') })
      .where(ofRun(run))
      .run();
  }

  /** Returns the streak of the task's newest run before this one, or null. */
  streakBefore(task: number, run: number): number | null {
    const where = and(eq(workspaceStates.task, task), lt(workspaceStates.run, run));
    const row = this.#db
      .select({ streak: workspaceStates.streak })
      .from(workspaceStates)
      .where(where)
      .orderBy(desc(workspaceStates.run))
      .limit(1)
      .get();
    return row?.streak ?? null;
  }

  /** Returns what earlier runs of this streak have seen. */
  seenIn(task: number, streak: number, run: number): Set<string> {
    const where = and(
      eq(workspaceStates.task, task),
      eq(workspaceStates.streak, streak),
      lt(workspaceStates.run, run),
      isNotNull(workspaceStates.marks),
    );
    const rows = this.#db
      .select({ marks: workspaceStates.marks })
      .from(workspaceStates)
      .where(where)
      .orderBy(desc(workspaceStates.run))
      .limit(limits.workspaceStreakRuns)
      .all();
    return new Set(rows.flatMap(({ marks }) => marks?.split(' ') ?? []));
  }

  /** Stores the baseline of a task in a folder. An existing one stays. */
  putBaseline(_tx: WriteTransaction, task: number, { run, found }: Baseline): void {
    this.#db
      .insert(taskBaselines)
      .values({ task, root: found.root, run, found: packSnapshot(found) })
      .onConflictDoNothing()
      .run();
  }

  /** Returns the baseline of a task in a folder, or null. */
  baselineOf(task: number, root: string): Baseline | null {
    const row = this.#db.select().from(taskBaselines).where(ofBaseline(task, root)).get();
    const found = row === undefined ? null : unpackSnapshot(row.found);
    return row === undefined || found === null ? null : { run: row.run, found };
  }

  /** Returns other runs that ended after this event, and their folders; null if there are more than `most`. */
  othersEndedSince(seq: number, run: number, most: number): OtherRun[] | null {
    const rows = this.#db
      .selectDistinct({
        id: runs.id,
        parentRunId: runs.parentRunId,
        cwd: sql<string>`json_extract(${runs.spec}, '$.cwd')`,
      })
      .from(events)
      .innerJoin(runs, eq(runs.number, events.run))
      .where(and(gt(events.seq, seq), ne(events.run, run), inArray(events.type, ['exited', 'process-lost'])))
      .limit(most + 1)
      .all();
    return rows.length > most ? null : rows;
  }

  /**
   * Returns the work folders of open tasks of agents, as far as the tasks tell; null if there are more than `most`.
   */
  foldersOfTasks(most: number): TaskFolder[] | null {
    const rows = this.#db
      .select({ task: tasks.number, cwd: tasks.cwd, madeIn: tasks.madeIn, agentId: tasks.agentId })
      .from(tasks)
      .where(and(isNotNull(tasks.agentId), inArray(tasks.status, ['todo', 'in_progress', 'in_review', 'blocked'])))
      .limit(most + 1)
      .all();
    return rows.length > most ? null : rows;
  }

  /** Returns whether there is a baseline of this task in this folder. */
  hasBaseline(task: number, root: string): boolean {
    const where = ofBaseline(task, root);
    return this.#db.select({ run: taskBaselines.run }).from(taskBaselines).where(where).get() !== undefined;
  }
}

function ofRun(run: number): SQL {
  return eq(workspaceStates.run, run);
}

function ofBaseline(task: number, root: string): SQL | undefined {
  return and(eq(taskBaselines.task, task), eq(taskBaselines.root, root));
}
