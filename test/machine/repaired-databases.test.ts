import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunView } from '#protocol/answers.ts';
import { databaseOf, leavesOf, overwrite, rootOf, rowsOf, ruinPage } from '../support/damage-database.ts';
import { deep } from '../support/deep.ts';
import { copyOfResting } from '../support/ended-homes.ts';
import { agent, createHome, isAlive, type OpenHome, type TestHome } from '../support/home.ts';
import { until } from '../support/until.ts';

/** Creates ended runs with a name and a key each, exit codes 0 to 6, and a task. No daemon is running. */
async function homeAtRest(runs = 60): Promise<{ home: TestHome; path: string }> {
  const home = await copyOfResting(`${runs} runs`, (resting) => bringToRest(resting, runs));
  return { home, path: databaseOf(home) };
}

async function bringToRest(home: OpenHome, runs: number): Promise<void> {
  const lines = Array.from({ length: runs }, (_, n) =>
    JSON.stringify({ command: ['sh', '-c', `exit ${n % 7}`], name: `n${n + 1}`, key: `k${n + 1}` }),
  );
  await home.clip(['run', '--batch', '-', '--wait'], { input: lines.join('\n') });
  await home.clip(['task', 'add', 'Keep this']);
  await until('all runs have settled', async () => (await allRuns(home)).every(({ settled }) => settled));
  await home.clip(['daemon', 'stop']);
}

const allRuns = async (home: Pick<TestHome, 'json'>) =>
  (await home.json<{ runs: RunView[] }>(['runs', '--json', '--limit', '1000'])).runs.reverse();
const asides = (home: TestHome) => readdirSync(home.folder).filter((name) => name.startsWith('damaged-'));

async function repair(home: TestHome): Promise<string> {
  const { code, stdout, stderr } = await home.clip(['doctor', '--fix']);
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
}

/** Checks that every run is there with its exit code, and that the next run number is new. */
async function expectAll(home: TestHome, runs = 60): Promise<RunView[]> {
  const shown = await until('all restored runs have settled', async () => {
    const all = await allRuns(home);
    return all.every(({ settled }) => settled) ? all : null;
  });
  expect(shown.map(({ number, exitCode }) => [number, exitCode])).toEqual(
    Array.from({ length: runs }, (_, n) => [n + 1, n % 7]),
  );
  expect(await home.submit(['--', 'true'])).toBe(runs + 1);
  expect((await home.clip(['wait', String(runs + 1)])).code).toBe(0);
  return shown;
}

/** The time limit of tests with many commands, for a busy machine. */
const longMs = 240_000;

