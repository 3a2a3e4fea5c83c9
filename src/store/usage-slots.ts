/** Which sums and entries make up the usage since a moment, in as few rows as possible. */
import { everyAgent, everyTask } from './usage-booking.ts';
import { amountList } from './usage-lines.ts';

export type Query = { readonly text: string; readonly values: readonly (number | string)[] };
/** `task`: every task, or 0 for runs without one. */
type Since = { readonly task: number; readonly agent: string; readonly since: number };

/** The finest slot. */
export const slotMs = 900_000;

/**
 * Returns the query for rows with `at` (in milliseconds), `listed` and the amounts: entries up to the first whole
 * quarter, then quarters up to the first whole hour, hours up to the first whole day, and days. `coarsest`: the longest
 * slot to use, in minutes. `most`: leaves out older slots beyond this number, and slots in which no run has ended.
 */
export function piecesSince(
  { task, agent, since }: Since,
  { coarsest = 1_440, most }: { readonly coarsest?: number; readonly most?: number } = {},
): Query {
  const quarter = Math.ceil(since / slotMs);
  const starts = [15, 60, 1_440]
    .filter((span) => span <= coarsest)
    .map((span) => ({ span, slot: Math.ceil((quarter * 15) / span) }));
  const columns = `listed, ${amountList}`;
  const ofTask = task === everyTask ? '' : 'AND task = ?';
  const ofAgent = agent === everyAgent ? '' : 'AND agent = ?';
  const edge = `SELECT ended_at AS at, 0 AS ${columns} FROM usage_entries
    WHERE ended_at >= ? AND ended_at < ? AND runs > 0 ${ofTask} ${ofAgent}`;
  const newest = most === undefined ? '' : `AND runs > 0 ORDER BY slot DESC LIMIT ${most}`;
  const slots = starts.map(
    ({ span }) => `SELECT * FROM (SELECT slot * ${span * 60_000} AS at, ${columns} FROM usage_sums
      WHERE task = ? AND span = ${span} AND agent = ? AND slot >= ? AND slot < ? ${newest})`,
  );
  const bounds = starts.map(({ span, slot }, index): readonly [number, number] => {
    const next = starts[index + 1];
    return [slot, next === undefined ? Number.MAX_SAFE_INTEGER : (next.slot * next.span) / span];
  });
  return {
    text: [edge, ...slots].join(' UNION ALL '),
    values: [
      Math.max(since, 1),
      quarter * slotMs,
      ...(task === everyTask ? [] : [task]),
      ...(agent === everyAgent ? [] : [agent]),
      ...bounds.flatMap(([from, to]) => [task, agent, from, to]),
    ],
  };
}
