import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { Client } from '#cli/client/client.ts';
import { allReached } from '#cli/client/wait-for-runs.ts';
import { homeAt } from '#config/home.ts';
import { ask } from '../../support/api.ts';
import { deep } from '../../support/deep.ts';
import { agent, createHome, type TestHome } from '../../support/home.ts';
import { connectClient, connectClients, countOpen, socketsOf } from '../../support/hostile-clients.ts';
import { createKeeper } from '../../support/keeper.ts';
import { peakMiB, residentMiB } from '../../support/memory.ts';
import { until } from '../../support/until.ts';

// This test starts many real processes, and a busy machine needs more than a minute.
vi.setConfig({ testTimeout: 180_000 });

/** A generous limit for a busy machine. A client that is shut out would wait forever. */
const servedMs = 20_000;

/** Checks that a client that connects last is served: a run from its submit to its end, and a list. */
async function served(home: TestHome): Promise<void> {
  const begun = Date.now();
  const result = await home.clip(['run', '-q', '--wait', '--', 'true']);
  expect([result.code, result.stderr]).toEqual([0, expect.any(String)]);
  expect((await home.clip(['runs', '--json'])).code).toBe(0);
  expect(Date.now() - begun).toBeLessThan(servedMs);
}

describe('a thousand connections', () => {
  it('that send nothing block no others; the longest idle ones are closed', deep, async () => {
    const home = createHome();
    await home.clip(['daemon', 'start']);
    const path = join(home.folder, 'clip.sock');
    const pid = home.daemonPid();
    const before = residentMiB(pid);
    const first = await connectClients(path, 500);
    const second = await connectClients(path, 500);
    await served(home);
    await until('the open connections are within the limit', () => socketsOf(pid) < 256 + 30);
    const third = await connectClients(path, 200);
    // All are checked at once, because a little later all of them have been silent for too long.
    await until(
      'the longest waiting connections are closed',
      () => countOpen(first) + countOpen(second) < 80 && countOpen(third) > 150,
    );
    await served(home);
    expect(home.daemonPid()).toBe(pid);
    expect(peakMiB(pid) - before).toBeLessThan(60);
  });

  it('that repeat, or send a half or a byte at a time, block no others', deep, async () => {
    const home = createHome();
    await home.clip(['daemon', 'start']);
    const path = join(home.folder, 'clip.sock');
    let coming = true;
    const halves = [
      '',
      'GET /v1/runs HTTP/1.1\r\nHost: c',
      'POST /v1/cancel HTTP/1.1\r\nHost: clip\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
    ];
    const flood = async () => {
      for (let n = 0; coming; n += 1) {
        const clients = await connectClients(path, 100, halves[n % halves.length]);
        for (const { socket } of clients) socket.write('x');
        if (n > 6) for (const { socket } of clients) socket.destroy();
      }
    };
    const flooding = flood();
    try {
      await served(home);
      await served(home);
    } finally {
      coming = false;
      await flooding;
    }
  });

  it('that follow are bounded: one more is refused or waits', async () => {
    const home = createHome();
    await home.clip(['daemon', 'start']);
    const path = join(home.folder, 'clip.sock');
    const followers = await connectClients(path, 256, 'GET /v1/events?follow=true HTTP/1.1\r\nHost: clip\r\n\r\n');
    await until('all followers are connected', () => followers.every(({ said }) => said().startsWith('HTTP/1.1 200')));
    const late = await ask(home.folder, '/v1/events?follow=true');
    expect([late.status, late.json().error.code]).toEqual([503, 'busy']);
    let waited = false;
    const waiting = home.clip(['run', '--wait', '--', 'sh', '-c', 'exit 5']).finally(() => {
      waited = true;
    });
    await until('the run has ended', async () => (await home.show(1)).exitCode === 5);
    expect((await home.clip(['runs', '--json'])).code).toBe(0);
    expect(waited).toBe(false);
    for (const { socket } of followers) socket.destroy();
    expect((await waiting).code).toBe(5);
  });
});