describe('clip doctor --fix', { timeout: longMs }, () => {
  it('imports all runs from their folders if the database is unreadable', deep, async () => {
    const { home, path } = await homeAtRest();
    const rubbish = randomBytes(64 * 1024);
    writeFileSync(path, rubbish);
    expect((await home.clip(['runs'])).code).toBe(7);
    const said = await repair(home);
    expect(said).toMatch(
      /The database was damaged: file is not a database\..*Nothing of it could be read\..*Taken in from their folders: 60 runs \(1 to 60\)/s,
    );
    const [aside = ''] = asides(home);
    expect(said).toContain(join(home.folder, aside));
    expect(readFileSync(join(home.folder, aside, 'clip.db')).equals(rubbish)).toBe(true);
    expect([statSync(join(home.folder, aside)).mode & 0o777, statSync(path).mode & 0o777]).toEqual([0o700, 0o600]);
    await expectAll(home);
  });

  it('leaves live runs and their keeper alone, and their exit codes true', deep, async () => {
    const { home, path } = await homeAtRest(3);
    const gate = join(home.base, 'gate');
    const number = await home.submit(['--timeout', '1h', '--', agent('waits-for-a-file.sh'), gate, '9']);
    const { processPid, processStartedAt } = await home.untilStatus(number, 'running');
    const [keeper] = home.pidsOf('keeper');
    // Once the wait is connected, it prints the run that has already ended. A client without a daemon would start
    // another one.
    const client = home.start(['wait', String(number), '1']);
    const waiting = home.resultOf(client);
    let said = '';
    client.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    await until('the client has printed run 1', () => said.includes('Run 1 '));
    await home.kill(home.daemonPid());
    await until('the keeper has started the daemon again', () => home.listens());
    await home.clip(['daemon', 'stop']);
    writeFileSync(path, randomBytes(64 * 1024));
    await repair(home);
    expect([isAlive(processPid ?? 0), home.pidsOf('keeper')]).toEqual([true, [keeper]]);
    const after = await home.show(number);
    expect(after).toMatchObject({
      status: 'running',
      processPid,
      processStartedAt,
      errorCode: null,
      effectiveTimeoutSec: 3_600,
    });
    writeFileSync(gate, '');
    const waited = await waiting;
    expect(waited.code, waited.stderr).toBe(9);
    expect(await home.show(number)).toMatchObject({ exitCode: 9, exitKnown: true });
  });

  it('loses nothing when only the first bytes are damaged, or an index', deep, async () => {
    for (const ruin of [
      (path: string) => overwrite(path, 0, randomBytes(100)),
      (path: string) => ruinPage(path, leavesOf(path, 'runs_by_status')[0] ?? 0),
    ]) {
      const { home, path } = await homeAtRest();
      const before = ['runs', 'events', 'tasks', 'meta'].map((table) => rowsOf(path, table));
      ruin(path);
      expect(await repair(home)).not.toContain('Taken in');
      const [runs, events, tasks, meta] = ['runs', 'events', 'tasks', 'meta'].map((table) => rowsOf(path, table));
      expect([runs, events, tasks]).toEqual(before.slice(0, 3));
      const secret = (rows: unknown[] | undefined) =>
        (rows as { key: string; value: string }[]).find(({ key }) => key === 'run_secret')?.value;
      expect(secret(meta)).toBe(secret(before[3]));
      await expectAll(home);
    }
  });

  it('reads around an unreadable page, and imports its runs from folders', deep, async () => {
    const { home, path } = await homeAtRest();
    const leaves = leavesOf(path, 'runs');
    expect(leaves.length).toBeGreaterThan(5);
    ruinPage(path, leaves[2] ?? 0);
    const said = await repair(home);
    expect(said).toMatch(
      /Read from it: .*\d+ runs, .*Not all could be read of: runs\..*Taken in from their folders: \d+ runs/s,
    );
    const runs = await expectAll(home);
    const nameless = runs.filter(({ name }) => name === null).map(({ number }) => number);
    expect(nameless.length).toBeGreaterThan(0);
    expect(nameless.length).toBeLessThan(20);
    expect(nameless).toEqual(Array.from(nameless, (_, n) => (nameless[0] ?? 0) + n));
    expect((await home.json<{ task: { title: string } }>(['task', 'show', 'T1', '--json'])).task.title).toBe(
      'Keep this',
    );
  });

  it('uses the folders alone if a table has no root or the file was cut', deep, async () => {
    for (const ruin of [
      (path: string) => ruinPage(path, rootOf(path, 'runs')),
      (path: string) => truncateSync(path, Math.floor(statSync(path).size / 8_192) * 4_096),
    ]) {
      const { home, path } = await homeAtRest();
      ruin(path);
      await repair(home);
      await expectAll(home);
    }
  });

  it('uses the folders alone if the database is missing or empty', deep, async () => {
    for (const ruin of [(path: string) => rmSync(path), (path: string) => truncateSync(path, 0)]) {
      const { home, path } = await homeAtRest(5);
      ruin(path);
      await repair(home);
      await expectAll(home, 5);
      expect(asides(home)).toHaveLength(existsSync(join(home.folder, asides(home)[0] ?? 'none', 'clip.db')) ? 1 : 0);
    }
  });

  it('invents no command: it moves folders without launch.json aside', deep, async () => {
    const { home, path } = await homeAtRest(3);
    const number = await home.submit([
      '--after',
      await home.submit(['--', 'sleep', '1000']).then(String),
      '--',
      'true',
    ]);
    const { id } = await home.show(number);
    await home.untilStatus(4, 'running');
    await home.clip(['daemon', 'stop']);
    rmSync(path);
    const said = await repair(home);
    expect(said).toMatch(/Of 1 folder it is not known what was to be run: they were moved to .*damaged-/);
    expect(existsSync(join(home.folder, asides(home)[0] ?? '', 'runs', id, 'env.json'))).toBe(true);
    expect((await home.clip(['show', String(number)])).code).toBe(3);
    expect(await home.submit(['--', 'true'])).toBe(number + 1);
  });

  it('finds nothing to do in an intact database, nor a second time', deep, async () => {
    const { home, path } = await homeAtRest(3);
    const before = readFileSync(path);
    expect(await repair(home)).toContain('There was nothing to repair.');
    expect(readFileSync(path).equals(before)).toBe(true);
    writeFileSync(path, 'rubbish');
    await repair(home);
    const repaired = readFileSync(path);
    expect(await repair(home)).toContain('There was nothing to repair.');
    expect(readFileSync(path).equals(repaired)).toBe(true);
    expect(asides(home)).toHaveLength(1);
  });

  it('leaves the database alone while a daemon runs, and names the step before', deep, async () => {
    const home = createHome();
    await home.submit(['--', 'true']);
    const { code, stdout } = await home.clip(['doctor', '--fix']);
    expect([code, stdout]).toEqual([
      0,
      expect.stringContaining('stop the daemon first; its runs continue: clip daemon stop'),
    ]);
    expect(home.pidsOf('daemon')).toHaveLength(1);
  });
});

