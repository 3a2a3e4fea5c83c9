/**
 * The usage of a task, an agent or a day, removed runs included. It is read from the sums that each transaction keeps,
 * so a million runs cost no more than a hundred.
 */
import { limits } from '#run/limits.ts';
import type { Sqlite } from './sqlite.ts';
import { everyAgent, everyTask } from './usage-booking.ts';
import { type Amounts, amountColumns, amountNames } from './usage-lines.ts';
import { piecesSince, type Query, slotMs } from './usage-slots.ts';

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
/** The groups are bounded: they are those with the newest ends. */
export type Sums = {
  readonly total: Sum;
  readonly byTask: readonly { readonly task: number | null; readonly sum: Sum }[];
  /** Number of further tasks, and of further agents. */
  readonly tasksHidden: number;
  readonly byAgent: readonly { readonly agentId: string | null; readonly sum: Sum }[];
  readonly agentsHidden: number;
  readonly byDay: readonly { readonly day: string; readonly sum: Sum }[];
  /** Whether there are runs before the first day. */
  readonly daysHidden: boolean;
};
export type SumFilter = {
  readonly task?: number | undefined;
  readonly agentId?: string | undefined;
  readonly since?: number | undefined;
};

/** The sums that a filter asks for. `since`: the first moment; null for all time. */
type Scope = { readonly task: number; readonly agent: string; readonly since: number | null };
type Value = number | string;
type Statement = { readonly all: (...values: Value[]) => unknown[]; readonly get: (...values: Value[]) => unknown };
type Group = { readonly key: number | string; readonly amounts: Amounts };

const named = amountNames.map((name) => `${amountColumns[name]} AS ${name}`).join(', ');
const summed = amountNames.map((name) => `coalesce(sum(${amountColumns[name]}), 0) AS ${name}`).join(', ');
const dayMinutes = 1_440;
const newestFirst = 'ORDER BY newest DESC, key DESC LIMIT ?';

export class UsageTotals {
  readonly #sqlite: Sqlite;
  readonly #bookDue: () => void;
  readonly #prepared = new Map<string, Statement>();

  /** `bookDue` is called before each read: a transaction may ask for sums that it has changed. */
  constructor(sqlite: Sqlite, bookDue: () => void) {
    this.#sqlite = sqlite;
    this.#bookDue = bookDue;
  }

  /** Returns what all ended runs of a task have used. */
  ofTask(task: number): Amounts {
    this.#bookDue();
    return this.#amountsOf({ task, agent: everyAgent, since: null });
  }

  /** Returns what the runs of this agent have used that ended at or after this moment. */
  ofAgentSince(agentId: string, since: number): Amounts {
    this.#bookDue();
    return this.#amountsOf({ task: everyTask, agent: agentId, since });
  }

  /** Returns what the runs of all agents have used that ended at or after this moment. */
  ofAgentsSince(since: number): Amounts {
    const all = this.ofAgentSince(everyAgent, since);
    const withoutAgent = this.ofAgentSince('', since);
    return Object.fromEntries(amountNames.map((name) => [name, all[name] - withoutAgent[name]])) as Amounts;
  }

  /** Returns the number of runs in the list of the ledger, which lacks removed ones. `since`: when they were queued. */
  listed(filter: SumFilter): number {
    this.#bookDue();
    const { task, agent, since } = scopeOf(filter);
    if (since !== null) return this.#listedSince({ task, agent, since });
    const where = 'task = ? AND span = 0 AND agent = ? AND slot = 0';
    return this.#numberOf({ text: `SELECT listed FROM usage_sums WHERE ${where}`, values: [task, agent] });
  }

