import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { limits } from '#run/limits.ts';
import { type AgentStep, addSpeaker, codexSays } from '../support/agents.ts';
import { deep } from '../support/deep.ts';
import { createHome, type TestHome } from '../support/home.ts';
import { until } from '../support/until.ts';

const { session, words, command, change, done, failed } = codexSays;
const end = [done(10, 1), { exit: 0 }];

/** Creates a repository with one commit. */
function repository(home: TestHome) {
  const folder = join(home.base, 'repo');
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@t', ...args], {
      cwd: folder,
      env: { PATH: home.env['PATH'], HOME: home.base },
      stdio: 'pipe',
    })
      .toString()
      .trim();
  mkdirSync(folder);
  git('init', '-q', '-b', 'main');
  writeFileSync(join(folder, 'a.txt'), 'one\ntwo\n');
  git('add', '.');
  git('commit', '-q', '-m', 'first');
  return { folder, git };
}

async function judged(home: TestHome, steps: readonly AgentStep[], options: readonly string[] = []) {
  await addSpeaker(home, [[session('s1'), ...steps]]);
  await home.clip(['run', '-w', ...options, '--agent', 'coder', 'x']);
  return home.show('@last');
}

describe('a finished run of an agent is', () => {
  it.each([
    [
      'advanced by a command that did something',
      [command('a', 'make build'), words('Built.'), ...end],
      'advanced',
      'command',
    ],
    [
      'advanced by a file it changed',
      [change('a', 'src/x.ts'), words('Changed.'), ...end],
      'advanced',
      '1 file changed',
    ],
    [
      'plan_only when it only announces',
      [words('I will first look at the tests and then fix the parser.'), ...end],
      'plan_only',
      'announced',
    ],
    ['empty_response when it says nothing', end, 'empty_response', 'said nothing'],
    [
      'blocked when its last words say so',
      [words('I am blocked: I need the API key for the staging server to continue.'), ...end],
      'blocked',
      'API key',
    ],
    [
      'needs_followup when it only looked',
      [command('a', 'ls'), words('The parser lives in src/parse.ts and has three entry points.'), ...end],
      'needs_followup',
      'no evidence',
    ],
    ['failed when it failed', [words('Hm.'), failed('overloaded'), { exit: 1 }], 'failed', 'provider_unavailable'],
  ] as const)('%s', deep, async (_, steps, state, reason) => {
    const run = await judged(createHome(), steps);
    expect(run.livenessState).toBe(state);
    expect(run.livenessReason).toContain(reason);
    expect(run.lastUsefulActionAt === null).toBe(state !== 'advanced');
  });

  it('shown with its verdict and its next action', deep, async () => {
    const home = createHome();
    const run = await judged(home, [words('Next action: read the failing test in test/parse.test.ts'), ...end]);
    expect(run.nextAction).toContain('read the failing test');
    expect((await home.clip(['show', '@last'])).stdout).toMatch(/next +.*read the failing test/);
    expect((await home.clip(['runs'])).stdout).toContain(run.livenessState ?? 'nothing');
  });
});

