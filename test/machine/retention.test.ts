import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { ask } from '../support/api.ts';
import { configure } from '../support/config.ts';
import { deep } from '../support/deep.ts';
import { agent, createHome, type TestHome } from '../support/home.ts';
import { until } from '../support/until.ts';

const atOnce = '[logs]\ncompress_after_min = 0\n';
const block = 200_000;
const noise = ['--', 'head', '-c', String(block), '/dev/urandom'];
/** Returns a limit that has room for this many logs of random bytes. */
const roomFor = (logs: number) => `${atOnce}size_max_gb = ${((logs + 0.5) * block) / 2 ** 30}\n`;

const filesOf = (home: TestHome, id: string) =>
  readdirSync(join(home.folder, 'runs', id)).filter((name) => name.includes('.log'));
const untilArchived = (home: TestHome, number: number) =>
  until(`the logs of run ${number} are archived`, () => {
    const database = new Database(join(home.folder, 'clip.db'), { readonly: true });
    try {
      return database.prepare('select 1 from archived_logs where run = ?').get(number);
    } finally {
      database.close();
    }
  });
const untilRemoved = (home: TestHome, number: number) =>
  until(`the logs of run ${number} are removed`, async () => {
    const run = await home.show(number);
    return run.logsRemovedAt === null || filesOf(home, run.id).length > 0 ? null : run;
  });

async function finished(home: TestHome, args: readonly string[]): Promise<number> {
  const number = await home.submit(args);
  await home.clip(['wait', String(number)]);
  return number;
}

describe('the log of an ended run', () => {
  it('is compressed, and read as before: whole, in part, and followed', deep, async () => {
    const home = createHome();
    configure(home, atOnce);
    const number = await finished(home, ['--', process.execPath, agent('floods.mjs'), '300000']);
    const before = await home.clip(['logs', '--raw', String(number)]);
    const run = await until('the log is compressed', async () => {
      const now = await home.show(number);
      return now.stdoutPath.endsWith('.gz') ? now : null;
    });
    expect(filesOf(home, run.id)).toEqual(['stderr.log', 'stdout.log.gz']);
    expect(statSync(run.stdoutPath).mode & 0o777).toBe(0o600);
    expect(statSync(run.stdoutPath).size).toBeLessThan(30_000);
    expect(run.stdoutBytes).toBe(300_000);
    const whole = before.stdout;
    expect(whole).toHaveLength(300_000);
    expect((await home.clip(['logs', '--raw', String(number)])).stdout).toBe(whole);
    expect((await home.clip(['logs', '-f', '--raw', String(number)])).stdout).toBe(whole);
    const lines = whole.split('\n');
    expect((await home.clip(['logs', '--raw', '-n', '3', String(number)])).stdout).toBe(lines.slice(-3).join('\n'));
    expect((await home.clip(['logs', '--raw', '-n', '0', String(number)])).stdout).toBe('');
    expect((await ask(home.folder, `/v1/runs/${number}/logs?offset=299990`)).text).toBe(whole.slice(299_990));
    const followed = (await ask(home.folder, `/v1/runs/${number}/logs?offset=299990&follow=true`)).text;
    expect(Buffer.from(JSON.parse(followed.split('\n')[0] ?? '').data, 'base64').toString()).toBe(whole.slice(299_990));
  });

  it('that is small, or would not shrink, stays as it is', deep, async () => {
    const home = createHome();
    configure(home, atOnce);
    const small = await finished(home, ['--', 'echo', 'hello']);
    const random = await finished(home, noise);
    for (const number of [small, random]) {
      await untilArchived(home, number);
      expect(filesOf(home, (await home.show(number)).id)).toEqual(['stderr.log', 'stdout.log']);
    }
    expect((await home.clip(['logs', String(small)])).stdout).toBe('hello\n');
  });

  it('is not compressed within an hour of a write, nor during the run', deep, async () => {
    const home = createHome();
    const ended = await finished(home, ['--', process.execPath, agent('floods.mjs'), '300000']);
    await home.clip(['daemon', 'stop']);
    configure(home, atOnce);
    const living = await home.submit(['--', 'sh', '-c', `head -c 300000 /dev/zero; while :; do sleep 0.1; done`]);
    await until('the other log is compressed', async () => (await home.show(ended)).stdoutPath.endsWith('.gz'));
    const run = await home.show(living);
    expect(filesOf(home, run.id)).toEqual(['stderr.log', 'stdout.log']);
    expect(run.status).toBe('running');
    await home.clip(['cancel', '--now', String(living)]);
  });
});

