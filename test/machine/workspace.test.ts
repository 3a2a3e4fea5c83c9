/** The state of a work folder: what is seen, at what cost, and what is never executed. */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { describe, expect, it, onTestFinished } from 'vitest';
import { compareWith } from '#process/workspace/compare.ts';
import { shownName } from '#process/workspace/file-names.ts';
import { ignoredAmong, type WorkspaceSnapshot, withLook } from '#process/workspace/snapshot.ts';
import { limits } from '#run/limits.ts';
import type { Comparison, Snapshot } from '#run/workspace.ts';
import { deep } from '../support/deep.ts';
import { isAlive } from '../support/home.ts';
import { addRepository, addWorktree, gitIn } from '../support/repositories.ts';
import { until } from '../support/until.ts';

function place() {
  const base = mkdtempSync(join(tmpdir(), 'clip-look-'));
  onTestFinished(() => rmSync(base, { recursive: true, force: true }));
  const home = join(base, 'home');
  mkdirSync(home);
  return { base, env: { PATH: process.env['PATH'] ?? '' }, home };
}

type Place = ReturnType<typeof place>;

const look = <T>(
  at: Place,
  folder: string,
  work: (look: WorkspaceSnapshot | null) => Promise<T>,
  earlier: Snapshot | null = null,
) => withLook(folder, { ours: at.home, earlier }, work);

const snapshot = (at: Place, folder: string): Promise<Snapshot | null> =>
  look(at, folder, async (each) => each?.snapshot ?? null);

/** Returns the difference that `act` makes. */
async function different(at: Place, folder: string, act: () => unknown): Promise<Comparison> {
  const before = await snapshot(at, folder);
  await act();
  const found = await look(at, folder, async (each) => (each === null ? null : compareWith(before, each)), before);
  if (found === null) throw new Error('Nothing could be compared.');
  return found;
}

const paths = ({ changed }: Comparison) => changed.map(({ path, kind }) => `${kind} ${path}`);

