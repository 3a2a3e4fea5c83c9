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

export class EventStore {
  readonly #db: Db;
  readonly #prepared: ReturnType<typeof prepare>;

  /** Prepares the statements. Throws if the database cannot be used. */
  constructor(db: Db) {
    this.#db = db;
    this.#prepared = prepare(db);
  }

  /** Appends an event under the next sequence number. */
  append(_tx: WriteTransaction, event: NewEvent): StoredEvent {
    const { taskId = null } = event;
    const row = this.#prepared.insert.get({ ...event, taskId, data: JSON.stringify(event.data) });
    if (!row) throw new Error('The database gave no sequence number.');
    return { ...event, taskId, data: event.data as StoredEvent['data'], seq: row.seq };
  }

  /** Returns at most `limit` events after this sequence number, oldest first. */
  since(seq: number, limit: number): StoredEvent[] {
    return this.#prepared.since.all({ since: seq, limit }).map(toEvent);
  }

  /** Returns the newest events of a run, in the order in which they occurred. */
  ofRun(run: number, limit: number): StoredEvent[] {
    return this.#db
      .select()
      .from(events)
      .where(eq(events.run, run))
      .orderBy(desc(events.seq))
      .limit(limit)
      .all()
      .map(toEvent)
      .reverse();
  }

  /** Returns the newest event of this type in the history of a run, or null. */
  lastOfType(run: number, type: string): StoredEvent | null {
    const row = this.#prepared.lastOfType.get({ run, type });
    return row ? toEvent(row) : null;
  }

  /** Returns the newest events of a task and its runs, in the order in which they occurred. */
  ofTask(task: number, limit: number): StoredEvent[] {
    return this.#db
      .select()
      .from(events)
      .where(eq(events.taskId, task))
      .orderBy(desc(events.seq))
      .limit(limit)
      .all()
      .map(toEvent)
      .reverse();
  }

  /** Returns the newest sequence number; 0 if there is no event. */
  lastSeq(): number {
    return this.#db.select({ seq: sql<number | null>`max(seq)` }).from(events).get()?.seq ?? 0;
  }

  /** Deletes the events of a run. */
  forget(_tx: WriteTransaction, run: number): void {
    this.#db
      .delete(events)
      .where(and(eq(events.run, run)))
      .run();
  }
}

function prepare(db: Db) {
  const p = sql.placeholder;
  return {
    insert: db
      .insert(events)
      .values({ at: p('at'), run: p('run'), runId: p('runId'), taskId: p('taskId'), type: p('type'), data: p('data') })
      .returning({ seq: events.seq })
      .prepare(),
    lastOfType: db
      .select()
      .from(events)
      .where(and(eq(events.run, p('run')), eq(events.type, p('type'))))
      .orderBy(desc(events.seq))
      .limit(1)
      .prepare(),
    since: db
      .select()
      .from(events)
      .where(gt(events.seq, p('since')))
      .orderBy(asc(events.seq))
      .limit(p('limit'))
      .prepare(),
  };
}

function toEvent(row: typeof events.$inferSelect): StoredEvent {
  return { ...row, data: JSON.parse(row.data) as StoredEvent['data'] };
}
