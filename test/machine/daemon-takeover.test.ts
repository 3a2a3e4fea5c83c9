import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunView } from '#protocol/answers.ts';
import { deep } from '../support/deep.ts';
import { createHome, program, type Result, resultOf, type TestHome } from '../support/home.ts';
import { until } from '../support/until.ts';

const socketOf = (home: TestHome) => join(home.folder, 'clip.sock');
/** Returns the open connections to the socket of a home, accepted or not. The first entry is the listening socket. */
const connectionsTo = (home: TestHome) => readFileSync('/proc/net/unix', 'utf8').split(socketOf(home)).length - 2;

/** Returns how often a daemon has become ready in this home. */
const startsOf = (home: TestHome): number =>
  readFileSync(join(home.folder, 'daemon.log'), 'utf8').split('daemon ready').length - 1;

const summary = (results: readonly Result[]) => [
  ...new Set(results.map(({ code, stdout, stderr }) => JSON.stringify({ code, stdout, stderr }))),
];
const emptyList = JSON.stringify({ code: 0, stdout: '{"schema":1,"runs":[],"hidden":0,"next":null}\n', stderr: '' });

/** The time limit of tests with many commands, for a busy machine. */
const longMs = 240_000;

describe('a daemon that hangs', { timeout: longMs }, () => {
  it('and is killed is replaced by one daemon, without a failed client', async () => {
    const home = createHome();
    await home.clip(['daemon', 'start']);
    const hung = home.daemonPid();
    process.kill(hung, 'SIGSTOP');
    // Half of the clients use the fast path.
    const clients = Array.from({ length: 20 }, (_, n) =>
      home.clip(['runs', '--json', ...(n % 2 === 0 ? [] : ['--since', '2h'])]),
    );
    await until('all clients wait', () => connectionsTo(home) >= 20);
    await home.kill(hung);
    expect(summary(await Promise.all(clients))).toEqual([emptyList]);
    await until('one daemon is left', () => home.pidsOf('daemon').length === 1);
    expect(home.daemonPid()).not.toBe(hung);
  });

  it('is reported, and a client that submitted a run is told to check first', async () => {
    const home = createHome();
    await home.clip(['daemon', 'start']);
    const hung = home.daemonPid();
    process.kill(hung, 'SIGSTOP');
    const submits = home.clip(['run', '-q', '--', 'true']);
    await until('the client waits', () => connectionsTo(home) >= 1);
    await home.kill(hung);
    const { code, stdout, stderr } = await submits;
    expect([code, stdout, stderr]).toEqual([
      4,
      '',
      expect.stringMatching(
        /^clip: The connection to the daemon broke before it answered: .*\n +Look first: clip runs\. /,
      ),
    ]);
    expect((await home.json<{ runs: RunView[] }>(['runs', '--json'])).runs).toEqual([]);
  });
});

describe('a daemon that exits', { timeout: longMs }, () => {
  it('repeatedly, while clients connect, fails none of them', deep, async () => {
    const home = createHome();
    const results: Result[] = [];
    for (let round = 0; round < 5; round += 1) {
      await home.clip(['daemon', 'start']);
      const clients = Array.from({ length: 6 }, () => home.clip(['runs', '--json']));
      const stops = home.clip(['daemon', 'stop']);
      results.push(...(await Promise.all(clients)));
      expect((await stops).code).toBe(0);
    }
    expect(summary(results)).toEqual([emptyList]);
  });
});

describe('an obstacle at the path of the socket', () => {
  it('is replaced when it is a file', deep, async () => {
    const home = createHome();
    mkdirSync(home.folder, { mode: 0o700 });
    writeFileSync(socketOf(home), 'not a socket');
    expect((await home.clip(['runs', '--json'])).code).toBe(0);
    expect(await home.listens()).toBe(true);
  });

  it('is named when it is a folder, and is not deleted', deep, async () => {
    const home = createHome();
    mkdirSync(socketOf(home), { recursive: true, mode: 0o700 });
    const { code, stderr } = await home.clip(['runs', '--json']);
    expect([code, JSON.parse(stderr).error]).toEqual([
      5,
      {
        code: 'home_unusable',
        message: `The socket ${socketOf(home)} cannot be made: a folder is in its place.`,
        hint: 'Move that folder away.',
      },
    ]);
    await until('the daemon has exited', () => home.pidsOf('daemon').length === 0);
    rmSync(socketOf(home), { recursive: true });
    expect((await home.clip(['runs', '--json'])).code).toBe(0);
  });
});

describe('a start that another client has announced', () => {
  it.each([
    ['and died before it', 0],
    ['an hour from now, before the clock was set back', 3_600],
    ['a day ago', -86_400],
  ])('%s, does not keep a daemon from starting', deep, async (_, secondsFromNow) => {
    const home = createHome();
    mkdirSync(home.folder, { mode: 0o700 });
    const claim = join(home.folder, 'daemon.starting');
    writeFileSync(claim, '');
    const at = Date.now() / 1_000 + secondsFromNow;
    utimesSync(claim, at, at);
    const { code, stderr } = await home.clip(['runs', '--json']);
    expect([code, stderr]).toEqual([0, '']);
    expect(startsOf(home)).toBe(1);
  });
});

describe('a home without a daemon', () => {
  it('gets one daemon for 200 clients at once: none fails or hangs', {
    ...deep,
    timeout: 300_000,
  }, async () => {
    const home = createHome();
    const script = `for i in $(seq 200); do "$NODE" "$CLIP" run -q -- true >> "$OUT/said" 2>> "$OUT/complained" || echo "exit $?" >> "$OUT/complained" & done; wait`;
    const env = { ...home.env, NODE: process.execPath, CLIP: program, OUT: home.base };
    const { code } = await resultOf(
      spawn('sh', ['-c', script], { env, cwd: home.base, stdio: ['ignore', 'pipe', 'pipe'] }),
    );
    expect([code, readFileSync(join(home.base, 'complained'), 'utf8')]).toEqual([0, '']);
    const numbers = readFileSync(join(home.base, 'said'), 'utf8').trim().split('\n').map(Number);
    expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, n) => n + 1));
    await until('the other daemons have exited', () => home.pidsOf('daemon').length === 1);
    expect(startsOf(home)).toBe(1);
    expect(readdirSync(home.folder)).not.toContain('daemon.starting');
    await until(
      'all runs have ended',
      async () =>
        (await home.json<{ runs: RunView[] }>(['runs', '--json', '--limit', '1000'])).runs.every(
          ({ status, settled }) => status === 'succeeded' && settled,
        ),
      120_000,
    );
  });
});
