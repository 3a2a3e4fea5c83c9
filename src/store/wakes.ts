/** Wakes in the database. The unique key ensures that each happens once. */
import { and, asc, desc, eq, inArray, isNull, type SQL, sql } from 'drizzle-orm';
import { z } from 'zod';
import { type Wake, type WakePayload, wakeReasons, wakeSources, wakeStatuses } from '#task/wake.ts';
import type { Db } from './open.ts';
import { wakes } from './task-schema.ts';
import type { WriteTransaction } from './transaction.ts';

type Row = typeof wakes.$inferSelect;
type WakePlace = { readonly agentId: string; readonly task: number | null };

export class WakeStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /** Inserts a wake. Throws if there is one with its key. */
  insert(_tx: WriteTransaction, wake: Wake): void {
    this.#db.insert(wakes).values(toRow(wake)).run();
  }

  /** Replaces the wake of this id. */
  put(_tx: WriteTransaction, wake: Wake): void {
    this.#db.update(wakes).set(toRow(wake)).where(eq(wakes.id, wake.id)).run();
  }

  /** Returns the wake with this id, or null. */
  byId(id: string): Wake | null {
    const row = this.#db.select().from(wakes).where(eq(wakes.id, id)).get();
    return row ? toWake(row) : null;
  }

  /** Returns the wake with this key, or null. */
  byKey(key: string): Wake | null {
    const row = this.#db.select().from(wakes).where(eq(wakes.key, key)).get();
    return row ? toWake(row) : null;
  }

  /** Returns the wake of this run, or null. */
  ofRun(runId: string): Wake | null {
    const row = this.#db
      .select()
      .from(wakes)
      .where(eq(wakes.runId, runId))
      .orderBy(asc(wakes.requestedAt))
      .limit(1)
      .get();
    return row ? toWake(row) : null;
  }

  /** Returns the pending wake of this agent and task, or null. */
  waiting(place: WakePlace): Wake | null {
    const row = this.#db
      .select()
      .from(wakes)
      .where(and(atPlace(place), inArray(wakes.status, ['queued', 'deferred'])))
      .orderBy(asc(wakes.requestedAt))
      .limit(1)
      .get();
    return row ? toWake(row) : null;
  }

  /** Returns all pending wakes of this task or agent, oldest first. */
  allWaiting(of: { readonly task?: number; readonly agentId?: string }): Wake[] {
    return this.#db
      .select()
      .from(wakes)
      .where(
        and(
          inArray(wakes.status, ['queued', 'deferred']),
          of.task === undefined ? undefined : eq(wakes.task, of.task),
          of.agentId === undefined ? undefined : eq(wakes.agentId, of.agentId),
        ),
      )
      .orderBy(asc(wakes.requestedAt))
      .all()
      .map(toWake);
  }

  /** Returns the wakes of a task, newest first. */
  ofTask(task: number, most: number): Wake[] {
    return this.#db
      .select()
      .from(wakes)
      .where(eq(wakes.task, task))
      .orderBy(desc(wakes.requestedAt), desc(sql`rowid`))
      .limit(most)
      .all()
      .map(toWake);
  }
}

function atPlace({ agentId, task }: WakePlace): SQL | undefined {
  return and(eq(wakes.agentId, agentId), task === null ? isNull(wakes.task) : eq(wakes.task, task));
}

const payload: z.ZodType<WakePayload> = z.object({
  sourceRunId: z.string().nullable(),
  livenessState: z.string().nullable(),
  livenessReason: z.string().nullable(),
  continuationAttempt: z.int(),
  maxContinuationAttempts: z.int(),
  instruction: z.string().nullable(),
  fresh: z.boolean(),
  inARow: z.int(),
});
const known = z.object({ source: z.enum(wakeSources), reason: z.enum(wakeReasons), status: z.enum(wakeStatuses) });

function toWake(row: Row): Wake {
  return { ...row, ...known.parse(row), payload: payload.parse(JSON.parse(row.payload)) };
}

function toRow(wake: Wake): Row {
  return { ...wake, payload: JSON.stringify(wake.payload) };
}
