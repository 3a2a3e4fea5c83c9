import { statSync, writeFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { databaseOf } from '../support/damage-database.ts';
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

describe('A database that another program has locked for writing', () => {
  it('delays no request that reads, and every change is made once the database is free', async () => {
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

  it('loses no end of a run, and prolongs no time limit as if the machine had slept', async () => {
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

  it('for longer than a client waits is named in the error, and nothing was changed', async () => {
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

describe('The write-ahead log of the database', () => {
  it('that has grown under a long reader is truncated once the reader is gone', async () => {
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
