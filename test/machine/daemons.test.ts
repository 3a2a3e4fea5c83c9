import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ask } from '../support/api.ts';
import { deep } from '../support/deep.ts';
import { createHome, resultOf, root, type TestHome } from '../support/home.ts';
import { until } from '../support/until.ts';

/** Returns how many daemons have become ready in this home so far. */
const startsOf = (home: TestHome): number =>
  readFileSync(join(home.folder, 'daemon.log'), 'utf8')
    .split('\n')
    .filter((line) => line.includes('daemon ready')).length;

describe('the start of the daemon', () => {
  it('happens once when 30 clients come at once, and none of them fails', deep, async () => {
    const home = createHome();
    const results = await Promise.all(Array.from({ length: 30 }, () => home.clip(['runs', '--json'])));
    const answers = new Set(results.map(({ code, stdout, stderr }) => JSON.stringify({ code, stdout, stderr })));
    expect([...answers]).toEqual([
      JSON.stringify({ code: 0, stdout: '{"schema":1,"runs":[],"hidden":0,"next":null}\n', stderr: '' }),
    ]);
    await until('the other daemons have exited', () => home.pidsOf('daemon').length === 1);
    expect(startsOf(home)).toBe(1);
    expect(readFileSync(join(home.folder, 'daemon.err'), 'utf8')).toBe('');
  });

  it('happens once when 20 clients submit at once, with distinct numbers', deep, async () => {
    const home = createHome();
    const numbers = await Promise.all(Array.from({ length: 20 }, () => home.submit(['--', 'true'])));
    expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect(startsOf(home)).toBe(1);
    expect((await home.clip(['wait', '-q', ...numbers.map(String)])).code).toBe(0);
  });

  it('by hand beside a running daemon ends at once with exit code 0', deep, async () => {
    const home = createHome();
    await home.clip(['daemon', 'start']);
    const daemon = home.daemonPid();
    const options = { env: home.env, stdio: ['ignore', 'pipe', 'pipe'] as const };
    const second = await resultOf(
      spawn(process.execPath, [join(root, 'bin/clipd.js')], { ...options, stdio: ['ignore', 'pipe', 'pipe'] }),
    );
    expect(second).toEqual({ code: 0, signal: null, stdout: '', stderr: '' });
    expect([home.daemonPid(), await home.listens()]).toEqual([daemon, true]);
  });

  it('followed by a stop leaves no process, not even a starting keeper', async () => {
    const home = createHome();
    for (let round = 0; round < 3; round += 1) {
      const child = spawn(process.execPath, [join(root, 'bin/clipd.js'), '--home', home.folder], {
        env: { ...home.env, CLIP_ROLE: 'daemon' },
        stdio: 'ignore',
      });
      await until('the daemon listens', () => home.listens());
      expect((await ask(home.folder, '/v1/daemon/stop', { method: 'POST', body: '{"cancelRuns":true}' })).status).toBe(
        200,
      );
      expect((await resultOf(child)).code).toBe(0);
      await until('the keeper has exited', () => home.pidsOf('keeper').length === 0, 5_000);
    }
  });

  it('is forbidden by CLIP_NO_SPAWN=1: exit code 4, and no file is made', deep, async () => {
    const home = createHome({ env: { CLIP_NO_SPAWN: '1' } });
    for (const args of [
      ['runs', '--json'],
      ['run', '--', 'true'],
      ['show', '1'],
      ['cancel', '1'],
      ['daemon', 'start'],
    ]) {
      const { code, stdout, stderr } = await home.clip(args);
      expect([args, code, stdout]).toEqual([args, 4, '']);
      expect(stderr).toContain('CLIP_NO_SPAWN');
    }
    // In a verb that ends with a run's code, 125 is clip's own failure.
    expect((await home.clip(['wait', '1'])).code).toBe(125);
    expect([home.pidsOf('daemon'), existsSync(home.folder)]).toEqual([[], false]);
  });

  it('is not triggered by verbs that only read', deep, async () => {
    const home = createHome();
    const codes = [];
    const verbs = [
      ['status'],
      ['status', '--json'],
      [],
      ['daemon', 'status'],
      ['daemon', 'status', '--json'],
      ['daemon', 'stop'],
      ['daemon', 'logs'],
    ];
    for (const args of [...verbs, ['--version'], ['--help'], ['help'], ['help', 'exit-codes'], ['doctor']]) {
      codes.push([args.join(' '), (await home.clip(args)).code]);
    }
    expect(codes).toEqual([
      ['status', 4],
      ['status --json', 4],
      ['', 4],
      ['daemon status', 4],
      ['daemon status --json', 4],
      ['daemon stop', 0],
      ['daemon logs', 0],
      ['--version', 0],
      ['--help', 0],
      ['help', 0],
      ['help exit-codes', 0],
      ['doctor', 0],
    ]);
    expect([home.pidsOf('daemon'), existsSync(join(home.folder, 'clip.db'))]).toEqual([[], false]);
  });
});