describe('a write-ahead log', { timeout: longMs }, () => {
  it.each([
    ['deleted', (wal: string) => rmSync(wal)],
    ['overwritten', (wal: string) => writeFileSync(wal, randomBytes(statSync(wal).size))],
  ])('that was %s after a crash is reported before a number repeats', deep, async (_, ruin) => {
    const { home, path } = await homeAtRest(3);
    await home.clip(['daemon', 'start']);
    await until(
      'the reserve exists, so the daemon is recorded in the database',
      () => statSync(`${path}-wal`).size > 6_000_000,
    );
    const numbers = await Promise.all(Array.from({ length: 4 }, () => home.submit(['--', 'sh', '-c', 'exit 5'])));
    expect((await home.clip(['wait', ...numbers.map(String)])).code).toBe(5);
    await until('all runs have settled', async () => (await allRuns(home)).every(({ settled }) => settled));
    const [daemon = 0, keeper = 0] = [home.daemonPid(), ...home.pidsOf('keeper')];
    process.kill(keeper, 'SIGSTOP');
    await home.kill(daemon);
    await home.kill(keeper);
    ruin(`${path}-wal`);
    rmSync(`${path}-shm`, { force: true });
    const refused = await home.clip(['run', '--', 'true']);
    expect([refused.code, refused.stderr]).toEqual([
      7,
      expect.stringMatching(/has lost its newest records: it knows nothing of 4 runs .*clip doctor --fix/s),
    ]);
    await repair(home);
    const all = await until('all restored runs have settled', async () => {
      const shown = await allRuns(home);
      return shown.every(({ settled }) => settled) ? shown : null;
    });
    expect(all.map(({ number, exitCode }) => [number, exitCode])).toEqual([
      ...[0, 1, 2].map((n) => [n + 1, n]),
      ...[4, 5, 6, 7].map((n) => [n, 5]),
    ]);
    expect(await home.submit(['--', 'true'])).toBe(8);
  });
});

