import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunView } from '#protocol/answers.ts';
import { ask } from '../support/api.ts';
import { deep } from '../support/deep.ts';
import { createHomeOnDisk, type DiskHome, mayMount, untilReserved } from '../support/disk.ts';
import { agent, createHome, isAlive, type TestHome } from '../support/home.ts';
import { invariantsOf } from '../support/invariants.ts';
import { until } from '../support/until.ts';

const gateOf = (home: TestHome, name: string) => join(home.base, `gate-${name}`);
const open = (home: TestHome, name: string) => writeFileSync(gateOf(home, name), '');

/** Submits a run that lives until its gate is opened, and then exits with 7. Its key identifies it. */
async function gated(
  home: TestHome,
  told: Map<string, number>,
  name: string,
  options: readonly string[] = [],
): Promise<number> {
  const number = await home.submit([
    '--key',
    name,
    ...options,
    '--',
    agent('writes-down-its-starts.sh'),
    home.base,
    '7',
    gateOf(home, name),
  ]);
  told.set(name, number);
  return number;
}

async function alive(home: TestHome, number: number): Promise<number> {
  await home.untilStatus(number, 'running');
  // The run has printed everything that precedes its gate.
  return until('the run has printed everything', async () => {
    const { stderrBytes, processPid } = await home.show(number);
    return (stderrBytes ?? 0) >= 151 ? processPid : null;
  });
}

/** Creates a home on a full disk, with two live runs and one that waits for them. */
async function fullHome(): Promise<{
  home: DiskHome;
  told: Map<string, number>;
  first: number;
  second: number;
  waits: number;
}> {
  const home = createHomeOnDisk(32);
  const told = new Map<string, number>();
  await home.clip(['daemon', 'start']);
  await untilReserved(home);
  const first = await gated(home, told, 'first');
  const second = await gated(home, told, 'second', ['--on-loss', 'retry']);
  const waits = await gated(home, told, 'waits', ['--after', String(first), '--on-loss', 'retry']);
  await alive(home, first);
  await alive(home, second);
  open(home, 'waits');
  home.fill();
  await home.untilFull();
  return { home, told, first, second, waits };
}

const sentence = 'There is no space left on the disk of the home: no run is admitted or started.';

/** The time limit of tests with many commands, for a busy machine. */
const longMs = 240_000;

