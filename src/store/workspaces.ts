/** Workspace states in the database. */
import { and, desc, eq, gt, inArray, isNotNull, isNull, lt, ne, sql } from 'drizzle-orm';
import { z } from 'zod';
import { limits } from '#run/limits.ts';
import type { OpenFile, RepositoryState, Snapshot } from '#run/workspace.ts';
import type { Db } from './open.ts';
import { events, runs, taskBaselines, tasks, workspaceStates } from './schema.ts';
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

export function createWorkspaceStore(db: Db) {
  const ofRun = (run: number) => eq(workspaceStates.run, run);

  return {
    /** Stores the state that a run found. A second snapshot before the same start replaces the first. */
    putFound(_tx: WriteTransaction, { found, ...row }: FoundState): void {
      const values = { ...row, found: found === null ? null : pack(found), marks: null };
      db.insert(workspaceStates).values(values).onConflictDoUpdate({ target: workspaceStates.run, set: values }).run();
    },

    /** Returns the state that a run found; null if none is stored. */
    of(run: number): FoundState | null {
      const row = db.select().from(workspaceStates).where(ofRun(run)).get();
      return row
        ? { run: row.run, task: row.task, streak: row.streak, found: row.found === null ? null : unpack(row.found) }
        : null;
    },

    /** Deletes states that are no longer needed: those found by settled runs, and baselines of closed tasks. */
    forgetSettled(_tx: WriteTransaction): void {
      const settled = db.select({ number: runs.number }).from(runs).where(eq(runs.unsettled, 0));
      const where = and(isNotNull(workspaceStates.found), inArray(workspaceStates.run, settled));
      db.delete(workspaceStates)
        .where(and(where, isNull(workspaceStates.task)))
        .run();
      db.update(workspaceStates).set({ found: null }).where(where).run();
      const closed = db
        .select({ number: tasks.number })
        .from(tasks)
        .where(inArray(tasks.status, ['done', 'cancelled']));
      db.delete(taskBaselines).where(inArray(taskBaselines.task, closed)).run();
    },

    /** Deletes what earlier streaks of this task have seen. */
    forgetStreaksBefore(_tx: WriteTransaction, task: number, streak: number): void {
      db.delete(workspaceStates)
        .where(and(eq(workspaceStates.task, task), lt(workspaceStates.run, streak), isNull(workspaceStates.found)))
        .run();
    },

    /** Stores what the run has seen. The found state stays, because the comparison may have to be repeated. */
    putMarks(_tx: WriteTransaction, run: number, marks: readonly string[]): void {
      db.update(workspaceStates)
        .set({ marks: marks.join(' ') })
        .where(ofRun(run))
        .run();
    },

    /** Returns the streak of the task's newest run before this one, or null. */
    streakBefore(task: number, run: number): number | null {
      const where = and(eq(workspaceStates.task, task), lt(workspaceStates.run, run));
      return (
        db
          .select({ streak: workspaceStates.streak })
          .from(workspaceStates)
          .where(where)
          .orderBy(desc(workspaceStates.run))
          .limit(1)
          .get()?.streak ?? null
      );
    },

    /** Returns what earlier runs of this streak have seen. */
    seenIn(task: number, streak: number, run: number): Set<string> {
      const where = and(
        eq(workspaceStates.task, task),
        eq(workspaceStates.streak, streak),
        lt(workspaceStates.run, run),
        isNotNull(workspaceStates.marks),
      );
      const rows = db
        .select({ marks: workspaceStates.marks })
        .from(workspaceStates)
        .where(where)
        .orderBy(desc(workspaceStates.run))
        .limit(limits.workspaceStreakRuns)
        .all();
      return new Set(rows.flatMap(({ marks }) => marks?.split(' ') ?? []));
    },

    /** Stores the baseline of a task in a folder. An existing one stays. */
    putBaseline(_tx: WriteTransaction, task: number, { run, found }: Baseline): void {
      db.insert(taskBaselines)
        .values({ task, root: found.root, run, found: pack(found) })
        .onConflictDoNothing()
        .run();
    },

    baselineOf(task: number, root: string): Baseline | null {
      const row = db
        .select()
        .from(taskBaselines)
        .where(and(eq(taskBaselines.task, task), eq(taskBaselines.root, root)))
        .get();
      const found = row === undefined ? null : unpack(row.found);
      return row === undefined || found === null ? null : { run: row.run, found };
    },

    /** Returns other runs that ended after this event, and their folders; null if there are more than `most`. */
    othersEndedSince(seq: number, run: number, most: number): OtherRun[] | null {
      const rows = db
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
    },

    /** Returns the work folders of open tasks of agents, as far as the tasks tell; null if there are more than `most`. */
    foldersOfTasks(most: number): TaskFolder[] | null {
      const rows = db
        .select({ task: tasks.number, cwd: tasks.cwd, madeIn: tasks.madeIn, agentId: tasks.agentId })
        .from(tasks)
        .where(and(isNotNull(tasks.agentId), inArray(tasks.status, ['todo', 'in_progress', 'in_review', 'blocked'])))
        .limit(most + 1)
        .all();
      return rows.length > most ? null : rows;
    },

    hasBaseline(task: number, root: string): boolean {
      const where = and(eq(taskBaselines.task, task), eq(taskBaselines.root, root));
      return db.select({ run: taskBaselines.run }).from(taskBaselines).where(where).get() !== undefined;
    },
  };
}

/** The stored form, with five values per file: a state of thousands of files is read in a few milliseconds. */
const packed = z.object({
  root: z.string(),
  git: z.boolean(),
  linked: z.boolean(),
  whole: z.boolean(),
  repositories: z.array(
    z.object({
      path: z.string(),
      head: z.string().nullable(),
      tree: z.string().nullable(),
      filtered: z.array(z.string()),
      open: z.custom<readonly (string | number | null)[]>(Array.isArray).nullable(),
    }),
  ),
});

/** Serializes a state. A state that is too large keeps only its commits. */
function pack(state: Snapshot): string {
  const text = JSON.stringify({
    ...state,
    repositories: state.repositories.map((each) => ({ ...each, open: each.open === null ? null : flat(each.open) })),
  });
  if (text.length <= limits.workspaceStateBytesMax) return text;
  return JSON.stringify({
    ...state,
    repositories: state.repositories.map((each) => ({ ...each, open: null, filtered: [] })),
  });
}

function flat(open: ReadonlyMap<string, OpenFile>): (string | number | null)[] {
  return [...open].flatMap(([path, { base, version, size, lines }]) => [path, base, version, size, lines]);
}

/** Parses a state. Returns null if it is invalid, as if it were unknown. */
function unpack(text: string): Snapshot | null {
  try {
    const { repositories, ...rest } = packed.parse(JSON.parse(text));
    return {
      ...rest,
      repositories: repositories.map(
        (each): RepositoryState => ({ ...each, open: each.open === null ? null : unflat(each.open) }),
      ),
    };
  } catch {
    return null;
  }
}

function unflat(values: readonly (string | number | null)[]): Map<string, OpenFile> {
  const open = new Map<string, OpenFile>();
  for (let at = 0; at + 4 < values.length; at += 5) {
    const [path, base, version, size, lines] = values.slice(at, at + 5);
    open.set(String(path), {
      base: String(base),
      version: String(version),
      size: numberOr(size),
      lines: numberOr(lines),
    });
  }
  return open;
}

const numberOr = (value: unknown): number | null => (typeof value === 'number' ? value : null);
