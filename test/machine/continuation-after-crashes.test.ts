import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { linesIn } from '#cli/client/json-lines.ts';
import type { EventView, RunView } from '#protocol/answers.ts';
import { addSpeaker } from '../support/agents.ts';
import { open } from '../support/api.ts';
import { deep } from '../support/deep.ts';
import { createHome, type TestHome } from '../support/home.ts';
import { addTask, atRest, ends, events, runsOf, shownTask } from '../support/task-runs.ts';
import { until } from '../support/until.ts';

/** The events around an end: the end itself, and the steps that follow it. */
const around = ['exited', 'step-done', 'wake', 'admitted', 'task-blocked', 'task-commented'];

/**
 * Kills the daemon when it reports the nth event around an end. Returns the cursor to continue from, or null when no
 * more events occur.
 */
async function killAt(home: TestHome, nth: number, cursor: number): Promise<number | null> {
  // Usually the keeper has already started a daemon.
  if (home.pidsOf('daemon').length === 0) await home.clip(['runs']);
  const pid = await until('one daemon is running', () => home.daemonPid());
  const stream = await until('a daemon sends events', () =>
    open(home.folder, `/v1/events?since=${cursor}&follow=true`).catch(() => null),
  );
  // No event for this long means that the home is at rest.
  const quiet = setTimeout(() => stream.destroy(), 5_000);
  let last = cursor;
  let seen = 0;
  try {
    for await (const line of linesIn(stream)) {
      const event = JSON.parse(line) as EventView;
      if (typeof event.seq !== 'number') continue;
      quiet.refresh();
      last = event.seq;
      if (around.includes(event.type)) seen += 1;
      if (seen < nth) continue;
      await home.kill(pid);
      return last;
    }
  } catch (error) {
    if (!stream.destroyed) throw error;
  } finally {
    clearTimeout(quiet);
    stream.destroy();
  }
  return null;
}

/**
 * Returns whether the task is held by its live run, or by no run if none is live. The result counts only if nothing
 * changed during the look.
 */
async function heldRightly(home: TestHome, task: number): Promise<boolean> {
  return until(`T${task} is at rest during a look`, async () => {
    const before = await runsOf(home, task);
    const { executionRunId } = (await shownTask(home, task)).task;
    const after = await runsOf(home, task);
    if (JSON.stringify(before.map(({ status }) => status)) !== JSON.stringify(after.map(({ status }) => status)))
      return null;
    expect(executionRunId).toBe(after.find(({ endedAt }) => endedAt === null)?.id ?? null);
    return true;
  });
}

describe('a repeatedly killed daemon', () => {
  it('follows up each end exactly once, and every task moves on', { ...deep, timeout: 180_000 }, async () => {
    const home = createHome();
    await addSpeaker(home, [ends.plans], ['--share-worktree', '--concurrency', '2'], 'planner');
    await addSpeaker(home, [ends.fails], ['--share-worktree', '--concurrency', '2'], 'failer');
    await home.clip(['queue', 'hold']);
    const planned = [];
    const failing = [];
    for (let n = 0; n < 5; n += 1) planned.push(await addTask(home, ['--assign', 'planner']));
    for (let n = 0; n < 3; n += 1) failing.push(await addTask(home, ['--assign', 'failer']));
    await home.clip(['queue', 'release']);

    let kills = 0;
    for (let cursor: number | null = 0; cursor !== null && kills < 30; kills += 1)
      cursor = await killAt(home, 1 + ((kills * 5) % 7), cursor);
    expect(kills).toBeGreaterThan(12);

    for (const task of planned) {
      const { runs, comments, wakes, task: seen } = await atRest(home, task);
      expect(runs.map(({ livenessState, continuationAttempt }) => [livenessState, continuationAttempt])).toEqual([
        ['plan_only', 0],
        ['plan_only', 1],
        ['plan_only', 2],
      ]);
      expect(runs.map(({ continuationOf }) => continuationOf)).toEqual([null, runs[0]?.id, runs[1]?.id]);
      expect(comments.map(({ text }) => text.split('.')[0])).toEqual(['Bounded liveness continuation exhausted']);
      expect(wakes.map(({ runId }) => runId).sort()).toEqual(runs.map(({ id }) => id).sort());
      expect(seen).toMatchObject({ status: 'blocked', checkoutRunId: runs[0]?.id, executionRunId: null });
    }
    for (const task of failing) {
      const { runs, comments, task: seen } = await atRest(home, task);
      expect(runs.map(({ status, errorCode, retryReason }) => [status, errorCode, retryReason])).toEqual([
        ['failed', 'adapter_failed', null],
        ['failed', 'adapter_failed', 'issue_continuation_needed'],
      ]);
      expect(comments).toHaveLength(1);
      expect(seen).toMatchObject({ status: 'blocked', checkoutRunId: runs[0]?.id, executionRunId: null });
    }
    const decided = (await events(home, 'step-done'))
      .filter(({ data }) => data['step'] === 'wake')
      .map(({ run }) => run);
    expect(decided.sort()).toEqual([...new Set(decided)].sort());
    expect(decided).toHaveLength(5 * 3 + 3 * 2);
  });

  it('leaves each task to its live or waiting run, and to no other', { ...deep, timeout: 180_000 }, async () => {
    const home = createHome();
    // In this folder only the agent makes changes.
    const folder = join(home.base, 'work');
    mkdirSync(folder);
    await addSpeaker(home, [ends.builds], ['--cwd', folder, '--share-worktree', '--concurrency', '2']);
    const tasks = [];
    for (let n = 0; n < 3; n += 1) tasks.push(await addTask(home));
    let cursor: number | null = 0;
    for (let kills = 0; cursor !== null && kills < 12; kills += 1) {
      cursor = await killAt(home, 2 + (kills % 4), cursor);
      for (const task of tasks) {
        expect((await runsOf(home, task)).filter(({ endedAt }) => endedAt === null).length).toBeLessThanOrEqual(1);
        expect(await heldRightly(home, task)).toBe(true);
      }
    }
    for (const task of tasks) {
      const { runs, task: seen } = await atRest(home, task);
      expect(runs.map(({ wakeReason, continuationOf }) => [wakeReason, continuationOf])).toEqual([
        ['issue_assigned', null],
        ...runs.slice(0, 3).map(({ id }) => ['run_advanced_continuation', id]),
      ]);
      expect(seen).toMatchObject({
        status: 'blocked',
        budgetLeft: 0,
        checkoutRunId: runs[0]?.id,
        executionRunId: null,
      });
    }
  });
});

describe('a daemon stopped with its runs', () => {
  it('cancels automatic runs that follow, and starts none later', async () => {
    const home = createHome();
    await addSpeaker(home, [ends.changes], ['--share-worktree', '--concurrency', '2']);
    for (let n = 0; n < 3; n += 1) await addTask(home);
    await until('work continues automatically', async () => (await runsOf(home, 1)).length > 2);
    const stopped = await home.clip(['daemon', 'stop', '--cancel-runs']);
    expect([stopped.code, stopped.stdout]).toEqual([0, expect.not.stringContaining('lives on')]);
    const { runs } = await home.json<{ runs: RunView[] }>(['runs', '--limit', '1000', '--json']);
    expect(runs.filter(({ settled }) => !settled)).toEqual([]);
  });
});