describe.skipIf(!mayMount)('a full disk', { timeout: longMs }, () => {
  it('admits no run, while live runs end with their true exit codes', deep, async () => {
    const { home, told, first, second } = await fullHome();
    const daemon = home.daemonPid();
    // The remaining space is for the records, not for another run.
    home.spare(2 ** 20);
    const refused = await home.clip(['run', '--', 'true']);
    expect([refused.code, refused.stdout, refused.stderr]).toEqual([7, '', expect.stringContaining(sentence)]);
    home.fill();
    const retried = await home.clip(['retry', String(first)]);
    expect(retried.code).toBeGreaterThan(0);
    expect((await home.clip(['status'])).stdout).toContain(sentence);
    expect((await home.clip(['doctor'])).stdout).toMatch(/✗ disk +There is no space left/);
    const stubborn = await home.clip(['cancel', String(second)]);
    expect([stubborn.code, (await home.show(second)).status]).toEqual([0, 'cancelled']);
    expect(await home.show(told.get('waits') ?? 0)).toMatchObject({
      status: 'queued',
      waitingFor: 'there is no space left on the disk of the home',
    });
    open(home, 'first');
    expect((await home.clip(['wait', String(first)])).code).toBe(7);
    expect(await home.show(first)).toMatchObject({ status: 'failed', exitCode: 7, exitKnown: true });
    home.empty();
    await home.untilRoom();
    // The run that it waited for has failed, so it ends as it would have without the full disk.
    expect((await home.clip(['wait', String(told.get('waits'))])).code).toBe(130);
    expect(home.daemonPid()).toBe(daemon);
    expect(await invariantsOf(home, told)).toEqual([]);
  });

  it('has room for records although a run keeps filling it with its log', deep, async () => {
    const home = createHomeOnDisk(32);
    const told = new Map<string, number>();
    await home.clip(['daemon', 'start']);
    await untilReserved(home);
    const quiet = await gated(home, told, 'quiet');
    await alive(home, quiet);
    const flood = await home.submit([
      '--',
      'sh',
      '-c',
      `while [ ! -e ${gateOf(home, 'flood')} ]; do head -c 100000 /dev/zero; done 2>/dev/null; exit 5`,
    ]);
    await home.untilFull();
    open(home, 'quiet');
    expect((await home.clip(['wait', String(quiet)])).code).toBe(7);
    open(home, 'flood');
    expect((await home.clip(['wait', String(flood)])).code).toBe(5);
    expect(await home.show(flood)).toMatchObject({ exitCode: 5, exitKnown: true });
    await until('the run has settled', async () => (await home.show(flood)).settled);
    expect((await home.clip(['rm', String(flood)])).code).toBe(0);
    await home.untilRoom();
    expect(await invariantsOf(home, told)).toEqual([]);
  });

  it('takes hundreds of single changes without growth of the database', deep, async () => {
    const home = createHomeOnDisk(32);
    await home.clip(['daemon', 'start']);
    await untilReserved(home);
    await home.clip(['group', 'pause', 'late']);
    const lines = Array.from({ length: 300 }, (_, n) =>
      JSON.stringify({ command: ['true'], group: 'late', key: `k${n + 1}` }),
    );
    await home.clip(['run', '--batch', '-'], { input: lines.join('\n') });
    home.fill();
    await home.untilFull();
    for (let number = 1; number <= 300; number += 1) {
      const answer = await ask(home.folder, '/v1/cancel', {
        method: 'POST',
        body: JSON.stringify({ runs: [String(number)] }),
      });
      expect((answer.json() as { results: { result: string }[] }).results.map(({ result }) => result)).toEqual([
        'cancelled',
      ]);
    }
    await until('all runs have settled', async () => {
      const { runs } = (await ask(home.folder, '/v1/runs?limit=1000')).json() as { runs: RunView[] };
      return runs.length === 300 && runs.every(({ status, settled }) => status === 'cancelled' && settled);
    });
    home.empty();
    await home.untilRoom();
    expect(await invariantsOf(home, new Map(Array.from({ length: 300 }, (_, n) => [`k${n + 1}`, n + 1])))).toEqual([]);
  });

  it('lets a killed daemon start again, to show, wait and cancel', deep, async () => {
    const { home, told, first, second, waits } = await fullHome();
    await home.kill(home.daemonPid());
    home.fill();
    await until('another daemon answers', async () => (await home.clip(['runs', '--limit', '1'])).code === 0);
    await home.untilFull();
    expect((await home.clip(['status'])).stdout).toContain(sentence);
    expect((await home.clip(['logs', String(first), '--stream', 'stderr'])).stdout.length).toBeGreaterThan(100);
    expect(await home.show(second)).toMatchObject({ status: 'running', errorCode: null });
    expect((await home.clip(['run', '--', 'true'])).code).toBe(7);
    expect((await home.clip(['cancel', String(second)])).code).toBe(0);
    open(home, 'first');
    expect((await home.clip(['wait', String(first)])).code).toBe(7);
    home.empty();
    expect((await home.clip(['wait', String(waits)])).code).toBe(130);
    expect(await invariantsOf(home, told)).toEqual([]);
  });

  it('lets a stopped daemon start again, to show, wait and cancel', deep, async () => {
    const { home, told, first, second, waits } = await fullHome();
    const { processPid } = await home.show(first);
    await home.clip(['daemon', 'stop']);
    home.fill();
    open(home, 'first');
    await until('the process has ended', () => !isAlive(processPid ?? 0));
    expect((await home.clip(['daemon', 'start'])).code).toBe(0);
    expect((await home.clip(['status'])).stdout).toContain(sentence);
    expect((await home.clip(['logs', String(second), '--stream', 'stderr'])).code).toBe(0);
    expect((await home.clip(['run', '--', 'true'])).code).toBe(7);
    expect((await home.clip(['wait', String(first)])).code).toBe(7);
    expect((await home.clip(['cancel', String(second)])).code).toBe(0);
    home.empty();
    await home.untilRoom();
    expect((await home.clip(['wait', String(waits)])).code).toBe(130);
    expect(await invariantsOf(home, told)).toEqual([]);
  });

  it('is reported when the daemon cannot open its database', deep, async () => {
    const home = createHomeOnDisk(32);
    expect((await home.clip(['run', '--wait', '--', 'true'])).code).toBe(0);
    await untilReserved(home);
    await home.clip(['daemon', 'stop']);
    home.fill();
    const refused = await home.clip(['runs']);
    expect([refused.code, refused.stderr]).toEqual([
      7,
      expect.stringMatching(/^clip: There is no space left for the database .*\n +Free some space/),
    ]);
    expect((await home.clip(['doctor'])).stdout).toMatch(/✗ disk +is full: 0 MiB are free/);
    home.empty();
    expect((await home.show(1)).exitCode).toBe(0);
  });
});

/** Forbids a process to grow any file. This needs no privileges. */
const forbidGrowth = (pid: number) => spawnSync('prlimit', ['--pid', String(pid), '--fsize=0:unlimited']).status === 0;
const allowGrowth = (pid: number) =>
  spawnSync('prlimit', ['--pid', String(pid), '--fsize=unlimited:unlimited']).status === 0;

describe('a daemon that cannot write', { timeout: longMs }, () => {
  it('admits no run, lives on, and records each end once it can write', async () => {
    const home = createHome();
    const told = new Map<string, number>();
    await home.clip(['daemon', 'start']);
    await untilReserved(home);
    const number = await gated(home, told, 'first');
    await alive(home, number);
    const daemon = home.daemonPid();
    expect(forbidGrowth(daemon)).toBe(true);
    const refused = await home.clip(['run', '--', 'true']);
    expect([refused.code, refused.stdout]).toEqual([7, '']);
    expect((await home.clip(['status'])).stdout).toContain(
      'Nothing can be written to the disk of the home: no run is admitted or started.',
    );
    open(home, 'first');
    await until('the exit record is on disk', async () =>
      existsSync(join(home.folder, 'runs', (await home.show(number)).id, 'exit.json')),
    );
    expect((await home.show(number)).status).toBe('running');
    expect(allowGrowth(daemon)).toBe(true);
    expect((await home.clip(['wait', String(number)])).code).toBe(7);
    expect(home.daemonPid()).toBe(daemon);
    await until(
      'there is room',
      async () => (await home.json<{ trouble: object | null }>(['daemon', 'status', '--json'])).trouble === null,
    );
    expect(await invariantsOf(home, told)).toEqual([]);
  });
});
