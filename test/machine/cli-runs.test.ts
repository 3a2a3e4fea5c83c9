import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunView } from '#protocol/answers.ts';
import { deep } from '../support/deep.ts';
import { createHome } from '../support/home.ts';

type Page = { runs: RunView[]; hidden: number | null; next: number | null };

describe('the list of runs', () => {
  it('is filtered by status, end, group, label and time', deep, async () => {
    const home = createHome();
    await home.submit(['--group', 'a', '--label', 'k=v', '--', 'true']);
    await home.submit(['--group', 'a', '--label', 'k=w', '--', 'false']);
    await home.submit(['--group', 'b', '--label', 'k=v', '--timeout', '100ms', '--', 'sleep', '1000']);
    await home.clip(['wait', '1', '2', '3']);
    await home.submit(['--label', 'x=a=b c', '--', 'sleep', '1000']);
    await home.untilStatus(4, 'running');
    const listed = async (...filters: string[]) =>
      (await home.json<Page>(['runs', '--json', ...filters])).runs.map(({ number }) => number);
    expect(await listed()).toEqual([4, 3, 2, 1]);
    expect(await listed('--status', 'succeeded')).toEqual([1]);
    expect(await listed('--status', 'succeeded', '--status', 'running')).toEqual([4, 1]);
    expect(await listed('--failed')).toEqual([3, 2]);
    expect(await listed('--live')).toEqual([4]);
    expect(await listed('--failed', '--live')).toEqual([4, 3, 2]);
    expect(await listed('--group', 'a')).toEqual([2, 1]);
    expect(await listed('--group', 'nobody')).toEqual([]);
    expect(await listed('--group', 'a', '--failed')).toEqual([2]);
    expect(await listed('--label', 'k=v')).toEqual([3, 1]);
    expect(await listed('--label', 'k=v', '--status', 'timed_out')).toEqual([3]);
    expect(await listed('--label', 'x=a=b c')).toEqual([4]);
    expect(await listed('--since', '1d')).toEqual([4, 3, 2, 1]);
    expect(await listed('--since', '1ms')).toEqual([]);
    expect(await listed('--since', '1d', '--group', 'b')).toEqual([3]);
  });

  it('shows 20 runs, counts the others, and continues before a given number', deep, async () => {
    const home = createHome();
    await home.clip(['queue', 'hold']);
    const lines = Array.from({ length: 25 }, (_, index) =>
      JSON.stringify({ command: ['true'], group: index < 24 ? 'most' : null }),
    );
    await home.clip(['run', '--batch', '-'], { input: `${lines.join('\n')}\n` });
    const first = await home.json<Page>(['runs', '--json']);
    expect(first.runs.map(({ number }) => number)).toEqual(Array.from({ length: 20 }, (_, index) => 25 - index));
    expect([first.hidden, first.next]).toEqual([5, 6]);
    const second = await home.json<Page>(['runs', '--json', '--before', String(first.next)]);
    expect(second.runs.map(({ number }) => number)).toEqual([5, 4, 3, 2, 1]);
    expect(second.next).toBe(null);
    const few = await home.json<Page>(['runs', '--json', '--limit', '3', '--group', 'most']);
    expect([few.runs.map(({ number }) => number), few.hidden, few.next]).toEqual([[24, 23, 22], 21, 22]);
    const all = await home.json<Page>(['runs', '--json', '--all']);
    expect([all.runs.length, all.next]).toEqual([25, null]);
    const table = await home.clip(['runs']);
    expect(table.stderr).toBe('5 older runs are not shown: --limit N, --before 6, or --all\n');
    expect(table.stdout.trimEnd().split('\n')).toHaveLength(21);
  });

  it('is empty, also as JSON, when there are no runs', deep, async () => {
    const home = createHome();
    expect(await home.json(['runs', '--json'])).toEqual({ schema: 1, runs: [], hidden: 0, next: null });
    const table = await home.clip(['runs']);
    expect([table.code, table.stdout]).toEqual([0, '']);
    expect(table.stderr).toContain('clip run --');
  });
});

