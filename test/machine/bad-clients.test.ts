import { readdirSync, readlinkSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ask } from '../support/api.ts';
import { createHome, type TestHome } from '../support/home.ts';
import { until } from '../support/until.ts';

const idle: Socket[] = [];

function call(home: TestHome, text: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(join(home.folder, 'clip.sock'), () => {
      socket.write(text);
      resolve(socket);
    });
    // Being dropped is what these clients deserve.
    socket.on('error', reject);
    idle.push(socket);
  });
}

function hangUp(): void {
  for (const socket of idle.splice(0)) socket.destroy();
}

function openSockets(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith('socket:');
    } catch {
      return false;
    }
  }).length;
}

/** The others: a run from its submit to its end, and a list, both within seconds. */
async function othersAreServed(home: TestHome): Promise<void> {
  const begun = Date.now();
  expect((await home.clip(['run', '-q', '--wait', '--', 'true'])).code).toBe(0);
  expect((await ask(home.folder, '/v1/runs?limit=1')).status).toBe(200);
  expect(Date.now() - begun).toBeLessThan(8_000);
}

describe('a bad client', () => {
  it('that sends half a request hurts nobody else, and is dropped', async () => {
    const home = createHome();
    await home.clip(['daemon', 'start']);
    const halves = await Promise.all([
      call(home, 'GET /v1/runs HTTP/1.1\r\nHost: cl'),
      call(home, ''),
      call(home, 'POST /v1/runs HTTP/1.1\r\nHost: clip\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"command":'),
      call(home, 'POST /v1/batch HTTP/1.1\r\nHost: clip\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"com'),
    ]);
    const closed = halves.map((socket) => new Promise<void>((resolve) => socket.resume().on('close', () => resolve())));
    await othersAreServed(home);
    await closed[0];
    await othersAreServed(home);
    hangUp();
    expect((await home.json<{ runs: unknown[] }>(['runs', '--json'])).runs).toHaveLength(2);
  });

  it('that speaks another language gets a refusal', async () => {
    const home = createHome();
    await home.clip(['daemon', 'start']);
    const cases: [text: string, status: number, code: string][] = [
      ['\u0000\u0001\u0002\r\n\r\n', 400, 'usage'],
      ['HELO clip\r\n\r\n', 400, 'usage'],
      [`GET /${'x'.repeat(300_000)}`, 431, 'too_large'],
    ];
    for (const [text, status, code] of cases) {
      const socket = await call(home, text);
      const answer = await new Promise<string>((resolve) => {
        let said = '';
        socket.on('data', (chunk) => {
          said += chunk;
        });
        socket.removeAllListeners('error').on('error', () => resolve(said));
        socket.on('close', () => resolve(said));
      });
      const [head, body] = answer.split('\r\n\r\n');
      expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} .*\r\nclip-version: \\d`, 's'));
      expect(JSON.parse(body ?? '').error).toEqual({ code, message: expect.stringMatching(/\.$/), hint: expect.any(String) });
    }
    await othersAreServed(home);
    hangUp();
  });

  it('that never reads its stream is dropped after a while, and nothing is kept for it', async () => {
    const home = createHome();
    await home.clip(['queue', 'hold']);
    const line = `${JSON.stringify({ command: ['true', 'x'.repeat(10_000)] })}\n`;
    await home.clip(['run', '--batch', '-'], { input: line.repeat(400) });
    const pid = home.daemonPid();
    await until('nobody else is connected', async () => (await home.json<{ queue: { queued: number } }>(['status', '--json'])).queue.queued === 400);
    const before = openSockets(pid);
    for (let i = 0; i < 5; i += 1) (await call(home, 'GET /v1/events?follow=true HTTP/1.1\r\nHost: clip\r\n\r\n')).pause();
    await until('they are connected', () => openSockets(pid) >= before + 5);
    await home.clip(['cancel', '--all', '--no-wait']);
    await home.clip(['queue', 'release']);
    await othersAreServed(home);
    await until('they are dropped', () => openSockets(pid) <= before);
    await othersAreServed(home);
    hangUp();
  });

  it('that takes every connection there is leaves room again when it goes', async () => {
    const home = createHome();
    await home.clip(['daemon', 'start']);
    const crowd = await Promise.allSettled(Array.from({ length: 300 }, () => call(home, '')));
    expect(crowd.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(256);
    for (const socket of idle) socket.removeAllListeners('error').on('error', () => {});
    hangUp();
    await until('there is room', async () => (await home.clip(['runs', '--json'])).code === 0);
    expect(home.pidsOf('daemon')).toHaveLength(1);
    await othersAreServed(home);
  });
});
