/** What restores a task's automatic starts, and what ends a streak of runs: the content of files, not their times. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type AgentStep, addSpeaker, codexSays } from '../support/agents.ts';
import { deep } from '../support/deep.ts';
import { createHome, type TestHome } from '../support/home.ts';
import { addRepository, addWorktree } from '../support/repositories.ts';
import { addTask, atRest, type runsOf, untilRun } from '../support/task-runs.ts';
import { until } from '../support/until.ts';

const { session, words, command, write, done } = codexSays;
const end = [done(10, 1), { exit: 0 }];
const says = (text: string): readonly AgentStep[] => [words(text), ...end];

/**
 * Creates a task of an agent with a stream, in a repository of its own. Each start has a script; the last script also
 * serves all later starts.
 */
async function streamed(scripts: readonly (readonly AgentStep[])[]) {
  const home = createHome();
  const repository = addRepository(home);
  await addSpeaker(
    home,
    scripts.map((steps) => [session('s1'), ...steps]),
    ['--cwd', repository.folder],
  );
  return { home, repository, task: await addTask(home) };
}

/** Creates a task of an agent without a stream: a shell script. */
async function plain(home: TestHome, folder: string, script: string): Promise<number> {
  const program = join(home.base, 'plain-agent');
  writeFileSync(program, `#!/bin/sh\ncat > /dev/null\n${script}\n`);
  chmodSync(program, 0o755);
  const added = await home.clip([
    'agent',
    'add',
    'scribe',
    '--adapter',
    'plain',
    '--command',
    program,
    '--cwd',
    folder,
  ]);
  if (added.code !== 0) throw new Error(added.stderr);
  return addTask(home, ['--assign', 'scribe']);
}

const progressOf = (runs: Awaited<ReturnType<typeof runsOf>>) => runs.map(({ workspace }) => workspace?.progress);

