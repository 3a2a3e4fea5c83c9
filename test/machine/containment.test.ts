/** Programs that leave a run, on purpose or not: daemons, other users, programs that hide or fork all the time. */
import { execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ownGroup } from '#process/cgroup.ts';
import { currentTick, readStat, systemBootId } from '#process/process-birth.ts';
import { findRunProcesses } from '#process/run-processes.ts';
import type { Leader } from '#run/leader.ts';
import { configure } from '../support/config.ts';
import { createHomeWith, has, isRoot, kernelModes, type Mode, modes, pidIn } from '../support/containment.ts';
import { deep } from '../support/deep.ts';
import { createHome, isAlive, program, type TestHome } from '../support/home.ts';
import { until } from '../support/until.ts';

/** Returns every living process whose command line contains this text. */
function processesWith(text: string): number[] {
  return readdirSync('/proc').flatMap((name) => {
    try {
      return /^\d+$/.test(name) &&
        readFileSync(`/proc/${name}/cmdline`, 'latin1').includes(text) &&
        isAlive(Number(name))
        ? [Number(name)]
        : [];
    } catch {
      return [];
    }
  });
}

/** Returns whether no process is in this group. Dead processes that were not reaped count as members. */
function isGroupEmpty(group: number, signal: NodeJS.Signals | 0 = 0): boolean {
  try {
    process.kill(-group, signal);
    return false;
  } catch {
    return true;
  }
}

/** Runs a script until the run has settled. The folder of the script is $PWD. */
async function settledRun(home: TestHome, script: string, options: readonly string[] = []) {
  const number = await home.submit([...options, '--', 'sh', '-c', script]);
  return until(`run ${number} has settled`, async () => {
    const run = await home.show(number);
    return run.settled ? run : null;
  });
}

const otherUid = 65_534;
const other = 'setpriv --reuid 65534 --regid 65534 --clear-groups';

function writeNginxConfig(home: TestHome): string {
  const folder = join(home.base, 'nginx');
  mkdirSync(folder);
  const user = isRoot ? 'user nobody nogroup;\n' : '';
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(' ');
  const server = `http { access_log off; ${temporary} server { listen unix:${folder}/socket; } }`;
  writeFileSync(
    join(folder, 'conf'),
    `${user}pid ${folder}/pid;\nerror_log ${folder}/log;\nworker_processes 2;\nevents {}\n${server}\n`,
  );
  return folder;
}

