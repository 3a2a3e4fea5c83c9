import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { array, assert, constantFrom, integer, oneof, property, record } from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Run, RunState } from '#run/run.ts';
import { emptyStreamState } from '#run/stream-state.ts';
import type { Sqlite } from '#store/sqlite.ts';
import { createStore, type Store } from '#store/store.ts';
import type { WriteTransaction } from '#store/transaction.ts';
import { findUsageDrift, repairUsage } from '#store/usage-check.ts';
import type { SumFilter } from '#store/usage-totals.ts';
import { root } from '../support/home.ts';
import { anEnd, aProfile, aRun, noon } from '../support/runs.ts';
import { scanListed, scanUsage } from '../support/usage-scan.ts';

const minute = 60_000;
const agents = ['a', 'b', null];
const tasks = [1, 2, null];

function createDatabase(): { store: Store; beside: Sqlite; path: string } {
  const folder = mkdtempSync(join(tmpdir(), 'clip-usage-'));
  const path = join(folder, 'clip.db');
  const store = createStore({ path, migrations: join(root, 'migrations'), version: '1.0.0' });
  const beside = new Database(path);
  onTestFinished(() => {
    store.close();
    beside.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { store, beside, path };
}

/** What happens in one step. `pick`: which of the runs it happens to. */
const step = record({
  what: constantFrom('admit', 'end', 'report', 'correct', 'judge', 'remove', 'sleep', 'fail', 'damage'),
  pick: integer({ min: 0, max: 30 }),
  agent: constantFrom(...agents),
  task: constantFrom(...tasks),
  minutes: integer({ min: 0, max: 400 }),
  amount: oneof(constantFrom(null), integer({ min: 0, max: 4_000 })),
});
type Step = typeof step extends { generate: (...given: never[]) => { value: infer T } } ? T : never;

/** Applies steps to a store, as the daemon would, or as another program might. */
class Steps {
  readonly #store: Store;
  readonly #beside: Sqlite;
  #at = noon;
  #runs: Run[] = [];

  constructor(store: Store, beside: Sqlite) {
    this.#store = store;
    this.#beside = beside;
  }

  apply(each: Step): void {
    this.#at += each.minutes * minute + each.pick;
    const run = this.#runs[each.pick % Math.max(1, this.#runs.length)];
    if (each.what === 'admit' || run === undefined) return this.#change((tx) => void this.#admit(tx, each));
    switch (each.what) {
      case 'end':
        return this.#change((tx) => this.#end(tx, run, each));
      case 'report':
        return this.#change((tx) => this.#report(tx, run, each.amount));
      case 'correct':
        return this.#correct(run, each.amount);
      case 'judge':
        return this.#change((tx) => this.#judge(tx, run, each.pick));
      case 'remove':
        return this.#change((tx) => this.#remove(tx, run, each.amount));
      case 'sleep':
        return this.#change((tx) => this.#sleep(tx, run));
      case 'damage':
        this.#beside.prepare("update accounts set glance = 'no json' where run = ?").run(run.number);
        return void this.#beside.prepare("update accounts set glance = '{}' where run = ?").run(run.number);
      case 'fail': {
        const before = [...this.#runs];
        expect(() =>
          this.#change((tx) => {
            this.#end(tx, run, each);
            this.#admit(tx, each);
            throw new Error('rolled back');
          }),
        ).toThrow('rolled back');
        this.#runs = before;
      }
    }
  }

  /** Sums are read in the middle of some transactions, as the check of a budget does. */
  #change(work: (tx: WriteTransaction) => void): void {
    this.#store.transaction((tx) => {
      work(tx);
      if (this.#at % 2 === 0) this.#store.usageTotals.ofTask(1);
    });
  }

  #admit(tx: WriteTransaction, { agent, task, pick }: Step): void {
    const profile = agent === null ? null : aProfile({ id: agent });
    const value = aRun({ status: 'queued', notBefore: null }, { spec: { agent: profile }, lineage: { taskId: task } });
    const retried = pick % 3 === 0 ? (this.#runs.at(-1)?.id ?? null) : null;
    const lineage = { ...value.lineage, retryOfRunId: retried };
    const id = `r${this.#at}-${this.#runs.length}`;
    this.#runs.push(this.#store.runs.insert(tx, { ...value, id, lineage, queuedAt: this.#at }));
  }

  #end(tx: WriteTransaction, run: Run, { amount, pick }: Step): void {
    const startedAt = amount === null ? null : this.#at - amount * 1_000;
    const { status } = run.state;
    const endedAt = status === 'queued' ? this.#at - pick * minute : this.#at;
    this.#set(tx, run, anEnd({ startedAt: startedAt === null ? null : Math.min(startedAt, endedAt), endedAt }));
  }

  #set(tx: WriteTransaction, run: Run, state: RunState): void {
    const next = { ...run, state };
    this.#store.runs.setState(tx, next);
    this.#runs = this.#runs.map((each) => (each.number === run.number ? next : each));
  }

  /** Costs are quarters of a dollar, which floating point numbers add up exactly. */
  #report(tx: WriteTransaction, run: Run, amount: number | null): void {
    const tokens = amount === null ? null : { input: amount, cached: 0, output: amount % 7 === 0 ? null : amount };
    const meter = { ...emptyStreamState.meter, part: tokens, partCostUsd: amount === null ? null : amount / 4 };
    const streamState = { ...emptyStreamState, meter, countedWhole: amount !== null && amount % 2 === 0 };
    this.#store.streamStates.put(tx, run.number, { streamState, offsets: { stdout: 0, stderr: 0 }, before: null });
  }

  #correct({ number }: Run, amount: number | null): void {
    const set = "update accounts set glance = json_set(glance, '$.usage', json(?)) where run = ?";
    const usage = { inputTokens: amount, cachedInputTokens: null, outputTokens: 5, costUsd: amount };
    this.#beside.prepare(set).run(amount === null ? 'null' : JSON.stringify(usage), number);
  }

  #judge(tx: WriteTransaction, run: Run, pick: number): void {
    if (!('endedAt' in run.state)) return;
    const state = pick % 2 === 0 ? 'advanced' : 'plan_only';
    const rest = { reason: '', nextAction: null, lastUsefulActionAt: null, claimsDone: false };
    this.#set(tx, run, { ...run.state, liveness: { state, ...rest } });
  }

  #remove(tx: WriteTransaction, run: Run, amount: number | null): void {
    if (!('endedAt' in run.state)) return;
    const { usage, usageIsPart } = this.#store.streamStates.glance(run.number) ?? {
      usage: null,
      usageIsPart: amount === 1,
    };
    this.#store.runs.bury(tx, run, { usage, usageIsPart }, this.#at);
    this.#store.events.forget(tx, run.number);
    this.#runs = this.#runs.filter(({ number }) => number !== run.number);
  }

  #sleep(tx: WriteTransaction, { number, id }: Run): void {
    const data = { type: 'clock-jumped', gapMs: 90_000 };
    this.#store.events.append(tx, { at: this.#at, run: number, runId: id, type: 'clock-jumped', data });
  }
}

