import { describe, expect, it } from 'vitest';
import { asRun, createDaemonHome, type DaemonHome } from '../support/daemon/daemon-home.ts';

const sleep = ['sleep', '1000'];

async function starts(home: DaemonHome): Promise<(number | null)[]> {
  return (await home.events()).filter(({ type }) => type === 'spawned').map(({ run }) => run);
}

describe('the queue', () => {
  it('starts runs by priority, then by submission, as many as there are slots', async () => {
    const home = await createDaemonHome({ max_runs: 1 });
    await home.send('PUT', '/queue', { held: true });
    for (const priority of [0, 5, -1, 5, 0]) await home.run(['true'], { priority });
    await home.send('PUT', '/queue', { held: false });
    await home.untilSettled(3);
    expect(await starts(home)).toEqual([2, 4, 1, 5, 3]);
  });

  it('shows what a run waits for: a slot, a lock, its group', async () => {
    const home = await createDaemonHome({ max_runs: 2 });
    await home.send('PUT', '/groups/shut', { paused: true });
    await home.untilStatus(await home.run(sleep, { locks: ['port'] }), 'running');
    await home.run(['true'], { locks: ['port'] });
    await home.run(['true'], { group: 'shut' });
    await home.untilStatus(await home.run(sleep), 'running');
    await home.run(['true']);
    expect((await home.runs()).map(({ waitingFor }) => waitingFor)).toEqual([
      null,
      'lock port is held by run 1',
      'group shut is paused: clip group resume shut',
      null,
      'all 2 slots are taken (max_runs)',
    ]);
    await home.send('PUT', '/groups/shut', { paused: false });
    await home.cancel({ runs: ['1', '4'] });
    for (const run of [2, 3, 5]) await home.untilStatus(run, 'succeeded');
  });

  it('starts an agent while all slots of commands are taken', async () => {
    const home = await createDaemonHome({ max_runs: 1, max_agents: 1 });
    await home.addAgent('coder', [[{ say: { type: 'thread.started', thread_id: 's1' } }]], { sharesWorktree: true });
    for (let n = 0; n < 5; n += 1) await home.run(sleep);
    const first = await home.runAgent('coder');
    const second = await home.runAgent('coder');
    await home.untilStatus(first, 'running');
    expect((await home.show(second)).waitingFor).toBe('agent coder runs 1 at a time');
    expect(await home.send('GET', '/queue')).toMatchObject({ taken: 1, slots: 1, agentsTaken: 1, agentSlots: 1 });
  });

  it('has no limit for a group that was removed', async () => {
    const home = await createDaemonHome({ max_runs: 8 });
    await home.send('PUT', '/groups/gpu', { limit: 1 });
    for (let n = 0; n < 2; n += 1) await home.run(sleep, { group: 'gpu' });
    await home.untilWaiting(2, 'group gpu runs 1 at a time');
    await home.send('DELETE', '/groups/gpu');
    await home.untilStatus(2, 'running');
    expect((await home.refused('DELETE', '/groups/gpu')).message).toBe('There is no group gpu.');
  });

  it('keeps to the limit of a group, while runs of other groups start', async () => {
    const home = await createDaemonHome({ max_runs: 8 });
    await home.send('PUT', '/groups/gpu', { limit: 1 });
    for (const _ of [1, 2]) await home.run(sleep, { group: 'gpu' });
    await home.untilStatus(1, 'running');
    await home.untilStatus(await home.run(['true'], { group: 'other' }), 'succeeded');
    expect(await home.show(2)).toMatchObject({ status: 'queued', waitingFor: 'group gpu runs 1 at a time' });
    await home.send('PUT', '/groups/gpu', { limit: null });
    await home.untilStatus(2, 'running');
  });

  it('that is held starts nothing until its release, despite a restart', async () => {
    const home = await createDaemonHome();
    await home.send('PUT', '/queue', { held: true });
    await home.run(['true']);
    await home.stop();
    await home.start();
    await home.clock.advance(60_000);
    expect((await home.show(1)).status).toBe('queued');
    const { results } = await home.cancel({ runs: ['1'] });
    expect(results[0].message).toBe('Run 1 was cancelled before it started.');
    await home.run(['true']);
    await home.send('PUT', '/queue', { held: false });
    await home.untilStatus(2, 'succeeded');
  });

  it('starts its runs after the daemon died', async () => {
    const home = await createDaemonHome({ max_runs: 1 });
    await home.untilStatus(await home.run(sleep), 'running');
    await home.run(['true']);
    await home.crash();
    await home.start();
    await (await home.process(1)).play([{ exit: 0 }]);
    await home.untilStatus(2, 'succeeded');
  });

  it('is held after the daemon died when the configuration says so', async () => {
    const home = await createDaemonHome({ max_runs: 1, after_crash: 'hold' });
    await home.untilStatus(await home.run(sleep), 'running');
    await home.run(['true']);
    await home.crash();
    await home.start();
    await (await home.process(1)).play([{ exit: 0 }]);
    await home.untilSettled(1);
    await home.clock.advance(60_000);
    expect((await home.show(2)).status).toBe('queued');
  });
});

