/** Tasks in the database. */
import { and, asc, desc, eq, inArray, lt, notExists, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Budget } from '#run/budget.ts';
import { type Actor, type Assignee, type Task, type TaskStatus, taskKinds, taskStatuses } from '#task/task.ts';
import type { Db } from './open.ts';
import { runs } from './schema.ts';
import { tasks, wakes } from './task-schema.ts';
import type { WriteTransaction } from './transaction.ts';

export type TaskFilter = {
  readonly statuses?: readonly TaskStatus[] | undefined;
  readonly agentId?: string | undefined;
  readonly mine?: boolean | undefined;
};
export type TaskPage = { readonly tasks: readonly Task[]; readonly next: number | null };

type Row = typeof tasks.$inferSelect;

export class TaskStore {
  readonly #db: Db;
  readonly #byNumber: ReturnType<typeof prepareByNumber>;

  /** Prepares a statement. Throws if the database cannot be used. */
  constructor(db: Db) {
    this.#db = db;
    this.#byNumber = prepareByNumber(db);
  }

  /** Inserts a task under the next number, which is never reused. */
  insert(_tx: WriteTransaction, task: Omit<Task, 'number'>): Task {
    const { number } = this.#db.insert(tasks).values(toRow(task)).returning({ number: tasks.number }).get();
    return { ...task, number };
  }

  /** Replaces the task of this number. */
  put(_tx: WriteTransaction, task: Task): void {
    this.#db.update(tasks).set(toRow(task)).where(eq(tasks.number, task.number)).run();
  }

  /** Returns the task with this number, or null. */
  byNumber(number: number): Task | null {
    const row = this.#byNumber.get({ number });
    return row ? toTask(row) : null;
  }

  /** Returns a page of tasks below `before`, newest first. */
  page(filter: TaskFilter, paging: { before: number | null; limit: number }): TaskPage {
    // Each status is queried separately, so an index yields its tasks in order.
    const statuses = filter.statuses?.length ? [...new Set(filter.statuses)] : [null];
    const found = statuses
      .flatMap((status) => this.#ofStatus(status, filter, paging))
      .sort((a, b) => b.number - a.number);
    const shown = found.slice(0, paging.limit).map(toTask);
    return { tasks: shown, next: found.length > shown.length ? (shown.at(-1)?.number ?? null) : null };
  }

  #ofStatus(
    status: TaskStatus | null,
    { agentId, mine }: TaskFilter,
    { before, limit }: { before: number | null; limit: number },
  ): Row[] {
    const where = and(
      before === null ? undefined : lt(tasks.number, before),
      status === null ? undefined : eq(tasks.status, status),
      agentId === undefined ? undefined : eq(tasks.agentId, agentId),
      mine ? sql`json_extract(${tasks.assignee}, '$.kind') = 'person'` : undefined,
    );
    return this.#db
      .select()
      .from(tasks)
      .where(where)
      .orderBy(desc(tasks.number))
      .limit(limit + 1)
      .all();
  }

  /** Returns tasks that need a person: blocked or in review, and not dismissed. The oldest change comes first. */
  needingPerson(most: number): Task[] {
    return this.#db
      .select()
      .from(tasks)
      .where(sql`+status in ('blocked', 'in_review') and dismissed_at is null`)
      .orderBy(asc(tasks.updatedAt))
      .limit(most)
      .all()
      .map(toTask);
  }

  /** Returns open tasks that are assigned to a person and not dismissed. */
  ofPerson(most: number): Task[] {
    return this.#db
      .select()
      .from(tasks)
      .where(
        sql`+status in ('todo', 'in_progress') and dismissed_at is null and agent_id is null and assignee is not null`,
      )
      .orderBy(desc(tasks.priority), asc(tasks.number))
      .limit(most)
      .all()
      .map(toTask);
  }

  /** Returns open tasks of agents without a live or unfinalized run and without a pending wake. */
  idle(most: number): Task[] {
    return this.#db
      .select()
      .from(tasks)
      .where(
        and(
          sql`+status in ('todo', 'in_progress') and dismissed_at is null and agent_id is not null`,
          notExists(
            this.#db
              .select({ one: sql`1` })
              .from(wakes)
              .where(and(eq(wakes.task, tasks.number), inArray(wakes.status, ['queued', 'deferred']))),
          ),
          notExists(
            this.#db
              .select({ one: sql`1` })
              .from(runs)
              .where(and(eq(runs.taskId, tasks.number), sql`(runs.status = 'queued' or runs.unsettled = 1)`)),
          ),
        ),
      )
      .orderBy(desc(tasks.priority), asc(tasks.number))
      .limit(most)
      .all()
      .map(toTask);
  }

  /** Returns open tasks with a budget of their own. */
  withBudget(): Task[] {
    return this.#db
      .select()
      .from(tasks)
      .where(sql`budget is not null and +status in ('todo', 'in_progress')`)
      .orderBy(asc(tasks.number))
      .all()
      .map(toTask);
  }

  /** Returns open tasks of agents, for which runs may start automatically. */
  ofAgents(): Task[] {
    return this.#db
      .select()
      .from(tasks)
      .where(sql`status in ('todo', 'in_progress') and agent_id is not null`)
      .orderBy(desc(tasks.priority), asc(tasks.number))
      .all()
      .map(toTask);
  }
}

function prepareByNumber(db: Db) {
  return db
    .select()
    .from(tasks)
    .where(eq(tasks.number, sql.placeholder('number')))
    .prepare();
}

const assignee: z.ZodType<Assignee> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('agent'), agentId: z.string() }),
  z.object({ kind: z.literal('person') }),
]);
const budget: z.ZodType<Budget> = z.object({
  costUsd: z.number().nullable(),
  tokens: z.number().nullable(),
  runs: z.number().nullable(),
  timeMs: z.number().nullable(),
});
const known = z.object({ kind: z.enum(taskKinds), status: z.enum(taskStatuses) });

/** Schema of the author of a change, a comment or a document. */
export const actor: z.ZodType<Actor> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('person') }),
  z.object({ kind: z.literal('agent'), name: z.string(), run: z.int(), runId: z.string() }),
  z.object({ kind: z.literal('clip') }),
]);

function toTask(row: Row): Task {
  const { agentId: _, ...fields } = row;
  return {
    ...fields,
    ...known.parse(row),
    assignee: row.assignee === null ? null : assignee.parse(JSON.parse(row.assignee)),
    budget: row.budget === null ? null : budget.parse(JSON.parse(row.budget)),
  };
}

function toRow(task: Omit<Task, 'number'>): Omit<Row, 'number'> {
  const { assignee: who, budget: most } = task;
  return {
    ...task,
    assignee: who === null ? null : JSON.stringify(who),
    agentId: who?.kind === 'agent' ? who.agentId : null,
    budget: most === null ? null : JSON.stringify(most),
  };
}
