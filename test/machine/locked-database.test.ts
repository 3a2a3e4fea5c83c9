import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { databaseOf } from '../support/damage-database.ts';
import { deep } from '../support/deep.ts';
import { agent, createHome, isAlive, type TestHome } from '../support/home.ts';
import { until } from '../support/until.ts';

/** Opens a transaction in another process, for writing or reading, until `end` is called. */
function hold(home: TestHome, how: 'BEGIN IMMEDIATE' | 'BEGIN'): { end: () => void } {
  const other = new Database(databaseOf(home));
  other.exec(how);
  other.prepare('SELECT count(*) FROM events').get();
  return {
    end: () => {
      if (other.open) {
        other.exec('ROLLBACK');
        other.close();
      }
    },
  };
}

describe('A locked database', () => {
  it('delays no read, and every change is made once it is free', deep, async () => {
    const home = createHome();
    const gate = `${home.base}/gate`;
    const live = await home.submit(['--', agent('waits-for-a-file.sh'), gate]);
    await home.untilStatus(live, 'running');
    const other = hold(home, 'BEGIN IMMEDIATE');
    const submitted = home.clip(['run', '-q', '--', 'true']);
    const cancelled = home.clip(['cancel', String(live)]);
    for (let asked = 0; asked < 5; asked += 1) {
      const begun = Date.now();
      expect((await home.clip(['status', '--json'])).code).toBe(0);
      // Each refused change used to block the daemon for five seconds.
      expect(Date.now() - begun).toBeLessThan(4_000);
    }
    other.end();
    expect([(await submitted).code, (await cancelled).code]).toEqual([0, 0]);
    expect(await home.show(live)).toMatchObject({ status: 'cancelled' });
    await home.untilStatus(2, 'succeeded');
  });

  it('loses no end of a run, and prolongs no time limit', deep, async () => {
    const home = createHome();
    const gate = `${home.base}/gate`;
    const ends = await home.submit(['--', 'sh', '-c', `while [ ! -e ${gate} ]; do sleep 0.05; done; exit 7`]);
    const limited = await home.submit(['--timeout', '3s', '--grace', '1s', '--', 'sleep', '600']);
    await home.untilStatus(ends, 'running');
    await home.untilStatus(limited, 'running');
    const other = hold(home, 'BEGIN IMMEDIATE');
    const pid = (await home.show(ends)).processPid as number;
    await home.clip(['run', '-q', '--', 'true'], { env: { CLIP_NO_SPAWN: '1' } }).catch(() => null);
    writeFileSync(gate, '');
    await until('the process is gone', () => !isAlive(pid));
    other.end();
    expect(await home.untilStatus(ends, 'failed')).toMatchObject({ exitCode: 7 });
    expect(await home.untilStatus(limited, 'timed_out')).toMatchObject({ timeoutFired: true });
    expect((await home.history(limited)).map(({ type }) => type)).not.toContain('clock-jumped');
  });

  it('is named in the error of a client that waited, without a change', deep, async () => {
    const home = createHome();
    await home.clip(['daemon', 'start']);
    const other = hold(home, 'BEGIN IMMEDIATE');
    const refused = await home.clip(['run', '-q', '--', 'true']);
    other.end();
    expect(refused).toMatchObject({ code: 7, stdout: '' });
    expect(refused.stderr).toContain('Another program holds the database of this home locked.');
    expect((await home.clip(['runs', '--json'])).stdout).toContain('"runs":[]');
  });
});

describe('A daemon with a locked database', () => {
  it('stays up at a silence limit, and stops the run later', deep, async () => {
    const home = createHome();
    const number = await home.submit(['--silence', '1s', '--grace', '500ms', '--', 'sleep', '600']);
    await home.untilStatus(number, 'running');
    const daemon = home.daemonPid();
    const other = hold(home, 'BEGIN IMMEDIATE');
    const failures = () =>
      readFileSync(join(home.folder, 'daemon.log'), 'utf8')
        .split('\n')
        .filter((line) => line.includes('database is locked'));
    await until('the daemon could not record the stop', () => failures().length > 0);
    other.end();
    expect(await home.untilStatus(number, 'cancelled', 'failed', 'timed_out')).toMatchObject({ stopReason: 'silence' });
    expect(home.daemonPid()).toBe(daemon);
  });

  it('records a start and an end that were reported meanwhile', async () => {
    const home = createHome();
    await home.clip(['run', '--wait', '-q', '--', 'true']);
    const [keeper = 0] = home.pidsOf('keeper');
    process.kill(keeper, 'SIGSTOP');
    const number = await home.submit(['--', 'sh', '-c', 'exit 7']);
    const other = hold(home, 'BEGIN IMMEDIATE');
    process.kill(keeper, 'SIGCONT');
    const { id } = await home.show(number);
    await until('its keeper has written the end', () => existsSync(join(home.folder, 'runs', id, 'exit.json')));
    await until('the daemon could not record it', () =>
      readFileSync(join(home.folder, 'daemon.log'), 'utf8').includes('keeper notices could not be recorded'),
    );
    other.end();
    expect(await home.untilStatus(number, 'failed')).toMatchObject({ exitCode: 7, startedAt: expect.any(String) });
  });

  it('leaves no variables of an agent that could not be added', deep, async () => {
    const home = createHome();
    await home.clip(['agent', 'add', 'kept', '--adapter', 'plain', '--command', 'true', '--env', 'SECRET_TOKEN=one']);
    const other = hold(home, 'BEGIN IMMEDIATE');
    const refused = [
      home.clip(['agent', 'add', 'new', '--adapter', 'plain', '--command', 'true', '--env', 'SECRET_TOKEN=two']),
      home.clip(['agent', 'edit', 'kept', '--env', 'SECRET_TOKEN=three']),
    ];
    expect((await Promise.all(refused)).map(({ code }) => code)).toEqual([7, 7]);
    other.end();
    const folder = join(home.folder, 'agents');
    const stored = readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as unknown);
    expect(stored).toEqual([{ SECRET_TOKEN: 'one' }]);
  });

  it('is started by the command that needs it once it is free', deep, async () => {
    const home = createHome();
    await home.clip(['daemon', 'start']);
    await home.clip(['daemon', 'stop']);
    const other = hold(home, 'BEGIN IMMEDIATE');
    const run = home.clip(['run', '--wait', '--', 'sh', '-c', 'exit 9']);
    await until('a start has failed', () =>
      readFileSync(join(home.folder, 'daemon.log'), 'utf8').includes('daemon failed to start'),
    );
    other.end();
    expect((await run).code).toBe(9);
  });
});

describe('The write-ahead log', () => {
  it('that grew under a long reader is truncated after that reader', deep, async () => {
    const home = createHome();
    await home.clip(['run', '-q', '-w', '--', 'true']);
    const log = `${databaseOf(home)}-wal`;
    const other = hold(home, 'BEGIN');
    const lines = (count: number) =>
      Array.from({ length: count }, () => JSON.stringify({ command: ['true'], labels: { l: 'x'.repeat(150) } })).join(
        '\n',
      );
    await home.clip(['queue', 'hold']);
    for (let round = 0; round < 30 && statSync(log).size < 40 * 2 ** 20; round += 1)
      await home.clip(['run', '--batch', '-', '-q'], { input: lines(1_000) });
    expect(statSync(log).size).toBeGreaterThan(30 * 2 ** 20);
    other.end();
    await until('the log is small again', async () => {
      await home.clip(['run', '--batch', '-', '-q'], { input: lines(500) });
      return statSync(log).size <= 16 * 2 ** 20;
    });
  });
});