describe('an agent with a stream', () => {
  it('that repeats bytes and claims success is in review after two runs', async () => {
    const { home, task } = await streamed([
      [write('a', 'written.txt', 'hello\n'), ...says('All done. The change is in place.')],
    ]);
    const { runs, task: seen } = await atRest(home, task);
    expect(seen.status).toBe('in_review');
    expect(progressOf(runs)).toEqual([true, false]);
    expect(
      runs.map(({ livenessState, evidence, decision }) => [livenessState, evidence?.filesChanged, decision?.action]),
    ).toEqual([
      ['advanced', 1, 'continue'],
      ['needs_followup', 0, 'review'],
    ]);
    expect(runs[1]).toMatchObject({
      lastUsefulActionAt: null,
      decision: { reason: expect.stringContaining('nothing new') },
    });
  });

  it('that repeats bytes without a claim is blocked after three starts', deep, async () => {
    const { home, task } = await streamed([
      [write('a', 'written.txt', 'hello\n'), command('b', 'make'), ...says('I wrote it.')],
    ]);
    const { runs, task: seen } = await atRest(home, task);
    expect([seen.status, runs.length]).toEqual(['blocked', 4]);
    expect(progressOf(runs)).toEqual([true, false, false, false]);
  });

  it('that touches a file makes no progress', deep, async () => {
    const { home, task } = await streamed([[{ run: 'touch a.txt' }, ...says('I touched it.')]]);
    const { runs } = await atRest(home, task);
    expect(progressOf(runs)).toEqual([false, false, false, false]);
    expect(runs[0]).toMatchObject({
      livenessState: 'advanced',
      evidence: { filesChanged: 0, commands: 1 },
      workspace: { filesChanged: 0 },
    });
  });

  it('that only lets a log grow makes no progress', deep, async () => {
    const { home, task } = await streamed([[{ run: 'date +%N >> test.log' }, ...says('I ran the tests.')]]);
    const { runs } = await atRest(home, task);
    expect(progressOf(runs)).toEqual([false, false, false, false]);
    expect(runs[1]).toMatchObject({
      evidence: { filesChanged: 1 },
      workspace: { files: [{ path: 'test.log', kind: 'update' }] },
    });
  });

  it('that appends to a file by commands makes progress when it appears', deep, async () => {
    const { home, task } = await streamed([[{ run: 'date +%N >> numbers.txt' }, ...says('I counted on.')]]);
    const { runs } = await atRest(home, task);
    expect(progressOf(runs)).toEqual([true, false, false, false]);
  });

  it('that alternates between two states makes progress only twice', deep, async () => {
    const write1 = [write('a', 'a.txt', 'one\n'), command('c', 'make'), ...says('I changed it.')];
    const write2 = [write('a', 'a.txt', 'two\n'), command('c', 'make'), ...says('I changed it.')];
    const { home, task } = await streamed([write1, write2, write1, write2, write1, write2]);
    const { runs, task: seen } = await atRest(home, task);
    expect(progressOf(runs)).toEqual([true, true, false, false, false]);
    expect(seen.status).toBe('blocked');
  });

  it('that reverts its change makes no progress by that', deep, async () => {
    const change = [{ run: 'echo three >> a.txt' }, ...says('I changed it.')];
    const revert = [{ run: 'git checkout a.txt' }, ...says('I changed it back.')];
    const { home, task } = await streamed([change, revert, change, revert]);
    expect(progressOf((await atRest(home, task)).runs)).toEqual([true, false, false, false]);
  });

  it('progresses by a commit, not by an empty, amended or reverting one', deep, async () => {
    const git = 'git -c user.name=T -c user.email=t@example.invalid';
    const commits = [
      `echo three >> a.txt; ${git} commit -qam more`,
      `${git} commit -q --amend -m other`,
      `${git} commit -q --allow-empty -m nothing`,
      `${git} revert --no-edit HEAD~1`,
    ];
    const { home, task } = await streamed(commits.map((run) => [{ run }, ...says('I committed.')]));
    const { runs } = await atRest(home, task);
    expect(progressOf(runs)).toEqual([true, false, false, false]);
    expect(runs.map(({ evidence }) => evidence?.commits)).toEqual([1, 1, 1, 1]);
  });

  it('that makes progress is continued up to automatic_runs_max', deep, async () => {
    const home = createHome();
    await home.clip(['config', 'set', 'automatic_runs_max', '2']);
    const repository = addRepository(home);
    await addSpeaker(
      home,
      [[session('s1'), codexSays.change('a', 'a.txt'), ...says('Changed a little.')]],
      ['--cwd', repository.folder],
    );
    const { runs, task } = await atRest(home, await addTask(home));
    expect(progressOf(runs)).toEqual([true, true, true]);
    expect(task).toMatchObject({ status: 'blocked', blockedReason: expect.stringContaining('2 runs in a row') });
    expect(runs.at(-1)?.decision?.reason).toContain('automatic_runs_max');
  });

  it('that stores a document with unchanged words makes no progress', deep, async () => {
    const home = createHome();
    const put = {
      run: `echo same > notes.md; node '${join(process.cwd(), 'bin', 'clip.js')}' task doc put T1 notes notes.md`,
    };
    await addSpeaker(home, [[session('s1'), put, ...says('I noted it.')]]);
    const { runs } = await atRest(home, await addTask(home));
    expect(runs.map(({ evidence }) => evidence?.documents)).toEqual([1, 0, 0, 0]);
  });
});

