import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Budgets, type TaskBudgets } from '#daemon/budgets/budgets.ts';
import { taskBudgets } from '#daemon/budgets/task-budgets.ts';
import { UsageMeter } from '#daemon/budgets/usage.ts';
import { createChangeFeed } from '#daemon/core/change-feed.ts';
import { Supervisor } from '#daemon/core/supervisor.ts';
import type { Agent } from '#run/agent.ts';
import { type Budget, noBudget } from '#run/budget.ts';
import type { Fact } from '#run/events.ts';
import { emptyStreamState } from '#run/stream-state.ts';
import { createStore } from '#store/store.ts';
import { deep } from '../support/deep.ts';
import { root } from '../support/home.ts';
import { aProfile, aSpec, leader, noLineage } from '../support/runs.ts';
import { until } from '../support/until.ts';

/** Noon in local time. */
const noon = new Date(2026, 5, 1, 12).getTime();
const hour = 3_600_000;
const budget = (given: Partial<Budget>): Budget => ({ ...noBudget, ...given });

/** Creates the real store, supervisor and daily sums. Only the clock is the test's, and there are no processes. */
function createBudgetHarness(given: { day?: Partial<Budget>; all?: string; budgetOf?: TaskBudgets['budgetOf'] }) {
  const folder = mkdtempSync(join(tmpdir(), 'clip-spending-'));
  const store = createStore({ path: join(folder, 'clip.db'), migrations: join(root, 'migrations'), version: '1.0.0' });
  const clock = { at: noon };
  const now = () => clock.at;
  const watchers = createChangeFeed();
  const noRetry = () => {
    throw new Error('nothing is tried again');
  };
  const supervisor = new Supervisor({ store, changeFeed: watchers, now, log: () => {} });
  let asked = 0;
  let runs = 0;
  const ask = () => {
    asked += 1;
  };
  store.transaction((tx) => store.agents.put(tx, anAgent(given.day ?? null)));
  const config = { budget: { run: null, day: given.all ?? null } };
  const digestOf = ({ number }: { readonly number: number }) => store.streamStates.glance(number);
  const begin = () => {
    const used = new UsageMeter({ store, supervisor, logFollower: { digestOf }, changeFeed: watchers, now });
    const budgets = new Budgets({
      store,
      usageMeter: used,
      supervisor,
      now,
      config,
      ask,
      ...(given.budgetOf ? { tasks: { ...taskBudgets({ store, supervisor }), budgetOf: given.budgetOf } } : {}),
    });
    onTestFinished(() => budgets.close());
    return { used, budgets };
  };
  const { used, budgets } = begin();
  supervisor.use({ perform: () => {}, views: [used], grants: () => [], react: () => {}, buildRetry: noRetry });
  onTestFinished(() => {
    store.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function start({ agent = true, task = null }: { agent?: boolean; task?: number | null } = {}): number {
    runs += 1;
    const [run] = supervisor.admit([
      {
        id: `r${runs}`,
        key: null,
        queuedAt: clock.at,
        spec: aSpec(agent ? { agent: aProfile(), adapter: 'codex' } : {}),
        notBefore: null,
        folder: null,
        lineage: { ...noLineage, taskId: task },
      },
    ]);
    if (!run) throw new Error('no run was admitted');
    supervisor.submit(run.number, { type: 'slot-granted' });
    supervisor.submit(run.number, { type: 'spawned', leader, startedAt: clock.at });
    return run.number;
  }

  function says(run: number, usd: number): void {
    const account = { ...emptyStreamState, countedWhole: true, meter: { ...emptyStreamState.meter, partCostUsd: usd } };
    const stored = { streamState: account, offsets: { stdout: 0, stderr: 0 }, before: null };
    store.transaction((tx) => store.streamStates.put(tx, run, stored));
    used.lookAgain();
  }

  function end(run: number): void {
    const exited: Fact = {
      type: 'exited',
      code: 0,
      signal: null,
      endedAt: clock.at,
      leader: null,
      startedAt: null,
      byDeadline: false,
      report: null,
    };
    supervisor.submit(run, exited);
  }

  /** Stops runs that have reached a limit. Returns the runs that are stopping now. */
  function stopped(): { number: number; order: string }[] {
    budgets.stopReached(supervisor.alive());
    return supervisor
      .alive()
      .flatMap(({ number, state }) => (state.status === 'stopping' ? [{ number, order: state.stop.order }] : []));
  }

  return { store, clock, used, budgets, supervisor, start, says, end, stopped, asked: () => asked, begin };
}

function anAgent(day: Partial<Budget> | null): Agent {
  const { id, name, ...profile } = aProfile();
  const rest = {
    preset: null,
    cwd: null,
    envNames: [],
    envFile: null,
    timeoutMs: null,
    silenceMs: null,
    graceMs: null,
    concurrency: 1,
  };
  const more = {
    promptTemplate: null,
    leftovers: null,
    sharesWorktree: false,
    everyMs: null,
    quietHours: null,
    timerPrompt: null,
    budgetRun: null,
  };
  return {
    id,
    name,
    settings: { ...profile, ...rest, ...more, budgetDay: day === null ? null : budget(day) },
    paused: false,
    createdAt: noon,
  };
}

describe('a daily budget', () => {
  it('counts runs that end on its day, and live runs beyond midnight', deep, () => {
    const harness = createBudgetHarness({ day: { costUsd: 5 } });
    const [over, late] = [harness.start(), harness.start()];
    harness.says(over, 3);
    harness.says(late, 2);
    harness.end(over);
    expect(harness.budgets.mayStart('agent1', null)).toContain(
      'agent coder has used $5.00 of $5.00 today; it goes on tomorrow',
    );
    harness.clock.at = noon + 12 * hour;
    expect(harness.budgets.mayStart('agent1', null)).toBeNull();
    expect(harness.used.ofAgent('agent1')).toMatchObject({ costUsd: 2, runs: 1 });
    // The whole usage of a run that ends now counts for the new day.
    harness.says(late, 5);
    harness.end(late);
    expect(harness.budgets.mayStart('agent1', null)).toContain('$5.00 of $5.00');
    expect(harness.begin().budgets.mayStart('agent1', null)).toContain('$5.00 of $5.00');
  });

  it('that ends at midnight lets the queue start runs again', deep, async () => {
    const harness = createBudgetHarness({ all: '1usd' });
    harness.clock.at = noon + 12 * hour - 40;
    const run = harness.start();
    harness.says(run, 1);
    harness.end(run);
    expect(harness.budgets.mayStart('agent1', null)).toContain('all agents together');
    expect(harness.asked()).toBe(0);
    harness.clock.at += 50;
    await until('the queue is checked', () => harness.asked() > 0);
    expect(harness.budgets.mayStart('agent1', null)).toBeNull();
  });

  it('counts neither runs that never started nor sleep of the machine', () => {
    const harness = createBudgetHarness({ day: { runs: 2, timeMs: hour } });
    const run = harness.start();
    harness.clock.at += 8 * hour;
    harness.supervisor.submit(run, { type: 'clock-jumped', gapMs: 8 * hour - 1_000 });
    expect(harness.used.ofAgent('agent1')).toMatchObject({ timeMs: 1_000, runs: 1 });
    expect(harness.stopped()).toEqual([]);
    harness.end(run);
    expect(harness.used.ofAgent('agent1')).toMatchObject({ timeMs: 1_000, runs: 1 });
    expect(harness.begin().used.ofAgent('agent1')).toMatchObject({ timeMs: 1_000, runs: 1 });
  });
});

describe('a task', () => {
  const budgetOf = () => budget({ costUsd: 2 });

  it('over its budget of all days is stopped, and starts nothing more', () => {
    const harness = createBudgetHarness({ budgetOf });
    const first = harness.start({ task: 7 });
    harness.says(first, 1.5);
    harness.end(first);
    harness.clock.at += 48 * hour;
    const [second, other] = [harness.start({ task: 7 }), harness.start()];
    harness.says(second, 0.25);
    harness.says(other, 9);
    expect(harness.stopped()).toEqual([]);
    harness.says(second, 0.5);
    expect(harness.stopped()).toEqual([{ number: second, order: 'budget_paused' }]);
    expect(harness.budgets.mayStart('agent1', 7)).toBe(
      'task T7 has used $2.00 of $2.00; it goes on with more: clip task edit T7 --budget AMOUNT',
    );
    expect(harness.budgets.mayStart('agent1', null)).toBeNull();
    // A second report after the end is not counted twice.
    harness.end(second);
    expect(harness.used.ofTask(7)).toMatchObject({ costUsd: 2, runs: 2 });
    expect(harness.used.ofTask(7)).toMatchObject({ costUsd: 2, runs: 2 });
  });
});
