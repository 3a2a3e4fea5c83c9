import { describe, expect, it } from 'vitest';
import type { Budget } from '#run/budget.ts';
import { codexSays, opencodeSays } from '../support/agents.ts';
import { createDaemonHome, type DaemonHome } from '../support/daemon/daemon-home.ts';
import type { Step } from '../support/daemon/fake-process.ts';

const { session, words, change, done } = codexSays;
const minute = 60_000;
const hour = 60 * minute;

type Limits = {
  readonly budgetRun?: Partial<Budget>;
  readonly budgetDay?: Partial<Budget>;
  readonly concurrency?: number;
};

/** Adds an agent that reports the cost of each of its steps. */
const addPaid = (home: DaemonHome, scripts: readonly (readonly Step[])[], limits: Limits, name = 'coder') =>
  home.addAgent(name, scripts, { adapter: 'opencode', sharesWorktree: true, ...limits });
const uses = (usd: number): Step[] => [opencodeSays.session(`s${usd}`), opencodeSays.done(usd), { exit: 0 }];
const works = (usd: number): Step[] => [opencodeSays.session('s'), opencodeSays.step(usd)];

async function limitOf(home: DaemonHome, run: number) {
  return (await home.history(run)).find(({ type }) => type === 'budget-reached')?.data;
}

describe('a run at its own budget', () => {
  it('is stopped while it streams, with the limit in its history', async () => {
    const home = await createDaemonHome();
    await addPaid(home, [[...works(0.6), opencodeSays.step(0.5)], uses(0.1)], { budgetRun: { costUsd: 1 } });
    const run = await home.runAgent('coder');
    expect(await home.untilStatus(run, 'cancelled')).toMatchObject({
      stopReason: 'budget_paused',
      errorCode: 'cancelled',
      usage: { costUsd: 1.1 },
    });
    expect(await limitOf(home, run)).toEqual({
      scope: 'run',
      name: '1',
      limit: 'cost',
      words: 'run 1 has used $1.10 of $1.00',
      remedy: 'give more: clip agent edit coder --budget-run AMOUNT',
    });
    expect((await home.agent('coder')).paused).toBe(false);
    await home.untilStatus(await home.runAgent('coder'), 'succeeded');
  });

  it('of time is stopped, although it reports no usage', async () => {
    const home = await createDaemonHome();
    await home.addAgent('coder', [[]], { budgetRun: { timeMs: minute } });
    const run = await home.runAgent('coder');
    await home.untilStatus(run, 'running');
    await home.clock.advance(minute - 2_000);
    expect((await home.show(run)).status).toBe('running');
    await home.clock.advance(4_000);
    expect(await home.untilStatus(run, 'cancelled')).toMatchObject({
      stopReason: 'budget_paused',
      timeoutFired: false,
      usage: null,
    });
    expect(await limitOf(home, run)).toMatchObject({ limit: 'time' });
  });

  it('with its final result is not stopped, and its work counts', async () => {
    const home = await createDaemonHome();
    await addPaid(home, [[opencodeSays.session('s'), opencodeSays.done(5)]], { budgetRun: { costUsd: 1 } });
    const run = await home.runAgent('coder');
    await home.until('the cost is known', async () => (await home.agent('coder')).today.costUsd === 5);
    await home.clock.advance(5_000);
    expect((await home.show(run)).status).toBe('running');
    await (await home.process(run)).play([{ exit: 0 }]);
    expect(await home.untilSettled(run)).toMatchObject({ status: 'succeeded' });
    expect(await limitOf(home, run)).toMatchObject({ scope: 'run', words: 'run 1 has used $5.00 of $1.00' });
  });

  it('of the configuration is stopped when its agent has none of its own', async () => {
    const home = await createDaemonHome({ budget: { run: '1usd' } });
    await addPaid(home, [works(1.5)], {}, 'poor');
    await addPaid(home, [[...works(1.5), ...uses(0)]], { budgetRun: { costUsd: 2 } }, 'rich');
    const [poor, rich] = [await home.runAgent('poor'), await home.runAgent('rich')];
    expect(await home.untilStatus(poor, 'cancelled')).toMatchObject({ stopReason: 'budget_paused' });
    await home.untilStatus(rich, 'succeeded');
  });
});