describe('logs above the total limit', () => {
  it('are removed, the oldest first, as their runs show', deep, async () => {
    const home = createHome();
    configure(home, roomFor(2));
    const numbers: number[] = [];
    for (let n = 0; n < 4; n += 1) numbers.push(await finished(home, noise));
    const gone = await untilRemoved(home, 2);
    await untilRemoved(home, 1);
    expect(filesOf(home, (await home.show(3)).id)).toContain('stdout.log');
    expect(gone.stdoutBytes).toBe(block);
    expect((await home.clip(['runs', '--json'])).stdout.match(/"number":/g)).toHaveLength(4);
    const logs = await home.clip(['logs', '2']);
    expect(logs.stdout).toBe('');
    expect(logs.stderr).toMatch(/^The logs of run 2 were removed on \d{4}-\d\d-\d\d, being too old or too many/);
    expect((await home.clip(['show', '2'])).stdout).toMatch(/logs +removed on \d{4}-/);
    expect((await ask(home.folder, '/v1/runs/2/logs')).status).toBe(404);
    expect((await home.history(2)).map(({ type }) => type)).toContain('logs-removed');
    expect((await home.clip(['doctor'])).stdout).toMatch(
      /logs +391 KiB of 2 ended runs are put away \(at most 488 KiB, and 90 days\)/,
    );
  });

  it("never include a task's newest run: the next oldest is removed", async () => {
    const home = createHome();
    configure(home, roomFor(1));
    await home.clip(['task', 'add', 'One']);
    await finished(home, ['--task', 'T1', ...noise]);
    const newest = await finished(home, ['--task', 'T1', ...noise]);
    await finished(home, noise);
    await untilRemoved(home, 1);
    await untilRemoved(home, 3);
    expect(filesOf(home, (await home.show(newest)).id)).toContain('stdout.log');
  });
});

describe('logs above the age limit', () => {
  it('are removed after ninety days', deep, async () => {
    const home = createHome();
    configure(home, atOnce);
    for (let n = 0; n < 2; n += 1) await untilArchived(home, await finished(home, noise));
    await home.clip(['daemon', 'stop']);
    const database = new Database(join(home.folder, 'clip.db'));
    database.prepare('update archived_logs set ended_at = ended_at - ? where run = 1').run(91 * 24 * 60 * 60_000);
    database.close();
    await finished(home, ['--', 'true']);
    await untilRemoved(home, 1);
    expect(existsSync((await home.show(2)).stdoutPath)).toBe(true);
  });
});

describe('the output of an agent without a stream', () => {
  it("reaches its task's next run from a compressed log", deep, async () => {
    const home = createHome();
    configure(home, atOnce);
    await home.clip(['agent', 'add', 'speaker', '--adapter', 'plain', '--command', agent('says-much.sh')]);
    await home.clip(['task', 'add', 'One', '--assign', 'speaker']);
    const run = await home.untilStatus(1, 'succeeded');
    await until('the log is compressed', () => filesOf(home, run.id).includes('stdout.log.gz'));
    await untilArchived(home, 1);
    await home.clip(['task', 'comment', 'T1', 'Look again.']);
    expect((await home.clip(['handoff', 'T1'])).stdout).toContain('The parser reads it now.');
  });
});

describe('clip prune', () => {
  it('deletes ended runs by age and number, as rm does, and lists them before', deep, async () => {
    const home = createHome();
    for (let n = 0; n < 4; n += 1) await finished(home, ['--', 'true']);
    const living = await home.submit(['--', 'sleep', '1000']);
    expect((await home.clip(['prune'])).code).toBe(2);
    expect((await home.clip(['prune', '--older-than', '1h'])).stdout).toBe('No ended run fits: nothing is deleted.\n');
    expect((await home.clip(['prune', '--keep', '1', '--dry-run'])).stdout).toBe('3 runs would be deleted: 1, 2, 3.\n');
    expect(readdirSync(join(home.folder, 'runs'))).toHaveLength(5);
    expect(await home.json(['prune', '--keep', '1', '--json'])).toEqual({
      schema: 1,
      dryRun: false,
      removed: 3,
      runs: [1, 2, 3],
    });
    expect(readdirSync(join(home.folder, 'runs'))).toHaveLength(2);
    expect((await home.clip(['show', '2'])).stderr).toContain('Run 2 was removed.');
    expect((await home.clip(['prune', '--keep', '0'])).stdout).toBe('1 run was deleted: 4.\n');
    expect((await home.show(living)).status).toBe('running');
    expect(await finished(home, ['--', 'true'])).toBe(6);
    await home.clip(['cancel', '--now', String(living)]);
  });

  it('leaves a task its newest run', deep, async () => {
    const home = createHome();
    await home.clip(['task', 'add', 'One']);
    for (let n = 0; n < 2; n += 1) await finished(home, ['--task', 'T1', '--', 'true']);
    expect((await home.clip(['prune', '--keep', '0'])).stdout).toBe('1 run was deleted: 1.\n');
  });

  it('deletes thousands of runs without delaying other requests', deep, async () => {
    const home = createHome();
    const file = join(home.base, 'batch');
    const lines = Array.from({ length: 1_000 }, () => JSON.stringify({ command: ['true'] }));
    writeFileSync(file, lines.join('\n'));
    await home.clip(['run', '--batch', file, '-q', '--wait']);
    const pruned = home.json<{ removed: number }>(['prune', '--keep', '10', '--json']);
    expect((await home.clip(['runs', '--limit', '1'])).code).toBe(0);
    expect((await pruned).removed).toBe(990);
    expect(readFileSync(join(home.folder, 'daemon.log'), 'utf8')).not.toContain('"level":"error"');
  });
});
