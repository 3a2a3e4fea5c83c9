/** The slow way to what runs have used: reads it from runs, stream states, the history and tombstones. */

/** The amounts of a run, or of many. The columns of both tables, and the names of their sums. */
export const amountColumns = {
  runs: 'runs',
  started: 'started',
  timeMs: 'time_ms',
  awakeMs: 'awake_ms',
  input: 'input',
  output: 'output',
  cost: 'cost',
  tokensUnknown: 'tokens_unknown',
  tokensPartial: 'tokens_partial',
  costUnknown: 'cost_unknown',
  costPartial: 'cost_partial',
  judged: 'judged',
  advanced: 'advanced',
} as const;
export type Amounts = { readonly [K in keyof typeof amountColumns]: number };
/** An entry: the amounts of one run, and the sums that they belong to. */
export type UsageEntry = Amounts & {
  readonly run: number;
  readonly task: number;
  readonly agent: string;
  readonly queuedAt: number;
  readonly listed: number;
  readonly endedAt: number;
};

export const amountNames = Object.keys(amountColumns) as (keyof Amounts)[];
/** The columns of the amounts, separated by commas. */
export const amountList = Object.values(amountColumns).join(', ');
/** The columns of an entry, separated by commas. */
export const entryList = `run, task, agent, queued_at, listed, ended_at, ${amountList}`;

const ended = "('succeeded', 'failed', 'cancelled', 'timed_out')";
/** The time for which the machine slept during a run. If only the daemon was suspended, the run went on. */
const slept = `(SELECT sum(coalesce(json_extract(data, '$.limitsMs'), json_extract(data, '$.gapMs')))
  FROM events WHERE events.run = number AND type = 'clock-jumped')`;

/**
 * Returns the query for the entries of all runs, or with `one` of the run `@run`. A damaged value
 * counts as unknown, so it keeps nothing else from being booked.
 */
export function linesQuery(one: boolean): string {
  const which = one ? 'AND number = @run' : '';
  return `
    SELECT run, task, agent, queued_at, listed, ended_at, ended AS runs, ran_ms IS NOT NULL AS started,
      coalesce(ran_ms, 0) AS time_ms, coalesce(max(0, ran_ms - slept_ms), 0) AS awake_ms,
      CAST(coalesce(input, 0) AS integer) AS input, CAST(coalesce(output, 0) AS integer) AS output,
      CAST(round(coalesce(cost, 0) * 1e9) AS integer) AS cost,
      counts AND (input IS NULL OR output IS NULL) AS tokens_unknown,
      counts AND input IS NOT NULL AND output IS NOT NULL AND part AS tokens_partial,
      counts AND cost IS NULL AS cost_unknown, counts AND cost IS NOT NULL AND part AS cost_partial,
      advanced IS NOT NULL AS judged, coalesce(advanced, 0) AS advanced
    FROM (SELECT *, agent <> '' AND ran_ms IS NOT NULL AS counts FROM (
      SELECT number AS run, coalesce(task_id, 0) AS task, coalesce(agent_id, '') AS agent,
        queued_at, 1 AS listed, ended,
        coalesce(json_extract(state, '$.endedAt'), 0) AS ended_at,
        json_extract(state, '$.endedAt') - json_extract(state, '$.startedAt') AS ran_ms,
        coalesce(${slept}, 0) AS slept_ms,
        json_extract(glance, '$.usage.inputTokens') AS input, json_extract(glance, '$.usage.outputTokens') AS output,
        json_extract(glance, '$.usage.costUsd') AS cost, coalesce(json_extract(glance, '$.usageIsPart'), 0) AS part,
        json_extract(state, '$.liveness.state') IN ('advanced', 'completed') AS advanced
      FROM (
        SELECT number, task_id, agent_id, queued_at, status IN ${ended} AS ended,
          iif(status IN ${ended} AND json_valid(state), state, '{}') AS state,
          iif(status IN ${ended} AND json_valid(glance), glance, NULL) AS glance
        FROM runs LEFT JOIN accounts ON accounts.run = number
        WHERE (agent_id IS NOT NULL OR task_id IS NOT NULL) ${which}
      )
      UNION ALL
      SELECT number, coalesce(task_id, 0), coalesce(agent_id, ''), 0, 0, 1,
        coalesce(json_extract(usage, '$.endedAt'), 0), json_extract(usage, '$.timeMs'), 0,
        json_extract(usage, '$.inputTokens'), json_extract(usage, '$.outputTokens'), json_extract(usage, '$.costUsd'),
        coalesce(json_extract(usage, '$.usageIsPart'), 0), advanced
      FROM (
        SELECT number, task_id, agent_id, advanced, iif(json_valid(usage), usage, NULL) AS usage FROM tombstones
        WHERE (agent_id IS NOT NULL OR task_id IS NOT NULL) ${which}
      )
    ))`;
}

const sumList = Object.values(amountColumns)
  .map((column) => `sum(${column})`)
  .join(', ');
const sums = `max(newest), sum(listed), 0, ${sumList}`;
const columns = `task, span, agent, slot, newest, listed, tasks, ${amountList}`;
const zeros = Object.keys(amountColumns)
  .map((column) => `0 AS ${column}`)
  .join(', ');

/**
 * Returns the statements that fill an empty table of sums from a table of entries: quarters and tasks from the entries,
 * and all others from those.
 */
export function fillStatements(entries: string, into: string): string[] {
  const dated = `
    SELECT task, agent, ended_at AS at, ended_at AS newest, 0 AS listed, ${amountList} FROM ${entries} WHERE runs > 0
    UNION ALL
    SELECT task, agent, queued_at, 0, listed, ${zeros} FROM ${entries} WHERE listed > 0`;
  const start = `INSERT INTO ${into} (${columns})`;
  const coarser = (span: number, from: number) => `${start}
    SELECT task, ${span}, agent, slot / ${span / from} AS coarse, ${sums} FROM ${into} WHERE span = ${from}
    GROUP BY task, agent, coarse`;
  return [
    `${start} SELECT -1, 15, agent, at / 900000 AS quarter, ${sums} FROM (${dated}) WHERE at > 0
      GROUP BY agent, quarter`,
    `${start} SELECT 0, 15, agent, at / 900000 AS quarter, ${sums} FROM (${dated}) WHERE at > 0 AND task = 0
      GROUP BY agent, quarter`,
    coarser(60, 15),
    coarser(1_440, 60),
    `${start} SELECT task, 0, agent, 0, ${sums} FROM (${dated}) GROUP BY task, agent`,
    `${start} SELECT -1, 0, agent, 0, ${sums} FROM ${into} WHERE span = 0 GROUP BY agent`,
    `${start} SELECT task, span, '*', slot, ${sums} FROM ${into} GROUP BY task, span, slot`,
    `UPDATE ${into} SET tasks = counted.tasks FROM (
      SELECT agent AS by, count(*) AS tasks FROM ${into} WHERE task >= 0 AND span = 0 AND runs > 0 GROUP BY agent
    ) AS counted WHERE task = -1 AND span = 0 AND agent = by`,
  ];
}