describe('a damaged database with a write-ahead log', { timeout: longMs }, () => {
  it('is read with it, and set aside with it', async () => {
    const { home, path } = await homeAtRest();
    const late = await home.submit(['--name', 'late', '--', 'sh', '-c', 'exit 4']);
    await until('the run has settled', async () => (await home.show(late)).settled);
    const [daemon = 0, keeper = 0] = [home.daemonPid(), ...home.pidsOf('keeper')];
    process.kill(keeper, 'SIGSTOP');
    await home.kill(daemon);
    await home.kill(keeper);
    const log = readFileSync(`${path}-wal`);
    ruinPage(path, leavesOf(path, 'runs')[2] ?? 0);
    expect(await repair(home)).toContain('Taken in from their folders');
    expect(readFileSync(join(home.folder, asides(home)[0] ?? '', 'clip.db-wal')).equals(log)).toBe(true);
    expect(existsSync(`${path}-wal`)).toBe(false);
    expect(await home.show('late')).toMatchObject({ number: late, exitCode: 4 });
    const runs = await until('all restored runs have settled', async () => {
      const shown = await allRuns(home);
      return shown.every(({ settled }) => settled) ? shown : null;
    });
    expect(runs.map(({ number }) => number)).toEqual(Array.from({ length: late }, (_, n) => n + 1));
    expect(await home.submit(['--', 'true'])).toBe(late + 1);
    expect((await home.clip(['doctor'])).code).toBe(0);
  });
});

describe('a daemon that finds damage', { timeout: longMs }, () => {
  it('while serving reports exit code 7, and lives on with its runs', deep, async () => {
    const { home, path } = await homeAtRest();
    const gate = join(home.base, 'gate');
    const number = await home.submit(['--', agent('waits-for-a-file.sh'), gate, '9']);
    const { processPid } = await home.untilStatus(number, 'running');
    await home.clip(['daemon', 'stop']);
    for (const page of leavesOf(path, 'events').slice(0, 3)) ruinPage(path, page);
    await home.clip(['daemon', 'start']);
    const daemon = home.daemonPid();
    const met = await home.clip(['show', '1']);
    expect([met.code, met.stderr]).toEqual([
      7,
      expect.stringMatching(/^clip: The database of this home is damaged\.\n.*clip doctor --fix/),
    ]);
    const doctor = await home.clip(['doctor']);
    expect([doctor.code, doctor.stdout]).toEqual([
      1,
      expect.stringMatching(/✗ database.*\n.*clip daemon stop .*then clip doctor --fix/),
    ]);
    writeFileSync(gate, '');
    expect((await home.clip(['wait', String(number)])).code).toBe(9);
    expect([home.daemonPid(), (await home.show(number)).processPid]).toEqual([daemon, processPid]);
    await home.clip(['daemon', 'stop']);
    expect(await repair(home)).toContain('Not all could be read of: events.');
    expect((await home.json<{ run: RunView }>(['show', '1', '--json'])).run).toMatchObject({ name: 'n1', exitCode: 0 });
    expect(await home.submit(['--', 'true'])).toBe(number + 1);
  });

  it('at its start reports it and is not started again and again', deep, async () => {
    const { home, path } = await homeAtRest();
    const number = await home.submit(['--', 'sleep', '1000']);
    const { processPid } = await home.untilStatus(number, 'running');
    await home.kill(home.daemonPid());
    await until('the keeper has started the daemon again', () => home.listens());
    await home.clip(['daemon', 'stop']);
    ruinPage(path, rootOf(path, 'runs'));
    const refused = await home.clip(['runs']);
    expect([refused.code, refused.stderr]).toEqual([7, expect.stringMatching(/clip\.db is damaged\./)]);
    await until('the daemon has exited', () => home.pidsOf('daemon').length === 0);
    expect(isAlive(processPid ?? 0)).toBe(true);
    await repair(home);
    expect((await home.show(number)).processPid).toBe(processPid);
  });
});