describe('the work folder of an agent', () => {
  it('is compared with its commits, files and lines before the run', deep, async () => {
    const home = createHome();
    const { folder, git } = repository(home);
    const before = git('rev-parse', 'HEAD');
    const gate = join(home.base, 'gate');
    await addSpeaker(home, [
      [session('s1'), command('a', 'git commit -am second'), { await: gate }, words('Done.'), ...end],
    ]);
    const number = await home.submit(['--cwd', folder, '--agent', 'coder', 'x']);
    await until('the agent has begun', async () => (await home.show(number)).evidence?.commands === 1);
    writeFileSync(join(folder, 'a.txt'), 'one\nthree\nfour\n');
    git('commit', '-q', '-am', 'second');
    writeFileSync(join(folder, 'new.txt'), 'x\n');
    writeFileSync(gate, '');
    const run = await until('the run has a verdict', async () => {
      const seen = await home.show(number);
      return seen.settled ? seen : null;
    });
    expect(run.workspace).toEqual({
      ...{
        headBefore: before,
        headAfter: git('rev-parse', 'HEAD'),
        commits: 1,
        filesChanged: 2,
        insertions: 3,
        deletions: 1,
        dirty: true,
      },
      files: [
        { path: 'new.txt', kind: 'add' },
        { path: 'a.txt', kind: 'update' },
      ],
      progress: true,
    });
    expect(run).toMatchObject({ livenessState: 'advanced', evidence: { commits: 1 } });
  });

  it('that a person edits shows no progress of an agent that reads', deep, async () => {
    const home = createHome();
    const { folder } = repository(home);
    const gate = join(home.base, 'gate');
    await addSpeaker(home, [
      [session('s1'), command('a', 'cat a.txt'), { await: gate }, words('It holds two lines of text.'), ...end],
    ]);
    const number = await home.submit(['--cwd', folder, '--agent', 'coder', 'x']);
    await until('the agent has begun', async () => (await home.show(number)).evidence?.commands === 1);
    writeFileSync(join(folder, 'a.txt'), 'changed by somebody else\n');
    writeFileSync(gate, '');
    const run = await until('the run has a verdict', async () => {
      const seen = await home.show(number);
      return seen.settled ? seen : null;
    });
    expect(run).toMatchObject({ livenessState: 'needs_followup', workspace: { filesChanged: 1 } });
  });

  it('is its own repository, wherever the daemon started', deep, async () => {
    const home = createHome({ env: { GIT_DIR: '/nowhere/.git', GIT_WORK_TREE: '/nowhere' } });
    const { folder } = repository(home);
    const run = await judged(home, [words('Fine.'), ...end], ['--cwd', folder]);
    expect(run.workspace).toMatchObject({ filesChanged: 0, dirty: false });
  });

  it('is compared by its files outside of a repository', deep, async () => {
    const home = createHome();
    const folder = join(home.base, 'plain');
    mkdirSync(folder);
    const gate = join(home.base, 'gate');
    await addSpeaker(home, [[session('s1'), change('a', 'a.txt'), { await: gate }, words('Done.'), ...end]]);
    const number = await home.submit(['--cwd', folder, '--agent', 'coder', 'x']);
    await until('the agent has begun', async () => (await home.show(number)).evidence?.filesChanged === 1);
    writeFileSync(join(folder, 'a.txt'), 'one\n');
    writeFileSync(gate, '');
    const run = await until('the run has a verdict', async () => {
      const seen = await home.show(number);
      return seen.settled ? seen : null;
    });
    expect(run.workspace).toEqual({
      ...{
        headBefore: null,
        headAfter: null,
        commits: null,
        filesChanged: 1,
        insertions: null,
        deletions: null,
        dirty: null,
      },
      files: [{ path: 'a.txt', kind: 'add' }],
      progress: true,
    });
  });

  it('without git is unknown if it is large, and unused for commands', deep, async () => {
    const home = createHome();
    const folder = join(home.base, 'large');
    mkdirSync(folder);
    execFileSync('sh', ['-c', `seq 0 ${limits.workspaceFiles} | xargs touch`], { cwd: folder });
    expect(await judged(home, [words('Fine.'), ...end], ['--cwd', folder])).toMatchObject({ workspace: null });
    await home.clip(['run', '-w', '--', 'true']);
    expect(await home.show('@last')).toMatchObject({ workspace: null, livenessState: null, livenessReason: null });
  });

  it('is compared for a run whose daemon was killed in between', deep, async () => {
    const home = createHome();
    const { folder, git } = repository(home);
    const gate = join(home.base, 'gate');
    await addSpeaker(home, [[session('s1'), change('a', 'a.txt'), { await: gate }, words('Done.'), ...end]]);
    const number = await home.submit(['--cwd', folder, '--agent', 'coder', 'x']);
    await until('the agent has begun', async () => (await home.show(number)).evidence?.filesChanged === 1);
    await home.kill(home.daemonPid());
    writeFileSync(join(folder, 'a.txt'), 'one\n');
    writeFileSync(gate, '');
    const run = await until('the run has a verdict', async () => {
      const seen = await home.show(number);
      return seen.settled ? seen : null;
    });
    expect(run).toMatchObject({
      livenessState: 'advanced',
      workspace: { headBefore: git('rev-parse', 'HEAD'), filesChanged: 1, deletions: 1, dirty: true },
    });
  });

  it('is compared again with its earlier state after the daemon died', async () => {
    const home = createHome({ env: { CLIP_FAILPOINT: 'finalize.after-workspace' } });
    const { folder } = repository(home);
    await addSpeaker(home, [[session('s1'), change('a', 'b.txt'), words('I wrote it.'), ...end]]);
    const number = await home.submit(['--cwd', folder, '--agent', 'coder', 'x']);
    const run = await until('the run has a verdict', async () => {
      const seen = await home.show(number);
      return seen.settled ? seen : null;
    });
    expect(run).toMatchObject({
      livenessState: 'advanced',
      evidence: { filesChanged: 1 },
      workspace: { filesChanged: 1, insertions: 1, progress: true },
    });
  });
});
