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
    taskId: integer('task_id'),
    retryOfRunId: text('retry_of_run_id'),
    retryReason: text('retry_reason'),
    /** Whether something remains to be done after the end: 1 until the last finalising step. */
    unsettled: integer('unsettled').notNull(),
    /** Whether its logs have been looked after since its end: 1 or 0. */
    archived: integer('archived').notNull().default(0),
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
    index('runs_to_archive').on(table.number).where(sql`archived = 0 and unsettled = 0 and status in ('succeeded', 'failed', 'cancelled', 'timed_out')`),
    index('runs_by_group').on(table.group, table.number).where(sql`group_name is not null`),
    index('runs_by_time').on(table.queuedAt),
    index('runs_by_parent').on(table.parentRunId).where(sql`parent_run_id is not null`),
    index('runs_by_agent').on(table.agentId, table.number).where(sql`agent_id is not null`),
    index('runs_by_task').on(table.taskId, table.number).where(sql`task_id is not null`),
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
  (table) => [index('events_by_run').on(table.run, table.seq), index('events_by_task').on(table.taskId, table.seq).where(sql`task_id is not null`)],
);

/** The logs of ended runs: how they lie on disk, and what is known of them once they do not any more. */
export const archivedLogs = sqliteTable(
  'archived_logs',
  {
    run: integer('run').primaryKey(),
    endedAt: integer('ended_at').notNull(),
    /** As written; null for a log that was not there. */
    stdoutBytes: integer('stdout_bytes'),
    stderrBytes: integer('stderr_bytes'),
    stdoutForm: text('stdout_form').notNull(),
    stderrForm: text('stderr_form').notNull(),
    lastOutputAt: integer('last_output_at'),
    /** Of an agent whose output is all it says: the end of it. */
    lastWords: text('last_words'),
    /** What they take on disk; 0 once they are removed. */
    storedBytes: integer('stored_bytes').notNull(),
    removedAt: integer('removed_at'),
    /** Whether the files are gone as well: 1 or 0. */
    cleared: integer('cleared').notNull(),
  },
  (table) => [
    index('archived_logs_kept').on(table.endedAt, table.run, table.storedBytes).where(sql`removed_at is null and stored_bytes > 0`),
    index('archived_logs_uncleared').on(table.run).where(sql`removed_at is not null and cleared = 0`),
  ],
);

/** What is left of a deleted run: its number and key stay taken, and what it used stays counted. */
export const tombstones = sqliteTable('tombstones', {
  number: integer('number').primaryKey(),
  id: text('id').notNull().unique(),
  key: text('key').unique(),
  status: text('status').notNull(),
  agentId: text('agent_id'),
  taskId: integer('task_id'),
  /** Whether it had advanced its task: 1 or 0; null for one that was not judged. */
  advanced: integer('advanced'),
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
    /** When its timer woke it last; null for never. */
    timerAt: integer('timer_at'),
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

/** Tasks; their numbers are never given again. */
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
    /** The folder it was made in: where its runs work when neither it nor its agent names one. */
    madeIn: text('made_in').notNull(),
    checkoutRunId: text('checkout_run_id'),
    executionRunId: text('execution_run_id'),
    budgetLeft: integer('budget_left').notNull(),
    budget: text('budget'),
    createdAt: integer('created_at').notNull(),
    updatedAt: integer('updated_at').notNull(),
  },
  (table) => [
    index('tasks_by_status').on(table.status, table.number),
    index('tasks_by_agent').on(table.agentId, table.status).where(sql`agent_id is not null`),
  ],
);

export const comments = sqliteTable(
  'comments',
  {
    id: integer('id').primaryKey({ autoIncrement: true }),
    task: integer('task').notNull(),
    author: text('author').notNull(),
    run: integer('run'),
    /** What clip says once only has one: said twice, after a crash in between, it is there once. */
    key: text('key').unique(),
    text: text('text').notNull(),
    at: integer('at').notNull(),
  },
  (table) => [index('comments_by_task').on(table.task, table.id), index('comments_by_run').on(table.run).where(sql`run is not null`)],
);

/** Documents of tasks, each revision whole. */
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
  (table) => [primaryKey({ columns: [table.task, table.key, table.revision] }), index('documents_by_run').on(table.run).where(sql`run is not null`)],
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
    // Two daemons, two looks, a crash in between: what follows from one end follows once.
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

/** What agents said of themselves with `clip report`. */
export const reports = sqliteTable(
  'reports',
  {
    run: integer('run').notNull(),
    /** Given by whoever reports: one that comes on two ways, or twice, is one. */
    id: text('id').notNull(),
    task: integer('task'),
    kind: text('kind').notNull(),
    text: text('text').notNull(),
    /** Who can lift a blocker; null where it is not said. */
    who: text('who'),
    at: integer('at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.run, table.id] })],
);

/** Single facts: generation, queue_held, runs_total, run_secret, unclean, version. */
export const meta = sqliteTable('meta', { key: text('key').primaryKey(), value: text('value').notNull() });