describe('in a repository,', () => {
  it('a file is changed when its content or mode is, however written', deep, async () => {
    const at = place();
    const { folder, git } = addRepository(at);
    const file = join(folder, 'a.txt');
    const same = await different(at, folder, () => writeFileSync(file, 'one\ntwo\n'));
    const touched = await different(at, folder, () => utimesSync(file, 1, 1));
    const edited = await different(at, folder, () => writeFileSync(file, 'one\nthree\nfour\n'));
    const staged = await different(at, folder, () => git('add', '.'));
    const mode = await different(at, folder, () => chmodSync(file, 0o755));
    const back = await different(at, folder, () => git('checkout', '-q', 'HEAD', '--', 'a.txt'));
    expect([same, touched, edited, staged, mode, back].map(paths)).toEqual([
      [],
      [],
      ['update a.txt'],
      [],
      ['update a.txt'],
      ['update a.txt'],
    ]);
    expect([edited.insertions, edited.deletions]).toEqual([2, 1]);
    // The file had changes before, and its earlier content is not stored.
    expect([back.insertions, back.deletions]).toEqual([null, null]);
  });

  it('a commit of changes that existed before changes no file', deep, async () => {
    const at = place();
    const { folder, git } = addRepository(at);
    writeFileSync(join(folder, 'b.txt'), 'x\n');
    const committed = await different(at, folder, () => {
      git('add', '.');
      git('commit', '-q', '-m', 'second');
    });
    expect(committed).toMatchObject({ changed: [], uncertain: false, commitCount: 1, commits: [{ files: ['b.txt'] }] });
  });

  it('a file that only grew is distinguished from one that was rewritten', deep, async () => {
    const at = place();
    const { folder } = addRepository(at);
    writeFileSync(join(folder, 'log'), 'one\n');
    const grown = await different(at, folder, () => appendFileSync(join(folder, 'log'), 'two\n'));
    const rewritten = await different(at, folder, () => writeFileSync(join(folder, 'log'), 'one\nthree, longer\n'));
    expect([grown, rewritten].map(({ changed }) => changed.map(({ grew }) => grew))).toEqual([[true], [false]]);
  });

  it('submodules and nested repositories are compared as well, dirty or not', deep, async () => {
    const at = place();
    const library = addRepository(at, 'library');
    const { folder, git } = addRepository(at);
    git('submodule', 'add', '-q', library.folder, 'sub');
    git('commit', '-q', '-m', 'a submodule');
    const inner = gitIn(at, join(folder, 'sub'));
    writeFileSync(join(folder, 'sub', 'a.txt'), 'dirty\n');
    const inSubmodule = await different(at, folder, () => {
      writeFileSync(join(folder, 'sub', 'b.txt'), 'new\n');
      inner('add', 'b.txt');
      inner('commit', '-q', '-m', 'in it');
    });
    expect([paths(inSubmodule), inSubmodule.commitCount, inSubmodule.insertions]).toEqual([['add sub/b.txt'], 1, 1]);
    mkdirSync(join(folder, 'nested'));
    const nested = gitIn(at, join(folder, 'nested'));
    nested('init', '-q');
    writeFileSync(join(folder, 'nested', 'c.txt'), 'c\n');
    const inNested = await different(at, folder, () => {
      nested('add', '.');
      nested('commit', '-q', '-m', 'nested');
      writeFileSync(join(folder, 'nested', 'd.txt'), 'd\n');
    });
    expect([paths(inNested), inNested.commitCount]).toEqual([['add nested/d.txt'], 1]);
  });

  it('unusual names, links, pipes and files that became folders are no obstacle', deep, async () => {
    const at = place();
    const { folder } = addRepository(at);
    const odd = ['with space', 'with\nbreak', '__proto__', 'ümlaut', '*star*'];
    const found = await different(at, folder, () => {
      for (const name of odd) writeFileSync(join(folder, name), 'x\n');
      symlinkSync('/nowhere', join(folder, 'link'));
      rmSync(join(folder, 'a.txt'));
      mkdirSync(join(folder, 'a.txt'));
      writeFileSync(join(folder, 'a.txt', 'inner'), 'x\n');
      execFileSync('mkfifo', [join(folder, 'pipe')]);
    });
    expect(paths(found).sort()).toEqual(
      ['add link', ...odd.map((name) => `add ${name}`), 'add a.txt/inner', 'delete a.txt'].sort(),
    );
    expect((await different(at, folder, () => {})).changed).toEqual([]);
    const bytes = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0x6e, 0xe4, 0x6d, 0x65])]);
    const latin = await different(at, folder, () => writeFileSync(bytes, 'one\n'));
    const again = await different(at, folder, () => writeFileSync(bytes, 'two\n'));
    expect(
      [latin, again].map(({ changed, uncertain }) => [
        changed.map(({ path, kind }) => [kind, shownName(path)]),
        uncertain,
      ]),
    ).toEqual([
      [[['add', 'n\ufffdme']], false],
      [[['update', 'n\ufffdme']], false],
    ]);
  });

  it('a file that git ignores is skipped, and known to be ignored', deep, async () => {
    const at = place();
    const { folder } = addRepository(at);
    writeFileSync(join(folder, '.gitignore'), 'dist/\n');
    mkdirSync(join(at.base, '.config', 'git'), { recursive: true });
    const found = await different(at, folder, () => {
      mkdirSync(join(folder, 'dist'));
      writeFileSync(join(folder, 'dist', 'x'), 'x\n');
    });
    expect(found.changed).toEqual([]);
    const ignored = await look(at, folder, async (each) =>
      each === null ? null : ignoredAmong(each, ['dist/x', 'a.txt', 'absent']),
    );
    expect([...(ignored ?? [])]).toEqual(['dist/x']);
  });

  it('a linked worktree is distinguished from the main checkout', deep, async () => {
    const at = place();
    const repository = addRepository(at);
    const { folder } = addWorktree(at, repository);
    expect([(await snapshot(at, repository.folder))?.linked, (await snapshot(at, folder))?.linked]).toEqual([
      false,
      true,
    ]);
  });

  it('a comparison takes no lock, keeps the index, and leaves nothing', deep, async () => {
    const at = place();
    const { folder, git } = addRepository(at);
    const index = join(folder, '.git', 'index');
    utimesSync(join(folder, 'a.txt'), 1, 1);
    writeFileSync(`${index}.lock`, '');
    const before = [
      readFileSync(index).toString('hex'),
      statSync(index).mtimeMs,
      readdirSync(join(folder, '.git')).sort().join(),
    ];
    const found = await different(at, folder, () => writeFileSync(join(folder, 'a.txt'), 'x\n'));
    expect([
      readFileSync(index).toString('hex'),
      statSync(index).mtimeMs,
      readdirSync(join(folder, '.git')).sort().join(),
    ]).toEqual(before);
    expect([paths(found), readdirSync(join(at.home, 'views'))]).toEqual([['update a.txt'], []]);
    rmSync(`${index}.lock`);
    expect(git('status', '--short')).toBe('M a.txt');
  });

  it('changes are shown before the first commit and after it', deep, async () => {
    const at = place();
    const folder = join(at.base, 'new');
    mkdirSync(folder);
    const git = gitIn(at, folder);
    git('init', '-q');
    writeFileSync(join(folder, 'a'), 'x\n');
    const first = await different(at, folder, () => {
      writeFileSync(join(folder, 'b'), 'y\n');
      git('add', '.');
      git('commit', '-q', '-m', 'first');
    });
    expect([paths(first), first.commitCount, first.insertions]).toEqual([['add b'], 1, 1]);
  });

  it('another object format is compared in the same way', deep, async () => {
    const at = place();
    const folder = join(at.base, 'sha256');
    mkdirSync(folder);
    const git = gitIn(at, folder);
    git('init', '-q', '--object-format=sha256');
    writeFileSync(join(folder, 'a'), 'x\n');
    git('add', '.');
    git('commit', '-q', '-m', 'first');
    const found = await different(at, folder, () => writeFileSync(join(folder, 'a'), 'y\n'));
    expect([paths(found), found.insertions, found.deletions]).toEqual([['update a'], 1, 1]);
    expect((await different(at, folder, () => writeFileSync(join(folder, 'a'), 'x\n'))).changed[0]?.after).toMatch(
      /^100644 [0-9a-f]{64}$/,
    );
  });

  it('a file is not changed by a setting that ignores file modes', deep, async () => {
    const at = place();
    const { folder, git } = addRepository(at);
    writeFileSync(join(folder, 'b.txt'), 'x\n');
    const found = await different(at, folder, () => git('config', 'core.filemode', 'false'));
    expect(found).toMatchObject({ changed: [], uncertain: false });
    expect(paths(await different(at, folder, () => writeFileSync(join(folder, 'b.txt'), 'y\n')))).toEqual([
      'update b.txt',
    ]);
  });

  it('a file whose line endings git converts is not changed by the conversion', deep, async () => {
    const at = place();
    const { folder, git } = addRepository(at);
    const file = join(folder, 'a.txt');
    git('config', 'core.autocrlf', 'true');
    rmSync(file);
    git('checkout', '-q', '--', 'a.txt');
    expect(readFileSync(file, 'utf8')).toBe('one\r\ntwo\r\n');
    const found = await different(at, folder, () => utimesSync(file, 1, 1));
    expect(found).toMatchObject({ changed: [], uncertain: false });
    expect((await snapshot(at, folder))?.repositories[0]?.open?.size).toBe(0);
  });
});

