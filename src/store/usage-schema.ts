/**
 * The tables of usage. Triggers (migration 0006) note each run whose use may have changed, by any writer, and the
 * transaction books what was noted before it commits (usage-booking.ts).
 */
import { sql } from 'drizzle-orm';
import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/** The amounts that are summed up. An entry has those of one run. */
const amounts = () => ({
  runs: integer('runs').notNull(),
  /** Runs that have started. Only these count for budgets. */
  started: integer('started').notNull(),
  /** From start to end; and the same without the time in which the machine slept, as budgets count it. */
  timeMs: integer('time_ms').notNull(),
  awakeMs: integer('awake_ms').notNull(),
  input: integer('input').notNull(),
  output: integer('output').notNull(),
  /** Known cost in billionths of a dollar: whole numbers can be added and subtracted without an error. */
  cost: integer('cost').notNull(),
  /** Started runs of agents whose tokens, or whose cost, are not known, or known only in part. */
  tokensUnknown: integer('tokens_unknown').notNull(),
  tokensPartial: integer('tokens_partial').notNull(),
  costUnknown: integer('cost_unknown').notNull(),
  costPartial: integer('cost_partial').notNull(),
  /** Runs with a verdict, and those of them that advanced or completed their task. */
  judged: integer('judged').notNull(),
  advanced: integer('advanced').notNull(),
});

/**
 * What each run of an agent or a task has used, removed ones included. Task 0 and agent '' mean none. A run that has
 * not ended has no amounts.
 */
export const usageEntries = sqliteTable(
  'usage_entries',
  {
    run: integer('run').primaryKey(),
    task: integer('task').notNull(),
    agent: text('agent').notNull(),
    queuedAt: integer('queued_at').notNull(),
    /** Whether it is in the list of runs, that is, not removed: 1 or 0. */
    listed: integer('listed').notNull(),
    /** 0 for a run that has not ended, or that an early version removed. */
    endedAt: integer('ended_at').notNull(),
    ...amounts(),
  },
  (table) => [
    index('usage_entries_by_end').on(table.endedAt),
    index('usage_entries_by_task').on(table.task, table.endedAt).where(sql`task > 0`),
  ],
);

/**
 * Sums of the entries. Task -1 means all tasks, agent '*' means all agents. For all tasks, and for runs without a task,
 * there are sums of all time and of each day, hour and quarter of an hour in UTC; for each task only those of all time.
 */
export const usageSums = sqliteTable(
  'usage_sums',
  {
    task: integer('task').notNull(),
    /** Minutes of a slot; 0 means all time. */
    span: integer('span').notNull(),
    agent: text('agent').notNull(),
    slot: integer('slot').notNull(),
    /** When the last of its runs ended. */
    newest: integer('newest').notNull(),
    /** Runs in the list, in the slot in which they were queued. The amounts are in the slot of the end. */
    listed: integer('listed').notNull(),
    /** In sums of all tasks and all time: the number of tasks in which runs have ended. No task counts as one. */
    tasks: integer('tasks').notNull().default(0),
    ...amounts(),
  },
  (table) => [
    primaryKey({ columns: [table.task, table.span, table.agent, table.slot] }),
    index('usage_sums_of_tasks')
      .on(table.agent, table.newest, table.task)
      .where(sql`span = 0 and task >= 0 and runs > 0`),
  ],
);

/** Runs whose entry is out of date. 0 means all of them. Empty whenever a transaction of the daemon is committed. */
export const usageChanges = sqliteTable('usage_changes', { run: integer('run').primaryKey() });