describe('an agent without a stream', () => {
  it('is credited with nothing in a main checkout, where people edit', deep, async () => {
    const home = createHome();
    const { folder } = addRepository(home);
    const gate = join(home.base, 'gate');
    // Each start waits for its own gate.
    const waits = `cd '${home.base}'; n=$(cat starts 2>/dev/null | wc -l); echo >> starts; until [ -e '${gate}'$n ]; do sleep 0.05; done`;
    const task = await plain(home, folder, `(${waits}); echo "I will look at it."`);
    for (let edits = 0; edits < 3; edits++) {
      await untilRun(home, task, edits + 1, 'running');
      writeFileSync(join(folder, 'mine.txt'), `edit ${edits}\n`);
      writeFileSync(`${gate}${edits}`, '');
      await untilRun(home, task, edits + 1, 'succeeded');
    }
    const { runs, task: seen } = await atRest(home, task);
    expect(runs.map(({ livenessState }) => livenessState)).toEqual(['plan_only', 'plan_only', 'plan_only']);
    expect(progressOf(runs)).toEqual([false, false, false]);
    expect(runs.map(({ workspace }) => workspace?.files.map(({ path }) => path))).toEqual([
      ['mine.txt'],
      ['mine.txt'],
      ['mine.txt'],
    ]);
    expect(seen.status).toBe('blocked');
  });

  it('that claims to be done in a main checkout is in review', deep, async () => {
    const home = createHome();
    const { folder } = addRepository(home);
    const { runs, task } = await atRest(home, await plain(home, folder, 'echo changed > a.txt; echo "All done."'));
    expect([runs.length, task.status]).toEqual([1, 'in_review']);
    expect(runs[0]).toMatchObject({ workspace: { filesChanged: 1, progress: false } });
  });

  it('is credited with every change in a worktree of its task alone', deep, async () => {
    const home = createHome();
    const { folder } = addWorktree(home, addRepository(home));
    const { runs, task } = await atRest(home, await plain(home, folder, 'echo changed > a.txt; echo "All done."'));
    expect(progressOf(runs)).toEqual([true, false]);
    expect(runs[0]).toMatchObject({ livenessState: 'advanced', livenessReason: 'Evidence of work: 1 file changed.' });
    expect(task.status).toBe('in_review');
  });

  it('is credited with commits in its own worktree, not with a log', deep, async () => {
    const home = createHome();
    const { folder } = addWorktree(home, addRepository(home));
    const commit = 'git -c user.name=T -c user.email=t@example.invalid commit -qam "$(date +%N)"';
    const task = await plain(
      home,
      folder,
      `date +%N >> growing.txt; [ -e once ] || { echo x >> a.txt; touch once; ${commit}; }; echo "I ran it."`,
    );
    const { runs } = await atRest(home, task);
    expect(progressOf(runs)).toEqual([true, false, false, false]);
    expect(runs[0]?.livenessReason).toContain('1 commit');
  });

  it('is credited with nothing in a worktree of two open tasks', deep, async () => {
    const home = createHome();
    const { folder } = addWorktree(home, addRepository(home));
    await addSpeaker(home, [[session('s'), ...end]], ['--cwd', folder], 'other');
    await home.clip(['agent', 'pause', 'other']);
    await addTask(home, ['--assign', 'other'], 'Something else');
    const { runs } = await atRest(home, await plain(home, folder, 'echo changed > a.txt; echo "It is changed now."'));
    expect(runs[0]?.workspace).toMatchObject({ filesChanged: 1, progress: false });
  });
});

describe('an agent beside another one', () => {
  it("that only reads is not credited with the other one's commit", deep, async () => {
    const home = createHome();
    const { folder, git } = addRepository(home);
    const [gateA, gateB] = [join(home.base, 'gate-a'), join(home.base, 'gate-b')];
    const commit = 'echo more >> a.txt; git -c user.name=T -c user.email=t@example.invalid commit -qam more';
    const options = ['--cwd', folder, '--share-worktree'];
    await addSpeaker(
      home,
      [[session('a'), { await: gateA }, { run: commit }, ...says('I committed it.')]],
      options,
      'committer',
    );
    const reads = { run: `cat a.txt; echo noted > '${home.base}/note'` };
    await addSpeaker(home, [[session('b'), reads, { await: gateB }, ...says('I read it.')]], options, 'reader');
    const reader = await home.submit(['--agent', 'reader', 'x']);
    await until('the agent has read the file', async () => (await home.show(reader)).evidence?.commands === 1);
    const committer = await home.submit(['--agent', 'committer', 'x']);
    await home.untilStatus(committer, 'running');
    writeFileSync(gateA, '');
    await home.untilStatus(committer, 'succeeded');
    writeFileSync(gateB, '');
    const settled = (number: number) =>
      until(`run ${number} has a verdict`, async () => {
        const run = await home.show(number);
        return run.settled ? run : null;
      });
    expect(git('log', '--oneline')).toContain('more');
    expect(await settled(committer)).toMatchObject({
      evidence: { commits: 1, filesChanged: 1 },
      workspace: { commits: 1, progress: true },
    });
    const seen = await settled(reader);
    expect(seen).toMatchObject({
      evidence: { commits: 0, filesChanged: 0 },
      workspace: { commits: 1, filesChanged: 1, progress: false },
    });
    expect(seen.livenessReason).toBe('Evidence of work: 1 command.');
  });
});

