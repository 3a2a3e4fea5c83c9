/** A run can change its own folder. clip must never remove, write or read the target of a link there. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  openRunFolder,
  ReplacedFolderError,
  removeEntry,
  removeRunFolder,
  withRunFolder,
} from '#process/real-folder.ts';
import { configure } from '../../support/config.ts';
import { deep } from '../../support/deep.ts';
import { createHome, type TestHome } from '../../support/home.ts';
import { until } from '../../support/until.ts';

/** Creates a folder of a person with the kinds of files that clip removes from run folders. */
function createVictim(base: string): string {
  const victim = join(base, 'victim');
  mkdirSync(join(victim, '.ssh'), { recursive: true });
  writeFileSync(join(victim, '.ssh', 'id'), 'key');
  writeFileSync(join(victim, '.profile'), 'profile');
  writeFileSync(join(victim, 'env.json'), '{}');
  writeFileSync(join(victim, 'stdout.log'), 'x'.repeat(20_000));
  return victim;
}

const everythingIn = (folder: string) => readdirSync(folder, { recursive: true }).sort();
const victimHas = ['.profile', '.ssh', '.ssh/id', 'env.json', 'stdout.log'];

const runOf = async (home: TestHome, script: string) => {
  const number = await home.submit(['--', 'sh', '-c', script]);
  return until('the run has settled', async () => {
    const run = await home.show(number);
    return run.settled ? run : null;
  });
};
const own = '"$CLIP_HOME/runs/$CLIP_RUN_ID"';

describe('A run folder that its run replaced', () => {
  it('by a link has nothing removed behind it, and is settled', async () => {
    const home = createHome();
    const victim = createVictim(home.base);
    const run = await runOf(home, `mv ${own} ${home.base}/away && ln -s ${victim} ${own}`);
    expect(run).toMatchObject({ status: 'succeeded', exitCode: 0 });
    expect(everythingIn(victim)).toEqual(victimHas);
    expect((await home.history(run.number)).map(({ type }) => type)).toContain('folder-replaced');
    await home.clip(['rm', String(run.number)]);
    expect(existsSync(join(home.folder, 'runs', run.id))).toBe(false);
    expect(everythingIn(victim)).toEqual(victimHas);
  });

  it('by another folder has nothing removed in that folder', async () => {
    const home = createHome();
    const victim = createVictim(home.base);
    const run = await runOf(home, `mv ${own} ${home.base}/away && mv ${victim} ${own}`);
    const now = join(home.folder, 'runs', run.id);
    expect(everythingIn(now)).toEqual(victimHas);
    await home.clip(['rm', String(run.number)]);
    expect(everythingIn(now)).toEqual(victimHas);
    expect(readFileSync(join(home.folder, 'daemon.log'), 'utf8')).toContain(
      'folder of a removed run could not be deleted',
    );
  });

  it('together with runs/ itself is not followed', async () => {
    const home = createHome();
    const runs = join(home.folder, 'runs');
    const elsewhere = join(home.base, 'elsewhere');
    const script = `mkdir ${elsewhere} && cp -a ${own} ${elsewhere}/ && mkdir ${elsewhere}/$CLIP_RUN_ID/.git && mv ${runs} ${home.base}/away && ln -s ${elsewhere} ${runs}`;
    const run = await runOf(home, script);
    expect(readdirSync(join(elsewhere, run.id))).toContain('.git');
    rmSync(runs);
    await home.clip(['daemon', 'stop']);
  });

  it('has no log of another file that would be compressed', async () => {
    const home = createHome();
    configure(home, '[logs]\ncompress_after_min = 0\n');
    const victim = createVictim(home.base);
    const run = await runOf(home, `rm ${own}/stdout.log && ln -s ${victim}/stdout.log ${own}/stdout.log`);
    const next = await runOf(home, 'head -c 20000 /dev/zero');
    await until('logs were compressed', async () => (await home.show(next.number)).stdoutPath.endsWith('.gz'));
    expect(everythingIn(victim)).toEqual(victimHas);
    expect(readdirSync(join(home.folder, 'runs', run.id)).filter((name) => name.endsWith('.gz'))).toEqual([]);
  });

  it('has no log of another file that would be removed', deep, async () => {
    const home = createHome();
    configure(home, '[logs]\ncompress_after_min = 0\nsize_max_gb = 0.000000001\n');
    const victim = createVictim(home.base);
    await runOf(home, `mv ${own} ${home.base}/away && ln -s ${victim} ${own}`);
    const next = await runOf(home, 'head -c 20000 /dev/zero');
    await until('logs were removed', async () => (await home.show(next.number)).logsRemovedAt !== null);
    expect(everythingIn(victim)).toEqual(victimHas);
  });
});

