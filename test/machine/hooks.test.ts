import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runProgram } from '#process/run-hook.ts';
import { configure } from '../support/config.ts';
import { deep } from '../support/deep.ts';
import { agent, createHome, isAlive, type TestHome } from '../support/home.ts';
import { until } from '../support/until.ts';

const writes = agent('writes-down-its-input.sh');
type Told = {
  schema: number;
  event: string;
  at: string;
  run?: { number: number; status: string; exitCode: number | null };
  needs?: { task: number | null; what: string }[];
};

/** Creates a home whose hooks record their input. */
function homeWith(hooks: readonly string[], more = '') {
  const home = createHome();
  const file = join(home.base, 'told');
  configure(
    home,
    `${more}\n[hooks]\n${hooks.map((name) => `${name} = ["${writes}", "${file}", "${name}"]`).join('\n')}\n`,
  );
  const lines = (): string[] => (existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : []);
  const told = (name: string): Told[] =>
    lines().flatMap((line) => (line.startsWith(`${name} `) ? [JSON.parse(line.slice(name.length + 1)) as Told] : []));
  return { home, told, lines, file };
}

const logOf = (home: TestHome) => readFileSync(join(home.folder, 'daemon.log'), 'utf8');

describe('a hook', () => {
  it('gets new failed runs once and in order, and the empty queue', deep, async () => {
    const { home, told } = homeWith(['failed', 'queue_empty']);
    for (const code of [3, 0, 4]) await home.submit(['--', 'sh', '-c', `exit ${code}`]);
    await home.submit(['--timeout', '1s', '--', 'sleep', '100']);
    await home.untilStatus(4, 'timed_out');
    await until(
      'all hooks were called',
      () => told('failed').length >= 3 && told('queue_empty').some(({ event }) => event === 'queue_empty'),
    );
    expect(told('failed').map(({ run }) => [run?.number, run?.status, run?.exitCode])).toEqual([
      [1, 'failed', 3],
      [3, 'failed', 4],
      [4, 'timed_out', null],
    ]);
    expect(told('failed')[0]).toMatchObject({
      schema: 1,
      event: 'failed',
      at: expect.stringMatching(/^\d{4}-.*Z$/),
      run: { errorCode: 'exit_nonzero' },
      task: null,
    });
    configure(home, `[hooks]\nfailed = ["${writes}", "${join(home.base, 'other')}", "failed"]\n`);
    await home.clip(['daemon', 'restart']);
    expect((await home.clip(['run', '--wait', '--', 'sh', '-c', 'exit 9'])).code).toBe(9);
    await until('the next hook was called', () => existsSync(join(home.base, 'other')));
    expect(readFileSync(join(home.base, 'other'), 'utf8').match(/"number":\d+/g)).toEqual(['"number":5']);
  });

  it('gets each event once although the daemon dies and runs end meanwhile', deep, async () => {
    const { home, told } = homeWith(['failed', 'queue_empty']);
    const gate = join(home.base, 'gate');
    await home.submit(['--', agent('waits-for-a-file.sh'), gate, '9']);
    await home.untilStatus(1, 'running');
    await home.submit(['--', 'sh', '-c', 'exit 3']);
    await until('the hook was called for the first run', () => told('failed').length === 1);
    const stopped = await home.clip(['daemon', 'stop']);
    expect(stopped.code).toBe(0);
    writeFileSync(gate, '');
    await until(
      'the daemon has exited',
      () => existsSync(join(home.folder, 'runs')) && home.pidsOf('daemon').length === 0,
    );
    await home.clip(['daemon', 'start']);
    await home.untilStatus(1, 'failed');
    await until(
      'the hook was called for the second run',
      () => told('failed').length === 2 && told('queue_empty').length === 1,
    );
    await home.kill(home.daemonPid());
    await home.clip(['daemon', 'start']);
    await home.submit(['--', 'sh', '-c', 'exit 4']);
    await until(
      'the hook was called for the third run and the empty queue',
      () => told('failed').length >= 3 && told('queue_empty').length >= 2,
    );
    expect(told('failed').map(({ run }) => run?.exitCode)).toEqual([3, 9, 4]);
  });

  it('gets what needs a person, and nothing that a person has done', deep, async () => {
    const { home, told } = homeWith(['needs_you']);
    const reporter = join(home.base, 'reports-done');
    writeFileSync(reporter, '#!/bin/sh\n"$CLIP_BIN" report done finished\n', { mode: 0o755 });
    await home.clip(['agent', 'add', 'coder', '--adapter', 'plain', '--command', reporter]);
    await home.clip(['task', 'add', 'mine']);
    await home.clip(['task', 'block', 'T1', 'later']);
    for (const title of ['one', 'two']) await home.clip(['task', 'add', title, '--assign', 'coder']);
    await until(
      'the hook was called for both tasks',
      () => told('needs_you').flatMap(({ needs = [] }) => needs).length >= 2,
    );
    expect(
      told('needs_you')
        .flatMap(({ needs = [] }) => needs.map(({ task }) => task))
        .sort(),
    ).toEqual([2, 3]);
    expect(told('needs_you')[0]?.needs?.[0]).toMatchObject({
      kind: 'task',
      title: 'one',
      status: 'in_review',
      next: expect.stringContaining('clip task done T2'),
    });
  });

  it('that hangs is ended with all processes it started, and its output is kept', async () => {
    const { base } = createHome();
    const pids = join(base, 'pids');
    const hangs = `echo stuck >&2; sleep 1000 & echo $! > ${pids}; echo $$ >> ${pids}; wait`;
    const why = await runProgram(['sh', '-c', hangs], {
      input: '{}',
      env: { PATH: process.env['PATH'] ?? '' },
      cwd: base,
      timeoutMs: 500,
      signal: new AbortController().signal,
    });
    expect(why).toBe('it took more than 0.5 s and was ended: stuck');
    const started = readFileSync(pids, 'utf8').trim().split('\n').map(Number);
    expect(started).toHaveLength(2);
    await until('both processes have ended', () => started.every((pid) => !isAlive(pid)));
  });

  it('that hangs while the daemon is stopped is ended with the daemon', deep, async () => {
    const home = createHome();
    const pids = join(home.base, 'pids');
    const hook = join(home.base, 'hook');
    writeFileSync(hook, `#!/bin/sh\nsleep 1000 & echo $! > '${pids}'; echo $$ >> '${pids}'; wait\n`, { mode: 0o755 });
    await home.clip(['config', 'set', 'hooks.failed', hook]);
    await home.clip(['run', '-q', '-w', '--', 'false']);
    await until('the hook runs', () => existsSync(pids) && readFileSync(pids, 'utf8').trim().split('\n').length === 2);
    const started = readFileSync(pids, 'utf8').trim().split('\n').map(Number);
    await home.clip(['daemon', 'stop']);
    await until('both processes have ended', () => started.every((pid) => !isAlive(pid)));
  });

  it('that fails or is missing stops nothing; log and doctor report it', deep, async () => {
    const home = createHome({ env: { CLIP_RUN_ID: 'not-a-run' } });
    const seen = join(home.base, 'seen');
    configure(
      home,
      `[hooks]\nfailed = ["sh", "-c", "env > ${seen}; echo sorry >&2; exit 7"]\nqueue_empty = ["/no/such/program"]\n`,
    );
    await home.clip(['run', '--wait', '--', 'false']);
    await until('both are logged', () => logOf(home).split('hook failed').length === 3);
    expect(logOf(home)).toContain('it ended with 7: sorry');
    expect(logOf(home)).toContain('it could not be started (ENOENT)');
    expect(readFileSync(seen, 'utf8')).not.toMatch(/^CLIP_(RUN_|ROLE|TASK|BIN)/m);
    expect(readFileSync(seen, 'utf8')).toContain(`CLIP_HOME=${home.folder}`);
    const { checks } = await home.json<{ checks: { name: string; state: string; says: string }[] }>([
      'doctor',
      '--json',
    ]);
    expect(checks.filter(({ name }) => name.startsWith('hook'))).toEqual([
      expect.objectContaining({
        name: 'hook failed',
        state: 'warning',
        says: expect.stringContaining('it ended with 7: sorry'),
      }),
      expect.objectContaining({
        name: 'hook queue_empty',
        state: 'broken',
        says: expect.stringContaining('/no/such/program'),
      }),
    ]);
  });
});

describe('notifications', () => {
  it.runIf(process.platform === 'linux')('are shown by notify-send, with each argument unchanged', deep, async () => {
    const bin = join(createHome().base, 'bin');
    const said = join(bin, 'said');
    mkdirSync(bin);
    writeFileSync(join(bin, 'notify-send'), `#!/bin/sh\nprintf '%s\\n' "$@" >> ${said}\n`);
    chmodSync(join(bin, 'notify-send'), 0o755);
    const home = createHome({ env: { PATH: `${bin}:${process.env['PATH'] ?? ''}` } });
    configure(home, 'notifications = true\n');
    await home.clip(['run', '--name=a$(b)', '--wait', '--', 'sh', '-c', 'exit 3']);
    await until('the notification is shown', () => existsSync(said) && readFileSync(said, 'utf8').includes('failed'));
    expect(readFileSync(said, 'utf8')).toMatch(/^--app-name=clip\n--\nclip: run a\$\(b\) failed\n.+\n$/);
  });
});
