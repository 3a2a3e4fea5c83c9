import { describe, expect, it } from 'vitest';
import { codexSays } from '../support/agents.ts';
import { asRun, createDaemonHome, type DaemonHome } from '../support/daemon/daemon-home.ts';
import type { Step } from '../support/daemon/fake-process.ts';
import { ends } from '../support/task-runs.ts';

const { session, failed, command } = codexSays;
const stays = [session('s1')];
const minute = 60_000;

/** Starts a home with a task whose agent is at work. */
async function atWork(): Promise<DaemonHome> {
  const home = await createDaemonHome();
  await home.addAgent('coder', [stays]);
  await home.addTask();
  await home.untilStatus(1, 'running');
  return home;
}

describe('a task stopped by a person', () => {
  it.each([
    ['its run', { runs: ['1'] }],
    ['all runs of the task', { task: 1 }],
    ['everything', { all: true }],
  ])('by canceling %s needs that person and names the way to continue', async (_, cancel) => {
    const home = await atWork();
    await home.cancel(cancel);
    await home.atRest(1);
    expect(await home.needsYou()).toEqual([
      {
        kind: 'task',
        task: 1,
        run: 1,
        agent: 'coder',
        title: 'Fix the parser',
        status: 'stopped',
        since: (await home.show(1)).endedAt,
        what: 'Run 1 of it was cancelled, and nothing works on it now.',
        next: 'clip continue T1, or clip task cancel T1',
      },
    ]);
  });

  it('while it waited for a rate limit needs that person', async () => {
    const home = await createDaemonHome();
    await home.addAgent('coder', [[session('s1'), failed('429 Too Many Requests, retry after 1h'), { exit: 1 }]]);
    await home.addTask();
    await home.untilStatus(2, 'queued');
    await home.cancel({ runs: ['2'] });
    await home.atRest(1);
    expect(await home.needsYou()).toMatchObject([{ task: 1, run: 2, status: 'stopped' }]);
  });

  it('leaves the list once it is continued, canceled or dismissed', async () => {
    const home = await atWork();
    await home.cancel({ runs: ['1'] });
    await home.atRest(1);
    await home.send('POST', '/tasks/1/dismiss', {});
    expect(await home.needsYou()).toEqual([]);
    await home.continueTask(1);
    await home.untilStatus(2, 'running');
    expect(await home.needsYou()).toEqual([]);
    await home.cancel({ runs: ['2'] });
    await home.atRest(1);
    // Another run has ended since the dismissal.
    expect(await home.needsYou()).toHaveLength(1);
    await home.move(1, 'cancel');
    expect(await home.needsYou()).toEqual([]);
  });

  it('is still listed after the daemon died', async () => {
    const home = await atWork();
    await home.cancel({ runs: ['1'] });
    await home.crash();
    await home.start();
    await home.until('the task needs a person', async () => (await home.needsYou())[0]?.status === 'stopped');
  });
});

describe('a task that is assigned to a person', () => {
  it('needs that person until it is done', async () => {
    const home = await createDaemonHome();
    await home.addTask({ assignee: 'me' });
    expect(await home.needsYou()).toMatchObject([
      { kind: 'task', task: 1, status: 'todo', what: 'It is assigned to you.' },
    ]);
    await home.move(1, 'done');
    expect(await home.needsYou()).toEqual([]);
  });

  it('needs that person until it is dismissed or reassigned', async () => {
    const home = await createDaemonHome();
    await home.addAgent('coder', [stays]);
    for (const _ of [1, 2]) await home.addTask({ assignee: 'me' });
    await home.send('POST', '/tasks/1/dismiss', {});
    await home.move(2, 'assign', { assignee: 'coder' });
    expect(await home.needsYou()).toEqual([]);
  });
});

