/** The tables of tasks. */
import { desc, sql } from 'drizzle-orm';
import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/** Tasks. Their numbers are never reused. */
export const tasks = sqliteTable(
  'tasks',
  {
    number: integer('number').primaryKey({ autoIncrement: true }),
    title: text('title').notNull(),
    description: text('description'),
    acceptance: text('acceptance'),
    kind: text('kind').notNull(),
    status: text('status').notNull(),
    priority: integer('priority').notNull(),
    /** JSON: a person, or an agent by its id. */
    assignee: text('assignee'),
    agentId: text('agent_id'),
    blockedReason: text('blocked_reason'),
    blockedNext: text('blocked_next'),
    cwd: text('cwd'),
    /** The folder in which the task was created. Its runs work there if neither task nor agent names another one. */
    madeIn: text('made_in').notNull(),
    checkoutRunId: text('checkout_run_id'),
    executionRunId: text('execution_run_id'),
    budgetLeft: integer('budget_left').notNull(),
    budget: text('budget'),
    createdAt: integer('created_at').notNull(),
    updatedAt: integer('updated_at').notNull(),
    /** When the status or the assignee last changed; 0 if an earlier version did not record it. */
    statusAt: integer('status_at').notNull().default(0),
    /** When a person dismissed the task; null after its next change. */
    dismissedAt: integer('dismissed_at'),
  },
  (table) => [
    index('tasks_by_status').on(table.status, table.number),
    index('tasks_by_agent').on(table.agentId, table.status).where(sql`agent_id is not null`),
    // The plus makes SQLite prefer these, which need no sorting, to the index on the status.
    index('tasks_of_agents')
      .on(desc(table.priority), table.number)
      .where(sql`+status in ('todo', 'in_progress') and dismissed_at is null and agent_id is not null`),
    index('tasks_of_person')
      .on(desc(table.priority), table.number)
      .where(
        sql`+status in ('todo', 'in_progress') and dismissed_at is null and agent_id is null and assignee is not null`,
      ),
    index('tasks_needing_person')
      .on(table.updatedAt)
      .where(sql`+status in ('blocked', 'in_review') and dismissed_at is null`),
    index('tasks_with_budget').on(table.number).where(sql`budget is not null and +status in ('todo', 'in_progress')`),
  ],
);

export const comments = sqliteTable(
  'comments',
  {
    id: integer('id').primaryKey({ autoIncrement: true }),
    task: integer('task').notNull(),
    author: text('author').notNull(),
    run: integer('run'),
    /** Key of a comment that clip makes only once: a repetition after a crash is ignored. */
    key: text('key').unique(),
    text: text('text').notNull(),
    at: integer('at').notNull(),
  },
  (table) => [
    index('comments_by_task').on(table.task, table.id),
    index('comments_by_run').on(table.run).where(sql`run is not null`),
  ],
);

/** Documents of tasks, with each revision in full. */
export const documents = sqliteTable(
  'documents',
  {
    task: integer('task').notNull(),
    key: text('key').notNull(),
    revision: integer('revision').notNull(),
    title: text('title'),
    body: text('body').notNull(),
    author: text('author').notNull(),
    run: integer('run'),
    at: integer('at').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.task, table.key, table.revision] }),
    index('documents_by_run').on(table.run).where(sql`run is not null`),
  ],
);

export const wakes = sqliteTable(
  'wakes',
  {
    id: text('id').primaryKey(),
    task: integer('task'),
    agentId: text('agent_id').notNull(),
    source: text('source').notNull(),
    reason: text('reason').notNull(),
    payload: text('payload').notNull(),
    // Ensures that an end is followed up once, despite two daemons, two passes, or a crash in between.
    key: text('idempotency_key').unique(),
    status: text('status').notNull(),
    coalescedCount: integer('coalesced_count').notNull(),
    runId: text('run_id'),
    requestedAt: integer('requested_at').notNull(),
    notBefore: integer('not_before'),
    claimedAt: integer('claimed_at'),
    finishedAt: integer('finished_at'),
    error: text('error'),
  },
  (table) => [
    index('wakes_by_task').on(table.task, table.requestedAt),
    index('wakes_waiting').on(table.agentId, table.task).where(sql`status in ('queued', 'deferred')`),
    index('wakes_by_run').on(table.runId).where(sql`run_id is not null`),
  ],
);

/** The state of the workspace at the start of a task. */
export const taskBaselines = sqliteTable(
  'task_baselines',
  {
    task: integer('task').notNull(),
    root: text('root').notNull(),
    run: integer('run').notNull(),
    found: text('found').notNull(),
  },
  (table) => [primaryKey({ columns: [table.task, table.root] })],
);