describe.each(kernelModes)('A run contained by %s', (mode) => {
  it.skipIf(!has('nginx'))('ends nginx, which becomes a daemon and gives workers another user', async () => {
    const home = await createHomeWith(mode);
    const folder = writeNginxConfig(home);
    const run = await settledRun(
      home,
      `nginx -e ${folder}/log -c ${folder}/conf; while ! test -s ${folder}/pid; do sleep 0.01; done`,
    );
    expect(run).toMatchObject({ status: 'succeeded', exitCode: 0 });
    expect(run.leaked?.filter(({ command }) => command === 'nginx').length).toBeGreaterThan(1);
    expect(run.leaked?.filter(({ ended }) => !ended)).toEqual([]);
    expect(processesWith(`${folder}/conf`)).toEqual([]);
  });

  it.skipIf(!has('redis-server'))('ends redis, which overwrites its environment as a daemon', deep, async () => {
    const home = await createHomeWith(mode);
    const pidFile = join(home.base, 'redis.pid');
    const options = `--daemonize yes --port 0 --unixsocket ${home.base}/redis.sock --save "" --dir ${home.base} --pidfile ${pidFile}`;
    const run = await settledRun(
      home,
      `redis-server ${options}; while ! test -s ${pidFile}; do sleep 0.01; done; cp ${pidFile} ${home.base}/was`,
    );
    const pid = await pidIn(join(home.base, 'was'));
    expect(run.leaked).toContainEqual({ pid, command: 'redis-server', ended: true });
    expect(isAlive(pid)).toBe(false);
  });

  it.skipIf(!has('ssh-agent'))('lists ssh-agent, which hides its memory, and leaves it as configured', async () => {
    const home = await createHomeWith(mode);
    const run = await settledRun(home, 'eval "$(ssh-agent)"');
    const [agent] = run.leaked ?? [];
    onTestFinished(() => void (agent !== undefined && isAlive(agent.pid) && process.kill(agent.pid)));
    expect(run.leaked).toEqual([{ pid: expect.any(Number), command: 'ssh-agent', ended: false }]);
    expect(run.unexamined).toBe(0);
  });

  it.skipIf(!has('ssh-agent'))('ends ssh-agent where the configuration does not keep it', deep, async () => {
    const home = await createHomeWith(mode, 'leftovers_keep = []\n');
    const run = await settledRun(home, 'eval "$(ssh-agent)"');
    expect(run.leaked).toEqual([{ pid: expect.any(Number), command: 'ssh-agent', ended: true }]);
  });

  it('ends a process that left environment, session and parent', async () => {
    const home = await createHomeWith(mode);
    const run = await settledRun(
      home,
      'env -i setsid sh -c "sleep 1000 >/dev/null 2>&1 & echo \\$! > escaped.pid"; while ! test -s escaped.pid; do :; done',
    );
    const pid = await pidIn(join(home.base, 'escaped.pid'));
    expect([isAlive(pid), run.leaked?.map((process) => process.pid)]).toEqual([false, [pid]]);
  });

  it.skipIf(!isRoot)('ends a leftover of another user in a session of its own', deep, async () => {
    const home = await createHomeWith(mode);
    const run = await settledRun(
      home,
      `env -i setsid ${other} sleep 1000 >/dev/null 2>&1 & echo $! > escaped.pid; sleep 0.2`,
    );
    const pid = await pidIn(join(home.base, 'escaped.pid'));
    expect(run.leaked).toContainEqual(expect.objectContaining({ command: 'sleep', ended: true }));
    expect(isAlive(pid)).toBe(false);
  });

  it('ends a process that forks and exits rapidly, at a normal end', deep, async () => {
    const home = await createHomeWith(mode);
    const mark = `hops-${process.pid}-${Date.now()}`;
    const group = 'open(F, ">", "group.pid"); print F $$; close F;';
    const hop = `${group} $SIG{TERM} = "IGNORE"; while (1) { exit if fork; select(undef, undef, undef, 0.003) }`;
    onTestFinished(() => {
      for (const pid of processesWith(mark)) process.kill(pid, 'SIGKILL');
    });
    const run = await settledRun(home, `env -i setsid perl -e '${hop}' ${mark} >/dev/null 2>&1 & sleep 0.3`);
    expect(run.status).toBe('succeeded');
    // The process has a new pid each moment, so a look may miss it. Its group is empty only when none is left.
    const leader = await pidIn(join(home.base, 'group.pid'));
    onTestFinished(() => void isGroupEmpty(leader, 'SIGKILL'));
    await until('its group is empty', () => isGroupEmpty(leader), 10_000);
  });

  it('shows its containment in its own facts and in the doctor', deep, async () => {
    const home = await createHomeWith(mode);
    const run = await settledRun(home, 'true');
    const wanted = mode === 'control groups' ? 'cgroup' : 'mark';
    expect(run.containment).toBe(wanted);
    expect((await home.clip(['show', String(run.number)])).stdout).toContain(
      mode === 'control groups' ? 'control group' : 'mark',
    );
    const { checks } = await home.json<{ checks: { name: string; state: string; says: string }[] }>([
      'doctor',
      '--json',
    ]);
    expect(checks.find(({ name }) => name === 'containment')?.says).toContain(
      mode === 'control groups' ? 'control group' : 'mark',
    );
  });
});

