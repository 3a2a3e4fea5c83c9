import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { AgentView } from '#protocol/agents.ts';
import { buildRunEnvironment } from '#run/run-environment.ts';
import { deep } from '../support/deep.ts';
import { createHome, program, type TestHome } from '../support/home.ts';
import { addTask, atRest, runsOf, shownTask } from '../support/task-runs.ts';
import { until } from '../support/until.ts';

/** Creates a program in the folder `tools`, which is not on the daemon's PATH. */
function makeTool(home: TestHome, name: string, script: string): string {
  const folder = join(home.base, 'tools');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\ncat > /dev/null\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** Adds an agent that writes its environment to a file and reports that it is done. */
async function addEnvironmentWriter(home: TestHome, options: readonly string[] = []): Promise<() => string[]> {
  const file = join(home.base, 'environment');
  makeTool(home, 'writer', `env > '${file}'\n"$CLIP_BIN" report done 'It is written.' > /dev/null`);
  await ok(home, ['agent', 'add', 'writer', '--adapter', 'plain', '--command', 'writer', ...options]);
  return () => (existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []);
}

type Extra = { readonly env?: Record<string, string>; readonly cwd?: string };

async function ok(home: TestHome, args: readonly string[], extra: Extra = {}): Promise<string> {
  const result = await home.clip(args, extra);
  if (result.code !== 0) throw new Error(`clip ${args.join(' ')}: ${result.stderr}`);
  return result.stdout;
}

/** Returns the environment of a shell that has the tools and one more variable. */
const shellWith = (home: TestHome, env: Record<string, string> = {}): Extra => ({
  env: { PATH: `${join(home.base, 'tools')}${delimiter}${home.env['PATH']}`, ...env },
});

const gitInit = (folder: string, name: string) => {
  mkdirSync(folder, { recursive: true });
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: folder, stdio: 'pipe', env: gitEnvironment }).toString();
  git('init', '-q', '-b', 'main');
  writeFileSync(join(folder, 'f'), name);
  git('add', 'f');
  git('commit', '-q', '-m', name);
  return git;
};
const author = { GIT_AUTHOR_NAME: 'n', GIT_AUTHOR_EMAIL: 'a@b', GIT_COMMITTER_NAME: 'n', GIT_COMMITTER_EMAIL: 'a@b' };
const gitEnvironment = {
  ...author,
  PATH: process.env['PATH'] ?? '',
  HOME: '/nonexistent',
  GIT_CONFIG_GLOBAL: '/dev/null',
};

