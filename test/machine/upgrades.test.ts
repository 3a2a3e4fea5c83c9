import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunView } from '#protocol/answers.ts';
import { deep } from '../support/deep.ts';
import { agent, createHome, isAlive, root, type TestHome } from '../support/home.ts';
import { until } from '../support/until.ts';

const { version: own } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
const next = '99.0.0';
const asNext = { env: { CLIP_VERSION_OVERRIDE: next } };
const node = process.execPath;

/** The time limit of tests with many commands, for a busy machine. */
const longMs = 240_000;

type Keeper = { pid: number; version: string; runs: number };
const daemonOf = (home: TestHome) =>
  home.json<{ version: string; pid: number; keepers: Keeper[] }>(['daemon', 'status', '--json']);

/** Upgrades with `clip daemon restart`. */
async function restarted(home: TestHome): Promise<void> {
  expect((await home.clip(['daemon', 'restart'], asNext)).code).toBe(0);
}

/**
 * Kills the daemon, so that the next one to start is of the new version. The keeper, which would start a daemon of its
 * own, is suspended in the meantime.
 */
async function killed(home: TestHome): Promise<void> {
  const keepers = home.pidsOf('keeper');
  for (const pid of keepers) process.kill(pid, 'SIGSTOP');
  for (const pid of home.pidsOf('daemon')) await home.kill(pid);
  const started = home.clip(['daemon', 'start'], asNext);
  await until('the new daemon is running', () => home.pidsOf('daemon').length > 0);
  for (const pid of keepers) process.kill(pid, 'SIGCONT');
  expect((await started).code).toBe(0);
}

describe('a daemon of a newer version', { timeout: longMs }, () => {
  it.each([
    ['after the older one was stopped', restarted],
    ['after the older one was killed', killed],
  ])('%s, takes over live runs, whose old keeper exits after the last', deep, async (_, upgrade) => {
    const home = createHome();
    const gate = join(home.base, 'gate');
    const talks = await home.submit(['--', node, agent('talks.mjs'), '60', '50', '7']);
    const waits = await home.submit(['--', agent('waits-for-a-file.sh'), gate, '9']);
    const before = [await home.untilStatus(talks, 'running', 'failed'), await home.untilStatus(waits, 'running')];
    const [oldKeeper = 0] = home.pidsOf('keeper');
    await upgrade(home);
    const fresh = await home.submit(['--', 'sleep', '1000']);
    await home.untilStatus(fresh, 'running');
    for (const { number, processPid, processStartedAt, stdoutPath } of before) {
      expect(await home.show(number)).toMatchObject({
        processPid,
        processStartedAt,
        stdoutPath,
        errorCode: expect.toSatisfy((code) => code !== 'process_detached'),
      });
    }
    const { keepers, version } = await daemonOf(home);
    expect(version).toBe(next);
    expect(keepers).toContainEqual(expect.objectContaining({ pid: oldKeeper, version: own, runs: expect.any(Number) }));
    expect(keepers).toContainEqual(expect.objectContaining({ version: next, runs: 1 }));
    expect((await home.clip(['wait', String(talks)])).code).toBe(7);
    expect(readFileSync(before[0]?.stdoutPath ?? '', 'utf8')).toBe(
      Array.from({ length: 60 }, (_, n) => `line ${n + 1}\n`).join(''),
    );
    expect(isAlive(oldKeeper)).toBe(true);
    writeFileSync(gate, '');
    expect((await home.clip(['wait', String(waits)])).code).toBe(9);
    await until('the old keeper exits', () => !isAlive(oldKeeper));
    expect(await home.show(waits)).toMatchObject({ exitCode: 9, exitKnown: true });
    expect((await daemonOf(home)).keepers).toHaveLength(1);
  });
});

describe('an older client', { timeout: longMs }, () => {
  it('names both versions, shows, follows and cancels, but restarts nothing', async () => {
    const home = createHome();
    await home.clip(['daemon', 'start'], asNext);
    const daemon = home.daemonPid();
    const [number, other] = [
      await home.submit(['--', 'sleep', '1000']),
      await home.submit(['--', 'sh', '-c', 'echo said; exit 6']),
    ];
    await home.untilStatus(number, 'running');
    await home.untilStatus(other, 'failed');
    const sentence = `This is clip ${own}, the daemon is clip ${next}: use that version to have all it can do.\n`;
    for (const args of [
      ['runs', '--json'],
      ['status', '--json'],
      ['show', String(number), '--json'],
      ['ledger', '--json'],
      ['daemon', 'status', '--json'],
    ]) {
      const { code, stdout, stderr } = await home.clip(args);
      expect([args, code, stderr]).toEqual([args, 0, sentence]);
      expect(JSON.parse(stdout).schema).toBe(1);
    }
    const verbs: [args: string[], code: number, stdout: RegExp][] = [
      [['status'], 0, /sleep 1000/],
      [['logs', String(other)], 0, /^said\n$/],
      [['wait', String(other)], 6, /^Run 2 /],
      [['cancel', String(number)], 0, /^Run 1 cancelled/],
    ];
    for (const [args, code, says] of verbs) {
      const result = await home.clip(args);
      expect([args, result.code, result.stdout, result.stderr]).toEqual([
        args,
        code,
        expect.stringMatching(says),
        sentence,
      ]);
    }
    const refused = await home.clip(['daemon', 'restart']);
    expect([refused.code, refused.stdout, refused.stderr]).toEqual([
      6,
      '',
      expect.stringContaining(`The daemon is clip ${next}, and this is clip ${own}, which is older.`),
    ]);
    expect(home.daemonPid()).toBe(daemon);
  });

  it('is distinguished from versions that begin with its own', deep, async () => {
    const home = createHome({ env: { CLIP_VERSION_OVERRIDE: '1.2.3' } });
    await home.clip(['daemon', 'start'], { env: { CLIP_VERSION_OVERRIDE: '1.2.34' } });
    const { stdout, stderr } = await home.clip(['runs', '--json']);
    expect(stderr).toMatch(
      /^This is clip 1\.2\.3, the daemon is clip 1\.2\.34: clip daemon restart brings them together/,
    );
    expect((JSON.parse(stdout) as { runs: RunView[] }).runs).toEqual([]);
  });
});