describe.each(modes)('A run contained by %s', (mode: Mode) => {
  it.skipIf(!isRoot)('is canceled although its leader has changed its user', deep, async () => {
    const home = await createHomeWith(mode);
    const number = await home.submit(['--', ...other.split(' '), 'sleep', '1000']);
    const { processPid } = await home.untilStatus(number, 'running');
    await until('the process has changed its user', () =>
      readFileSync(`/proc/${processPid}/cmdline`, 'latin1').startsWith('sleep'),
    );
    expect((await home.clip(['cancel', String(number)])).code).toBe(0);
    expect(await home.show(number)).toMatchObject({ status: 'cancelled', signal: 'SIGTERM' });
    expect(isAlive(processPid ?? 0)).toBe(false);
  });

  it('reaches its time limit although its leader claims to be a daemon', deep, async () => {
    const home = await createHomeWith(mode);
    const number = await home.submit(['--timeout', '1s', '--', 'env', 'CLIP_ROLE=daemon', 'sleep', '1000']);
    const run = await home.untilStatus(number, 'timed_out');
    expect(isAlive(run.processPid ?? 0)).toBe(false);
  });

  it('ends a leftover that claims to be a keeper of clip', deep, async () => {
    const home = await createHomeWith(mode);
    await settledRun(home, 'CLIP_ROLE=keeper setsid sleep 1000 >/dev/null 2>&1 & echo $! > escaped.pid');
    expect(isAlive(await pidIn(join(home.base, 'escaped.pid')))).toBe(false);
  });

  it('wakes a stopped program to end it: SIGCONT is sent with SIGTERM', deep, async () => {
    const home = await createHomeWith(mode);
    const ended = join(home.base, 'ended');
    const script = `trap 'echo well > ${ended}; exit 0' TERM; kill -STOP $$; while :; do sleep 0.05; done`;
    const number = await home.submit(['--', 'sh', '-c', script]);
    const { processPid } = await home.untilStatus(number, 'running');
    await until('the process is stopped', () => readStat(processPid ?? 0)?.state === 'T');
    await home.clip(['cancel', String(number)]);
    expect(await home.show(number)).toMatchObject({ status: 'cancelled', exitCode: 0 });
    expect(readFileSync(ended, 'utf8')).toBe('well\n');
  });

  it('reports no process as "still there" that is gone a moment later', deep, async () => {
    const home = await createHomeWith(mode);
    const number = await home.submit([
      '--grace',
      '1s',
      '--',
      'sh',
      '-c',
      'for i in 1 2 3 4 5 6; do setsid sh -c "trap \\"\\" TERM; while :; do sleep 0.05; done" & done; wait',
    ]);
    await home.untilStatus(number, 'running');
    const { stdout } = await home.clip(['cancel', String(number)]);
    expect(stdout).not.toContain('still there');
    expect((await home.show(number)).leaked?.filter(({ ended }) => !ended)).toEqual([]);
  });
});

describe('A run contained by marks alone', () => {
  // The limit that RELIABILITY.md describes: the process has neither the mark, nor the session, nor an ancestor of the
  // run.
  it('misses a process that left environment, session and parent', deep, async () => {
    const home = await createHomeWith('marks alone');
    const run = await settledRun(
      home,
      'env -i setsid sh -c "sleep 1000 >/dev/null 2>&1 & echo \\$! > escaped.pid"; while ! test -s escaped.pid; do :; done',
    );
    const pid = await pidIn(join(home.base, 'escaped.pid'));
    onTestFinished(() => void process.kill(pid, 'SIGKILL'));
    expect([isAlive(pid), run.leaked]).toEqual([true, []]);
  });

  it('finds a process that was a known descendant before it left', deep, async () => {
    const home = await createHomeWith('marks alone');
    const script = `(cd / && sleep 1.5 && exec env -i setsid sleep 1000) >/dev/null 2>&1 & sleep 2.5`;
    const run = await settledRun(home, script);
    expect(run.leaked).toContainEqual(expect.objectContaining({ command: 'sleep', ended: true }));
  });

  // Root may inspect every process.
  it.skipIf(!has('ssh-agent') || !isRoot)('counts the processes that could not be inspected', deep, async () => {
    const home = createHome();
    configure(home, 'containment = "mark"\n');
    for (const path of [home.base, join(home.base, 'config'), join(home.base, 'config', 'clip')])
      chownSync(path, otherUid, otherUid);
    const who = ['--reuid', String(otherUid), '--regid', String(otherUid), '--clear-groups'];
    const command = ['prlimit', '--locks=1000:1000', '--', process.execPath, program];
    const asOtherUser = (...args: readonly string[]) =>
      execFileSync('setpriv', [...who, ...command, ...args], { env: home.env, cwd: home.base, encoding: 'utf8' });
    asOtherUser('run', '--wait', '-q', '--', 'sh', '-c', 'eval "$(ssh-agent)"; echo $SSH_AGENT_PID > escaped.pid');
    const pid = await pidIn(join(home.base, 'escaped.pid'));
    onTestFinished(() => void process.kill(pid, 'SIGKILL'));
    expect((await home.show(1)).unexamined).toBeGreaterThan(0);
    expect(asOtherUser('show', '1')).toContain('could not be looked at');
  });
});