describe('The work folder of a run', () => {
  it('is PWD for commands, agents, retries, batches and an own --cwd', deep, async () => {
    const home = createHome({ env: { PWD: '/', OLDPWD: '/tmp' } });
    const folder = join(home.base, 'project');
    mkdirSync(folder);
    const dump = ['sh', '-c', 'env | grep -c "^OLDPWD=" ; env | grep "^PWD="'];
    await ok(home, ['run', '-q', '-w', '--cwd', folder, '--', ...dump]);
    await ok(home, ['retry', '1', '-q', '-w']);
    await ok(home, ['run', '--batch', '-', '-w', '-q'], {}).catch(() => null);
    await home.clip(['run', '--batch', '-', '-w'], { input: `${JSON.stringify({ command: dump, cwd: folder })}\n` });
    makeTool(home, 'dumper', 'env | grep -c "^OLDPWD="; env | grep "^PWD="');
    await ok(home, [
      'agent',
      'add',
      'dumper',
      '--adapter',
      'plain',
      '--command',
      join(home.base, 'tools/dumper'),
      '--cwd',
      folder,
    ]);
    await ok(home, ['run', '-q', '-w', '--agent', 'dumper', 'go']);
    await ok(home, ['retry', '4', '-q', '-w']);
    for (const number of [1, 2, 3, 4, 5])
      expect([number, await ok(home, ['logs', String(number)])]).toEqual([number, `0\nPWD=${folder}\n`]);
  });

  it("is the agent's repository, also from a hook of another worktree", async () => {
    const home = createHome();
    const [a, b] = [join(home.base, 'a'), join(home.base, 'b')];
    const gitA = gitInit(a, 'first of a');
    const gitB = gitInit(b, 'first of b');
    gitA('worktree', 'add', '-q', '../a-tree', '-b', 'tree');
    await ok(home, [
      'agent',
      'add',
      'committer',
      '--adapter',
      'plain',
      '--command',
      'sh',
      '--arg',
      '-c',
      '--arg',
      'cat > /dev/null; echo x > new; git add new; git commit -q -m "by the agent"',
      '--cwd',
      b,
    ]);
    writeFileSync(
      join(a, '.git/hooks/post-commit'),
      `#!/bin/sh\n'${process.execPath}' '${program}' run -q -w --agent committer -- go\n`,
      { mode: 0o755 },
    );
    const commit = "git commit -q --allow-empty -m 'in the worktree of a'";
    execFileSync('sh', ['-c', commit], {
      cwd: join(home.base, 'a-tree'),
      env: { ...home.env, ...author },
      stdio: 'pipe',
    });
    expect(gitB('log', '--format=%s').trim().split('\n')).toEqual(['by the agent', 'first of b']);
    expect(gitA('log', '--format=%s', 'tree').trim().split('\n')).toEqual(['in the worktree of a', 'first of a']);
  });

  it('is not hidden by any variable that is local to a git repository', () => {
    const local = execFileSync('git', ['rev-parse', '--local-env-vars']).toString().trim().split('\n');
    const base = Object.fromEntries(local.map((name) => [name, '1']));
    const left = Object.keys(buildRunEnvironment({ base, agent: null, given: {}, cwd: '/' }));
    // Settings that a person exports, for example safe.directory, do not name a repository.
    expect(left.sort()).toEqual(['GIT_CONFIG_COUNT', 'PWD']);
  });
});

