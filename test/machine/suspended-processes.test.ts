/**
 * Daemons and keepers that do not respond: suspended by a signal or blocked. Nothing may wait for them indefinitely.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readStat } from '#process/process-birth.ts';
import { deep } from '../support/deep.ts';
import { createHome, isAlive, type TestHome } from '../support/home.ts';
import { until } from '../support/until.ts';

const keeperOf = (home: TestHome): number => {
  const [keeper] = home.pidsOf('keeper');
  if (keeper === undefined) throw new Error('There is no keeper.');
  return keeper;
};

/** Suspends a process. It continues at the end of the test at the latest. */
async function stop(pid: number): Promise<() => void> {
  const go = () => {
    if (isAlive(pid)) process.kill(pid, 'SIGCONT');
  };
  onTestFinished(go);
  process.kill(pid, 'SIGSTOP');
  await until(`process ${pid} is suspended`, () => readStat(pid)?.state === 'T');
  return go;
}

const after = (ms: number) => {
  const from = performance.now();
  return until(`${ms} ms have passed`, () => performance.now() - from > ms);
};
const exitOf = (home: TestHome, id: string) => {
  const path = join(home.folder, 'runs', id, 'exit.json');
  return existsSync(path)
    ? (JSON.parse(readFileSync(path, 'utf8')) as { at: number; byDeadline: boolean; signal: string | null })
    : null;
};
const seconds = (from: string | null, to: string | null) => (Date.parse(to ?? '') - Date.parse(from ?? '')) / 1_000;

describe('A suspended daemon', () => {
  it('does not suspend a time limit, which its keeper enforces meanwhile', deep, async () => {
    const home = createHome();
    const number = await home.submit(['--timeout', '3s', '--', 'sleep', '1000']);
    const { id } = await home.untilStatus(number, 'running');
    const go = await stop(home.daemonPid());
    const exit = await until('the keeper has ended the process', () => exitOf(home, id));
    expect(exit).toMatchObject({ byDeadline: true, signal: 'SIGTERM' });
    go();
    expect(await home.untilStatus(number, 'timed_out')).toMatchObject({
      stopReason: 'timeout',
      timeoutFired: true,
      signal: 'SIGTERM',
    });
  });

  it('prolongs no time limit by the time in which it alone was suspended', deep, async () => {
    const home = createHome();
    const number = await home.submit(['--timeout', '14s', '--', 'sleep', '1000']);
    await home.untilStatus(number, 'running');
    const go = await stop(home.daemonPid());
    await after(7_000);
    go();
    const slept = await until('the daemon has noticed the suspension', async () =>
      (await home.history(number)).find(({ type }) => type === 'clock-jumped'),
    );
    expect(Number(slept.data['gapMs'])).toBeGreaterThan(5_000);
    expect(Number(slept.data['limitsMs'])).toBeLessThan(1_000);
    const run = await home.untilStatus(number, 'timed_out');
    expect(seconds(run.startedAt, run.endedAt)).toBeLessThan(19);
  });

  it('prolongs a time limit while its keeper was suspended as well', deep, async () => {
    const home = createHome();
    const number = await home.submit(['--timeout', '8s', '--', 'sleep', '1000']);
    const { id } = await home.untilStatus(number, 'running');
    const [goKeeper, goDaemon] = [await stop(keeperOf(home)), await stop(home.daemonPid())];
    await after(9_000);
    goKeeper();
    goDaemon();
    const slept = await until('the daemon has noticed the suspension', async () =>
      (await home.history(number)).find(({ type }) => type === 'clock-jumped'),
    );
    expect(Number(slept.data['limitsMs'])).toBeGreaterThan(5_000);
    const run = await home.untilStatus(number, 'timed_out');
    expect(seconds(run.startedAt, run.endedAt)).toBeGreaterThan(14);
    expect(exitOf(home, id)?.byDeadline).toBe(false);
  });
});

