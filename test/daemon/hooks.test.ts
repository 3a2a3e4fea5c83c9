import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { codexSays } from '../support/agents.ts';
import { createDaemonHome } from '../support/daemon/daemon-home.ts';
import { agent } from '../support/home.ts';

const { session, words, done } = codexSays;
const writes = agent('writes-down-its-input.sh');
type Told = {
  event: string;
  run?: { number: number; status: string; exitCode: number | null };
  needs?: { task: number | null; what: string }[];
};

/** Returns settings with hooks that append their input to `file`, with their names. */
const hooksInto = (file: string, names: readonly string[]) => ({
  hooks: Object.fromEntries(names.map((name) => [name, [writes, file, name]])),
});

/** Starts a home whose hooks record their input. */
async function homeWith(names: readonly string[], settings = {}) {
  const home = await createDaemonHome();
  const file = join(home.base, 'told');
  await home.stop();
  await home.start({ max_runs: 4, ...settings, ...hooksInto(file, names) });
  const told = (name: string): Told[] =>
    (existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : []).flatMap((line) =>
      line.startsWith(`${name} `) ? [JSON.parse(line.slice(name.length + 1)) as Told] : [],
    );
  return { home, told };
}

describe('a hook', () => {
  it('gets each failed run once and in order, and the empty queue', async () => {
    const { home, told } = await homeWith(['failed', 'queue_empty']);
    for (const code of [3, 0, 4]) await home.run(['sh', '-c', `exit ${code}`]);
    await home.run(['sleep'], { timeoutMs: 1_000 });
    await home.untilStatus(4, 'timed_out');
    await home.until('both hooks were called', () => told('failed').length >= 3 && told('queue_empty').length >= 1);
    expect(told('failed').map(({ run }) => [run?.number, run?.status, run?.exitCode])).toEqual([
      [1, 'failed', 3],
      [3, 'failed', 4],
      [4, 'timed_out', null],
    ]);
    expect(told('failed')[0]).toMatchObject({
      schema: 1,
      event: 'failed',
      at: expect.stringMatching(/^2025-.*Z$/),
      run: { errorCode: 'exit_nonzero' },
      task: null,
    });
  });

  it('gets nothing from before it was configured', async () => {
    const home = await createDaemonHome();
    await home.untilSettled(await home.run(['false']));
    await home.stop();
    const file = join(home.base, 'told');
    await home.start(hooksInto(file, ['failed']));
    await home.run(['sh', '-c', 'exit 9']);
    await home.until('the hook was called', () => existsSync(file));
    expect(readFileSync(file, 'utf8').match(/"number":\d+/g)).toEqual(['"number":2']);
  });

  it('gets the first event of a home, although the daemon dies before its delivery', async () => {
    const { home, told } = await homeWith(['failed']);
    await home.untilStatus(await home.run(['sh', '-c', 'exit 3']), 'failed');
    expect(told('failed')).toEqual([]);
    await home.crash();
    await home.start();
    await home.until('the hook was called', () => told('failed').length === 1);
  });

  it('gets each event once although the daemon dies and runs end meanwhile', async () => {
    const { home, told } = await homeWith(['failed', 'queue_empty']);
    await home.untilStatus(await home.run(['sleep']), 'running');
    await home.run(['sh', '-c', 'exit 3']);
    await home.until('the hook was called for the second run', () => told('failed').length === 1);
    const process = await home.process(1);
    await home.stop();
    await process.play([{ exit: 9 }]);
    await home.start();
    await home.untilStatus(1, 'failed');
    await home.until('the hook was called for the first run', () => told('failed').length === 2);
    await home.until('the queue was empty', () => told('queue_empty').length === 1);
    await home.crash();
    await home.start();
    await home.run(['sh', '-c', 'exit 4']);
    await home.until('the hook was called for the third run', () => told('failed').length >= 3);
    await home.until('the queue was empty again', () => told('queue_empty').length >= 2);
    expect(told('failed').map(({ run }) => run?.exitCode)).toEqual([3, 9, 4]);
  });

  it('gets what needs a person, and nothing that a person has done', async () => {
    const { home, told } = await homeWith(['needs_you']);
    await home.addAgent('coder', [[session('s'), home.reports('done', 'finished'), done(1, 1), { exit: 0 }]]);
    await home.addTask({ assignee: null });
    await home.move(1, 'block', { reason: 'later' });
    for (const title of ['one', 'two']) await home.addTask({ title });
    const needs = () => told('needs_you').flatMap((each) => each.needs ?? []);
    await home.until('the hook was called for both tasks', () => needs().length >= 2);
    expect(
      needs()
        .map(({ task }) => task)
        .sort(),
    ).toEqual([2, 3]);
    expect(needs()[0]).toMatchObject({
      kind: 'task',
      title: 'one',
      status: 'in_review',
      next: expect.stringContaining('clip task done T2'),
    });
  });

  it('is told when a task has been continued as often as it may be', async () => {
    const { home, told } = await homeWith(['exhausted']);
    await home.addAgent('coder', [
      [session('s1'), words('I will look next, and then fix it.'), done(1, 1), { exit: 0 }],
    ]);
    await home.addTask();
    await home.atRest(1);
    await home.until('the hook was called', () => told('exhausted').length > 0);
    expect(told('exhausted')).toMatchObject([{ event: 'exhausted', task: { number: 1 } }]);
  });

  it('is told when a run was stopped by a budget', async () => {
    const { home, told } = await homeWith(['budget_reached']);
    await home.addAgent('coder', [[session('s1'), done(600, 0), words('On it.')]], { budgetRun: { tokens: 500 } });
    await home.untilSettled(await home.runAgent('coder'));
    await home.until('the hook was called', () => told('budget_reached').length > 0);
    expect(told('budget_reached')).toMatchObject([{ event: 'budget_reached', run: { number: 1 } }]);
  });

  it('that fails or is missing stops nothing else, and the log says why', async () => {
    const { home } = await homeWith([], {});
    await home.stop();
    const seen = join(home.base, 'seen');
    await home.start({
      hooks: {
        failed: ['sh', '-c', `env > ${seen}; echo sorry >&2; exit 7`],
        queue_empty: ['/no/such/program'],
      },
    });
    await home.untilSettled(await home.run(['false']));
    const failures = () => home.log.filter(({ message }) => message === 'hook failed').map(({ facts }) => facts['why']);
    await home.until('both are logged', () => failures().length === 2);
    expect(failures().sort()).toEqual(['it could not be started (ENOENT)', 'it ended with 7: sorry']);
    expect(readFileSync(seen, 'utf8')).not.toMatch(/^CLIP_(RUN_|ROLE|TASK|BIN)/m);
    expect(readFileSync(seen, 'utf8')).toContain(`CLIP_HOME=${home.home.folder}`);
    await home.untilSettled(await home.run(['true']));
  });

  it('gets no event that is older than an hour', async () => {
    const { home, told } = await homeWith(['failed']);
    await home.run(['sh', '-c', 'exit 2']);
    await home.until('the hook was called', () => told('failed').length === 1);
    await home.run(['sleep']);
    await (await home.process(2)).play([{ exit: 3 }]);
    await home.untilStatus(2, 'failed');
    // The events of a burst are told half a second later.
    await home.crash();
    home.clock.jump(2 * 60 * 60_000);
    await home.start();
    await home.run(['sh', '-c', 'exit 4']);
    await home.until('the hook was called', () => told('failed').some(({ run }) => run?.exitCode === 4));
    expect(told('failed').map(({ run }) => run?.exitCode)).toEqual([2, 4]);
    expect(home.log.filter(({ message }) => message === 'old events not delivered')).toHaveLength(1);
  });
});
