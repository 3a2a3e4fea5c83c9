import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Runs } from '#keeper/held-runs.ts';
import { OwnLimits } from '#keeper/own-limits.ts';
import { stoppedMark } from '#launch/launch.ts';
import { deep } from '../support/deep.ts';
import { createHome, isAlive } from '../support/home.ts';
import { createKeeper } from '../support/keeper.ts';
import { until } from '../support/until.ts';

type Launch = Parameters<Runs['spawn']>[1];

const read = (folder: string, name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8'));

describe('the keeper', () => {
  it('records and reports an end with exit code and signal apart', async () => {
    const keeper = await createKeeper();
    const line = await keeper.greet(1);
    const [code, signal] = [keeper.folder('rcode'), keeper.folder('rsignal')];
    line.say(keeper.request('rcode', ['sh', '-c', 'exit 143']));
    line.say(keeper.request('rsignal', ['sh', '-c', 'kill -TERM $$']));
    await until('both have ended', () => line.received.filter(({ type }) => type === 'exited').length === 2);
    expect(read(code, 'exit.json')).toMatchObject({ code: 143, signal: null });
    expect(read(signal, 'exit.json')).toMatchObject({ code: null, signal: 'SIGTERM' });
    await until(
      'no temporary file is left',
      () => keeper.files('rcode').join(' ') === 'env.json exit.json launch.json started.json stderr.log stdout.log',
    );
  });

  it('gives each process its own session and mark, and nothing of others', async () => {
    const keeper = await createKeeper();
    const line = await keeper.greet(1);
    const folder = keeper.folder('rmark', {
      PATH: process.env['PATH'] ?? '',
      CLIP_RUN_ID: 'rother',
      CLIP_RUN_TOKEN: 'x',
      CLIP_ROLE: 'keeper',
      CLIP_FAILPOINT: 'x',
    });
    line.say(keeper.request('rmark', ['sh', '-c', 'env | grep ^CLIP | sort; cut -d" " -f5,6 /proc/$$/stat; echo $$']));
    await until('the exit is reported', () => line.received.some(({ type }) => type === 'exited'));
    const [own, home, mark, ids, pid] = readFileSync(join(folder, 'stdout.log'), 'utf8').trim().split('\n');
    expect([own, home, mark]).toEqual([
      `CLIP_BIN=${keeper.home}/bin/clip`,
      `CLIP_HOME=${keeper.home}`,
      'CLIP_RUN_ID=rmark',
    ]);
    expect(ids).toBe(`${pid} ${pid}`);
  });

  it('gives a process the token, task and continuation of its own launch', async () => {
    const keeper = await createKeeper();
    const line = await keeper.greet(1);
    const stored = { PATH: process.env['PATH'] ?? '', CLIP_RUN_TOKEN: 'x', CLIP_TASK: '1', CLIP_CONTINUATION: '1' };
    const print = ['sh', '-c', 'env | grep -E "^CLIP_(RUN_TOKEN|TASK|CONTINUATION)=" | sort; true'];
    const [all, older] = [keeper.folder('rall', stored), keeper.folder('rolder', stored)];
    line.say(keeper.request('rall', print, { token: 'abc', task: 7, continuation: 2 }));
    line.say(keeper.request('rolder', print, { task: null }));
    await until('both have ended', () => line.received.filter(({ type }) => type === 'exited').length === 2);
    expect(readFileSync(join(all, 'stdout.log'), 'utf8')).toBe(
      'CLIP_CONTINUATION=2\nCLIP_RUN_TOKEN=abc\nCLIP_TASK=7\n',
    );
    expect(readFileSync(join(older, 'stdout.log'), 'utf8')).toBe('');
  });

  it('refuses unknown messages, and continues', async () => {
    const keeper = await createKeeper();
    const line = await keeper.open();
    for (const message of [
      'not json',
      { type: 'dance' },
      { type: 'spawn', id: '../../etc', launch: { argv: ['true'] } },
      { type: 'spawn', id: 'r1', launch: {} },
      { type: 'hello' },
    ])
      line.say(message);
    line.say({ type: 'spawn', id: 'r1', launch: { argv: ['true'] } });
    line.say({ type: 'hello', protocol: 99, generation: 1, version: 'x', managed: true });
    await until('all requests are answered', () => line.received.length === 7);
    expect(line.received.map(({ type }) => type)).toEqual(Array(7).fill('refused'));
    expect((await keeper.greet(1)).received[0]).toMatchObject({ type: 'hello', protocol: 1, runs: [] });
  });

  it('obeys the newest daemon: older ones are refused or disconnected', async () => {
    const keeper = await createKeeper();
    const first = await keeper.greet(5);
    const late = await keeper.greet(4);
    expect(late.received[0]).toMatchObject({ type: 'refused' });
    const second = await keeper.greet(6);
    await until('the first connection is closed', () => first.closed());
    keeper.folder('rold');
    first.say(keeper.request('rold', ['true']));
    keeper.folder('rnew');
    second.say(keeper.request('rnew', ['true']));
    await until('the new client is served', () => second.received.some(({ type }) => type === 'exited'));
    expect(keeper.files('rold')).toEqual(['env.json']);
  });

  it('never launches a run twice', async () => {
    const keeper = await createKeeper();
    const line = await keeper.greet(1);
    const folder = keeper.folder('ronce');
    line.say(keeper.request('ronce', ['sh', '-c', 'echo once']));
    await until('the exit is reported', () => line.received.some(({ type }) => type === 'exited'));
    line.say(keeper.request('ronce', ['sh', '-c', 'echo twice']));
    await until('the keeper has answered', () => line.received.some(({ type }) => type === 'already-launched'));
    expect(readFileSync(join(folder, 'stdout.log'), 'utf8')).toBe('once\n');
  });

  it('reports its runs to the next daemon, and exits when it is no longer needed', async () => {
    const keeper = await createKeeper();
    const first = await keeper.greet(1);
    keeper.folder('rlong');
    first.say(keeper.request('rlong', ['sleep', '1000']));
    const started = await until('the run has started', () =>
      first.received.find((message) => message.type === 'started'),
    );
    first.say({ type: 'bye' });
    await until('the connection is closed', () => first.closed());
    const second = await keeper.greet(2);
    expect(second.received[0]).toMatchObject({
      type: 'hello',
      runs: [{ id: 'rlong', leader: { pid: started.type === 'started' ? started.leader.pid : 0 } }],
    });
    second.say({ type: 'drain' });
    if (started.type === 'started') process.kill(started.leader.pid, 'SIGKILL');
    await until('the keeper exits', () => !isAlive(keeper.pid));
  });

  it('accepts runs again from its version after another told it to exit', async () => {
    const keeper = await createKeeper();
    const first = await keeper.greet(1);
    keeper.folder('rlong');
    first.say(keeper.request('rlong', ['sleep', '1000']));
    await until('the run has started', () => first.received.some(({ type }) => type === 'started'));
    first.say({ type: 'drain' });
    keeper.folder('rlate');
    first.say(keeper.request('rlate', ['true']));
    await until('the request is refused', () =>
      first.received.some((message) => message.type === 'refused' && message.id === 'rlate'),
    );
    const second = await keeper.greet(2);
    second.say(keeper.request('rlate', ['true']));
    await until('the second connection is served', () =>
      second.received.some((message) => message.type === 'exited' && message.id === 'rlate'),
    );
  });

  it('does not wait at a named pipe, and names the unreadable input', async () => {
    const keeper = await createKeeper();
    const line = await keeper.greet(1);
    const pipe = join(keeper.home, 'pipe');
    execFileSync('mkfifo', [pipe]);
    keeper.folder('rpipe');
    line.say(keeper.request('rpipe', ['cat'], { stdin: pipe }));
    const failed = await until('the keeper has answered', () =>
      line.received.find((message) => message.type === 'failed'),
    );
    expect(failed).toMatchObject({ errorCode: 'launch_failed', message: expect.stringContaining(pipe) });
    await until('the line is recorded', () => keeper.files('rpipe').includes('exit.json'));
  });

  it('exits when its home has vanished with the daemon', async () => {
    const keeper = await createKeeper();
    const line = await keeper.greet(1, { managed: false });
    keeper.folder('rshort');
    line.say(keeper.request('rshort', ['true']));
    await until('the exit is reported', () => line.received.some(({ type }) => type === 'exited'));
    rmSync(keeper.home, { recursive: true, force: true });
    line.socket.destroy();
    await until('the keeper exits', () => !isAlive(keeper.pid), 10_000);
  });

  it('exits after its last run when the daemon has vanished that a person had stopped', async () => {
    const keeper = await createKeeper();
    const line = await keeper.greet(1, { managed: false });
    keeper.folder('rlast');
    line.say(keeper.request('rlast', ['true']));
    await until('the run has ended', () => line.received.some(({ type }) => type === 'exited'));
    writeFileSync(stoppedMark(keeper.home), '');
    line.socket.destroy();
    await until('the keeper exits', () => !isAlive(keeper.pid), 10_000);
  });

  it('enforces a deadline without a daemon, and leaves it to a daemon that runs', async () => {
    const keeper = await createKeeper();
    const line = await keeper.greet(1);
    const [alone, watched] = [keeper.folder('ralone'), keeper.folder('rwatched')];
    const stubborn = ['sh', '-c', 'trap "" TERM; while :; do sleep 0.05; done'];
    line.say(keeper.request('rwatched', ['sleep', '1000'], { deadlineAt: Date.now() }));
    await until('the watched run is live', () =>
      line.received.some((message) => message.type === 'started' && message.id === 'rwatched'),
    );
    // The deadline has passed the whole time. The end of the second process shows that nothing happened.
    line.say(keeper.request('ralone', stubborn, { deadlineAt: Date.now() + 300 }));
    await until('both runs are live', () => line.received.filter(({ type }) => type === 'started').length === 2);
    expect(keeper.files('rwatched')).not.toContain('exit.json');
    line.say({ type: 'bye' });
    await until(
      'both processes were ended',
      () => keeper.files('ralone').includes('exit.json') && keeper.files('rwatched').includes('exit.json'),
    );
    expect([read(alone, 'exit.json'), read(watched, 'exit.json')]).toMatchObject([
      { signal: 'SIGKILL', byDeadline: true },
      { signal: 'SIGTERM', byDeadline: true },
    ]);
  });

  it('lets a stopped process react to its deadline before it is killed', async () => {
    const keeper = await createKeeper();
    const line = await keeper.greet(1);
    const folder = keeper.folder('rstopped');
    const stopped = ['sh', '-c', 'trap "exit 3" TERM; kill -STOP $$; sleep 1000'];
    line.say(keeper.request('rstopped', stopped, { deadlineAt: Date.now(), graceMs: 20_000 }));
    const started = await until('the run is live', () => line.received.find((message) => message.type === 'started'));
    const status = `/proc/${started.type === 'started' ? started.leader.pid : 0}/status`;
    await until('the process is stopped', () => /^State:\s*T/m.test(readFileSync(status, 'utf8')));
    line.say({ type: 'bye' });
    await until('the process has ended', () => keeper.files('rstopped').includes('exit.json'), 40_000);
    expect(read(folder, 'exit.json')).toMatchObject({ code: 3, signal: null, byDeadline: true });
  });

  it('is needed until the record of an end is flushed, and not only in place', async () => {
    const { home, folder, request } = await createKeeper();
    const path = folder('rflush');
    const needed: [inPlace: boolean, isOver: boolean][] = [];
    let flushed = false;
    const note = () => void needed.push([existsSync(join(path, 'exit.json')), runs.areOver]);
    const runs: Runs = new Runs({
      ...{ home, tell: () => {}, daemonIsHere: () => false, onStarted: note, onDecided: note },
      onEnded: () => {
        note();
        flushed = true;
      },
    });
    const context = { home, umask: 0o022, groups: null, limits: new OwnLimits(process.env) };
    runs.spawn(context, request('rflush', ['true']) as Launch);
    await until('everything about its end is on disk', () => flushed);
    expect(needed).toEqual([
      [false, false],
      [false, false],
      [true, false],
      [true, true],
    ]);
  });
});

describe('a keeper of another version', () => {
  it('keeps its runs, accepts no others, and exits after the last', deep, async () => {
    const home = createHome();
    const old = await home.submit(['--', 'sleep', '1000']);
    const before = await home.untilStatus(old, 'running');
    const [oldKeeper] = home.pidsOf('keeper');
    await home.clip(['daemon', 'stop']);
    await home.clip(['daemon', 'start'], { env: { CLIP_VERSION_OVERRIDE: '99.0.0' } });
    const next = await home.submit(['--', 'sleep', '1000']);
    await home.untilStatus(next, 'running');
    const keepers = (
      await home.json<{ keepers: { pid: number; version: string; runs: number }[] }>(['daemon', 'status', '--json'])
    ).keepers;
    expect(keepers).toContainEqual(
      expect.objectContaining({ pid: oldKeeper, version: expect.not.stringMatching('99.0.0'), runs: 1 }),
    );
    expect(keepers).toContainEqual(expect.objectContaining({ pid: expect.any(Number), version: '99.0.0', runs: 1 }));
    expect((await home.show(old)).processPid).toBe(before.processPid);
    const result = await home.clip(['cancel', String(old)]);
    expect(result.code).toBe(0);
    await until('the old keeper exits', () => !isAlive(oldKeeper as number));
    expect((await home.show(old)).signal).toBe('SIGTERM');
  });
});