describe('A suspended keeper', () => {
  it('starts no daemon on waking after the daemon was stopped on purpose', deep, async () => {
    const home = createHome();
    const number = await home.submit(['--', 'sleep', '1000']);
    const { processPid } = await home.untilStatus(number, 'running');
    const keeper = keeperOf(home);
    const go = await stop(keeper);
    await home.kill(home.daemonPid());
    await home.clip(['daemon', 'start']);
    expect((await home.clip(['daemon', 'stop'])).code).toBe(0);
    go();
    process.kill(processPid ?? 0, 'SIGKILL');
    await until('the keeper has exited', () => !isAlive(keeper));
    expect([home.pidsOf('daemon'), home.pidsOf('keeper')]).toEqual([[], []]);
  });

  it('holds its runs again when it continues, with true exit codes', deep, async () => {
    const home = createHome();
    const gate = join(home.base, 'gate');
    const number = await home.submit(['--', 'sh', '-c', `while ! test -e ${gate}; do sleep 0.05; done; exit 7`]);
    await home.untilStatus(number, 'running');
    const go = await stop(keeperOf(home));
    await home.kill(home.daemonPid());
    await home.clip(['daemon', 'start']);
    expect((await home.show(number)).errorCode).toBe('process_detached');
    go();
    await until('the keeper is connected', async () => (await home.show(number)).errorCode === null);
    writeFileSync(gate, '');
    expect((await home.clip(['wait', String(number)])).code).toBe(7);
  });

  it('delays no start of a daemon, nor do programs that never answer', deep, async () => {
    const home = createHome();
    await home.clip(['daemon', 'start']);
    await home.clip(['daemon', 'stop']);
    const servers = ['0000000a', '0000000b', '0000000c', '0000000d'].map((name) =>
      createServer(() => {}).listen(join(home.folder, `keeper-${name}.sock`)),
    );
    onTestFinished(() => {
      for (const server of servers) server.close();
    });
    await until('the servers listen', () => servers.every(({ listening }) => listening));
    const from = performance.now();
    expect((await home.clip(['run', '--wait', '--', 'true'])).code).toBe(0);
    // One after the other, the commands would take 20 s.
    expect(performance.now() - from).toBeLessThan(15_000);
  });

  it('delays no cancel, and never starts a canceled run', deep, async () => {
    const home = createHome();
    await home.clip(['run', '--wait', '--', 'true']);
    const go = await stop(keeperOf(home));
    const started = join(home.base, 'started');
    const number = await home.submit(['--', 'sh', '-c', `: > ${started}`]);
    expect((await home.show(number)).status).toBe('starting');
    const from = performance.now();
    expect((await home.clip(['cancel', String(number)])).code).toBe(0);
    expect(performance.now() - from).toBeLessThan(10_000);
    const run = await home.show(number);
    expect(run).toMatchObject({ status: 'cancelled', exitCode: null, startedAt: null });
    go();
    // It answers the next run only after it has read the request for this one.
    expect((await home.clip(['run', '--wait', '--', 'true'])).code).toBe(0);
    expect(existsSync(started)).toBe(false);
    expect(readdirSync(join(home.folder, 'runs', run.id))).not.toContain('launch.json');
  });

  it('loses its queued runs to another keeper, which starts each once', deep, async () => {
    const home = createHome();
    await home.clip(['run', '--wait', '--', 'true']);
    const keeper = keeperOf(home);
    const go = await stop(keeper);
    const starts = join(home.base, 'starts');
    const number = await home.submit(['--', 'sh', '-c', `echo started >> ${starts}`]);
    await home.untilStatus(number, 'succeeded');
    expect(home.pidsOf('keeper')).toHaveLength(2);
    go();
    await until('the first keeper answers', async () => {
      const { keepers } = await home.asked<{ keepers: { pid: number; answers: boolean }[] }>('/v1/daemon', [
        'daemon',
        'status',
        '--json',
      ]);
      return keepers.find(({ pid }) => pid === keeper)?.answers;
    });
    expect((await home.clip(['run', '--wait', '--', 'true'])).code).toBe(0);
    expect(readFileSync(starts, 'utf8')).toBe('started\n');
  });

  it('hides no end: the exit code is read from the system, and reported once', deep, async () => {
    const home = createHome();
    const gate = join(home.base, 'gate');
    const number = await home.submit(['--', 'sh', '-c', `while ! test -e ${gate}; do sleep 0.05; done; exit 7`]);
    await home.untilStatus(number, 'running');
    const go = await stop(keeperOf(home));
    writeFileSync(gate, '');
    expect(await home.untilStatus(number, 'failed')).toMatchObject({ exitCode: 7, exitKnown: true });
    go();
    const { checks } = await home.json<{ checks: { name: string; state: string }[] }>(['doctor', '--json']);
    expect(checks.find(({ name }) => name === 'keeper')?.state).not.toBe('broken');
    expect((await home.history(number)).filter(({ type }) => type === 'exited')).toHaveLength(1);
  });

  it('is named by the doctor, with a remedy', deep, async () => {
    const home = createHome();
    const number = await home.submit(['--', 'sleep', '1000']);
    await home.untilStatus(number, 'running');
    const keeper = keeperOf(home);
    await stop(keeper);
    const says = await until('the doctor has noticed', async () => {
      const { checks } = await home.json<{ checks: { name: string; state: string; says: string; todo: string }[] }>([
        'doctor',
        '--json',
      ]);
      return checks.find(({ name, state }) => name === 'keeper' && state === 'warning');
    });
    expect(says).toMatchObject({
      says: expect.stringContaining(`pid ${keeper} does not answer`),
      todo: expect.stringContaining(`kill -CONT ${keeper}`),
    });
  });
});

describe('An exit record written by its run', () => {
  it('is not believed by the next daemon while it lives', async () => {
    const home = createHome();
    const number = await home.submit([
      '--',
      'sh',
      '-c',
      'echo \'{"code":0,"signal":null,"at":1700000000000}\' > "$CLIP_HOME/runs/$CLIP_RUN_ID/exit.json"; exec sleep 1000',
    ]);
    const { id, processPid } = await home.untilStatus(number, 'running');
    await until('the exit record is written', () => exitOf(home, id));
    for (const pid of [home.daemonPid(), keeperOf(home)]) await home.kill(pid);
    await home.clip(['daemon', 'start']);
    expect(await home.show(number)).toMatchObject({ status: 'running', processPid });
  });
});
