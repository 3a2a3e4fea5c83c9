/** Sums over runs, removed ones among them: what a task, an agent or a day has cost. SQLite adds up in one walk; no run is parsed here. */
import { type SQL, sql } from 'drizzle-orm';
import type { Db } from './open.ts';

export type Sum = {
  readonly runs: number;
  readonly timeMs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** What is known of the cost; `costUnknown` runs cost what nobody said. */
  readonly costUsd: number;
  readonly costUnknown: number;
  /** Of the runs that were judged, how many advanced or completed their task; null when none was. */
  readonly advancedShare: number | null;
};
export type Sums = {
  readonly total: Sum;
  readonly byTask: readonly { readonly task: number | null; readonly sum: Sum }[];
  readonly byAgent: readonly { readonly agentId: string | null; readonly sum: Sum }[];
  readonly byDay: readonly { readonly day: string; readonly sum: Sum }[];
};
export type SumFilter = { readonly task?: number | undefined; readonly agentId?: string | undefined; readonly since?: number | undefined };

type Counts = Omit<Sum, 'advancedShare'> & { readonly judged: number; readonly advanced: number };
type Row = Counts & { readonly task: number | null; readonly agentId: string | null; readonly day: string };

export function createLedger(db: Db) {
  /** `minutesEast`: of UTC, for where a day begins; as it is now, so that days of the other half of the year may be off by an hour. */
  return (filter: SumFilter, minutesEast: number): Sums => {
    const rows = db.all<Row>(sql`
      select task_id as task, agent_id as agentId,
        date((ended_at + ${minutesEast * 60_000}) / 1000, 'unixepoch') as day,
        count(*) as runs,
        coalesce(sum(ran_ms), 0) as timeMs,
        coalesce(sum(input), 0) as inputTokens,
        coalesce(sum(output), 0) as outputTokens,
        coalesce(sum(cost), 0.0) as costUsd,
        sum(agent_id is not null and cost is null) as costUnknown,
        sum(advanced is not null) as judged,
        coalesce(sum(advanced), 0) as advanced
      from (${rowsOf(filter)})
      group by task_id, agent_id, day`);
    return {
      total: sumOf(rows),
      byTask: groups(rows, ({ task }) => task).map(([task, sum]) => ({ task, sum })),
      byAgent: groups(rows, ({ agentId }) => agentId).map(([agentId, sum]) => ({ agentId, sum })),
      byDay: groups(rows, ({ day }) => day)
        .map(([day, sum]) => ({ day, sum }))
        .sort((a, b) => (a.day < b.day ? -1 : 1)),
    };
  };
}

function groups<K>(rows: readonly Row[], keyOf: (row: Row) => K): [K, Sum][] {
  const found = new Map<K, Row[]>();
  for (const row of rows) {
    const group = found.get(keyOf(row));
    if (group) group.push(row);
    else found.set(keyOf(row), [row]);
  }
  return [...found].map(([key, group]) => [key, sumOf(group)]);
}

function sumOf(rows: readonly Counts[]): Sum {
  const add = (of: (row: Counts) => number) => rows.reduce((sum, row) => sum + of(row), 0);
  const judged = add((row) => row.judged);
  return {
    runs: add((row) => row.runs),
    timeMs: add((row) => row.timeMs),
    inputTokens: add((row) => row.inputTokens),
    outputTokens: add((row) => row.outputTokens),
    costUsd: add((row) => row.costUsd),
    costUnknown: add((row) => row.costUnknown),
    advancedShare: judged === 0 ? null : add((row) => row.advanced) / judged,
  };
}

/** Ended runs of agents and of tasks, and what is left of removed ones, in the same columns. */
function rowsOf({ task, agentId, since }: SumFilter): SQL {
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
        json_extract(r.state, '$.liveness.state') in ('advanced', 'completed') as advanced
      from runs r left join accounts a on a.run = r.number
      where ${where} and r.status in ('succeeded', 'failed', 'cancelled', 'timed_out')
    ) where ${begin}
    union all
    select * from (
      select task_id, agent_id, json_extract(usage, '$.endedAt') as ended_at, json_extract(usage, '$.timeMs') as ran_ms,
        json_extract(usage, '$.inputTokens'), json_extract(usage, '$.outputTokens'), json_extract(usage, '$.costUsd'), advanced
      from tombstones where ${where}
    ) where ${begin}`;
}