describe('an agent at its daily budget', () => {
  const reason =
    'agent coder has used $1.10 of $1.00 (1 run not fully known) today; it goes on tomorrow, ' +
    'or now with more: clip agent edit coder --budget-day AMOUNT';

  it('is stopped by the sum of all its runs, and starts nothing', async () => {
    const home = await createDaemonHome();
    await addPaid(home, [uses(0.7), works(0.4), uses(0.1)], { budgetDay: { costUsd: 1 } });
    await home.untilStatus(await home.runAgent('coder'), 'succeeded');
    const second = await home.runAgent('coder');
    expect(await home.untilStatus(second, 'cancelled')).toMatchObject({
      stopReason: 'budget_paused',
      usage: { costUsd: 0.4 },
    });
    await home.untilSettled(second);
    const third = await home.runAgent('coder');
    expect(await home.show(third)).toMatchObject({ status: 'queued', waitingFor: reason });
    expect(await home.agent('coder')).toMatchObject({
      paused: true,
      pausedBy: 'budget',
      pausedReason: reason,
      today: { costUsd: null, costKnownUsd: 1.1, runs: 2 },
    });
    const needs = await home.needsYou();
    expect(needs.find(({ kind }) => kind === 'budget')).toMatchObject({ agent: 'coder', status: 'budget_paused' });
  });

  it('continues with a higher limit, unless that is reached as well', async () => {
    const home = await createDaemonHome();
    await addPaid(home, [uses(1.1), uses(0.1)], { budgetDay: { costUsd: 1 } });
    await home.untilSettled(await home.runAgent('coder'));
    const next = await home.runAgent('coder');
    await home.editAgent('coder', { budgetDay: { costUsd: 1.1 } });
    await home.send('POST', '/agents/coder/pause', { paused: false });
    await home.clock.advance(minute);
    expect((await home.show(next)).status).toBe('queued');
    await home.editAgent('coder', { budgetDay: { costUsd: 2 } });
    await home.untilStatus(next, 'succeeded');
    expect(await home.agent('coder')).toMatchObject({ paused: false, pausedBy: null, pausedReason: null });
    expect((await home.needsYou()).filter(({ kind }) => kind === 'budget')).toEqual([]);
  });

  it('starts its waiting runs when the next day begins', async () => {
    const home = await createDaemonHome();
    await addPaid(home, [uses(1.1), uses(0.1)], { budgetDay: { costUsd: 1 } });
    await home.untilSettled(await home.runAgent('coder'));
    const next = await home.runAgent('coder');
    await home.untilWaiting(next, '$1.10 of $1.00');
    home.clock.jump(12 * hour - 10 * minute);
    await home.clock.advance(5 * minute);
    expect((await home.show(next)).status).toBe('queued');
    await home.clock.advance(7 * minute);
    await home.untilStatus(next, 'succeeded');
    expect((await home.agent('coder')).today).toMatchObject({ costKnownUsd: 0.1, runs: 1 });
  });

  it('stays at its limit after a restart and a removal of its runs', async () => {
    const home = await createDaemonHome();
    await addPaid(home, [uses(0.7)], { budgetDay: { costUsd: 1 } });
    for (const _ of [1, 2]) await home.untilSettled(await home.runAgent('coder'));
    await home.send('DELETE', '/runs/1');
    await home.crash();
    await home.start();
    await home.untilWaiting(await home.runAgent('coder'), '$1.40 of $1.00');
  });

  it('is held to its tokens when the cost is not known', async () => {
    const home = await createDaemonHome();
    await home.addAgent('coder', [[session('s'), done(1_000, 200), { exit: 0 }]], {
      budgetDay: { costUsd: 5, tokens: 1_000 },
    });
    expect(await home.untilSettled(await home.runAgent('coder'))).toMatchObject({
      usage: { costUsd: null, inputTokens: 1_000, outputTokens: 200 },
    });
    await home.untilWaiting(await home.runAgent('coder'), '1,200 of 1,000 tokens today');
    expect((await home.agent('coder')).today).toMatchObject({ costUsd: null, costKnownUsd: 0, tokens: 1_200 });
  });

  it('in runs starts one of two runs that were requested at once', async () => {
    const home = await createDaemonHome();
    await addPaid(home, [[]], { budgetDay: { runs: 1 }, concurrency: 2 });
    await home.send('PUT', '/queue', { held: true });
    const [first, second] = [await home.runAgent('coder'), await home.runAgent('coder')];
    await home.send('PUT', '/queue', { held: false });
    await home.untilStatus(first, 'running');
    await home.untilWaiting(second, 'agent coder has used 1 of 1 runs today');
    await (await home.process(first)).play(uses(0.1));
    await home.untilStatus(first, 'succeeded');
    await home.untilWaiting(second, '1 of 1 runs');
  });
});

