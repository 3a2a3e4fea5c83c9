/**
 * The tables of runs and agents; those of tasks are in task-schema.ts. A run's `spec` and `state` are JSON that is
 * validated when read. Columns hold what is searched, sorted or unique.
 */
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
    /** Whether the run is unfinished or has pending steps: 1 until the last finalization step. */
    unsettled: integer('unsettled').notNull(),
    /** Whether a person should look at the run (run/attention.ts): 1 or 0. */
    needsPerson: integer('needs_person').notNull().default(0),
    /** Whether the logs were archived after the end: 1 or 0. */
    archived: integer('archived').notNull().default(0),
    spec: text('spec').notNull(),
    lineage: text('lineage').notNull(),
    state: text('state').notNull(),
  },
  (table) => [
    uniqueIndex('runs_live_name')
      .on(table.name)
      .where(sql`status in ('queued', 'starting', 'running', 'stopping') and name is not null`),
    index('runs_by_name').on(table.name, table.number).where(sql`name is not null`),
    index('runs_queue').on(table.priority, table.number).where(sql`status = 'queued'`),
    index('runs_unsettled').on(table.number).where(sql`unsettled = 1`),
    index('runs_in_ledger').on(table.number).where(sql`(agent_id is not null or task_id is not null)`),
    index('runs_open_of_task')
      .on(table.taskId)
      .where(sql`task_id is not null and (status = 'queued' or unsettled = 1)`),
    index('runs_needing_person').on(table.number).where(sql`needs_person = 1`),
    index('runs_by_status').on(table.status, table.number),
    index('runs_to_archive')
      .on(table.number)
      .where(sql`archived = 0 and unsettled = 0 and status in ('succeeded', 'failed', 'cancelled', 'timed_out')`),
    index('runs_by_group').on(table.group, table.number).where(sql`group_name is not null`),
    index('runs_by_time').on(table.queuedAt),
    index('runs_by_parent').on(table.parentRunId).where(sql`parent_run_id is not null`),
    index('runs_by_agent').on(table.agentId, table.number).where(sql`agent_id is not null`),
    index('runs_by_task').on(table.taskId, table.number).where(sql`task_id is not null`),
    // At most one fresh retry for a run whose session was unknown.
    uniqueIndex('runs_one_fresh_retry').on(table.retryOfRunId).where(sql`retry_reason = 'unknown_session'`),
    index('runs_by_retried').on(table.retryOfRunId).where(sql`retry_of_run_id is not null`),
    // A lost run is retried exactly once, despite two daemons, two recoveries, or a crash in between.
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
  (table) => [
    index('events_by_run').on(table.run, table.seq),
    index('events_by_task').on(table.taskId, table.seq).where(sql`task_id is not null`),
    index('events_of_clock').on(table.run).where(sql`type = 'clock-jumped'`),
  ],
);

/** The logs of ended runs: their form on disk, and facts that outlive them. */
export const archivedLogs = sqliteTable(
  'archived_logs',
  {
    run: integer('run').primaryKey(),
    endedAt: integer('ended_at').notNull(),
    /** Size as written; null for a log that did not exist. */
    stdoutBytes: integer('stdout_bytes'),
    stderrBytes: integer('stderr_bytes'),
    stdoutForm: text('stdout_form').notNull(),
    stderrForm: text('stderr_form').notNull(),
    lastOutputAt: integer('last_output_at'),
    /** Last output of an agent without a stream. */
    lastWords: text('last_words'),
    /** Size on disk; 0 once they are removed. */
    storedBytes: integer('stored_bytes').notNull(),
    removedAt: integer('removed_at'),
    /** Whether the files were deleted: 1 or 0. */
    cleared: integer('cleared').notNull(),
  },
  (table) => [
    index('archived_logs_kept')
      .on(table.endedAt, table.run, table.storedBytes)
      .where(sql`removed_at is null and stored_bytes > 0`),
    index('archived_logs_uncleared').on(table.run).where(sql`removed_at is not null and cleared = 0`),
  ],
);

/** Tombstones of removed runs: number and key stay taken, and usage stays counted. */
export const tombstones = sqliteTable('tombstones', {
  number: integer('number').primaryKey(),
  id: text('id').notNull().unique(),
  key: text('key').unique(),
  status: text('status').notNull(),
  agentId: text('agent_id'),
  taskId: integer('task_id'),
  /** Whether the run advanced its task: 1 or 0; null without a verdict. */
  advanced: integer('advanced'),
  /** Tokens and cost; null if unknown. */
  usage: text('usage'),
  removedAt: integer('removed_at').notNull(),
});

export const groups = sqliteTable('groups', {
  name: text('name').primaryKey(),
  limit: integer('limit_runs'),
  paused: integer('paused').notNull(),
});

/** Agents. A removed agent keeps its row, because its runs refer to it. */
export const agents = sqliteTable(
  'agents',
  {
    id: text('id').primaryKey(),
    name: text('name').notNull(),
    settings: text('settings').notNull(),
    paused: integer('paused').notNull(),
    createdAt: integer('created_at').notNull(),
    removedAt: integer('removed_at'),
    /** When the timer last fired; null for never. */
    timerAt: integer('timer_at'),
  },
  (table) => [uniqueIndex('agents_name').on(table.name).where(sql`removed_at is null`)],
);

/** The stream state of a run, and the offsets up to which its logs were read. */
export const accounts = sqliteTable('accounts', {
  run: integer('run').primaryKey(),
  stdoutOffset: integer('stdout_offset').notNull(),
  stderrOffset: integer('stderr_offset').notNull(),
  /** The totals of the session before this run; null until the session is known. */
  before: text('totals_before'),
  /** The stream digest for lists. It precedes the stream state, so reading it does not read the latter. */
  glance: text('glance').notNull(),
  account: text('account').notNull(),
});

/** Sessions of agent CLIs: their folder and their total usage. */
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

/** The state of the workspace that a run found, and what its streak of automatic runs has seen. */
export const workspaceStates = sqliteTable(
  'workspace_states',
  {
    run: integer('run').primaryKey(),
    task: integer('task'),
    /** Number of the run that began the streak. */
    streak: integer('streak').notNull(),
    /** The state that the run found; null if unknown, and some time after the end. */
    found: text('found'),
    /** Hashes of the states and file versions that the run found and left; null until it has ended. */
    marks: text('marks'),
  },
  (table) => [
    index('workspace_states_by_task').on(table.task, table.run).where(sql`task is not null`),
    index('workspace_states_found').on(table.run).where(sql`found is not null`),
  ],
);

/** Reports that runs made with `clip report`. */
export const reports = sqliteTable(
  'reports',
  {
    run: integer('run').notNull(),
    /** Set by the sender, so a report that arrives twice, or on two paths, is stored once. */
    id: text('id').notNull(),
    task: integer('task'),
    kind: text('kind').notNull(),
    text: text('text').notNull(),
    /** Who can lift a blocker; null if not stated. */
    who: text('who'),
    at: integer('at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.run, table.id] })],
);

/** Single facts, for example generation, queue_held, runs_total, run_secret, unclean, version. */
export const meta = sqliteTable('meta', { key: text('key').primaryKey(), value: text('value').notNull() });