describe('a run', () => {
  it('is found by its number, its id, a unique prefix of its id, its name, and @last', deep, async () => {
    const home = createHome();
    await home.submit(['--name', 'first', '--', 'true']);
    await home.submit(['--', 'true']);
    const { id } = await home.show(1);
    for (const ref of ['1', id, id.slice(0, 9), 'first']) expect((await home.show(ref)).number).toBe(1);
    expect((await home.show('@last')).number).toBe(2);
    const ambiguous = await home.clip(['show', 'r', '--json']);
    expect([ambiguous.code, JSON.parse(ambiguous.stderr).error.code]).toEqual([3, 'ambiguous']);
    for (const ref of ['3', '01x', '@first', 'nobody', `${id}x`])
      expect([ref, (await home.clip(['show', ref])).code]).toEqual([ref, 3]);
  });

  it('shares its name with no other live run, only with ended ones', deep, async () => {
    const home = createHome();
    await home.submit(['--name', 'server', '--', 'sleep', '1000']);
    const second = await home.clip(['run', '--name', 'server', '--', 'true']);
    expect([second.code, second.stdout]).toEqual([5, '']);
    expect(second.stderr).toBe(
      'clip: The name server is taken by run 1.\n      Choose another name, or wait until that run has ended.\n',
    );
    await home.clip(['cancel', 'server']);
    await home.submit(['--name', 'server', '--', 'sleep', '1000']);
    expect((await home.show('server')).number).toBe(2);
    await home.clip(['cancel', 'server']);
    expect((await home.show('server')).number).toBe(2);
  });

  it('is retried as a new run of the same command, linked to the first', deep, async () => {
    const home = createHome();
    const marks = ['--label', 'k=v', '--group', 'g', '--priority', '3', '--timeout', '1h', '--name', 'n'];
    await home.submit([...marks, '--env', 'GIVEN=first', '--', 'sh', '-c', 'echo "$GIVEN"; exit 4']);
    await home.clip(['wait', '1']);
    const [retry] = (await home.json<Page>(['retry', '1', '--json', '--env', 'GIVEN=second'])).runs;
    const first = await home.show(1);
    const same = ({ command, cwd, labels, group, priority, effectiveTimeoutSec, timeoutSource, name }: RunView) => [
      ...[command, cwd, labels, group, priority, effectiveTimeoutSec, timeoutSource, name],
    ];
    expect(same(retry as RunView)).toEqual(same(first));
    expect(retry).toMatchObject({ number: 2, retryOfRunId: first.id, retryReason: 'manual', processLossRetryCount: 0 });
    expect(first.retryOfRunId).toBe(null);
    expect((await home.clip(['wait', '2'])).code).toBe(4);
    expect((await home.clip(['logs', '2'])).stdout).toBe('second\n');
    expect((await home.clip(['retry', '2'])).stdout).toBe('3\n');
    expect((await home.show(3)).retryOfRunId).toBe((await home.show(2)).id);
  });

  it('is retried once for one key, however often, and never for the key of another run', deep, async () => {
    const home = createHome();
    await home.submit(['--key', 'first', '--', 'true']);
    await home.clip(['wait', '1']);
    const numbers = await Promise.all(
      [1, 2, 3].map(async () => (await home.clip(['retry', '1', '-q', '--key', 'again'])).stdout),
    );
    expect(numbers).toEqual(['2\n', '2\n', '2\n']);
    const conflict = await home.clip(['retry', '1', '--key', 'first']);
    expect([conflict.code, conflict.stderr]).toEqual([
      5,
      expect.stringContaining('The key first was used by run 1, which is no retry of run 1.'),
    ]);
  });

  it('that was removed keeps its number and its key reserved', deep, async () => {
    const home = createHome();
    await home.submit(['--key', 'once', '--name', 'n', '--', 'true']);
    await home.clip(['wait', '1']);
    const { id } = await home.show(1);
    expect(existsSync(join(home.folder, 'runs', id))).toBe(true);
    const removed = await home.clip(['rm', '1', '--json']);
    expect([removed.code, JSON.parse(removed.stdout)]).toEqual([0, { schema: 1, removed: [1] }]);
    expect(existsSync(join(home.folder, 'runs', id))).toBe(false);
    for (const ref of ['1', id, 'n']) expect((await home.clip(['show', ref])).code).toBe(3);
    expect((await home.clip(['show', '1'])).stderr).toContain('Run 1 was removed.');
    const left = (await home.clip(['events'])).stdout.split('\n').filter((line) => line.includes(id));
    expect(left.map((line) => JSON.parse(line).type)).toEqual(['removed']);
    await home.clip(['daemon', 'restart']);
    expect(await home.submit(['--', 'true'])).toBe(2);
    const again = await home.clip(['run', '--key', 'once', '--', 'true']);
    expect([again.code, again.stdout]).toEqual([5, '']);
    expect(again.stderr).toContain('The key once was used by a run that was removed.');
  });

  it('that is live can be neither removed nor retried', deep, async () => {
    const home = createHome();
    await home.submit(['--', 'sleep', '1000']);
    for (const verb of ['rm', 'retry']) {
      const result = await home.clip([verb, '1']);
      expect([result.code, result.stdout]).toEqual([5, '']);
      expect(result.stderr).toMatch(/^clip: Run 1 is .*only an ended run can be/);
    }
  });

  it('is submitted once for one key, however often the key is sent', async () => {
    const home = createHome();
    expect(await home.submit(['--key', 'k', '--label', 'a=1', '--label', 'b=2', '--', 'sh', '-c', 'exit 3'])).toBe(1);
    const again = await home.clip([
      'run',
      '--key',
      'k',
      '--label',
      'b=2',
      '--label',
      'a=1',
      '--',
      'sh',
      '-c',
      'exit 3',
    ]);
    expect([again.code, again.stdout]).toEqual([0, '1\n']);
    expect(again.stderr).toContain('this is run 1, and nothing new was started');
    // The result is the same as on the first submit, and also after the end.
    for (let i = 0; i < 2; i += 1)
      expect(
        (
          await home.clip([
            'run',
            '--wait',
            '--key',
            'k',
            '--label',
            'a=1',
            '--label',
            'b=2',
            '--',
            'sh',
            '-c',
            'exit 3',
          ])
        ).code,
      ).toBe(3);
    for (const other of [
      ['--', 'sh', '-c', 'exit 4'],
      ['--timeout', '1h', '--label', 'a=1', '--label', 'b=2', '--', 'sh', '-c', 'exit 3'],
    ]) {
      const result = await home.clip(['run', '--key', 'k', '--json', ...other]);
      expect([result.code, JSON.parse(result.stderr).error.code]).toEqual([5, 'key_conflict']);
    }
    const crowd = await Promise.all(
      Array.from({ length: 8 }, () => home.clip(['run', '-q', '--key', 'crowd', '--', 'true'])),
    );
    expect(crowd.map(({ stdout }) => stdout)).toEqual(crowd.map(() => '2\n'));
    expect((await home.json<Page>(['runs', '--json'])).runs).toHaveLength(2);
  });
});
