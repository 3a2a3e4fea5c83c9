/**
 * Books the use of runs: triggers note the runs that changed, and this compares each with its entry and adds the
 * difference to the sums. It happens before a transaction commits and before sums are read, so they are never behind.
 */
import type { Sqlite } from './sqlite.ts';
import type { WriteTransaction } from './transaction.ts';
import {
  type Amounts,
  amountColumns,
  amountList,
  amountNames,
  entryList,
  fillStatements,
  linesQuery,
  type UsageEntry,
} from './usage-lines.ts';

/** What is added to one sum. */
type Delta = { -readonly [K in keyof Amounts]: number } & { newest: number; listed: number };
type Key = { readonly task: number; readonly span: number; readonly agent: string; readonly slot: number };

/** Every task, and every agent, in the keys of sums. */
export const everyTask = -1;
export const everyAgent = '*';
/** Minutes of the slots of sums. */
export const spans = [15, 60, 1_440] as const;

/** In usage_changes: all runs are to be booked again. */
const everyRun = 0;

export class UsageBooking {
  readonly #sqlite: Sqlite;
  readonly #changed: { readonly get: () => unknown; readonly all: () => unknown[] };
  /** Prepared at the first booking: a daemon without agents needs none of it. */
  #statements: ReturnType<typeof prepare> | null = null;

  /** Prepares a statement. Throws if the database cannot be used. */
  constructor(sqlite: Sqlite) {
    this.#sqlite = sqlite;
    this.#changed = sqlite.prepare('SELECT run FROM usage_changes').pluck();
  }

  /** Returns whether a run was noted that is not booked. */
  isDue(): boolean {
    return this.#changed.get() !== undefined;
  }

  /** Books all runs that were noted. */
  settle(tx: WriteTransaction): void {
    const runs = this.#changed.all() as number[];
    if (runs.length === 0) return;
    if (runs.includes(everyRun)) return bookAll(tx, this.#sqlite);
    this.#statements ??= prepare(this.#sqlite);
    const { entry, line, put, remove, clear } = this.#statements;
    const due = new Map<string, { key: Key; delta: Delta }>();
    for (const run of runs) {
      const before = entry.get(run) as UsageEntry | undefined;
      const now = line.get({ run }) as UsageEntry | undefined;
      if (isSame(before, now)) continue;
      if (before !== undefined) book(due, before, -1);
      if (now === undefined) remove.run(run);
      else {
        book(due, now, 1);
        put.run(now);
      }
    }
    for (const { key, delta } of due.values()) if (!isNothing(delta)) this.#add(this.#statements, key, delta);
    clear.run();
  }

  #add({ add, addTasks }: ReturnType<typeof prepare>, key: Key, delta: Delta): void {
    const { runs } = add.get({ ...key, ...delta }) as { runs: number };
    if (key.task === everyTask || key.span !== 0) return;
    const tasks = Number(runs > 0) - Number(runs - delta.runs > 0);
    if (tasks !== 0) addTasks.run({ ...key, task: everyTask, tasks });
  }
}

/** Books all runs again, from what the other tables say. */
export function bookAll(_tx: WriteTransaction, sqlite: Sqlite): void {
  sqlite.exec('DELETE FROM usage_entries; DELETE FROM usage_sums');
  sqlite.exec(`INSERT OR REPLACE INTO usage_entries (${entryList}) ${linesQuery(false)}`);
  for (const statement of fillStatements('usage_entries', 'usage_sums')) sqlite.exec(statement);
  sqlite.exec('DELETE FROM usage_changes');
}

/** Returns the sums to which a run contributes that ended, or was queued, at this moment. */
export function keysOf({ task, agent }: Pick<UsageEntry, 'task' | 'agent'>, at: number): Key[] {
  const minutes = Math.floor(at / 60_000);
  return [everyTask, task].flatMap((of) =>
    [everyAgent, agent].flatMap((by) => [
      { task: of, span: 0, agent: by, slot: 0 },
      ...(of > 0 || at <= 0
        ? []
        : spans.map((span) => ({ task: of, span, agent: by, slot: Math.floor(minutes / span) }))),
    ]),
  );
}

function book(due: Map<string, { key: Key; delta: Delta }>, entry: UsageEntry, sign: 1 | -1): void {
  const deltaOf = (key: Key): Delta => {
    const name = `${key.task} ${key.span} ${key.slot} ${key.agent}`;
    const known = due.get(name) ?? { key, delta: noDelta() };
    due.set(name, known);
    return known.delta;
  };
  if (entry.listed > 0) for (const key of keysOf(entry, entry.queuedAt)) deltaOf(key).listed += sign * entry.listed;
  if (entry.runs === 0) return;
  for (const key of keysOf(entry, entry.endedAt)) {
    const delta = deltaOf(key);
    for (const name of amountNames) delta[name] += sign * entry[name];
    if (sign > 0) delta.newest = Math.max(delta.newest, entry.endedAt);
  }
}

function noDelta(): Delta {
  return { newest: 0, listed: 0, ...(Object.fromEntries(amountNames.map((name) => [name, 0])) as Amounts) };
}

function isNothing(delta: Delta): boolean {
  return delta.newest === 0 && delta.listed === 0 && amountNames.every((name) => delta[name] === 0);
}

function isSame(a: UsageEntry | undefined, b: UsageEntry | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (Object.keys(a) as (keyof UsageEntry)[]).every((name) => a[name] === b[name]);
}

function prepare(sqlite: Sqlite) {
  const named = amountNames.map((name) => `${amountColumns[name]} AS ${name}`).join(', ');
  const columns = `run, task, agent, queued_at AS queuedAt, listed, ended_at AS endedAt, ${named}`;
  const amounts = amountNames.map((name) => `@${name}`).join(', ');
  const added = ['listed', ...Object.values(amountColumns)].map(
    (column) => `${column} = ${column} + excluded.${column}`,
  );
  return {
    entry: sqlite.prepare(`SELECT ${columns} FROM usage_entries WHERE run = ?`),
    line: sqlite.prepare(`SELECT ${columns} FROM (${linesQuery(true)})`),
    put: sqlite.prepare(`INSERT OR REPLACE INTO usage_entries (${entryList})
      VALUES (@run, @task, @agent, @queuedAt, @listed, @endedAt, ${amounts})`),
    remove: sqlite.prepare('DELETE FROM usage_entries WHERE run = ?'),
    add: sqlite.prepare(`INSERT INTO usage_sums (task, span, agent, slot, newest, listed, ${amountList})
      VALUES (@task, @span, @agent, @slot, @newest, @listed, ${amounts})
      ON CONFLICT (task, span, agent, slot) DO UPDATE SET newest = max(newest, excluded.newest), ${added.join(', ')}
      RETURNING runs`),
    addTasks: sqlite.prepare(`UPDATE usage_sums SET tasks = tasks + @tasks
      WHERE task = @task AND span = @span AND agent = @agent AND slot = @slot`),
    clear: sqlite.prepare('DELETE FROM usage_changes'),
  };
}