/**
 * Creates a repository in which a plain git command runs a program that leaves a mark, in every way that git's own
 * files allow.
 */
function trap(at: Place) {
  const { folder, git } = addRepository(at);
  const mark = join(at.base, 'mark');
  const leave = join(at.base, 'leave-mark');
  writeFileSync(leave, `#!/bin/sh\necho "$0 $*" >> '${mark}'\ncat\n`);
  chmodSync(leave, 0o755);
  writeFileSync(join(folder, '.gitattributes'), '*.txt filter=trap diff=trap merge=trap\n*.bin filter=slow\n');
  writeFileSync(join(folder, 'b.txt'), 'b\n');
  writeFileSync(join(folder, 'c.bin'), 'c\n');
  git('add', '.');
  git('commit', '-q', '-m', 'second');
  const settings = [
    ...[
      '[filter "trap"]',
      `clean = ${leave}`,
      `smudge = ${leave}`,
      'required = true',
      '[filter "slow"]',
      `process = ${leave}`,
      '[merge "trap"]',
      `driver = ${leave}`,
    ],
    ...[
      '[diff "trap"]',
      `textconv = ${leave}`,
      `command = ${leave}`,
      '[diff]',
      `external = ${leave}`,
      '[gpg]',
      `program = ${leave}`,
      '[log]',
      'showSignature = true',
    ],
    ...[
      '[core]',
      `fsmonitor = ${leave}`,
      `hooksPath = ${join(at.base, 'hooks')}`,
      `pager = ${leave}`,
      `editor = ${leave}`,
      `sshCommand = ${leave}`,
    ],
    ...[
      `gitProxy = ${leave}`,
      `alternateRefsCommand = ${leave}`,
      '[alias]',
      `status = !${leave}`,
      `rev-parse = !${leave}`,
      '[credential]',
      `helper = !${leave}`,
    ],
    ...[
      '[remote "origin"]',
      `url = ext::${leave}`,
      'promisor = true',
      '[extensions]',
      'partialClone = origin',
      '[protocol "ext"]',
      'allow = always',
    ],
    ...['[pager]', `status = ${leave}`, `config = ${leave}`, ''],
  ];
  mkdirSync(join(at.base, 'hooks'));
  for (const name of [
    'post-index-change',
    'reference-transaction',
    'fsmonitor-watchman',
    'pre-auto-gc',
    'post-checkout',
  ]) {
    for (const hooks of [join(at.base, 'hooks'), join(folder, '.git', 'hooks')]) {
      mkdirSync(hooks, { recursive: true });
      writeFileSync(join(hooks, name), readFileSync(leave));
      chmodSync(join(hooks, name), 0o755);
    }
  }
  appendFileSync(join(folder, '.git', 'config'), settings.join('\n'));
  return { folder, mark, git };
}

