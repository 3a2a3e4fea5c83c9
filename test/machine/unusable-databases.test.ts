import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { deep } from '../support/deep.ts';
import { copyOfResting } from '../support/ended-homes.ts';
import type { TestHome } from '../support/home.ts';
import { until } from '../support/until.ts';

/** Creates a home with a few ended runs and no daemon. Returns the path of its database. */
async function homeAtRest(): Promise<{ home: TestHome; path: string }> {
  const home = await copyOfResting('50 runs', async (resting) => {
    await resting.clip(['run', '--batch', '-', '--wait'], { input: '{"command":["true"]}\n'.repeat(50) });
    await resting.clip(['daemon', 'stop']);
  });
  const path = join(home.folder, 'clip.db');
  expect(readdirSync(home.folder).filter((name) => name.startsWith('clip.db'))).toEqual(['clip.db']);
  return { home, path };
}

/** Checks that every verb that needs the database exits with 7 and leaves the file as it is. */
async function refusesWith7(home: TestHome, path: string, says: RegExp): Promise<void> {
  const before = readFileSync(path);
  for (const args of [
    ['daemon', 'start'],
    ['runs', '--json'],
    ['run', '--', 'true'],
  ]) {
    const result = await home.clip(args);
    expect([args, result.code, result.stdout, result.stderr]).toEqual([args, 7, '', expect.stringMatching(says)]);
    await until('the daemon has exited', () => home.pidsOf('daemon').length === 0);
  }
  expect((await home.clip(['wait', '1'])).code).toBe(125);
  expect(readFileSync(path).equals(before)).toBe(true);
  expect(readdirSync(join(home.folder, 'runs'))).toHaveLength(50);
}

describe('a database', () => {
  it('of a newer version is refused with both versions', deep, async () => {
    const { home, path } = await homeAtRest();
    const database = new Database(path);
    const { value: own } = database.prepare("SELECT value FROM meta WHERE key = 'version'").get() as { value: string };
    database
      .prepare('INSERT INTO __drizzle_migrations (hash, created_at) VALUES (?, ?)')
      .run('from-the-future', Date.now() + 1e12);
    database.prepare("UPDATE meta SET value = '42.0.0' WHERE key = 'version'").run();
    database.pragma('wal_checkpoint(TRUNCATE)');
    database.close();
    await refusesWith7(home, path, new RegExp(`written by clip 42\\.0\\.0; this is clip ${own}\\.`));
  });

  it('of random bytes is refused and left as it is', async () => {
    const { home, path } = await homeAtRest();
    writeFileSync(path, randomBytes(64 * 1024));
    await refusesWith7(home, path, /clip\.db is damaged\..*clip doctor/s);
  });

  it('cut in half is refused and left as it is', deep, async () => {
    const { home, path } = await homeAtRest();
    truncateSync(path, Math.floor(statSync(path).size / 2));
    await refusesWith7(home, path, /clip\.db is damaged\..*clip doctor/s);
  });

  it('with overwritten pages is refused and left as it is', deep, async () => {
    const { home, path } = await homeAtRest();
    const bytes = readFileSync(path);
    randomBytes(bytes.length - 4_096).copy(bytes, 4_096);
    writeFileSync(path, bytes);
    await refusesWith7(home, path, /clip\.db is damaged\..*clip doctor/s);
  });

  it('that was emptied is refused, since runs and their numbers exist', deep, async () => {
    const { home, path } = await homeAtRest();
    truncateSync(path, 0);
    await refusesWith7(home, path, /clip\.db is missing or empty, .*clip doctor/s);
  });

  it('that is missing is not replaced while there are runs', deep, async () => {
    const { home, path } = await homeAtRest();
    rmSync(path);
    const result = await home.clip(['run', '--', 'true']);
    expect([result.code, result.stderr]).toEqual([7, expect.stringMatching(/clip\.db is missing or empty/)]);
    expect(existsSync(path)).toBe(false);
  });
});
