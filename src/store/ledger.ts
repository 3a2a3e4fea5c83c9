/** Sums over runs, removed ones among them: what a task, an agent or a day has cost. SQLite adds up; nothing is parsed here. */
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
export type SumFilter = { readonly task?: number | undefined; readonly agentId?: string | undefined; readonly since?: number | undefined };
type Row = Omit<Sum, 'advancedShare'> & { readonly judged: number; readonly advanced: number; readonly place: string | number | null };

/** `minutesEast`: of UTC, for where a day begins; as it is now, so that days of the other half of the year may be off by an hour. */
export function createLedger(db: Db) {
  function sums(filter: SumFilter, by: SQL): { place: string | number | null; sum: Sum }[] {
    const rows = db.all<Row>(sql`
      select ${by} as place,
        count(*) as runs,
        coalesce(sum(ran_ms), 0) as timeMs,
        coalesce(sum(input), 0) as inputTokens,
        coalesce(sum(output), 0) as outputTokens,
        coalesce(sum(cost), 0.0) as costUsd,
        sum(agent_id is not null and cost is null) as costUnknown,
        sum(advanced is not null) as judged,
        coalesce(sum(advanced), 0) as advanced
      from (${rowsOf(filter)})
      group by place order by place`);
    return rows.map(({ place, judged, advanced, ...sum }) => ({ place, sum: { ...sum, advancedShare: judged === 0 ? null : advanced / judged } }));
  }

  return {
    total: (filter: SumFilter): Sum => sums(filter, sql`0`)[0]?.sum ?? nothing,
    byTask: (filter: SumFilter) => sums(filter, sql`task_id`) as { place: number | null; sum: Sum }[],
    byAgent: (filter: SumFilter) => sums(filter, sql`agent_id`) as { place: string | null; sum: Sum }[],
    byDay: (filter: SumFilter, minutesEast: number) =>
      sums(filter, sql`date((ended_at + ${minutesEast * 60_000}) / 1000, 'unixepoch')`) as { place: string; sum: Sum }[],
  };
}

const nothing: Sum = { runs: 0, timeMs: 0, inputTokens: 0, outputTokens: 0, costUsd: 0, costUnknown: 0, advancedShare: null };

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
    select task_id, agent_id, json_extract(usage, '$.endedAt') as ended_at, json_extract(usage, '$.timeMs') as ran_ms,
      json_extract(usage, '$.inputTokens'), json_extract(usage, '$.outputTokens'), json_extract(usage, '$.costUsd'), advanced
    from tombstones where ${where} and ${begin}`;
}