describe('an agent run without a task', () => {
  it.each<[how: string, script: readonly Step[], status: string, what: RegExp]>([
    [
      'failed',
      [session('s1'), failed('unexpected status 401 Unauthorized'), { exit: 1 }],
      'failed',
      /Agent coder is not logged in\. It said:.*401/,
    ],
    ['only announced work', ends.plans, 'plan_only', /It only announced work: .*inspect the repo/],
    ['said nothing', ends.saysNothing, 'empty_response', /without an answer/],
    ['talked and left no work', ends.explains, 'needs_followup', /left no work/],
  ])('that %s needs a person until it is dismissed or retried', async (_, script, status, what) => {
    const home = await createDaemonHome();
    await home.addAgent('coder', [script, script, ends.changes]);
    for (const _run of [1, 2]) await home.untilSettled(await home.runAgent('coder'));
    const needs = await home.needsYou();
    expect(needs.map((need) => [need.run, need.status])).toEqual([
      [2, status],
      [1, status],
    ]);
    expect(needs[1]).toMatchObject({
      kind: 'run',
      task: null,
      agent: 'coder',
      title: 'run 1',
      what: expect.stringMatching(what),
      next: expect.stringContaining('clip retry 1'),
    });
    await home.send('POST', '/runs/1/acknowledge', { how: 'dismissed' });
    await home.send('POST', '/runs/2/retry', {});
    await home.untilSettled(3);
    expect(await home.needsYou()).toEqual([]);
    const acknowledged = (await home.history(1)).filter(({ type }) => type === 'acknowledged');
    expect(acknowledged.map(({ data }) => data)).toEqual([{ how: 'dismissed' }]);
  });

  it('is not listed when it did its work or was canceled by a person', async () => {
    const home = await createDaemonHome();
    await home.addAgent('coder', [ends.changes, stays]);
    await home.untilSettled(await home.runAgent('coder'));
    const canceled = await home.runAgent('coder');
    await home.untilStatus(canceled, 'running');
    await home.cancel({ runs: [String(canceled)] });
    await home.untilSettled(canceled);
    expect(await home.needsYou()).toEqual([]);
  });

  it('is not listed when it is inside another run', async () => {
    const home = await createDaemonHome();
    await home.addAgent('coder', [ends.plans]);
    const { id } = await home.untilStatus(await home.run(['sleep']), 'running');
    const inner = await home.untilSettled(await home.runAgent('coder', { parentRunId: id }));
    expect(inner).toMatchObject({ livenessState: 'plan_only', needsYou: false });
    expect(await home.needsYou()).toEqual([]);
  });

  it('cannot be removed from the list by an agent', async () => {
    const home = await createDaemonHome();
    await home.addAgent('coder', [ends.plans, stays]);
    await home.untilSettled(await home.runAgent('coder'));
    const agent = asRun(await home.process(await home.runAgent('coder')));
    const dismissal = { how: 'dismissed' };
    expect((await home.refused('POST', '/runs/1/acknowledge', dismissal, agent)).message).toContain('Only a person');
    expect(await home.needsYou()).toMatchObject([{ run: 1 }]);
  });

  it('counts as seen when a person has seen it', async () => {
    const home = await createDaemonHome();
    await home.addAgent('coder', [ends.plans]);
    const run = await home.runAgent('coder');
    expect(await home.untilSettled(run)).toMatchObject({ needsYou: true });
    await home.send('POST', `/runs/${run}/acknowledge`, { how: 'seen' });
    expect(await home.show(run)).toMatchObject({ needsYou: false });
  });
});

describe('a live agent run', () => {
  /** Starts a run of an agent that has done these steps. */
  async function hangs(steps: readonly Step[]): Promise<DaemonHome> {
    const home = await createDaemonHome();
    await home.addAgent('coder', [[session('s1'), ...steps]]);
    await home.runAgent('coder');
    await home.untilStatus(1, 'running');
    await home.clock.advance(1_000);
    return home;
  }

  it('that was silent for ten minutes needs a person until it has output', async () => {
    const home = await hangs([]);
    await home.clock.advance(9 * minute);
    expect(await home.needsYou()).toEqual([]);
    await home.clock.advance(2 * minute);
    expect(await home.needsYou()).toMatchObject([
      {
        kind: 'run',
        run: 1,
        status: 'stalled',
        what: expect.stringMatching(/^It has said and done nothing for 1\d min/),
      },
    ]);
    await (await home.process(1)).play([command('a', 'make')]);
    await home.until('the stall is over', async () => (await home.needsYou()).length === 0);
  });

  it('that hangs in a tool for half an hour is listed with the tool', async () => {
    const home = await hangs([command('a', 'npm run watch', null)]);
    await home.clock.advance(12 * minute);
    expect(await home.needsYou()).toEqual([]);
    await home.clock.advance(19 * minute);
    expect(await home.needsYou()).toMatchObject([
      { what: expect.stringMatching(/^It has been in a tool for 3\d min without a word: npm run watch/) },
    ]);
  });

  it('that hangs after a temporary error is listed with that error', async () => {
    const home = await hangs([{ say: { type: 'error', message: 'stream disconnected before completion' } }]);
    await home.clock.advance(11 * minute);
    expect(await home.needsYou()).toMatchObject([{ what: expect.stringContaining('stream disconnected') }]);
  });

  it('that was dismissed while it hung is listed again only after output', async () => {
    const home = await hangs([]);
    await home.clock.advance(11 * minute);
    await home.send('POST', '/runs/1/acknowledge', { how: 'dismissed' });
    expect(await home.needsYou()).toEqual([]);
    await home.clock.advance(2 * minute);
    expect(await home.needsYou()).toEqual([]);
  });
});
