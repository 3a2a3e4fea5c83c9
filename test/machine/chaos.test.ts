/** @module-tag deep */
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Falsified, falsifications } from '../chaos/falsify.ts';
import { hashOf, planOf } from '../chaos/plan.ts';
import { type Result, resultOf, root } from '../support/home.ts';

/** Starts the driver as a process. The homes that it keeps after violations are removed with the test. */
async function chaos(...args: readonly string[]): Promise<Result> {
  const child = spawn(process.execPath, [join(root, 'test/chaos/main.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGTERM'));
  const result = await resultOf(child);
  for (const [, base] of result.stdout.matchAll(/kept: (\S+)\/home/g))
    rmSync(base ?? '', { recursive: true, force: true });
  return result;
}

/** The message for each introduced violation. */
const sentences: Readonly<Record<Falsified, RegExp>> = {
  'log-byte': /of run \d+ is not what it wrote/,
  'exit-record': /run \d+ is said to have exited \d+, but its parent saw exited \d+/,
  event: /event \d+ is missing, and belonged to no run that was removed/,
  'stray-process': /process \d+ \(sleep 1000 \) is left/,
  'second-start': /"r\w+" was started again/,
  'told-number': /n\d+ was told \d+, which is another run/,
  lock: /r\w+ began while process 1 held a/,
  'followed-byte': /a client that followed stdout of run \d+ was given 1 other bytes than the \d+ there are/,
  'wait-code': /a wait for \d+ ended with 99 instead of \d+/,
  'told-end': /run \d+ was told to be timed_out .*, and is \w+/,
  'lost-order': /n998 was told 999, and its runs are none/,
  stranger: /no client asked for run \d+/,
};

describe('the chaos program', () => {
  it('finds every promise kept in twenty rounds', async () => {
    const { code, stdout, stderr } = await chaos('--seed', 'ci', '--rounds', '20', '--jobs', '2');
    expect([stdout.split('\n').filter((line) => !line.includes(': ok,')), stderr]).toEqual([
      [
        expect.stringMatching(/^20 rounds of seed ci, 0 wrong, \d+ s$/),
        expect.stringMatching(/^moves: .*kill-daemon \d+, kill-keeper \d+, .*submit \d+/),
        expect.stringMatching(/^runs: exited \d+, killed \d+, lost \d+, .*; events \d+$/),
        '',
      ],
      '',
    ]);
    expect(code).toBe(0);
  }, 900_000);

  it('repeats a round for its seed and number, and differs for others', () => {
    const hashes = ['ci', 'other'].flatMap((seed) => [1, 2, 3].map((round) => hashOf(planOf(seed, round))));
    expect(hashes).toEqual(['ci', 'other'].flatMap((seed) => [1, 2, 3].map((round) => hashOf(planOf(seed, round)))));
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  it('reports a round in which a promise is broken', async () => {
    const { code, stdout } = await chaos('--seed', 'ci', '--round', '1', '--falsify', falsifications.join(','));
    expect(stdout).toMatch(/^round 1 of seed ci \(plan \w+\): WRONG/);
    for (const what of falsifications) expect(stdout).toMatch(sentences[what]);
    expect(stdout).toMatch(/again: npm run chaos -- --seed ci --round 1 --trace/);
    expect(code).toBe(1);
  }, 300_000);
});
