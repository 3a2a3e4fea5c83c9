import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { EventView } from '#protocol/answers.ts';
import { configure } from '../support/config.ts';
import { deep } from '../support/deep.ts';
import { createHome, type TestHome } from '../support/home.ts';
import { until } from '../support/until.ts';

const linesOf = (text: string) => text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
const eventsOf = async (home: TestHome, ...args: string[]): Promise<EventView[]> =>
  linesOf((await home.clip(['events', ...args])).stdout);

describe('a run --after another', () => {
  it('starts when the other one has succeeded', deep, async () => {
    const home = createHome();
    await home.submit(['--name', 'build', '--', 'sh', '-c', `while [ ! -e go ]; do sleep 0.02; done`]);
    await home.submit(['--after', 'build', '--', 'true']);
    const waiting = await home.untilStatus(2, 'queued');
    expect(waiting.waitingFor).toContain('run 1 must succeed first');
    writeFileSync(join(home.base, 'go'), '');
    expect((await home.clip(['wait', '2'])).code).toBe(0);
    expect((await home.clip(['run', '--wait', '--after', '1', '--', 'true'])).code).toBe(0);
  });

  it('starts when the other one, having succeeded, was removed meanwhile', deep, async () => {
    const home = createHome();
    await home.submit(['--', 'true']);
    await home.clip(['wait', '1']);
    await home.clip(['queue', 'hold']);
    await home.submit(['--after', '1', '--', 'true']);
    await home.clip(['rm', '1']);
    await home.clip(['queue', 'release']);
    await home.clip(['wait', '2']);
    expect(await home.show(2)).toMatchObject({ status: 'succeeded', stopReason: 'completed' });
  });

  it.each<[how: string, run: string[], order: string[] | null]>([
    ['failed', ['--', 'false'], null],
    ['timed out', ['--timeout', '100ms', '--', 'sleep', '1000'], null],
    ['was canceled', ['--', 'sleep', '1000'], ['cancel', '1']],
  ])('is canceled with dependency_failed when the other one %s', deep, async (_, run, order) => {
    const home = createHome();
    await home.submit(run);
    await home.submit(['--after', '1', '--', 'true']);
    await home.submit(['--after', '2', '--', 'true']);
    if (order) await home.clip(order);
    expect((await home.clip(['wait', '2', '3'])).code).toBe(130);
    for (const number of [2, 3])
      expect(await home.show(number)).toMatchObject({
        status: 'cancelled',
        stopReason: 'dependency_failed',
        errorCode: 'cancelled',
        startedAt: null,
      });
  });
});

describe('the queue', () => {
  it('starts runs by priority, then by submission, as many as there are slots', deep, async () => {
    const home = createHome();
    configure(home, 'max_runs = 1\n');
    await home.clip(['queue', 'hold']);
    const priorities = [0, 5, -1, 5, 0];
    for (const priority of priorities) await home.submit(['--priority', String(priority), '--', 'true']);
    await home.clip(['queue', 'release']);
    await home.clip(['wait', '1', '2', '3', '4', '5']);
    const started = (await eventsOf(home)).filter(({ type }) => type === 'spawned').map(({ run }) => run);
    expect(started).toEqual([2, 4, 1, 5, 3]);
  });

  it('shows what a run waits for: a slot, a lock, its group', deep, async () => {
    const home = createHome();
    configure(home, 'max_runs = 2\n');
    await home.clip(['group', 'pause', 'shut']);
    await home.submit(['--lock', 'port', '--', 'sleep', '1000']);
    await home.untilStatus(1, 'running');
    await home.submit(['--lock', 'port', '--', 'true']);
    expect((await home.show(2)).waitingFor).toBe('lock port is held by run 1');
    await home.submit(['--group', 'shut', '--', 'true']);
    expect((await home.show(3)).waitingFor).toBe('group shut is paused: clip group resume shut');
    await home.submit(['--', 'sleep', '1000']);
    await home.untilStatus(4, 'running');
    await home.submit(['--', 'true']);
    expect((await home.show(5)).waitingFor).toBe('all 2 slots are taken (max_runs)');
    await home.clip(['group', 'resume', 'shut']);
    await home.clip(['cancel', '1', '4']);
    expect((await home.clip(['wait', '2', '3', '5'])).code).toBe(0);
  });

  it('keeps to the limit of a group, while runs of other groups start', deep, async () => {
    const home = createHome();
    configure(home, 'max_runs = 8\n');
    expect((await home.clip(['group', 'set', 'gpu', '--limit', '1'])).stdout).toBe('Group gpu: 1 at a time, open.\n');
    await home.submit(['--group', 'gpu', '--', 'sleep', '1000']);
    await home.submit(['--group', 'gpu', '--', 'sleep', '1000']);
    await home.untilStatus(1, 'running');
    expect((await home.clip(['run', '--wait', '--group', 'other', '--', 'true'])).code).toBe(0);
    expect(await home.show(2)).toMatchObject({ status: 'queued', waitingFor: 'group gpu runs 1 at a time' });
    await home.clip(['group', 'set', 'gpu', '--limit', 'none']);
    await home.untilStatus(2, 'running');
  });

  it('that is held starts nothing until its release, despite a restart', deep, async () => {
    const home = createHome();
    await home.clip(['queue', 'hold']);
    await home.submit(['--', 'true']);
    await home.clip(['daemon', 'restart']);
    expect((await home.clip(['status'])).stdout).toContain('the queue is held');
    expect((await home.show(1)).status).toBe('queued');
    expect((await home.clip(['cancel', '1'])).stdout).toBe('Run 1 cancelled (it had not started).\n');
    await home.submit(['--', 'true']);
    await home.clip(['queue', 'release']);
    expect((await home.clip(['wait', '2'])).code).toBe(0);
  });
});

