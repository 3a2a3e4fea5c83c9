import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Budgets, type TaskBudgets } from '#daemon/budgets/budgets.ts';
import { UsageMeter } from '#daemon/budgets/usage.ts';
import { createChangeFeed } from '#daemon/core/change-feed.ts';
import { Supervisor } from '#daemon/core/supervisor.ts';
import type { Agent } from '#run/agent.ts';
import { type Budget, noBudget } from '#run/budget.ts';
import type { Fact } from '#run/events.ts';
import { emptyStreamState } from '#run/stream-state.ts';
import { createStore } from '#store/store.ts';
import { root } from '../support/home.ts';
import { aProfile, aSpec, leader } from '../support/runs.ts';
import { until } from '../support/until.ts';

/** Noon by the clock on the wall. */
const noon = new Date(2026, 5, 1, 12).getTime();
const hour = 3_600_000;
const budget = (given: Partial<Budget>): Budget => ({ ...noBudget, ...given });

/** The real store, supervisor and sums; only the clock is ours, and no process lives. */
function createWorld(given: { day?: Partial<Budget>; all?: string; tasks?: TaskBudgets }) {
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
    const spending = new Budgets({
      store,
      usageMeter: used,
      supervisor,
      now,
      config,
      ask,
      ...(given.tasks ? { tasks: given.tasks } : {}),
    });
    onTestFinished(() => spending.close());
    return { used, spending };
  };
  const { used, spending } = begin();
  supervisor.use({ perform: () => {}, views: [used], grants: () => [], react: () => {}, buildRetry: noRetry });
  onTestFinished(() => {
    store.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function start(agent = true): number {
    runs += 1;
    const [run] = supervisor.admit([
      {
        id: `r${runs}`,
        key: null,
        queuedAt: clock.at,
        spec: aSpec(agent ? { agent: aProfile(), adapter: 'codex' } : {}),
        notBefore: null,
        folder: null,
        lineage: {
          taskId: null,
          origin: null,
          parentRunId: null,
          depth: 0,
          retryOfRunId: null,
          retryReason: null,
          processLossRetryCount: 0,
          environment: null,
        },
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

  /** Stops what has reached a limit. Returns the runs that are being stopped now. */
  function stopped(): { number: number; order: string }[] {
    spending.stopReached(supervisor.alive());
    return supervisor
      .alive()
      .flatMap(({ number, state }) => (state.status === 'stopping' ? [{ number, order: state.stop.order }] : []));
  }

  return { store, clock, used, spending, supervisor, start, says, end, stopped, asked: () => asked, begin };
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
  it('counts runs that end on that day and live runs; at midnight only the live runs are counted on', () => {
    const world = createWorld({ day: { costUsd: 5 } });
    const [over, late] = [world.start(), world.start()];
    world.says(over, 3);
    world.says(late, 2);
    world.end(over);
    expect(world.spending.mayStart('agent1', null)).toContain(
      'agent coder has used $5.00 of $5.00 today; it goes on tomorrow',
    );
    world.clock.at = noon + 12 * hour;
    expect(world.spending.mayStart('agent1', null)).toBeNull();
    expect(world.used.ofAgent('agent1')).toMatchObject({ costUsd: 2, runs: 1 });
    // One that ends now counts for the new day as a whole.
    world.says(late, 5);
    world.end(late);
    expect(world.spending.mayStart('agent1', null)).toContain('$5.00 of $5.00');
    expect(world.begin().spending.mayStart('agent1', null)).toContain('$5.00 of $5.00');
  });

  it('that ends at midnight lets the queue start runs again', async () => {
    const world = createWorld({ all: '1usd' });
    world.clock.at = noon + 12 * hour - 40;
    const run = world.start();
    world.says(run, 1);
    world.end(run);
    expect(world.spending.mayStart('agent1', null)).toContain('all agents together');
    expect(world.asked()).toBe(0);
    world.clock.at += 50;
    await until('the queue is asked', () => world.asked() > 0);
    expect(world.spending.mayStart('agent1', null)).toBeNull();
  });

  it('counts neither runs that never started nor the time in which the machine slept', () => {
    const world = createWorld({ day: { runs: 2, timeMs: hour } });
    const run = world.start();
    world.clock.at += 8 * hour;
    world.supervisor.submit(run, { type: 'clock-jumped', gapMs: 8 * hour - 1_000 });
    expect(world.used.ofAgent('agent1')).toMatchObject({ timeMs: 1_000, runs: 1 });
    expect(world.stopped()).toEqual([]);
    world.end(run);
    expect(world.used.ofAgent('agent1')).toMatchObject({ timeMs: 1_000, runs: 1 });
    expect(world.begin().used.ofAgent('agent1')).toMatchObject({ timeMs: 1_000, runs: 1 });
  });
});

describe('a task', () => {
  const runsOfTask: number[] = [];
  const tasks: TaskBudgets = {
    taskOf: (run) => (runsOfTask.includes(run) ? 7 : null),
    budgetOf: () => budget({ costUsd: 2 }),
    runsOf: () => runsOfTask,
  };

  it('whose runs of all days have used up its budget has its live run stopped and starts nothing more', () => {
    const world = createWorld({ tasks });
    const first = world.start();
    runsOfTask.push(first);
    world.says(first, 1.5);
    world.end(first);
    world.clock.at += 48 * hour;
    const [second, other] = [world.start(), world.start()];
    runsOfTask.push(second);
    world.says(second, 0.25);
    world.says(other, 9);
    expect(world.stopped()).toEqual([]);
    world.says(second, 0.5);
    expect(world.stopped()).toEqual([{ number: second, order: 'budget_paused' }]);
    expect(world.spending.mayStart('agent1', 7)).toBe(
      'task T7 has used $2.00 of $2.00; it goes on with more: clip task edit T7 --budget AMOUNT',
    );
    expect(world.spending.mayStart('agent1', null)).toBeNull();
    // Once more after the end: nothing is counted twice.
    world.end(second);
    expect(world.used.ofTask(7, runsOfTask)).toMatchObject({ costUsd: 2, runs: 2 });
    expect(world.used.ofTask(7, runsOfTask)).toMatchObject({ costUsd: 2, runs: 2 });
  });
});
