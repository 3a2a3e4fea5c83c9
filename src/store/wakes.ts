/** Wakes in the database. The unique key ensures that each happens once. */
import { and, asc, desc, eq, inArray, isNull, sql } from 'drizzle-orm';
import { z } from 'zod';
import { type Wake, type WakePayload, wakeReasons, wakeSources, wakeStatuses } from '#task/wake.ts';
import type { Db } from './open.ts';
import { wakes } from './schema.ts';
import type { WriteTransaction } from './transaction.ts';

type Row = typeof wakes.$inferSelect;
type WakePlace = { readonly agentId: string; readonly task: number | null };

export function createWakeStore(db: Db) {
  const at = ({ agentId, task }: WakePlace) =>
    and(eq(wakes.agentId, agentId), task === null ? isNull(wakes.task) : eq(wakes.task, task));

  return {
    insert(_tx: WriteTransaction, wake: Wake): void {
      db.insert(wakes).values(toRow(wake)).run();
    },

    put(_tx: WriteTransaction, wake: Wake): void {
      db.update(wakes).set(toRow(wake)).where(eq(wakes.id, wake.id)).run();
    },

    byId(id: string): Wake | null {
      const row = db.select().from(wakes).where(eq(wakes.id, id)).get();
      return row ? toWake(row) : null;
    },

    byKey(key: string): Wake | null {
      const row = db.select().from(wakes).where(eq(wakes.key, key)).get();
      return row ? toWake(row) : null;
    },

    /** Returns the wake of this run. */
    ofRun(runId: string): Wake | null {
      const row = db.select().from(wakes).where(eq(wakes.runId, runId)).orderBy(asc(wakes.requestedAt)).limit(1).get();
      return row ? toWake(row) : null;
    },

    /** Returns the pending wake of this agent and task. */
    waiting(place: WakePlace): Wake | null {
      const row = db
        .select()
        .from(wakes)
        .where(and(at(place), inArray(wakes.status, ['queued', 'deferred'])))
        .orderBy(asc(wakes.requestedAt))
        .limit(1)
        .get();
      return row ? toWake(row) : null;
    },

    /** Returns all pending wakes of this task or agent, oldest first. */
    allWaiting(of: { readonly task?: number; readonly agentId?: string }): Wake[] {
      return db
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
    },

    /** Returns the wakes of a task, newest first. */
    ofTask(task: number, most: number): Wake[] {
      return db
        .select()
        .from(wakes)
        .where(eq(wakes.task, task))
        .orderBy(desc(wakes.requestedAt), desc(sql`rowid`))
        .limit(most)
        .all()
        .map(toWake);
    },
  };
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
