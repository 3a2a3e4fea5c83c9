/** The history: all events in one sequence. */
import { and, asc, desc, eq, gt, sql } from 'drizzle-orm';
import type { Db } from './open.ts';
import { events } from './schema.ts';
import type { WriteTransaction } from './transaction.ts';

export type StoredEvent = {
  readonly seq: number;
  readonly at: number;
  readonly run: number | null;
  readonly runId: string | null;
  readonly taskId: number | null;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
};

export type NewEvent = {
  readonly at: number;
  readonly run: number | null;
  readonly runId: string | null;
  readonly taskId?: number | null;
  readonly type: string;
  readonly data: object;
};

export function createEventStore(db: Db) {
  const p = sql.placeholder;
  const insert = db
    .insert(events)
    .values({ at: p('at'), run: p('run'), runId: p('runId'), taskId: p('taskId'), type: p('type'), data: p('data') })
    .returning({ seq: events.seq })
    .prepare();
  const since = db
    .select()
    .from(events)
    .where(gt(events.seq, p('since')))
    .orderBy(asc(events.seq))
    .limit(p('limit'))
    .prepare();
  return {
    append(_tx: WriteTransaction, event: NewEvent): StoredEvent {
      const { taskId = null } = event;
      const row = insert.get({ ...event, taskId, data: JSON.stringify(event.data) });
      if (!row) throw new Error('The database gave no sequence number.');
      return { ...event, taskId, data: event.data as StoredEvent['data'], seq: row.seq };
    },

    since: (seq: number, limit: number): StoredEvent[] => since.all({ since: seq, limit }).map(toEvent),

    ofRun(run: number, limit: number): StoredEvent[] {
      return db
        .select()
        .from(events)
        .where(eq(events.run, run))
        .orderBy(desc(events.seq))
        .limit(limit)
        .all()
        .map(toEvent)
        .reverse();
    },

    /** Returns the newest event of this type in the history of a run. */
    lastOfType(run: number, type: string): StoredEvent | null {
      const row = db
        .select()
        .from(events)
        .where(and(eq(events.run, run), eq(events.type, type)))
        .orderBy(desc(events.seq))
        .limit(1)
        .get();
      return row ? toEvent(row) : null;
    },

    /** Returns the newest events of a task and its runs, in the order in which they occurred. */
    ofTask(task: number, limit: number): StoredEvent[] {
      return db
        .select()
        .from(events)
        .where(eq(events.taskId, task))
        .orderBy(desc(events.seq))
        .limit(limit)
        .all()
        .map(toEvent)
        .reverse();
    },

    lastSeq: (): number => db.select({ seq: sql<number | null>`max(seq)` }).from(events).get()?.seq ?? 0,

    forget(_tx: WriteTransaction, run: number): void {
      db.delete(events)
        .where(and(eq(events.run, run)))
        .run();
    },
  };
}

function toEvent(row: typeof events.$inferSelect): StoredEvent {
  return { ...row, data: JSON.parse(row.data) as StoredEvent['data'] };
}
