/** The sums of usage by a scan of all runs and tombstones: slow, and independent of the tables of sums. */
import type { Sqlite } from '#store/sqlite.ts';
import type { Sum, SumFilter } from '#store/usage-totals.ts';

type Row = Omit<Sum, 'advancedShare'> & {
  readonly task: number | null;
  readonly agentId: string | null;
  readonly day: string;
  readonly judged: number;
  readonly advanced: number;
};
export type ScannedSums = {
  readonly total: Sum;
  readonly byTask: ReadonlyMap<number | null, Sum>;
  readonly byAgent: ReadonlyMap<string | null, Sum>;
  readonly byDay: ReadonlyMap<string, Sum>;
};

/** Returns the sums. `minutesEast`: see UsageTotals. */
export function scanUsage(sqlite: Sqlite, filter: SumFilter, minutesEast: number): ScannedSums {
  const isUnknown = 'agent_id is not null and ran_ms is not null';
  const rows = sqlite
    .prepare(`
      select task_id as task, agent_id as agentId, date((ended_at + ${minutesEast} * 60000) / 1000, 'unixepoch') as day,
        count(*) as runs, coalesce(sum(ran_ms), 0) as timeMs,
        coalesce(sum(input), 0) as inputTokens, coalesce(sum(output), 0) as outputTokens,
        coalesce(sum(cost), 0.0) as costUsd,
        sum(${isUnknown} and (input is null or output is null)) as tokensUnknown,
        sum(${isUnknown} and input is not null and output is not null and is_part) as tokensPartial,
        sum(${isUnknown} and cost is null) as costUnknown,
        sum(advanced is not null) as judged, coalesce(sum(advanced), 0) as advanced
      from (${selectRows(filter)}) group by task_id, agent_id, day`)
    .all(filter) as Row[];
  return {
    total: toSum(rows),
    byTask: groups(rows, ({ task }) => task),
    byAgent: groups(rows, ({ agentId }) => agentId),
    byDay: groups(rows, ({ day }) => day),
  };
}

/** Returns the number of runs in the list of the ledger. */
export function scanListed(sqlite: Sqlite, filter: SumFilter): number {
  const since = filter.since === undefined ? '' : 'and queued_at >= @since';
  const query = `select count(*) from runs where ${conditions(filter)} ${since}`;
  return sqlite.prepare(query).pluck().get(filter) as number;
}

/** Returns the query for ended runs of agents and of tasks, and for tombstones, in the same columns. */
function selectRows(filter: SumFilter): string {
  const where = conditions(filter);
  const begin = filter.since === undefined ? '1' : 'ended_at >= @since';
  return `
    select * from (
      select r.task_id, r.agent_id, json_extract(r.state, '$.endedAt') as ended_at,
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

function conditions({ task, agentId }: SumFilter): string {
  const ofTask = task === undefined ? '' : 'and task_id = @task';
  const ofAgent = agentId === undefined ? '' : 'and agent_id = @agentId';
  return `(agent_id is not null or task_id is not null) ${ofTask} ${ofAgent}`;
}

function groups<K>(rows: readonly Row[], keyOf: (row: Row) => K): Map<K, Sum> {
  return new Map([...Map.groupBy(rows, keyOf)].map(([key, group]) => [key, toSum(group)]));
}

function toSum(rows: readonly Row[]): Sum {
  const add = (of: (row: Row) => number) => rows.reduce((sum, row) => sum + of(row), 0);
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
