/** The tables. A run's `spec` and `state` are JSON, parsed on the way out; columns are what is searched, sorted or unique. */
import { sql } from 'drizzle-orm';
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';

export const runs = sqliteTable(
  'runs',
  {
    number: integer('number').primaryKey({ autoIncrement: true }),
    id: text('id').notNull().unique(),
    status: text('status').notNull(),
    name: text('name'),
    key: text('key').unique(),
    group: text('group_name'),
    priority: integer('priority').notNull(),
    queuedAt: integer('queued_at').notNull(),
    parentRunId: text('parent_run_id'),
    agentId: text('agent_id'),
    retryOfRunId: text('retry_of_run_id'),
    retryReason: text('retry_reason'),
    /** Whether something remains to be done after the end: 1 until the last finalising step. */
    unsettled: integer('unsettled').notNull(),
    spec: text('spec').notNull(),
    lineage: text('lineage').notNull(),
    state: text('state').notNull(),
  },
  (table) => [
    uniqueIndex('runs_live_name').on(table.name).where(sql`status in ('queued', 'starting', 'running', 'stopping') and name is not null`),
    index('runs_by_name').on(table.name, table.number).where(sql`name is not null`),
    index('runs_queue').on(table.priority, table.number).where(sql`status = 'queued'`),
    index('runs_unsettled').on(table.number).where(sql`unsettled = 1`),
    index('runs_by_status').on(table.status, table.number),
    index('runs_by_group').on(table.group, table.number).where(sql`group_name is not null`),
    index('runs_by_time').on(table.queuedAt),
    index('runs_by_parent').on(table.parentRunId).where(sql`parent_run_id is not null`),
    index('runs_by_agent').on(table.agentId, table.number).where(sql`agent_id is not null`),
    // One run that begins anew for one whose session nobody knew.
    uniqueIndex('runs_one_fresh_retry').on(table.retryOfRunId).where(sql`retry_reason = 'unknown_session'`),
    index('runs_by_retried').on(table.retryOfRunId).where(sql`retry_of_run_id is not null`),
    // Two daemons, two sweeps, a crash in between: a lost run is retried exactly once.
    uniqueIndex('runs_one_loss_retry').on(table.retryOfRunId).where(sql`retry_reason = 'process_lost'`),
  ],
);

export const runLabels = sqliteTable(
  'run_labels',
  { label: text('label').notNull(), value: text('value').notNull(), run: integer('run').notNull() },
  (table) => [primaryKey({ columns: [table.label, table.value, table.run] }), index('run_labels_by_run').on(table.run)],
);

export const events = sqliteTable(
  'events',
  {
    seq: integer('seq').primaryKey({ autoIncrement: true }),
    at: integer('at').notNull(),
    run: integer('run'),
    runId: text('run_id'),
    taskId: integer('task_id'),
    type: text('type').notNull(),
    data: text('data').notNull(),
  },
  (table) => [index('events_by_run').on(table.run, table.seq)],
);

/** What is left of a deleted run: its number and key stay taken, and what it used stays counted. */
export const tombstones = sqliteTable('tombstones', {
  number: integer('number').primaryKey(),
  id: text('id').notNull().unique(),
  key: text('key').unique(),
  status: text('status').notNull(),
  agentId: text('agent_id'),
  /** Tokens and cost; null when nothing is known. */
  usage: text('usage'),
  removedAt: integer('removed_at').notNull(),
});

export const groups = sqliteTable('groups', {
  name: text('name').primaryKey(),
  limit: integer('limit_runs'),
  paused: integer('paused').notNull(),
});

/** Agents; a removed one keeps its row, because its runs still name it. */
export const agents = sqliteTable(
  'agents',
  {
    id: text('id').primaryKey(),
    name: text('name').notNull(),
    settings: text('settings').notNull(),
    paused: integer('paused').notNull(),
    createdAt: integer('created_at').notNull(),
    removedAt: integer('removed_at'),
  },
  (table) => [uniqueIndex('agents_name').on(table.name).where(sql`removed_at is null`)],
);

/** What the stream of a run has shown, and up to which byte of its logs that is. */
export const accounts = sqliteTable('accounts', {
  run: integer('run').primaryKey(),
  stdoutOffset: integer('stdout_offset').notNull(),
  stderrOffset: integer('stderr_offset').notNull(),
  /** The totals of the session before this run; null until the session is known. */
  before: text('totals_before'),
  /** What lists show of the account. It stands before it, so that reading the one does not read the other. */
  glance: text('glance').notNull(),
  account: text('account').notNull(),
});

/** Sessions of agent CLIs: where they live, and what they have used so far. */
export const sessions = sqliteTable(
  'sessions',
  {
    owner: text('owner').notNull(),
    id: text('id').notNull(),
    cwd: text('cwd').notNull(),
    totals: text('totals').notNull(),
    run: integer('run').notNull(),
    updatedAt: integer('updated_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.owner, table.id] })],
);

/** Single facts: generation, queue_held, runs_total, unclean, version. */
export const meta = sqliteTable('meta', { key: text('key').primaryKey(), value: text('value').notNull() });
