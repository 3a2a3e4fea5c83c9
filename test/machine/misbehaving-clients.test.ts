import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ask } from '../support/api.ts';
import { deep } from '../support/deep.ts';
import { createHome, type TestHome } from '../support/home.ts';
import { connectClient, connectClients, countOpen, socketsOf } from '../support/hostile-clients.ts';
import { until } from '../support/until.ts';

const socketOf = (home: TestHome) => join(home.folder, 'clip.sock');

/** Returns the number of open sockets after those of ended clients are closed: several looks in a row must agree. */
async function socketsAtRest(pid: number): Promise<number> {
  const looks: number[] = [];
  await until(
    'the number of open sockets is stable',
    () => looks.unshift(socketsOf(pid)) > 25 && new Set(looks.slice(0, 25)).size === 1,
  );
  return looks[0] ?? 0;
}

/** Checks that other clients are served within seconds: a run from its submit to its end, and a list. */
async function othersAreServed(home: TestHome): Promise<void> {
  const begun = Date.now();
  expect((await home.clip(['run', '-q', '--wait', '--', 'true'])).code).toBe(0);
  expect((await ask(home.folder, '/v1/runs?limit=1')).status).toBe(200);
  expect(Date.now() - begun).toBeLessThan(8_000);
}

describe('a misbehaving client', () => {
  it('that sends half a request affects no other, and is disconnected', deep, async () => {
    const home = createHome();
    await home.clip(['daemon', 'start']);
    const halves = await Promise.all([
      connectClient(socketOf(home), 'GET /v1/runs HTTP/1.1\r\nHost: cl'),
      connectClient(socketOf(home), ''),
      connectClient(
        socketOf(home),
        'POST /v1/runs HTTP/1.1\r\nHost: clip\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"command":',
      ),
      connectClient(
        socketOf(home),
        'POST /v1/batch HTTP/1.1\r\nHost: clip\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"com',
      ),
    ]);
    await othersAreServed(home);
    await until('the first connection is closed', () => halves[0]?.closed());
    await othersAreServed(home);
    for (const { socket } of halves) socket.destroy();
    expect((await home.json<{ runs: unknown[] }>(['runs', '--json'])).runs).toHaveLength(2);
  });

  it('that speaks another protocol is refused', async () => {
    const home = createHome();
    await home.clip(['daemon', 'start']);
    const cases: [text: string, status: number, code: string][] = [
      ['\u0000\u0001\u0002\r\n\r\n', 400, 'usage'],
      ['HELO clip\r\n\r\n', 400, 'usage'],
      [`GET /${'x'.repeat(300_000)}`, 431, 'too_large'],
    ];
    for (const [text, status, code] of cases) {
      const refused = await connectClient(socketOf(home), text);
      await until('the connection is closed', () => refused.closed());
      const answer = refused.said();
      const [head, body] = answer.split('\r\n\r\n');
      expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} .*\r\nclip-version: \\d`, 's'));
      expect(JSON.parse(body ?? '').error).toEqual({
        code,
        message: expect.stringMatching(/\.$/),
        hint: expect.any(String),
      });
    }
    await othersAreServed(home);
  });

  it('that never reads its stream is disconnected, and nothing is kept', deep, async () => {
    const home = createHome();
    await home.clip(['queue', 'hold']);
    const line = `${JSON.stringify({ command: ['true', 'x'.repeat(10_000)] })}\n`;
    await home.clip(['run', '--batch', '-'], { input: line.repeat(400) });
    const pid = home.daemonPid();
    await until(
      'no other client is connected',
      async () => (await home.json<{ queue: { queued: number } }>(['status', '--json'])).queue.queued === 400,
    );
    const before = await socketsAtRest(pid);
    for (let i = 0; i < 5; i += 1)
      (await connectClient(socketOf(home), 'GET /v1/events?follow=true HTTP/1.1\r\nHost: clip\r\n\r\n')).socket.pause();
    await until('the clients are connected', () => socketsOf(pid) >= before + 5);
    await home.clip(['cancel', '--all', '--no-wait']);
    await home.clip(['queue', 'release']);
    await othersAreServed(home);
    await until('the connections are closed', () => socketsOf(pid) <= before);
    await othersAreServed(home);
  });

  it('that takes every connection frees them all when it disconnects', deep, async () => {
    const home = createHome();
    await home.clip(['daemon', 'start']);
    const all = await connectClients(socketOf(home), 300);
    expect(countOpen(all)).toBeGreaterThanOrEqual(256);
    for (const { socket } of all) socket.destroy();
    await until('there is room', async () => (await home.clip(['runs', '--json'])).code === 0);
    expect(home.pidsOf('daemon')).toHaveLength(1);
    await othersAreServed(home);
  });
});
