/**
 * A home that is shared with a container. A daemon in the container sees other processes, and the same pids mean other
 * processes there.
 */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { deep } from '../support/deep.ts';
import { createHome, isAlive, program, type TestHome } from '../support/home.ts';
import { until } from '../support/until.ts';

const canUnshare = spawnSync('unshare', ['--pid', '--fork', '--mount-proc', 'true'], { stdio: 'ignore' }).status === 0;

/**
 * Moves the daemon to a pid namespace of its own, which lives until the end of the test. The keeper, which would start
 * a daemon of its own, is suspended in the meantime.
 */
async function moveDaemonElsewhere(home: TestHome): Promise<void> {
  const keepers = home.pidsOf('keeper');
  for (const pid of keepers) process.kill(pid, 'SIGSTOP');
  for (const pid of home.pidsOf('daemon')) await home.kill(pid);
  const script = '"$0" "$1" daemon start && exec sleep 1000';
  const inside = ['--pid', '--fork', '--mount-proc', '--kill-child', 'sh', '-c', script, process.execPath, program];
  const container = spawn('unshare', inside, { env: home.env, cwd: home.base, stdio: 'ignore' });
  onTestFinished(async () => {
    // If the daemon were killed with its container, a keeper outside would start it again.
    await until('the daemon in the container has stopped', async () => {
      if (home.pidsOf('daemon').length === 0) return true;
      return (await home.clip(['daemon', 'stop', '--cancel-runs'], { env: { CLIP_NO_SPAWN: '1' } })).code === 0;
    });
    container.kill('SIGKILL');
  }, 60_000);
  await until('the daemon in the container is running', () => home.pidsOf('daemon').length > 0);
  for (const pid of keepers) process.kill(pid, 'SIGCONT');
  await until('the daemon in the container answers', () => home.listens());
}

async function killBoth(home: TestHome): Promise<void> {
  for (const pid of [...home.pidsOf('daemon'), ...home.pidsOf('keeper')]) await home.kill(pid);
}

describe.skipIf(!canUnshare)('A daemon in another pid namespace', () => {
  it('neither loses nor repeats a live run, and asks a person', deep, async () => {
    const home = createHome();
    const number = await home.submit(['--on-loss', 'retry', '--', 'sleep', '1000']);
    const { processPid } = await home.untilStatus(number, 'running');
    await killBoth(home);
    await moveDaemonElsewhere(home);
    // The daemon looks for lost runs before it answers, and again every second while it waits for this run.
    expect((await home.clip(['run', '--wait', '--', 'sleep', '2'])).code).toBe(0);
    expect(await home.show(number)).toMatchObject({
      status: 'running',
      errorCode: 'process_detached',
      error: expect.stringContaining('another pid namespace'),
    });
    const { needsYou } = await home.json<{ needsYou: { run: number; what: string; next: string }[] }>([
      'status',
      '--json',
    ]);
    expect(needsYou).toContainEqual(
      expect.objectContaining({ run: number, what: expect.stringContaining('another pid namespace') }),
    );
    const { runs } = await home.json<{ runs: { number: number }[] }>(['runs', '--json']);
    expect(runs.map((run) => run.number).sort()).toEqual([1, 2]);
    expect(isAlive(processPid ?? 0)).toBe(true);
    process.kill(processPid ?? 0, 'SIGKILL');
  });

  it('ends a run that a person gives up, without any signal', async () => {
    const home = createHome();
    const number = await home.submit(['--', 'sleep', '1000']);
    const { processPid } = await home.untilStatus(number, 'running');
    await killBoth(home);
    await moveDaemonElsewhere(home);
    expect((await home.clip(['cancel', String(number)])).code).toBe(0);
    const run = await home.show(number);
    expect(run).toMatchObject({
      status: 'cancelled',
      exitCode: null,
      exitKnown: false,
      leaked: null,
      error: expect.stringContaining('cannot be seen'),
    });
    expect(isAlive(processPid ?? 0)).toBe(true);
    process.kill(processPid ?? 0, 'SIGKILL');
  });

  it('asks the keeper to stop the run and to end its leftovers', deep, async () => {
    const home = createHome();
    const script = 'setsid sh -c "trap \\"\\" TERM; sleep 1001" & echo ready; exec sleep 1000';
    const number = await home.submit(['--grace', '1s', '--', 'sh', '-c', script]);
    const { processPid, stdoutPath } = await home.untilStatus(number, 'running');
    await until('both processes have started', () => readFileSync(stdoutPath, 'utf8').includes('ready'));
    await moveDaemonElsewhere(home);
    expect((await home.show(number)).errorCode).toBe(null);
    expect((await home.clip(['cancel', String(number)])).code).toBe(0);
    const run = await home.show(number);
    expect(run).toMatchObject({ status: 'cancelled', signal: 'SIGTERM' });
    expect(run.leaked?.length).toBeGreaterThan(0);
    expect(run.leaked?.filter(({ ended }) => !ended)).toEqual([]);
    expect([processPid, ...(run.leaked ?? []).map(({ pid }) => pid)].map((pid) => isAlive(pid ?? 0))).not.toContain(
      true,
    );
  });

  it('shows no CPU and no memory of others with the same pids', deep, async () => {
    const home = createHome();
    const number = await home.submit(['--', 'sleep', '1000']);
    await home.untilStatus(number, 'running');
    await moveDaemonElsewhere(home);
    expect(await home.show(number)).toMatchObject({ status: 'running', cpuPercent: null, memoryBytes: null });
  });
});