describe('the budget of all agents', () => {
  it('stops working agents, starts none, and leaves commands alone', async () => {
    const home = await createDaemonHome({ budget: { day: '1usd' } });
    for (const name of ['one', 'two']) await addPaid(home, [works(0.6), []], {}, name);
    const runs = [await home.runAgent('one'), await home.runAgent('two')];
    for (const run of runs)
      expect(await home.untilStatus(run, 'cancelled')).toMatchObject({ stopReason: 'budget_paused' });
    const third = await home.runAgent('one');
    await home.untilWaiting(third, 'all agents together have used $1.20 of $1.00 (2 runs not fully known) today');
    await home.untilStatus(await home.run(['true']), 'succeeded');
    await home.stop();
    await home.start({ max_runs: 4, budget: { day: '2usd' } });
    await home.untilStatus(third, 'running');
  });
});

describe('an agent paused by a person', () => {
  it('stops its runs, keeps queued ones, and continues when resumed', async () => {
    const home = await createDaemonHome();
    await addPaid(home, [[opencodeSays.session('s')], uses(0.1)], { budgetDay: { costUsd: 5 } });
    const live = await home.runAgent('coder');
    await home.untilStatus(live, 'running');
    const next = await home.runAgent('coder');
    await home.send('POST', '/agents/coder/pause', { paused: true, now: true });
    expect(await home.untilSettled(live)).toMatchObject({ status: 'cancelled', stopReason: 'paused' });
    await home.untilWaiting(next, 'agent coder is paused: clip agent resume coder');
    expect(await home.agent('coder')).toMatchObject({ paused: true, pausedBy: 'person' });
    await home.editAgent('coder', { budgetDay: { costUsd: 50 } });
    await home.clock.advance(minute);
    expect((await home.show(next)).status).toBe('queued');
    await home.send('POST', '/agents/coder/pause', { paused: false });
    await home.untilStatus(next, 'succeeded');
  });
});

describe('a task with a budget', () => {
  it('is stopped while its run streams, and continues with a higher budget', async () => {
    const home = await createDaemonHome();
    await home.addAgent('coder', [
      [session('s1'), change('a', 'a.txt'), done(600, 0), words('On it.')],
      [session('s1')],
    ]);
    await home.addTask({ budget: { tokens: 500 } });
    expect(await home.untilSettled(1)).toMatchObject({
      status: 'cancelled',
      stopReason: 'budget_paused',
      decision: { action: 'skip' },
    });
    expect((await home.task(1)).task).toMatchObject({
      status: 'in_progress',
      paused: expect.stringContaining('600 of 500 tokens'),
    });
    expect(await home.needsYou()).toMatchObject([
      { kind: 'budget', task: 1, next: expect.stringContaining('clip task edit T1 --budget') },
    ]);
    // Not even a request of a person starts a run past a limit.
    await home.continueTask(1);
    await home.untilWaiting(2, '600 of 500 tokens');
    await home.send('PATCH', '/tasks/1', { budget: { tokens: 2_000 } });
    await home.untilStatus(2, 'running');
  });

  it('is blocked when a run exceeded its own limit, as the next would', async () => {
    const home = await createDaemonHome();
    await home.addAgent('coder', [[session('s1'), change('a', 'a.txt'), done(600, 0), words('On it.')]], {
      budgetRun: { tokens: 500 },
    });
    await home.addTask();
    const { task, runs } = await home.atRest(1);
    expect(task).toMatchObject({ status: 'blocked', blockedNext: expect.stringContaining('--budget-run') });
    expect(runs).toHaveLength(1);
  });

  it('has its runs of all days counted', async () => {
    const home = await createDaemonHome();
    await addPaid(home, [[...works(1.5), { exit: 0 }], works(0.75)], {});
    await home.addTask({ budget: { costUsd: 2 } });
    await home.untilSettled(1);
    await home.cancel({ task: 1 });
    await home.atRest(1);
    home.clock.jump(48 * hour);
    await home.continueTask(1);
    const second = (await home.runs()).at(-1)?.number ?? 0;
    expect(await home.untilSettled(second)).toMatchObject({ stopReason: 'budget_paused' });
    expect(await limitOf(home, second)).toMatchObject({
      scope: 'task',
      words: expect.stringContaining('task T1 has used $2.25 of $2.00'),
    });
  });
});