describe('a follower that reads nothing', () => {
  it('costs no memory during a flood, and is disconnected', deep, async () => {
    const home = createHome();
    const number = await home.submit(['--max-output', '1G', '--', process.execPath, agent('floods.mjs'), '400000000']);
    const path = join(home.folder, 'clip.sock');
    const pid = home.daemonPid();
    await home.untilStatus(number, 'running', 'succeeded');
    const before = residentMiB(pid);
    const followers = await connectClients(
      path,
      20,
      `GET /v1/runs/${number}/logs?follow=true HTTP/1.1\r\nHost: clip\r\n\r\n`,
    );
    const plain = await connectClients(path, 20, `GET /v1/runs/${number}/logs HTTP/1.1\r\nHost: clip\r\n\r\n`);
    for (const { socket } of [...followers, ...plain]) socket.pause();
    await home.untilStatus(number, 'succeeded');
    await served(home);
    const deaf = 40;
    await until('the connections are closed', () => socketsOf(pid) < deaf, 45_000);
    expect(peakMiB(pid) - before).toBeLessThan(120);
  });
});

describe('the keeper', () => {
  it('serves its daemon whatever and however many others connect', deep, async () => {
    const home = createHome();
    await home.submit(['--', 'sleep', '1000']);
    await home.untilStatus(1, 'running');
    const path = join(
      home.folder,
      readdirSync(home.folder).find((name) => name.startsWith('keeper-') && name.endsWith('.sock')) ?? '',
    );
    const [pid = 0] = home.pidsOf('keeper');
    const before = residentMiB(pid);
    const crowds = [
      await connectClients(path, 1_000),
      await connectClients(path, 300, 'x'.repeat(1_000)),
      await connectClients(
        path,
        300,
        '{"type":"hello","protocol":1,"generation":-1,"version":"x","managed":true}\n'.repeat(200),
      ),
      await connectClients(path, 100, '\n'.repeat(60_000)),
      await connectClients(path, 100, Buffer.alloc(200_000, 'x')),
      await connectClients(path, 100, `{"type":"spawn","id":"r1","launch":${'['.repeat(1_500)}\n`),
    ].flat();
    await served(home);
    expect(socketsOf(pid)).toBeLessThan(512 + 30);
    await until('connections without a greeting are closed', () => countOpen(crowds) === 0);
    expect(peakMiB(pid) - before).toBeLessThan(60);
    expect(home.pidsOf('keeper')).toEqual([pid]);
    expect(await home.show(1)).toMatchObject({ status: 'running', errorCode: null });
  });

  it('survives invalid requests of a daemon, and continues to start valid ones', deep, async () => {
    const keeper = await createKeeper();
    const line = await keeper.greet(1);
    for (const id of ['ra', 'rb', 'rc', 'rd']) keeper.folder(id);
    const odd = [
      { cwd: '/x\0' },
      { cwd: 5 },
      { argv: [1] },
      { argv: ['a\0'] },
      { graceMs: 'x' },
      { deadlineAt: {} },
      { stdin: [] },
      { mergeOutput: 'x' },
      { token: 1 },
    ];
    for (const more of odd) line.say(keeper.request('ra', ['true'], more));
    line.say(keeper.request('rb', ['true'], { cwd: `/${'x'.repeat(300)}` }));
    line.say(keeper.request('rc', ['true'], { cwd: keeper.home, stdin: keeper.home }));
    line.say(keeper.request('nofolder', ['true']));
    line.say(keeper.request('rd', ['sh', '-c', 'exit 5']));
    await until('the last run has exited', () =>
      line.received.some((message) => message.type === 'exited' && message.code === 5),
    );
    await until(
      'all requests are answered',
      () => line.received.filter(({ type }) => type === 'refused' || type === 'failed').length === odd.length + 3,
    );
    // A launch that was never decided would block the next daemon forever.
    expect((await keeper.greet(2)).received[0]).toMatchObject({ type: 'hello', protocol: 1 });
    expect((await connectClient(`${keeper.home}/keeper-00000001.sock`)).closed()).toBe(false);
  });
});

describe('Waiters beyond the limit', () => {
  it('all learn the end of their run after a wait for a place', async () => {
    const home = createHome();
    const gate = join(home.base, 'gate');
    const number = await home.submit(['--', agent('waits-for-a-file.sh'), gate]);
    const client = () => new Client({ home: homeAt(home.folder), maySpawn: false, inside: null, notice: () => {} });
    const waiters = Array.from({ length: 320 }, () => allReached(client(), [number], 'ended'));
    await until('the limit of connections is reached', () => socketsOf(home.daemonPid()) >= 256);
    writeFileSync(gate, '');
    const ended = await Promise.all(waiters);
    expect(ended.map(([run]) => run?.status)).toEqual(Array(320).fill('succeeded'));
  });
});