  /**
   * Returns the sums. `minutesEast`: the current offset from UTC, which decides where a day begins. Days in the other
   * half of the year may be off by an hour.
   */
  sum(filter: SumFilter, minutesEast: number): Sums {
    this.#bookDue();
    const scope = scopeOf(filter);
    const total = this.#amountsOf(scope);
    const tasks = this.#tasks(scope, total);
    const agents = this.#agents(scope, total);
    const days = this.#days(scope, minutesEast);
    return {
      total: toSum(total),
      byTask: tasks.groups
        .map(({ key, amounts }) => ({ task: key === 0 ? null : Number(key), sum: toSum(amounts) }))
        .sort((a, b) => (a.task ?? 0) - (b.task ?? 0)),
      tasksHidden: tasks.hidden,
      byAgent: agents.groups.map(({ key, amounts }) => ({
        agentId: key === '' ? null : String(key),
        sum: toSum(amounts),
      })),
      agentsHidden: agents.hidden,
      byDay: days
        .slice(0, limits.ledgerDays)
        .map(({ key, amounts }) => ({ day: formatDay(Number(key)), sum: toSum(amounts) }))
        .reverse(),
      daysHidden: days.length > limits.ledgerDays,
    };
  }

  #amountsOf(scope: Scope): Amounts {
    const { text, values } = this.#sourceOf(scope);
    return this.#get({ text: `SELECT ${summed} FROM (${text})`, values }) as Amounts;
  }

  /** Returns the query for the amounts in a scope. They are added up by the one who asks. */
  #sourceOf({ task, agent, since }: Scope): Query {
    if (since !== null) return task > 0 ? entriesOf({ task, agent, since }) : piecesSince({ task, agent, since });
    return {
      text: `SELECT * FROM usage_sums WHERE task = ? AND span = 0 AND agent = ? AND slot = 0`,
      values: [task, agent],
    };
  }

  #tasks(scope: Scope, total: Amounts): { groups: Group[]; hidden: number } {
    const { task, agent, since } = scope;
    if (task !== everyTask) return { groups: total.runs === 0 ? [] : [{ key: task, amounts: total }], hidden: 0 };
    const from = 'FROM usage_sums WHERE span = 0 AND task >= 0 AND runs > 0 AND agent = ? AND newest >= ?';
    const values = [agent, since ?? 0];
    const text = `SELECT task AS key, newest, ${named} ${from} ${newestFirst}`;
    const rows = this.#groups({ text, values: [...values, limits.ledgerGroups] });
    const kept = 'SELECT tasks FROM usage_sums WHERE task = -1 AND span = 0 AND agent = ? AND slot = 0';
    const count = since === null ? { text: kept, values: [agent] } : { text: `SELECT count(*) ${from}`, values };
    const hidden = this.#hidden(rows, count);
    return { groups: this.#since(rows, scope, (key) => ({ task: Number(key), agent })), hidden };
  }

  #agents(scope: Scope, total: Amounts): { groups: Group[]; hidden: number } {
    const { task, agent, since } = scope;
    if (agent !== everyAgent) return { groups: total.runs === 0 ? [] : [{ key: agent, amounts: total }], hidden: 0 };
    const from = "FROM usage_sums WHERE task = ? AND span = 0 AND agent <> '*' AND runs > 0 AND newest >= ?";
    const values = [task, since ?? 0];
    const text = `SELECT agent AS key, newest, ${named} ${from} ${newestFirst}`;
    const rows = this.#groups({ text, values: [...values, limits.ledgerGroups] });
    const hidden = this.#hidden(rows, { text: `SELECT count(*) ${from}`, values });
    return { groups: this.#since(rows, scope, (key) => ({ task, agent: String(key) })), hidden };
  }

  /** Returns the groups with what they have used since the beginning of the scope, instead of in all time. */
  #since(rows: Group[], { since }: Scope, scopeFor: (key: Group['key']) => Omit<Scope, 'since'>): Group[] {
    if (since === null) return rows;
    return rows
      .map(({ key }) => ({ key, amounts: this.#amountsOf({ ...scopeFor(key), since }) }))
      .filter(({ amounts }) => amounts.runs > 0);
  }

  #hidden(rows: readonly Group[], count: Query): number {
    return rows.length < limits.ledgerGroups ? 0 : this.#numberOf(count) - rows.length;
  }

  /** Returns the newest days with runs, newest first, and one more if there is one. The keys are days since 1970. */
  #days(scope: Scope, minutesEast: number): Group[] {
    const { text, values } = scope.task > 0 ? entriesOf(scope) : this.#slotsOf(scope, minutesEast);
    const day = `(at / 60000 + CAST(? AS integer)) / ${dayMinutes}`;
    const query = `SELECT ${day} AS key, ${summed} FROM (${text}) WHERE at > 0 AND runs > 0
      GROUP BY key ORDER BY key DESC LIMIT ?`;
    return this.#groups({ text: query, values: [minutesEast, ...values, limits.ledgerDays + 1] });
  }

  /** Returns the query for the newest slots of a scope, enough for the days that are shown. */
  #slotsOf({ task, agent, since }: Scope, minutesEast: number): Query {
    const span = minutesEast % 60 === 0 ? 60 : 15;
    const most = (limits.ledgerDays * dayMinutes) / span + 1;
    return piecesSince({ task, agent, since: since ?? 0 }, { coarsest: span, most });
  }

  #listedSince(scope: { task: number; agent: string; since: number }): number {
    const { task, agent, since } = scope;
    const ofAgent = agent === everyAgent ? '' : 'AND agent_id = ?';
    const by = agent === everyAgent ? [] : [agent];
    const inLedger = `(agent_id IS NOT NULL OR task_id IS NOT NULL) ${ofAgent}`;
    if (task > 0) {
      const text = `SELECT count(*) FROM runs WHERE task_id = ? AND queued_at >= ? AND ${inLedger}`;
      return this.#numberOf({ text, values: [task, since, ...by] });
    }
    const pieces = piecesSince(scope);
    const edge = Math.ceil(since / slotMs) * slotMs;
    const text = `SELECT count(*) FROM runs WHERE queued_at >= ? AND queued_at < ? AND ${inLedger}`;
    const atEdge = this.#numberOf({ text, values: [since, edge, ...by] });
    return (
      atEdge + this.#numberOf({ text: `SELECT coalesce(sum(listed), 0) FROM (${pieces.text})`, values: pieces.values })
    );
  }

  #groups({ text, values }: Query): Group[] {
    const rows = this.#statement(text).all(...values) as (Amounts & { key: number | string })[];
    return rows.map(({ key, ...amounts }) => ({ key, amounts }));
  }

  #get({ text, values }: Query): unknown {
    return this.#statement(text).get(...values);
  }

  #numberOf(query: Query): number {
    const row = this.#get(query) as Record<string, number> | undefined;
    return row === undefined ? 0 : (Object.values(row)[0] ?? 0);
  }

  #statement(text: string): Statement {
    const known = this.#prepared.get(text) ?? this.#sqlite.prepare(text);
    this.#prepared.set(text, known);
    return known;
  }
}