function expectSums(store: Store, beside: Sqlite, filter: SumFilter, minutesEast: number): void {
  const found = store.usageTotals.sum(filter, minutesEast);
  const scanned = scanUsage(beside, filter, minutesEast);
  expect(found.total).toEqual(scanned.total);
  expect(new Map(found.byTask.map(({ task, sum }) => [task, sum]))).toEqual(scanned.byTask);
  expect(new Map(found.byAgent.map(({ agentId, sum }) => [agentId, sum]))).toEqual(scanned.byAgent);
  const days = [...scanned.byDay].sort(([a], [b]) => (a < b ? -1 : 1)).slice(-31);
  expect(found.byDay.map(({ day, sum }) => [day, sum])).toEqual(days);
  expect(found.daysHidden).toBe(scanned.byDay.size > 31);
  expect([found.tasksHidden, found.agentsHidden]).toEqual([0, 0]);
  expect(store.usageTotals.listed(filter)).toBe(scanListed(beside, filter));
}

describe('the sums of usage', () => {
  it('equal a scan of all runs after any sequence of changes', () => {
    const zones = constantFrom(0, 120, -480, 330, 345);
    const ages = constantFrom(undefined, 0, 7 * minute, 500 * minute, 3_000 * minute, 9_000 * minute);
    const { store, beside } = createDatabase();
    assert(
      property(array(step, { minLength: 10, maxLength: 60 }), zones, ages, (steps, minutesEast, age) => {
        for (const table of ['runs', 'accounts', 'tombstones', 'events']) beside.exec(`delete from ${table}`);
        const done = new Steps(store, beside);
        for (const each of steps) done.apply(each);
        const newest = beside.prepare('select max(queued_at) from runs').pluck().get() as number | null;
        const since = age === undefined ? undefined : (newest ?? noon) - age;
        for (const task of [undefined, 1, 2])
          for (const agentId of [undefined, 'a', 'b']) expectSums(store, beside, { task, agentId, since }, minutesEast);
        expect(findUsageDrift(beside)).toEqual({ entries: 0, sums: 0 });
      }),
      { numRuns: 60 },
    );
  }, 120_000);

  it('that are wrong are found, and repaired by booking all runs again', () => {
    const { store, beside, path } = createDatabase();
    const done = new Steps(store, beside);
    const given = { agent: 'a', task: 1, minutes: 1, amount: 9 };
    for (let pick = 0; pick < 20; pick += 1) {
      for (const what of ['admit', 'end', 'report'] as const) done.apply({ ...given, what, pick });
    }
    expect(repairUsage(path)).toBeNull();
    beside.exec('update usage_sums set cost = cost + 1 where task = 1; delete from usage_entries where run = 3');
    expect(repairUsage(path)).toEqual({ entries: 1, sums: 2 });
    expect(findUsageDrift(beside)).toEqual({ entries: 0, sums: 0 });
    expectSums(store, beside, {}, 0);
  });

  it('list the newest tasks and days, and say that there are more', () => {
    const { store, beside } = createDatabase();
    const insert = beside.prepare(`insert into tombstones (number, id, status, task_id, usage, removed_at)
      values (?, ?, 'succeeded', ?, json_object('endedAt', ?), 0)`);
    for (let n = 1; n <= 120; n += 1) insert.run(n, `r${n}`, n, noon + n * 1_440 * minute);
    const { byTask, tasksHidden, byDay, daysHidden, total } = store.usageTotals.sum({}, 0);
    expect(byTask.map(({ task }) => task)).toEqual(Array.from({ length: 50 }, (_, n) => n + 71));
    expect([tasksHidden, byDay.length, daysHidden, total.runs]).toEqual([70, 31, true, 120]);
  });
});