describe('the summary of a task', () => {
  it('counts a file of many runs once, and names one that a command wrote', deep, async () => {
    const { home, task } = await streamed([
      [write('a', 'written.txt', 'one\n'), ...says('I wrote it.')],
      [write('a', 'written.txt', 'two\n'), ...says('I wrote it again.')],
      [write('a', 'written.txt', 'three\n'), { run: 'sed -i s/one/1/ a.txt' }, ...says('I wrote it a third time.')],
      [command('b', 'make'), ...says('I built it.')],
    ]);
    const { runs } = await atRest(home, task);
    expect(runs.length).toBeGreaterThan(3);
    const { stdout } = await home.clip(['handoff', `T${task}`]);
    expect(stdout).toContain('- Observed: 2 files changed (+2 -1 lines) in the work folder since run 1 began;');
    expect(stdout).toContain('- `written.txt` added, written 3 times by its tools');
    expect(stdout).toContain('- `a.txt` changed');
    expect(stdout).not.toContain('no stream has said');
  });

  it('counts an uncommitted file that differs from its state at first', deep, async () => {
    const home = createHome();
    const { folder } = addRepository(home);
    for (const name of ['mine.txt', 'ours.txt']) writeFileSync(join(folder, name), 'open before\n');
    await addSpeaker(
      home,
      [[session('s1'), write('a', 'ours.txt', 'changed\n'), ...says('All done.')]],
      ['--cwd', folder],
    );
    await atRest(home, await addTask(home));
    const { stdout } = await home.clip(['handoff', 'T1']);
    // The changed lines are not known, because the earlier content was not stored.
    expect(stdout).toContain('- The work folder has 1 changed file since run 1 began, changes of others included:');
    expect(stdout).toContain('- `ours.txt` changed');
    expect(stdout).not.toContain('mine.txt');
  });

  it('marks a command that had not ended as such everywhere', deep, async () => {
    const { home, task } = await streamed([
      [command('a', 'make'), command('b', 'npm run dev', null), ...says('It is built, and the server runs.')],
    ]);
    const [run] = await untilRun(home, task, 1, 'succeeded');
    const seen = await until('the run has a verdict', async () => {
      const each = await home.show(run?.number ?? 0);
      return each.settled ? each : null;
    });
    expect(seen).toMatchObject({
      evidence: { commands: 1, commandsOpen: 1 },
      livenessReason: 'Evidence of work: 2 commands (1 not ended).',
    });
    expect((await home.clip(['show', String(seen.number)])).stdout).toContain('2 commands (1 not ended),');
  });
});

describe('a task of an agent', () => {
  it('without any budget shows once per home what bounds its cost', deep, async () => {
    const home = createHome();
    await addSpeaker(home, [
      [session('s1'), ...says('I am blocked: I need the API key for the staging server to continue.')],
    ]);
    const first = await home.clip(['task', 'add', 'One', '--assign', 'coder']);
    expect(first).toMatchObject({ code: 0, stdout: 'T1\n' });
    expect(first.stderr).toContain(
      'No budget limits what T1 may cost. What bounds it: clip starts at most 5 runs of it in a row by itself',
    );
    expect(first.stderr).toContain('clip agent edit coder --budget-day');
    expect((await home.clip(['task', 'add', 'Two', '--assign', 'coder'])).stderr).toBe('');
    await home.clip(['daemon', 'restart']);
    expect((await home.clip(['task', 'assign', 'T1', 'coder'])).stderr).not.toContain('No budget');
  });

  it('with a budget shows no notice about its cost', deep, async () => {
    const home = createHome();
    await addSpeaker(home, [[session('s1'), ...end]], ['--budget-day', '9runs']);
    expect((await home.clip(['task', 'add', 'One', '--assign', 'coder'])).stderr).toBe('');
    await addSpeaker(home, [[session('s1'), ...end]], [], 'other');
    expect((await home.clip(['task', 'add', 'Two', '--assign', 'other', '--budget', '9runs'])).stderr).toBe('');
    expect((await home.clip(['task', 'add', 'Three'])).stderr).toBe('');
    expect((await home.clip(['task', 'assign', 'T3', 'other'])).stderr).toContain('No budget limits what T3 may cost');
  });
});