/** Returns the dollars of a sum. */
export function dollarsOf({ cost }: Pick<Amounts, 'cost'>): number {
  return cost / 1e9;
}

function scopeOf({ task, agentId, since }: SumFilter): Scope {
  return { task: task ?? everyTask, agent: agentId ?? everyAgent, since: since ?? null };
}

/** Returns the query for the single runs of a task that have ended. */
function entriesOf({ task, agent, since }: Scope): Query {
  const ofAgent = agent === everyAgent ? '' : 'AND agent = ?';
  return {
    text: `SELECT ended_at AS at, * FROM usage_entries
      WHERE task = ? AND task > 0 AND ended_at >= ? AND runs > 0 ${ofAgent}`,
    values: [task, since ?? 0, ...(agent === everyAgent ? [] : [agent])],
  };
}

function toSum(amounts: Amounts): Sum {
  const { runs, timeMs, input, output, tokensUnknown, tokensPartial, costUnknown, judged, advanced } = amounts;
  return {
    runs,
    timeMs,
    inputTokens: input,
    outputTokens: output,
    tokensUnknown,
    tokensPartial,
    costUsd: dollarsOf(amounts),
    costUnknown,
    advancedShare: judged === 0 ? null : advanced / judged,
  };
}

function formatDay(day: number): string {
  return new Date(day * 86_400_000).toISOString().slice(0, 10);
}