describe("A queued run's folder", () => {
  it('that has links of another run leads to no write outside', async () => {
    const home = createHome();
    await home.clip(['queue', 'hold']);
    const number = await home.submit(['--', 'sh', '-c', 'echo said; echo wrong >&2; cat']);
    const { id } = await home.show(number);
    const folder = join(home.folder, 'runs', id);
    const [log, record] = [join(home.base, 'log'), join(home.base, 'record')];
    for (const path of [log, record]) writeFileSync(path, 'mine');
    symlinkSync(log, join(folder, 'stdout.log'));
    for (const name of ['launch.json', 'started.json', 'exit.json'])
      symlinkSync(record, join(folder, `.${name}.${home.pidsOf('keeper')[0]}`));
    await home.clip(['queue', 'release']);
    await until('the run has settled', async () => (await home.show(number)).settled);
    expect([readFileSync(log, 'utf8'), readFileSync(record, 'utf8')]).toEqual(['mine', 'mine']);
  });
});

describe('removeRunFolder', () => {
  function createRuns() {
    const base = mkdtempSync(join(tmpdir(), 'clip-real-'));
    onTestFinished(() => rmSync(base, { recursive: true, force: true }));
    const folder = join(base, 'home', 'runs', 'r1');
    mkdirSync(folder, { recursive: true });
    return { base, folder };
  }

  it('removes links without their targets, at any depth', () => {
    const { base, folder } = createRuns();
    const victim = createVictim(base);
    mkdirSync(join(folder, 'a', 'b'), { recursive: true });
    symlinkSync(victim, join(folder, 'a', 'b', 'link'));
    symlinkSync(join(victim, '.profile'), join(folder, 'a', 'file'));
    removeRunFolder(folder);
    expect(existsSync(folder)).toBe(false);
    expect(everythingIn(victim)).toEqual(victimHas);
  });

  it('removes folders that are deeper than the longest path', deep, () => {
    const { folder } = createRuns();
    // The path is relative because an absolute one would be too long.
    const before = process.cwd();
    process.chdir(folder);
    for (let depth = 0; depth < 400; depth += 1) {
      mkdirSync('d'.repeat(100));
      process.chdir('d'.repeat(100));
    }
    process.chdir(before);
    removeRunFolder(folder);
    expect(existsSync(folder)).toBe(false);
  });

  it('leaves a folder alone that has taken the name of the original one', () => {
    const { folder } = createRuns();
    const made = withRunFolder(folder, (_, identity) => identity);
    rmSync(folder, { recursive: true });
    mkdirSync(join(folder, '..', 'r0'));
    mkdirSync(folder);
    expect(made).not.toBe(null);
    expect(() => removeRunFolder(folder, made)).toThrow(ReplacedFolderError);
    expect(existsSync(folder)).toBe(true);
    expect(() => openRunFolder(folder, made)).toThrow(ReplacedFolderError);
  });

  it('does nothing where there is nothing', () => {
    const { folder } = createRuns();
    removeRunFolder(join(folder, '..', 'r2'));
    expect(withRunFolder(join(folder, '..', 'r2'), () => 1)).toBe(null);
    withRunFolder(folder, (at) => removeEntry(at, 'nothing'));
    expect(lstatSync(folder).isDirectory()).toBe(true);
  });
});