describe('the socket', () => {
  it('is made again within seconds when deleted, and no client fails', deep, async () => {
    const home = createHome();
    await home.clip(['daemon', 'start']);
    const daemon = home.daemonPid();
    rmSync(join(home.folder, 'clip.sock'));
    const { code, stderr } = await home.clip(['runs', '--json']);
    expect([code, stderr]).toEqual([0, '']);
    await until('one daemon is left', () => home.pidsOf('daemon').length === 1);
    expect(home.daemonPid()).toBe(daemon);
    rmSync(join(home.folder, 'clip.sock'));
    await until('the daemon listens again without a client', () => home.listens(), 10_000);
    expect([home.daemonPid(), startsOf(home)]).toEqual([daemon, 1]);
  });

  it('of a dead daemon is replaced by the next daemon', deep, async () => {
    const home = createHome();
    await home.clip(['daemon', 'start']);
    const daemon = home.daemonPid();
    await home.kill(daemon);
    const socket = join(home.folder, 'clip.sock');
    expect([existsSync(socket), (await home.clip(['status'])).code]).toEqual([true, 4]);
    expect((await home.clip(['runs', '--json'])).code).toBe(0);
    expect(home.daemonPid()).not.toBe(daemon);
  });

  it('is accessible to its owner alone, and is gone after a stop', deep, async () => {
    const home = createHome();
    await home.clip(['daemon', 'start']);
    const socket = join(home.folder, 'clip.sock');
    expect([statSync(socket).mode & 0o777, statSync(home.folder).mode & 0o777]).toEqual([0o600, 0o700]);
    expect((await home.clip(['daemon', 'stop'])).code).toBe(0);
    expect([existsSync(socket), home.pidsOf('daemon')]).toEqual([false, []]);
  });
});

describe('the home', () => {
  it('ends daemon and keeper when it is deleted, and is made by the next run', deep, async () => {
    const home = createHome();
    await home.clip(['run', '--wait', '--', 'true']);
    rmSync(home.folder, { recursive: true, force: true });
    await until('the daemon has exited', () => home.pidsOf('daemon').length === 0, 10_000);
    await until('the keeper has exited', () => home.pidsOf('keeper').length === 0, 10_000);
    expect((await home.clip(['run', '--wait', '--', 'true'])).code).toBe(0);
  });
});

describe('clip status', () => {
  it('waits for a killed daemon that its keeper restarts', deep, async () => {
    const home = createHome();
    const run = await home.submit(['--', 'sleep', '600']);
    await home.untilStatus(run, 'running');
    await home.kill(home.daemonPid());
    const status = await home.clip(['status', '--json']);
    expect([status.code, status.stderr]).toEqual([0, '']);
    expect((JSON.parse(status.stdout) as { live: { number: number }[] }).live.map(({ number }) => number)).toEqual([
      run,
    ]);
  });

  it('says at once after a clean stop that the daemon is stopped', deep, async () => {
    const home = createHome();
    const run = await home.submit(['--', 'sleep', '600']);
    await home.untilStatus(run, 'running');
    await home.clip(['daemon', 'stop']);
    const status = await home.clip(['status']);
    expect([status.code, status.stderr]).toEqual([4, expect.stringContaining('The daemon is not running.')]);
    await home.clip(['cancel', String(run)]);
  });

  it('names the limit of a live daemon without free file descriptors', deep, async () => {
    const home = createHome();
    await home.clip(['daemon', 'start']);
    const pid = home.daemonPid();
    // The limit is below every descriptor in use, so no new one can be opened.
    execFileSync('prlimit', ['--pid', String(pid), '--nofile=3:']);
    const refused = await home.clip(['status']);
    expect(refused.code).toBe(4);
    expect(refused.stderr).toMatch(/drops every connection|does not answer/);
    expect(refused.stderr).not.toContain('not running');
    execFileSync('prlimit', ['--pid', String(pid), '--nofile=1024:']);
    await until('the daemon answers', async () => {
      const { code, stderr } = await home.clip(['status', '--json']);
      if (code !== 0) throw new Error(`${stderr.trim()} ${describeProcess(pid)}`);
      return true;
    });
  });
});

/** Describes what a process that does not answer is doing. */
function describeProcess(pid: number): string {
  try {
    const read = (name: string) => readFileSync(`/proc/${pid}/${name}`, 'latin1');
    const state = /^State:.*$/m.exec(read('status'))?.[0];
    const limit = /^Max open files.*$/m.exec(read('limits'))?.[0];
    return `${state}; ${limit}; ${readdirSync(`/proc/${pid}/fd`).length} open; waits in ${read('wchan')}; ${read('stat')}`;
  } catch (error) {
    return String(error);
  }
}
