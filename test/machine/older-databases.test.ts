import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunView } from '#protocol/answers.ts';
import { databaseOf } from '../support/damage-database.ts';
import { deep } from '../support/deep.ts';
import { agent, createHome, isAlive, root, type TestHome } from '../support/home.ts';
import { until } from '../support/until.ts';

const fixtures = join(root, 'test/fixtures/databases');
const journal = JSON.parse(readFileSync(join(root, 'migrations/meta/_journal.json'), 'utf8')) as {
  entries: { tag: string }[];
};
const releases = journal.entries.map(({ tag }) => tag);
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

/** Creates a home as that release left it. */
function homeOf(release: string): TestHome {
  const home = createHome();
  mkdirSync(home.folder, { mode: 0o700 });
  for (const name of ['clip.db', 'runs'])
    cpSync(join(fixtures, release, name), join(home.folder, name), { recursive: true });
  // A checkout has other file modes than a home.
  chmodSync(databaseOf(home), 0o600);
  return home;
}

const allRuns = async (home: TestHome) =>
  (await home.json<{ runs: RunView[] }>(['runs', '--json', '--limit', '100'])).runs.reverse();
const copies = (home: TestHome) => readdirSync(home.folder).filter((name) => name.startsWith('clip.db.of-'));
const newer = (version: string) => ({ env: { CLIP_VERSION_OVERRIDE: version } });

/** The time limit of tests with many commands, for a busy machine. */
const longMs = 240_000;

describe('an older database', { timeout: longMs }, () => {
  it('of every release is kept as a fixture: one for each migration', () => {
    expect(readdirSync(fixtures).filter((name) => !name.includes('.'))).toEqual(releases);
  });

  it.each(releases)('%s opens with all its runs, and continues', deep, async (release) => {
    const home = homeOf(release);
    const recorded = JSON.parse(readFileSync(join(fixtures, release, 'runs.json'), 'utf8')) as Partial<RunView>[];
    expect(recorded.length).toBeGreaterThan(6);
    const runs = await allRuns(home);
    expect(
      runs.map((run, n) =>
        Object.fromEntries(Object.keys(recorded[n] ?? {}).map((name) => [name, run[name as keyof RunView]])),
      ),
    ).toEqual(recorded);
    for (const { number } of runs) expect((await home.history(number)).length).toBeGreaterThan(0);
    expect((await home.clip(['logs', 'built'])).stdout).toBe('built\n');
    expect((await home.clip(['doctor'])).code).toBe(0);
    await home.clip(['queue', 'release']);
    expect((await home.clip(['wait', 'waits'])).code).toBe(5);
    const last = Math.max(...runs.map(({ number }) => number));
    expect(await home.submit(['--', 'true'])).toBe(last + 1);
    expect((await home.clip(['run', '--key', 'removed', '--', 'true'])).stderr).toContain('a run that was removed');
    expect(
      (
        await home.clip([
          'run',
          '-q',
          '--key',
          'first',
          '--name',
          'built',
          '--label',
          'team=a',
          '--cwd',
          '/',
          '--',
          'sh',
          '-c',
          'echo built; echo warned >&2',
        ])
      ).stdout,
    ).toBe('1\n');
  });

  it('has its agents, usage and tasks, as far as its release had them', deep, async () => {
    for (const release of releases.slice(1)) {
      const home = homeOf(release);
      expect(
        (await home.json<{ agent: { name: string; adapter: string } }>(['agent', 'show', 'coder', '--json'])).agent,
      ).toMatchObject({
        name: 'coder',
        adapter: 'codex',
        model: 'm1',
      });
      expect(await home.show(8)).toMatchObject({
        agentName: 'coder',
        sessionIdAfter: 's-1',
        usage: { inputTokens: 120, outputTokens: 9 },
      });
      if (release < '0002') continue;
      const shown = await home.json<{
        task: { title: string };
        comments: { text: string }[];
        documents: { key: string }[];
      }>(['task', 'show', 'T1', '--json']);
      expect([shown.task.title, shown.comments.map(({ text }) => text), shown.documents.map(({ key }) => key)]).toEqual(
        ['Make the tests pass', ['Begin with the parser.'], ['plan']],
      );
    }
  });
});

describe('an upgrade of a database', { timeout: longMs }, () => {
  it('keeps a copy of the last version, for its owner alone', deep, async () => {
    const home = homeOf(releases[0] ?? '');
    await home.clip(['daemon', 'start'], newer('0.7.0'));
    const [first = ''] = copies(home);
    expect([copies(home).length, statSync(join(home.folder, first)).mode & 0o777]).toEqual([1, 0o600]);
    await home.submit(['--', 'true']);
    await home.clip(['daemon', 'stop']);
    await home.clip(['daemon', 'start'], newer('0.7.9'));
    expect(copies(home)).toEqual([first]);
    await home.clip(['daemon', 'stop']);
    await home.clip(['daemon', 'start'], newer('0.8.0'));
    expect(copies(home)).toEqual(['clip.db.of-0.7.9']);
  });

  // With the copy, the older program has all earlier data and the later runs.
  it('can be undone with the copy that the older program names', deep, async () => {
    const home = createHome();
    expect(await home.submit(['--name', 'before', '--', 'sh', '-c', 'exit 4'])).toBe(1);
    await until('the run has settled', async () => (await home.show(1)).settled);
    await home.clip(['daemon', 'stop']);
    await home.clip(['daemon', 'start'], newer('99.0.0'));
    const gate = join(home.base, 'gate');
    const number = Number(
      (await home.clip(['run', '-q', '--', agent('waits-for-a-file.sh'), gate, '9'], newer('99.0.0'))).stdout,
    );
    const { processPid } = await home.untilStatus(number, 'running');
    await home.clip(['daemon', 'stop']);
    const refused = await home.clip(['runs']);
    const copy = join(home.folder, `clip.db.of-${version}`);
    expect([refused.code, refused.stdout]).toEqual([7, '']);
    expect(refused.stderr).toMatch(
      /was written by clip 99\.0\.0; this is clip \d+\.\d+\.\d+\.\n +Use that version again, or go back to the copy of before/,
    );
    expect(refused.stderr).toContain(copy);
    expect([isAlive(processPid ?? 0), existsSync(copy)]).toEqual([true, true]);
    // These are the steps of docs/operation.md.
    for (const name of ['clip.db', 'clip.db-wal', 'clip.db-shm']) rmSync(join(home.folder, name), { force: true });
    cpSync(copy, databaseOf(home));
    await home.clip(['doctor', '--fix']);
    expect(await home.show(number)).toMatchObject({ status: 'running', processPid });
    writeFileSync(gate, '');
    expect((await home.clip(['wait', String(number)])).code).toBe(9);
    expect(await home.show('before')).toMatchObject({ number: 1, exitCode: 4 });
  });

  it('to a patch release and back changes nothing', deep, async () => {
    const home = createHome();
    const [major, minor] = version.split('.');
    await home.clip(['daemon', 'start'], newer(`${major}.${minor}.9`));
    await home.clip(['daemon', 'stop']);
    expect(await home.submit(['--', 'true'])).toBe(1);
    expect(copies(home)).toEqual([]);
  });
});
