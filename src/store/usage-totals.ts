/**
 * Sums over runs, including removed ones: the usage of a task, an agent or a day. SQLite computes them in one scan,
 * without parsing runs.
 */
import { type SQL, sql } from 'drizzle-orm';
import type { Db } from './open.ts';

export type Sum = {
  readonly runs: number;
  readonly timeMs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Number of agent runs that reported no tokens, or only some of them. The sums lack what these used. */
  readonly tokensUnknown: number;
  readonly tokensPartial: number;
  /** The known cost. `costUnknown`: number of runs whose cost is unknown. */
  readonly costUsd: number;
  readonly costUnknown: number;
  /** Share of runs that advanced or completed their task, among those with a verdict; null if none has one. */
  readonly advancedShare: number | null;
};
export type Sums = {
  readonly total: Sum;
  readonly byTask: readonly { readonly task: number | null; readonly sum: Sum }[];
  readonly byAgent: readonly { readonly agentId: string | null; readonly sum: Sum }[];
  readonly byDay: readonly { readonly day: string; readonly sum: Sum }[];
};
export type SumFilter = {
  readonly task?: number | undefined;
  readonly agentId?: string | undefined;
  readonly since?: number | undefined;
};

type Counts = Omit<Sum, 'advancedShare'> & { readonly judged: number; readonly advanced: number };
type Row = Counts & { readonly task: number | null; readonly agentId: string | null; readonly day: string };

/** A run that never started has used nothing. */
const isUnknown = sql`agent_id is not null and ran_ms is not null`;

/**
 * Returns the sums. `minutesEast`: the current offset from UTC, which decides where a day begins. Days in the other
 * half of the year may be off by an hour.
 */
export function sumUsage(db: Db, filter: SumFilter, minutesEast: number): Sums {
  const rows = db.all<Row>(sql`
      select task_id as task, agent_id as agentId,
        date((ended_at + ${minutesEast * 60_000}) / 1000, 'unixepoch') as day,
        count(*) as runs,
        coalesce(sum(ran_ms), 0) as timeMs,
        coalesce(sum(input), 0) as inputTokens,
        coalesce(sum(output), 0) as outputTokens,
        coalesce(sum(cost), 0.0) as costUsd,
        sum(${isUnknown} and (input is null or output is null)) as tokensUnknown,
        sum(${isUnknown} and input is not null and output is not null and is_part) as tokensPartial,
        sum(${isUnknown} and cost is null) as costUnknown,
        sum(advanced is not null) as judged,
        coalesce(sum(advanced), 0) as advanced
      from (${selectRows(filter)})
      group by task_id, agent_id, day`);
  return {
    total: toSum(rows),
    byTask: groups(rows, ({ task }) => task).map(([task, sum]) => ({ task, sum })),
    byAgent: groups(rows, ({ agentId }) => agentId).map(([agentId, sum]) => ({ agentId, sum })),
    byDay: groups(rows, ({ day }) => day)
      .map(([day, sum]) => ({ day, sum }))
      .sort((a, b) => (a.day < b.day ? -1 : 1)),
  };
}

function groups<K>(rows: readonly Row[], keyOf: (row: Row) => K): [K, Sum][] {
  const found = new Map<K, Row[]>();
  for (const row of rows) {
    const group = found.get(keyOf(row));
    if (group) group.push(row);
    else found.set(keyOf(row), [row]);
  }
  return [...found].map(([key, group]) => [key, toSum(group)]);
}

function toSum(rows: readonly Counts[]): Sum {
  const add = (of: (row: Counts) => number) => rows.reduce((sum, row) => sum + of(row), 0);
  const judged = add((row) => row.judged);
  return {
    runs: add((row) => row.runs),
    timeMs: add((row) => row.timeMs),
    inputTokens: add((row) => row.inputTokens),
    outputTokens: add((row) => row.outputTokens),
    tokensUnknown: add((row) => row.tokensUnknown),
    tokensPartial: add((row) => row.tokensPartial),
    costUsd: add((row) => row.costUsd),
    costUnknown: add((row) => row.costUnknown),
    advancedShare: judged === 0 ? null : add((row) => row.advanced) / judged,
  };
}

/** Returns the query for ended runs of agents and of tasks, and for tombstones, in the same columns. */
function selectRows({ task, agentId, since }: SumFilter): SQL {
  const where = sql.join(
    [
      sql`(agent_id is not null or task_id is not null)`,
      ...(task === undefined ? [] : [sql`task_id = ${task}`]),
      ...(agentId === undefined ? [] : [sql`agent_id = ${agentId}`]),
    ],
    sql` and `,
  );
  const begin = since === undefined ? sql`1` : sql`ended_at >= ${since}`;
  return sql`
    select * from (
      select r.task_id, r.agent_id,
        json_extract(r.state, '$.endedAt') as ended_at,
        json_extract(r.state, '$.endedAt') - json_extract(r.state, '$.startedAt') as ran_ms,
        json_extract(a.glance, '$.usage.inputTokens') as input,
        json_extract(a.glance, '$.usage.outputTokens') as output,
        json_extract(a.glance, '$.usage.costUsd') as cost,
        coalesce(json_extract(a.glance, '$.usageIsPart'), 0) as is_part,
        json_extract(r.state, '$.liveness.state') in ('advanced', 'completed') as advanced
      from runs r left join accounts a on a.run = r.number
      where ${where} and r.status in ('succeeded', 'failed', 'cancelled', 'timed_out')
    ) where ${begin}
    union all
    select * from (
      select task_id, agent_id, json_extract(usage, '$.endedAt') as ended_at, json_extract(usage, '$.timeMs') as ran_ms,
        json_extract(usage, '$.inputTokens'), json_extract(usage, '$.outputTokens'), json_extract(usage, '$.costUsd'),
        coalesce(json_extract(usage, '$.usageIsPart'), 0), advanced
      from tombstones where ${where}
    ) where ${begin}`;
}