describe('An automatic run of a task', () => {
  it('has the environment of its assigner, not that of the daemon', deep, async () => {
    const home = createHome();
    await ok(home, ['daemon', 'start'], { env: { OF_DAEMON: 'yes' } });
    const written = await addEnvironmentWriter(home);
    await ok(home, ['task', 'add', 'One', '--assign', 'writer'], shellWith(home, { MINE: 'assigned' }));
    const { task, runs } = await atRest(home, 1);
    expect(runs.map(({ status, errorCode, environmentSource }) => [status, errorCode, environmentSource])).toEqual([
      ['succeeded', null, 'task'],
    ]);
    expect(task.status).toBe('in_review');
    expect(written()).toContain('MINE=assigned');
    expect(written()).not.toContain('OF_DAEMON=yes');
    expect((await home.clip(['show', '1'])).stdout).toContain('of the person who assigned or last continued T1');
  });

  it('has the newest values of the person who continued the task last', deep, async () => {
    const home = createHome();
    const written = await addEnvironmentWriter(home);
    await ok(home, ['task', 'add', 'One', '--assign', 'writer'], shellWith(home, { TOKEN_OF_TODAY: 'old-token-1' }));
    await atRest(home, 1);
    await ok(home, ['continue', 'T1'], shellWith(home, { TOKEN_OF_TODAY: 'new-token-2' }));
    await atRest(home, 1);
    expect(written()).toContain('TOKEN_OF_TODAY=new-token-2');
    expect((await home.clip(['task', 'show', 'T1'])).stdout).toMatch(
      /environment +as it was when you assigned or last continued/,
    );
  });

  it('has the environment of the person who started one by hand', deep, async () => {
    const home = createHome();
    const written = await addEnvironmentWriter(home);
    await addTask(home, []);
    await ok(home, ['task', 'assign', 'T1', 'me']);
    const byHand = shellWith(home, { MINE: 'by hand' });
    await ok(home, ['run', '-q', '-w', '--agent', 'writer', '--task', 'T1', '--env', 'ONCE=1', 'go'], byHand);
    expect(written()).toContain('ONCE=1');
    await ok(home, ['retry', '1', '-q', '-w'], { ...byHand, env: { ...byHand.env, MINE: 'again' } });
    expect((await shownTask(home, 1)) as object).toMatchObject({ environment: { source: 'person' } });
    const kept = readFileSync(join(home.folder, 'environments/task-1.json'), 'utf8');
    expect(JSON.parse(kept)).toMatchObject({ MINE: 'again' });
    expect(kept).not.toContain('ONCE');
  });

  it('starts from a private file that is removed with a closed task', async () => {
    const home = createHome();
    await addEnvironmentWriter(home);
    const secret = 'a-secret-of-the-shell';
    await ok(home, ['task', 'add', 'One', '--assign', 'writer'], shellWith(home, { MY_API_KEY: secret }));
    await atRest(home, 1);
    const file = join(home.folder, 'environments/task-1.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(file)).mode & 0o777).toBe(0o700);
    const places = ['clip.db', 'clip.db-wal', 'daemon.log'].filter((name) => existsSync(join(home.folder, name)));
    for (const name of places)
      expect([name, readFileSync(join(home.folder, name), 'latin1').includes(secret)]).toEqual([name, false]);
    await ok(home, ['task', 'done', 'T1']);
    await until('the stored environment is removed', () => !existsSync(file));
  });

  it('keeps the environment after a crash, but not of a closed task', deep, async () => {
    const home = createHome();
    const written = await addEnvironmentWriter(home);
    await ok(home, ['task', 'add', 'One', '--assign', 'me'], shellWith(home, { MINE: 'kept' }));
    await ok(home, ['task', 'assign', 'T1', 'writer'], shellWith(home, { MINE: 'kept' }));
    await atRest(home, 1);
    await ok(home, ['task', 'add', 'Two', '--assign', 'writer'], shellWith(home));
    await atRest(home, 2);
    await home.kill(home.daemonPid());
    // A crash right after the task was closed would leave this file.
    const orphan = join(home.folder, 'environments/task-99.json');
    writeFileSync(orphan, '{}', { mode: 0o600 });
    writeFileSync(join(home.base, 'environment'), '');
    await ok(home, ['daemon', 'start'], { env: { MINE: 'of the daemon' } });
    await until('the orphaned file is removed', () => !existsSync(orphan));
    // A request from outside of any shell stores no new environment.
    expect((await home.asked<object>('/v1/tasks/1', ['task', 'show', 'T1', '--json'])) as object).toMatchObject({
      environment: { source: 'person' },
    });
    expect(written()).not.toContain('MINE=kept');
    await ok(home, ['task', 'start', 'T1'], shellWith(home, { MINE: 'restarted' }));
    await atRest(home, 1);
    expect(written()).toContain('MINE=restarted');
  });

  it('keeps the earlier environment when a change of it is refused', deep, async () => {
    const home = createHome();
    await addEnvironmentWriter(home);
    await ok(home, ['task', 'add', 'One', '--assign', 'writer'], shellWith(home, { MINE: 'first' }));
    await atRest(home, 1);
    await ok(home, ['task', 'assign', 'T1', 'none']);
    expect((await home.clip(['continue', 'T1'], shellWith(home, { MINE: 'second' }))).code).toBe(5);
    expect(JSON.parse(readFileSync(join(home.folder, 'environments/task-1.json'), 'utf8'))).toMatchObject({
      MINE: 'first',
    });
  });

  it("has the daemon's environment with the setting, or is blocked", deep, async () => {
    const home = createHome({ env: { PATH: `${dirname(process.execPath)}:/usr/bin:/bin` } });
    await ok(home, ['config', 'set', 'task_environment', 'daemon']);
    await addEnvironmentWriter(home);
    await ok(home, ['task', 'add', 'One', '--assign', 'writer'], shellWith(home));
    const { task, runs } = await atRest(home, 1);
    expect(runs.map(({ errorCode, environmentSource }) => [errorCode, environmentSource])).toEqual([
      ['command_not_found', 'daemon'],
    ]);
    expect(runs[0]?.error).toBe(`The command writer was not found in the run's PATH, ${home.env['PATH']}`);
    expect(task).toMatchObject({ status: 'blocked', blockedReason: expect.stringContaining("in the run's PATH") });
    expect(task.blockedNext).toContain('clip agent edit writer --command PATH');
  });

  it('by a timer has the environment of the person who set the timer', deep, async () => {
    const home = createHome();
    await ok(home, ['daemon', 'start'], { env: { OF_DAEMON: 'yes' } });
    const written = await addEnvironmentWriter(home);
    const set = ['agent', 'edit', 'writer', '--every', '1s', '--force', '--cwd', home.base, '--timer-prompt', 'go'];
    await ok(home, set, shellWith(home, { MINE: 'of the timer' }));
    await until('the timer has started the agent', () => written().includes('MINE=of the timer'));
    expect(written()).not.toContain('OF_DAEMON=yes');
    await ok(home, ['agent', 'edit', 'writer', '--every', 'none']);
    expect(await home.show(1)).toMatchObject({ environmentSource: 'timer' });
    await ok(home, ['cancel', '--all']);
  });

  it("that an agent reassigned lacks that agent's own variables", deep, async () => {
    const home = createHome();
    const written = await addEnvironmentWriter(home);
    makeTool(
      home,
      'delegator',
      `"$CLIP_BIN" task add Two --assign writer > /dev/null; "$CLIP_BIN" report done ok > /dev/null`,
    );
    await ok(home, [
      'agent',
      'add',
      'delegator',
      '--adapter',
      'plain',
      '--command',
      'delegator',
      '--env',
      'OWN_KEY=of-the-delegator',
    ]);
    await ok(home, ['run', '-q', '-w', '--agent', 'delegator', 'go'], shellWith(home, { MINE: 'person' }));
    await atRest(home, 1);
    expect((await runsOf(home, 1)).map(({ environmentSource }) => environmentSource)).toEqual(['task']);
    expect(written()).toContain('MINE=person');
    expect(written().filter((line) => line.startsWith('OWN_KEY'))).toEqual([]);
  });
});

describe('clip agent check', () => {
  const check = (home: TestHome, extra: Extra = {}) => home.clip(['agent', 'check', 'writer', '--no-ask'], extra);

  it('names the missing program', deep, async () => {
    const home = createHome();
    await ok(home, ['agent', 'add', 'writer', '--adapter', 'claude', '--command', 'no-such-claude']);
    expect((await check(home)).stdout).toMatch(/^✗ found +no-such-claude is not there/);
  });

  it('says that runs of tasks will not find the program, with a remedy', deep, async () => {
    const home = createHome();
    await addEnvironmentWriter(home);
    expect((await check(home, shellWith(home))).stdout).toMatch(/✓ tasks +each task keeps the environment/);
    // This task is assigned from a shell without the variable.
    await ok(home, ['task', 'add', 'One', '--backlog', '--assign', 'writer']);
    await ok(home, ['agent', 'pause', 'writer']);
    await ok(home, ['task', 'start', 'T1']);
    const { code, stdout } = await check(home, shellWith(home));
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /✗ tasks +T1: writer is not in the PATH that was kept for them\. From this shell: clip continue T1/,
    );
  });

  it("searches the daemon's PATH where runs of tasks start from it", deep, async () => {
    const home = createHome();
    await ok(home, ['config', 'set', 'task_environment', 'daemon']);
    await addEnvironmentWriter(home);
    const { code, stdout } = await check(home, shellWith(home));
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /✗ tasks +automatic runs: writer is not in the daemon's PATH\. From this shell: clip daemon restart/,
    );
    const answer = await home.clip(['agent', 'check', 'writer', '--no-ask', '--json'], shellWith(home));
    expect(
      (JSON.parse(answer.stdout) as { checks: { check: string; ok: boolean }[] }).checks.map(
        ({ check: name, ok: fine }) => [name, fine],
      ),
    ).toEqual([
      ['found', true],
      ['tasks', false],
    ]);
  });
});