describe('a hostile repository', () => {
  it('has none of its programs run by a comparison, unlike by plain git', async () => {
    const at = place();
    const { folder, mark, git } = trap(at);
    const found = await different(at, folder, () => {
      for (const name of ['a.txt', 'b.txt', 'c.bin', 'new.txt']) writeFileSync(join(folder, name), 'changed\n');
      utimesSync(join(folder, 'b.txt'), 1, 1);
    });
    expect(existsSync(mark)).toBe(false);
    // The filtered content of these files is not known. It is therefore not known whether the files that were clean
    // have changed.
    expect([paths(found), found.uncertain]).toEqual([['add new.txt'], true]);
    // Both contents of a file that had changes before are known.
    const again = await different(at, folder, () => writeFileSync(join(folder, 'a.txt'), 'changed again\n'));
    expect([paths(again), existsSync(mark)]).toEqual([['update a.txt'], false]);
    expect(() => git('status', '--short')).not.toThrow();
    expect(existsSync(mark)).toBe(true);
  });

  it('has no program run for commits, lost objects or a submodule', deep, async () => {
    const at = place();
    const inner = trap(at);
    const { folder, git } = addRepository(at, 'outer');
    git(
      '-c',
      'core.fsmonitor=false',
      'clone',
      '-q',
      '--no-local',
      '-c',
      `filter.trap.clean=${join(at.base, 'leave-mark')}`,
      inner.folder,
      'nested',
    );
    git('submodule', 'add', '-q', inner.folder, 'sub');
    for (const [key, value] of [
      ['filter.trap.clean', join(at.base, 'leave-mark')],
      ['core.fsmonitor', join(at.base, 'leave-mark')],
    ])
      for (const name of ['nested', 'sub']) gitIn(at, join(folder, name))('config', key ?? '', value ?? '');
    rmSync(inner.mark, { force: true });
    const plain = [
      '-c',
      'filter.trap.clean=',
      '-c',
      'filter.trap.required=false',
      '-c',
      'filter.slow.process=',
      '-c',
      'core.fsmonitor=false',
      '-c',
      'core.hooksPath=/dev/null',
    ];
    await different(at, folder, () => {
      for (const name of ['nested', 'sub']) writeFileSync(join(folder, name, 'a.txt'), 'changed\n');
    });
    const committed = await different(at, inner.folder, () => {
      writeFileSync(join(inner.folder, 'new.md'), 'x\n');
      inner.git(...plain, 'add', 'new.md');
      inner.git(...plain, 'commit', '-q', '--no-verify', '-m', 'third');
    });
    expect([committed.commitCount, committed.changed.map(({ path }) => path)]).toEqual([1, ['new.md']]);
    // The objects of the previous commit are missing. A partial clone would fetch them.
    const head = inner.git(...plain, 'rev-parse', 'HEAD~1');
    await different(at, inner.folder, () =>
      rmSync(join(inner.folder, '.git', 'objects', head.slice(0, 2), head.slice(2)), { force: true }),
    );
    expect(existsSync(inner.mark)).toBe(false);
  });
});