describe('a run after another', () => {
  it('starts when the other one has succeeded', async () => {
    const home = await createDaemonHome();
    await home.run(sleep, { name: 'build' });
    await home.run(['true'], { after: 'build' });
    await home.untilWaiting(2, 'run 1 must succeed first');
    await (await home.process(1)).play([{ exit: 0 }]);
    await home.untilStatus(2, 'succeeded');
    await home.untilStatus(await home.run(['true'], { after: '1' }), 'succeeded');
  });

  it('starts when the other one, having succeeded, was removed meanwhile', async () => {
    const home = await createDaemonHome();
    await home.untilSettled(await home.run(['true']));
    await home.send('PUT', '/queue', { held: true });
    await home.run(['true'], { after: '1' });
    await home.send('DELETE', '/runs/1');
    await home.send('PUT', '/queue', { held: false });
    expect(await home.untilSettled(2)).toMatchObject({ status: 'succeeded', stopReason: 'completed' });
  });

  it.each<[how: string, command: string[], timeoutMs: number | null, cancels: boolean]>([
    ['failed', ['false'], null, false],
    ['timed out', sleep, 100, false],
    ['was canceled', sleep, null, true],
  ])('is canceled with dependency_failed when the other one %s', async (_, command, timeoutMs, cancels) => {
    const home = await createDaemonHome();
    await home.run(command, { timeoutMs });
    await home.run(['true'], { after: '1' });
    await home.run(['true'], { after: '2' });
    if (cancels) await home.cancel({ runs: ['1'] });
    for (const run of [2, 3])
      expect(await home.untilSettled(run)).toMatchObject({
        status: 'cancelled',
        stopReason: 'dependency_failed',
        errorCode: 'cancelled',
        startedAt: null,
      });
  });
});

describe('a lock', () => {
  it('is held by one run at a time, in the order of submission', async () => {
    const home = await createDaemonHome();
    for (const _ of [1, 2, 3]) await home.run(sleep, { locks: ['port'] });
    await (await home.process(1)).play([{ exit: 0 }]);
    await home.untilStatus(2, 'running');
    expect(await home.show(3)).toMatchObject({ status: 'queued', waitingFor: 'lock port is held by run 2' });
    await (await home.process(2)).play([{ exit: 0 }]);
    await home.untilStatus(3, 'running');
  });

  it('of a run is shared by the runs inside it', async () => {
    const home = await createDaemonHome();
    const { id } = await home.untilStatus(await home.run(sleep, { locks: ['K'] }), 'running');
    await home.untilStatus(await home.run(['true'], { locks: ['K'], parentRunId: id }), 'succeeded');
  });

  it('of a run is not shared by a run inside an unrelated one', async () => {
    const home = await createDaemonHome();
    await home.untilStatus(await home.run(sleep, { locks: ['K'] }), 'running');
    const { id } = await home.untilStatus(await home.run(sleep), 'running');
    const inner = await home.run(['true'], { locks: ['K'], parentRunId: id });
    await home.untilWaiting(inner, 'lock K is held by run 1');
    await (await home.process(1)).play([{ exit: 0 }]);
    await home.untilStatus(inner, 'succeeded');
  });
});

describe('a run inside a run', () => {
  it('takes no slot of its own', async () => {
    const home = await createDaemonHome({ max_runs: 2 });
    const { id } = await home.untilStatus(await home.run(sleep), 'running');
    const inner = await home.untilStatus(await home.run(sleep, { parentRunId: id }), 'running');
    expect(inner.parentRunId).toBe(id);
    await home.untilStatus(await home.run(sleep), 'running');
    await home.untilWaiting(await home.run(['true']), 'all 2 slots are taken (max_runs)');
  });

  it('is allowed three levels deep, and a fourth level is refused', async () => {
    const home = await createDaemonHome();
    let parentRunId: string | null = null;
    for (let level = 0; level <= 3; level += 1)
      parentRunId = (await home.untilStatus(await home.run(sleep, { parentRunId }), 'running')).id;
    const request = { command: sleep, cwd: home.work, env: home.environment, parentRunId };
    expect((await home.refused('POST', '/runs', request)).message).toContain('3 is the limit');
  });

  it('outlives a canceled parent, and ends when the tree is canceled', async () => {
    const home = await createDaemonHome();
    for (const _ of [1, 2]) {
      const { id } = await home.untilStatus(await home.run(sleep), 'running');
      await home.untilStatus(await home.run(sleep, { parentRunId: id }), 'running');
    }
    await home.cancel({ runs: ['1'] });
    await home.cancel({ runs: ['3'], tree: true });
    for (const run of [1, 3, 4]) await home.untilStatus(run, 'cancelled');
    expect((await home.show(2)).status).toBe('running');
  });

  it('is refused a wait for the run that it is a part of', async () => {
    const home = await createDaemonHome();
    await home.run(sleep);
    const process = await home.process(1);
    await home.run(['true'], { after: '1' });
    for (const [run, sentence] of [
      [1, 'A wait for run 1 would never be over: this command is a part of it.'],
      [2, 'A wait for run 2 would never be over: it starts after run 1, which this command is a part of.'],
    ] as const)
      expect((await home.refused('GET', `/wait?run=${run}`, undefined, asRun(process))).message).toBe(sentence);
  });
});