describe("An agent without its run's mark", () => {
  const hidden = 'env -u CLIP_RUN_ID -u CLIP_RUN_TOKEN';

  it('is no person: it comments as itself and raises no budget', async () => {
    const home = createHome();
    const out = join(home.base, 'out');
    makeTool(
      home,
      'pretender',
      `${hidden} "$CLIP_BIN" task comment T1 'I am a person' >> '${out}' 2>&1\n${hidden} "$CLIP_BIN" task edit T1 --budget 100usd >> '${out}' 2>&1\n${hidden} "$CLIP_BIN" agent edit pretender --permission full >> '${out}' 2>&1\n"$CLIP_BIN" report done ok > /dev/null`,
    );
    await ok(home, ['agent', 'add', 'pretender', '--adapter', 'plain', '--command', 'pretender']);
    await ok(home, ['task', 'add', 'One', '--budget', '1usd', '--assign', 'pretender'], shellWith(home));
    const { task, comments } = await atRest(home, 1);
    expect(comments.map(({ author: by, text }) => [by, text])).toEqual([['pretender', 'I am a person']]);
    expect(task.budget?.costUsd).toBe(1);
    const said = readFileSync(out, 'utf8');
    expect(said).toContain('Only a person sets what a task may use; this is run 1 of agent pretender.');
    expect(said).toContain('Only a person adds and changes agents; this is run 1 of agent pretender.');
    const { agent } = await home.json<{ agent: AgentView }>(['agent', 'show', 'pretender', '--json']);
    expect(agent.permission).toBe('ask');
  });

  it.each([
    ['without the mark', `${hidden} "$CLIP_BIN"`],
    ["with another home's mark", 'env CLIP_RUN_ID=none "$CLIP_BIN"'],
  ])('chooses no permission and stops no agents, %s', async (_, clip) => {
    const home = createHome();
    const out = join(home.base, 'out');
    const line = '{"agent":"pretender","prompt":"x","permission":"full"}';
    const tries = [
      `${clip} run --agent pretender --permission full x`,
      `echo '${line}' | ${clip} run --batch -`,
      `${clip} agent edit pretender --permission full`,
      `${clip} pause --now`,
    ];
    makeTool(
      home,
      'pretender',
      `${tries.map((each) => `${each} >> '${out}' 2>&1`).join('\n')}\n"$CLIP_BIN" report done ok > /dev/null`,
    );
    await ok(home, ['agent', 'add', 'pretender', '--adapter', 'plain', '--command', 'pretender']);
    await ok(home, ['task', 'add', 'One', '--assign', 'pretender'], shellWith(home));
    const { runs } = await atRest(home, 1);
    expect(runs.map(({ status }) => status)).toEqual(['succeeded']);
    expect(readFileSync(out, 'utf8').match(/Only a person \w+/g)).toEqual([
      'Only a person chooses',
      'Only a person chooses',
      'Only a person adds',
      'Only a person stops',
    ]);
  });

  it('is recognized however it writes the address', async () => {
    const home = createHome();
    const out = join(home.base, 'out');
    const send = `${hidden} curl -s --unix-socket "$CLIP_HOME/clip.sock" -X PATCH -H 'content-type: application/json' -d '{"permission":"edit"}'`;
    const tries = ['http://x/v1/%61gents/pretender', '--request-target http://x/v1/agents/pretender http://x/'];
    makeTool(
      home,
      'pretender',
      `${tries.map((each) => `${send} ${each} >> '${out}' 2>&1`).join('\n')}\n"$CLIP_BIN" report done ok > /dev/null`,
    );
    await ok(home, ['agent', 'add', 'pretender', '--adapter', 'plain', '--command', 'pretender']);
    await ok(home, ['task', 'add', 'One', '--assign', 'pretender'], shellWith(home));
    await atRest(home, 1);
    expect(readFileSync(out, 'utf8').match(/Only a person \w+/g)).toEqual(['Only a person adds', 'Only a person adds']);
  });

  it('is distinguished from the person who works beside it', deep, async () => {
    const home = createHome();
    const gate = join(home.base, 'gate');
    makeTool(home, 'waiter', `while [ ! -e '${gate}' ]; do sleep 0.05; done; "$CLIP_BIN" report done ok > /dev/null`);
    await ok(home, ['agent', 'add', 'waiter', '--adapter', 'plain', '--command', 'waiter']);
    await ok(home, ['task', 'add', 'One', '--assign', 'waiter'], shellWith(home));
    await home.untilStatus(1, 'running');
    await ok(home, ['task', 'comment', 'T1', 'from me']);
    await ok(home, ['task', 'edit', 'T1', '--budget', '5usd']);
    writeFileSync(gate, '');
    const { comments, task } = await atRest(home, 1);
    expect(comments.map(({ author: by }) => by)).toEqual(['me']);
    expect(task.budget?.costUsd).toBe(5);
  });
});