describe('git', () => {
  /** Replaces git with a script. */
  function fake(at: Place, script: string): void {
    const folder = join(at.base, 'fake');
    mkdirSync(folder);
    writeFileSync(join(folder, 'git'), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, 'git'), 0o755);
    const { PATH } = process.env;
    process.env['PATH'] = `${folder}:${PATH}`;
    onTestFinished(() => {
      process.env['PATH'] = PATH;
    });
  }

  it('is ended at its time limit with its processes, without a result', async () => {
    const at = place();
    const before = limits.gitMs;
    Object.assign(limits, { gitMs: 300 });
    onTestFinished(() => void Object.assign(limits, { gitMs: before }));
    fake(at, `sleep 1000 & echo $! > '${at.base}/child'; echo $$ > '${at.base}/git'; wait`);
    expect(await snapshot(at, at.base)).toBeNull();
    const pids = ['git', 'child'].map((name) => Number(readFileSync(join(at.base, name), 'utf8')));
    await until('both processes have ended', () => pids.every((pid) => !isAlive(pid)) || null);
  });

  it('gets only the few variables of the daemon that it needs', async () => {
    const at = place();
    const given = {
      GIT_DIR: '/nowhere',
      GIT_CONFIG_COUNT: '1',
      CLIP_ROLE: 'daemon',
      SSH_AUTH_SOCK: '/x',
      GIT_EXTERNAL_DIFF: '/x',
    };
    for (const [name, value] of Object.entries(given)) process.env[name] = value;
    onTestFinished(() => {
      for (const name of Object.keys(given)) delete process.env[name];
    });
    fake(at, `env >> '${at.base}/env'; exit 128`);
    await snapshot(at, at.base);
    const names = readFileSync(join(at.base, 'env'), 'utf8')
      .split('\n')
      .map((line) => line.split('=')[0] ?? '');
    expect(names.filter((name) => name in given)).toEqual([]);
    expect(names).toContain('GIT_OPTIONAL_LOCKS');
  });
});

describe('a comparison', () => {
  it('never blocks the event loop, and reads a bounded number of bytes', async () => {
    const at = place();
    const { folder } = addRepository(at);
    const before = await snapshot(at, folder);
    // The files are sparse: a gigabyte of zeros that takes no disk space.
    execFileSync('sh', ['-c', 'seq -f f%g 1000 | xargs truncate -s 1M'], { cwd: folder });
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const found = await look(at, folder, async (each) => (each === null ? null : compareWith(before, each)));
    delay.disable();
    expect(found?.uncertain).toBe(true);
    expect(found?.changed.length).toBeLessThanOrEqual(limits.workspaceBytesMax / 2 ** 20);
    // Reading them at once, as an earlier version did, takes seconds.
    expect(delay.max / 1e6).toBeLessThan(250);
  });

  it('does not read again what has not been touched', deep, async () => {
    const at = place();
    const { folder } = addRepository(at);
    const file = join(folder, 'large');
    writeFileSync(file, Buffer.alloc(8 * 2 ** 20, 'x'));
    const hourAgo = Date.now() / 1_000 - 3_600;
    utimesSync(file, hourAgo, hourAgo);
    await until(
      'the times of the run have settled',
      () => Date.now() - statSync(file).ctimeMs > limits.workspaceSettledMs || null,
    );
    const read = () => Number(/^rchar: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);
    // On a busy machine the first look may run out of time, and then stores nothing.
    await until('a look reads nothing', async () => {
      const begun = read();
      await snapshot(at, folder);
      return read() - begun < 2 ** 20 || null;
    });
    writeFileSync(file, Buffer.alloc(8 * 2 ** 20, 'y'));
    const begun = read();
    await snapshot(at, folder);
    expect(read() - begun).toBeGreaterThan(8 * 2 ** 20);
  });

  it('of a folder with too many files is unknown, not unchanged', deep, async () => {
    const at = place();
    const folder = join(at.base, 'many');
    mkdirSync(folder);
    const many = Number(process.env['CLIP_TEST_MANY'] ?? limits.workspaceFiles + 100);
    const make = `seq ${Math.ceil(many / 100)} | xargs mkdir; for d in *; do seq -f "$d/f%g" 100; done | xargs touch`;
    execFileSync('sh', ['-c', make], { cwd: folder });
    expect(await snapshot(at, folder)).toBeNull();
    const git = gitIn(at, folder);
    git('init', '-q');
    writeFileSync(join(folder, 'a.txt'), 'a\n');
    git('add', 'a.txt');
    git('commit', '-q', '-m', 'first');
    const found = await different(at, folder, () => writeFileSync(join(folder, 'a.txt'), 'x\n'));
    expect([paths(found), found.uncertain]).toEqual([['update a.txt'], true]);
  });
});

describe('a folder without git', () => {
  it('is compared by the content of its files', deep, async () => {
    const at = place();
    const folder = join(at.base, 'plain');
    mkdirSync(join(folder, 'node_modules'), { recursive: true });
    writeFileSync(join(folder, 'a'), 'one');
    const same = await different(at, folder, () => writeFileSync(join(folder, 'a'), 'one'));
    const other = await different(at, folder, () => {
      writeFileSync(join(folder, 'a'), 'two');
      writeFileSync(join(folder, 'node_modules', 'x'), 'x');
      symlinkSync('/nowhere', join(folder, 'link'));
    });
    expect([paths(same), paths(other), other.insertions, other.commitCount]).toEqual([
      [],
      ['update a', 'add link'],
      null,
      null,
    ]);
  });
});