describe('the events', () => {
  it('are JSON lines in one sequence, and continue after a cursor', deep, async () => {
    const home = createHome();
    await home.clip(['run', '--wait', '--', 'true']);
    const all = await eventsOf(home);
    expect(all.map(({ type }) => type)).toEqual([
      'admitted',
      'slot-granted',
      'spawned',
      'exited',
      'step-done',
      'step-done',
    ]);
    expect(all.map(({ seq }) => seq)).toEqual([...all.keys()].map((index) => index + 1));
    expect(await eventsOf(home, '--since', '4')).toEqual(all.slice(4));
    expect(await eventsOf(home, '--since', '999')).toEqual([]);
  });

  it('are followed across a restart of the daemon, with none missed and none repeated', deep, async () => {
    const home = createHome();
    await home.clip(['run', '--wait', '--', 'true']);
    const follower = home.start(['events', '-f', '--since', '2']);
    let text = '';
    follower.stdout?.on('data', (chunk) => {
      text += chunk;
    });
    await until('the follower is connected', () => text.includes('step-done'));
    await home.clip(['daemon', 'restart']);
    await home.clip(['run', '--wait', '--', 'true']);
    const all = await eventsOf(home, '--since', '2');
    await until(
      'the follower has received all events',
      () => linesOf(text.slice(0, text.lastIndexOf('\n') + 1)).length >= all.length,
    );
    expect(linesOf(text)).toEqual(all);
  });
});

describe('a batch', () => {
  it('admits the valid lines, names the invalid ones, and exits with 1', deep, async () => {
    const home = createHome();
    const lines = [
      '{"command":["sh","-c","echo $ONE $TWO"],"timeout":"90s","env":{"TWO":"line"},"group":"own"}',
      'not json',
      '{"command":[]}',
      '',
      '{"command":["true"],"nonsense":1}',
      '{"command":["true"],"timeout":"soon"}',
      '{"command":["true"],"name":"n"}',
      '{"command":["true"],"name":"n"}',
    ];
    writeFileSync(join(home.base, 'batch.jsonl'), lines.join('\n'));
    const options = [
      '--group',
      'default',
      '--label',
      'from=options',
      '--timeout',
      '1h',
      '--env',
      'ONE=options',
      '--env',
      'TWO=options',
    ];
    const result = await home.clip(['run', '--batch', 'batch.jsonl', ...options]);
    expect(result.code).toBe(1);
    const answers = linesOf(result.stdout);
    expect(answers.map(({ line, run, error }) => [line, run?.number ?? error.code])).toEqual([
      [1, 1],
      [2, 'usage'],
      [3, 'usage'],
      [5, 'usage'],
      [6, 'usage'],
      [7, 2],
      [8, 'name_taken'],
    ]);
    expect(answers[0].run).toMatchObject({ group: 'own', labels: { from: 'options' }, effectiveTimeoutSec: 90 });
    expect(answers[5].run).toMatchObject({
      group: 'default',
      labels: { from: 'options' },
      effectiveTimeoutSec: 3_600,
      cwd: home.base,
    });
    await home.clip(['wait', '1', '2']);
    expect((await home.clip(['logs', '1'])).stdout).toBe('options line\n');
  });

  it('with --wait prints a line for each end, and has the first code above 0', deep, async () => {
    const home = createHome();
    const lines = [0, 6, 7].map((code) => JSON.stringify({ command: ['sh', '-c', `exit ${code}`] }));
    const result = await home.clip(['run', '--wait', '--batch', '-'], { input: lines.join('\n') });
    expect(result.code).toBe(6);
    const answers = linesOf(result.stdout);
    expect(answers.slice(0, 3).map(({ line, run }) => [line, run.number])).toEqual(
      [1, 2, 3].map((number) => [number, number]),
    );
    const ended = answers.slice(3).map(({ run }) => [run.number, run.exitCode]);
    expect(ended.sort()).toEqual([
      [1, 0],
      [2, 6],
      [3, 7],
    ]);
  });

  it('of thousands of runs is admitted, canceled and waited for as a whole', deep, async () => {
    const home = createHome();
    await home.clip(['queue', 'hold']);
    const count = 3_000;
    const batch = await home.clip(['run', '--batch', '-'], { input: '{"command":["true"]}\n'.repeat(count) });
    expect([batch.code, linesOf(batch.stdout).length]).toEqual([0, count]);
    const cancelled = await home.clip(['cancel', '--all', '--json']);
    expect([cancelled.code, JSON.parse(cancelled.stdout).runs.length]).toEqual([0, count]);
    const all = linesOf((await home.clip(['runs', '--all', '--json'])).stdout)[0];
    expect(new Set(all.runs.map(({ status }: { status: string }) => status))).toEqual(new Set(['cancelled']));
  });

  it('of valid lines, or of none, exits with 0, and a missing file is named', async () => {
    const home = createHome();
    expect((await home.clip(['run', '--batch', '-'], { input: '{"command":["true"]}\n' })).code).toBe(0);
    expect(await home.clip(['run', '--batch', '-'], { input: '' })).toMatchObject({ code: 0, stdout: '' });
    const missing = await home.clip(['run', '--batch', 'nowhere.jsonl', '--json']);
    expect([missing.code, JSON.parse(missing.stderr).error.code]).toEqual([3, 'not_found']);
  });
});