describe.skipIf(!kernelModes.includes('control groups'))('Control groups', () => {
  it('are removed with their runs, or by the next keeper', deep, async () => {
    const home = createHome();
    const base = ownGroup() ?? '';
    const groupsHere = () => readdirSync(base).filter((name) => /^clip-[0-9a-f]{8}$/.test(name));
    const first = await settledRun(home, 'true');
    // The group is taken from the run's own record: other keepers start here as well and remove every empty group.
    const { cgroup } = JSON.parse(readFileSync(join(home.folder, 'runs', first.id, 'started.json'), 'utf8')) as {
      cgroup: string;
    };
    const own = basename(dirname(cgroup));
    expect(existsSync(cgroup)).toBe(false);
    const number = await home.submit(['--', 'sleep', '1000']);
    await home.untilStatus(number, 'running');
    const [keeper] = home.pidsOf('keeper');
    await home.kill(keeper ?? 0);
    await home.clip(['cancel', '--now', String(number)]);
    await home.clip(['daemon', 'restart']);
    await until('another keeper is running', () => home.pidsOf('keeper').length === 1);
    await settledRun(home, 'true');
    expect(groupsHere()).not.toContain(own);
  });

  it("named in a run's own record are not trusted, and nothing in them ends", async () => {
    const home = createHome();
    const number = await home.submit(['--', 'sleep', '1000']);
    const { id } = await home.untilStatus(number, 'running');
    const bystander = spawn('sleep', ['1000'], { stdio: 'ignore' });
    onTestFinished(() => void bystander.kill('SIGKILL'));
    const record = join(home.folder, 'runs', id, 'started.json');
    const started = JSON.parse(readFileSync(record, 'utf8')) as object;
    for (const pid of [...home.pidsOf('daemon'), ...home.pidsOf('keeper')]) await home.kill(pid);
    writeFileSync(record, JSON.stringify({ ...started, cgroup: ownGroup() }));
    await home.clip(['cancel', '--now', String(number)]);
    await home.untilStatus(number, 'cancelled');
    expect(isAlive(bystander.pid ?? 0)).toBe(true);
  });
});

describe('A reused session id', () => {
  /** Starts a process whose session leader is dead, as after the reuse of a pid. */
  async function orphan(): Promise<{ pid: number; session: number; startTime: number }> {
    const shell = spawn('sh', ['-c', 'sleep 1000 >/dev/null & echo $!'], {
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { PATH: process.env['PATH'] },
    });
    const pid = await new Promise<number>((resolve) =>
      shell.stdout.once('data', (text: Buffer) => resolve(Number(text.toString()))),
    );
    onTestFinished(() => void process.kill(pid, 'SIGKILL'));
    await until('the leader has ended', () => !isAlive(shell.pid ?? 0));
    const stat = readStat(pid);
    return { pid, session: stat?.session ?? 0, startTime: stat?.startTime ?? 0 };
  }
  const leaderOf = (session: number, more: Partial<Leader>): Leader => ({
    pid: session,
    pgid: session,
    startTime: 1,
    bootId: systemBootId(),
    ...more,
  });
  const familyOf = (leader: Leader) =>
    findRunProcesses([{ runId: 'rnobody', leader }])
      .members.get('rnobody')
      ?.map(({ pid }) => pid);

  it('does not include a process born after the leader ended', async () => {
    const { session, startTime } = await orphan();
    expect(familyOf(leaderOf(session, { endTick: startTime - 1 }))).toEqual([]);
  });

  it('includes no process when the end of the leader was not observed', async () => {
    const { session } = await orphan();
    expect(familyOf(leaderOf(session, { endTick: null }))).toEqual([]);
  });

  it('belongs to the run for processes born while the leader lived', async () => {
    const { pid, session } = await orphan();
    expect(familyOf(leaderOf(session, { endTick: currentTick() }))).toEqual([pid]);
  });
});
