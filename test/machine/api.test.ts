import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ask, type Json, open, take } from '../support/api.ts';
import { deep } from '../support/deep.ts';
import { agent, createHome, root } from '../support/home.ts';
import { until } from '../support/until.ts';

/** Returns every route of the source, for example `GET /v1/runs/{run}`. */
function routes(): string[] {
  const folder = join(root, 'src/daemon/api/routes');
  return readdirSync(folder)
    .flatMap((name) => [
      ...readFileSync(join(folder, name), 'utf8').matchAll(/\bapi\.(get|post|put|delete|patch)\(\s*'([^']+)'/g),
    ])
    .map(([, method, path]) => `${method?.toUpperCase()} ${path?.replace(/:(\w+)/g, '{$1}')}`)
    .sort();
}

const runBody = (folder: string, command: string[], more: object = {}) =>
  JSON.stringify({ command, cwd: folder, env: { PATH: process.env['PATH'] }, ...more });

describe('the API', () => {
  it('serves an OpenAPI document that lists exactly its routes', deep, async () => {
    const home = createHome();
    await home.clip(['daemon', 'start']);
    const answer = await ask(home.folder, '/v1/openapi.json');
    expect([answer.status, answer.json().openapi]).toEqual([200, expect.stringMatching(/^3\./)]);
    const listed = Object.entries<Json>(answer.json().paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(routes().length).toBeGreaterThan(10);
    // The document describes the other routes, not its own.
    expect(listed.sort()).toEqual(routes().filter((route) => !route.endsWith('/openapi.json')));
    expect(answer.json().info.version).toBe(answer.version);
  });

  it('returns errors as JSON, and the version of the daemon with every response', deep, async () => {
    const home = createHome();
    await home.clip(['daemon', 'start']);
    const { version } = await home.json<{ version: string }>(['daemon', 'status', '--json']);
    const body = (value: unknown) => ({
      method: 'POST',
      body: typeof value === 'string' ? value : JSON.stringify(value),
    });
    const cases: [path: string, options: Parameters<typeof ask>[2], status: number, code: string][] = [
      ['/', {}, 404, 'not_found'],
      ['/v2/runs', {}, 404, 'not_found'],
      ['/v1/nonsense', {}, 404, 'not_found'],
      ['/v1/runs', { method: 'PATCH' }, 404, 'not_found'],
      ['/v1/runs/99', {}, 404, 'not_found'],
      ['/v1/runs/99/logs', {}, 404, 'not_found'],
      ['/v1/runs/%00', {}, 404, 'not_found'],
      ['/v1/runs/%E0%A4%A', {}, 400, 'usage'],
      ['/v1/runs?limit=0', {}, 400, 'usage'],
      ['/v1/runs?limit=1001', {}, 400, 'usage'],
      ['/v1/runs?nonsense=1', {}, 400, 'usage'],
      ['/v1/events?since=-1', {}, 400, 'usage'],
      ['/v1/wait', {}, 400, 'usage'],
      ['/v1/wait?run=99', {}, 404, 'not_found'],
      ['/v1/runs', body('not json'), 400, 'usage'],
      ['/v1/runs', body(''), 400, 'usage'],
      ['/v1/runs', body([]), 400, 'usage'],
      ['/v1/runs', body({ command: ['true'] }), 400, 'usage'],
      ['/v1/runs', body({ command: ['true'], cwd: 'relative' }), 400, 'usage'],
      ['/v1/runs', body({ command: ['true'], cwd: '/', nonsense: 1 }), 400, 'usage'],
      ['/v1/runs', body({ command: ['a\0b'], cwd: '/' }), 400, 'usage'],
      ['/v1/runs', { method: 'POST', body: 'x', type: 'text/plain' }, 400, 'usage'],
      ['/v1/cancel', body(`{"runs":["${'x'.repeat(2 ** 20)}"]}`), 413, 'too_large'],
      ['/v1/runs', body(`{"stdin":"${'x'.repeat(25 * 2 ** 20)}"}`), 413, 'too_large'],
    ];
    for (const [path, options, status, code] of cases) {
      const answer = await ask(home.folder, path, options);
      expect([path, options?.body?.slice(0, 40), answer.status, answer.version]).toEqual([
        path,
        options?.body?.slice(0, 40),
        status,
        version,
      ]);
      expect(answer.json().error).toEqual({
        code,
        message: expect.stringMatching(/\.$/),
        hint: expect.toSatisfy((hint) => hint === null || typeof hint === 'string'),
      });
    }
    expect(readFileSync(join(home.folder, 'daemon.log'), 'utf8')).not.toContain('"error"');
  });

  it('accepts a run, shows it, cancels it, and removes it', deep, async () => {
    const home = createHome();
    await home.clip(['daemon', 'start']);
    const created = await ask(home.folder, '/v1/runs', {
      method: 'POST',
      body: runBody(home.base, ['sleep', '1000'], { key: 'k' }),
    });
    expect([created.status, created.json().existing, created.json().run.number]).toEqual([201, false, 1]);
    const again = await ask(home.folder, '/v1/runs', {
      method: 'POST',
      body: runBody(home.base, ['sleep', '1000'], { key: 'k' }),
    });
    expect([again.status, again.json().existing, again.json().run.number]).toEqual([200, true, 1]);
    expect((await ask(home.folder, '/v1/runs/1', { method: 'DELETE' })).status).toBe(409);
    const cancelled = await ask(home.folder, '/v1/cancel', { method: 'POST', body: '{"runs":["1","2"]}' });
    expect(cancelled.json().results.map(({ result }: Json) => result)).toEqual([
      expect.stringMatching(/^(ordered|cancelled)$/),
      'not_found',
    ]);
    const lines = await take(home.folder, '/v1/wait?run=1');
    expect(lines.map(({ type }) => type)).toEqual(['waiting', 'reached']);
    expect((await ask(home.folder, '/v1/runs/1', { method: 'DELETE' })).json()).toEqual({ schema: 1, removed: 1 });
  });

  it('opens no port, so that nothing is reachable over a network', deep, async () => {
    const home = createHome();
    await home.submit(['--', 'sleep', '1000']);
    await home.untilStatus(1, 'running');
    for (const pid of [home.daemonPid(), ...home.pidsOf('keeper')]) {
      const sockets = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
        try {
          return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
        } catch {
          return [];
        }
      });
      expect(sockets.length).toBeGreaterThan(0);
      const network = ['tcp', 'tcp6', 'udp', 'udp6'].flatMap((kind) => {
        const lines = readFileSync(`/proc/${pid}/net/${kind}`, 'utf8').trim().split('\n').slice(1);
        return lines.map((line) => line.trim().split(/\s+/)[9]);
      });
      expect(sockets.filter((inode) => network.includes(inode))).toEqual([]);
    }
  });

  it('serves requests while 250 connections are idle', deep, async () => {
    const home = createHome();
    await home.clip(['daemon', 'start']);
    const idle: Socket[] = [];
    try {
      await Promise.all(
        Array.from(
          { length: 250 },
          () =>
            new Promise<void>((resolve, reject) => {
              const socket = connect(join(home.folder, 'clip.sock'), resolve);
              socket.on('error', reject);
              idle.push(socket);
            }),
        ),
      );
      expect((await home.clip(['run', '-q', '--wait', '--', 'true'])).code).toBe(0);
      expect((await ask(home.folder, '/v1/runs')).json().runs).toHaveLength(1);
      expect(idle.filter(({ destroyed }) => !destroyed)).toHaveLength(250);
    } finally {
      for (const socket of idle) socket.destroy();
    }
  });
});

describe('a stream', () => {
  it('of a wait names its runs, then each that gets there or is there already', deep, async () => {
    const home = createHome();
    await home.clip(['run', '--wait', '--', 'false']);
    await home.submit(['--', 'sleep', '1000']);
    const first = take(home.folder, '/v1/wait?run=2&run=1', 2);
    expect((await first).map((line: Json) => line.run?.number ?? line.runs)).toEqual([[2, 1], 1]);
    // A client that reconnects asks for the runs that are still open.
    const second = take(home.folder, '/v1/wait?run=2');
    await home.clip(['cancel', '2']);
    expect((await second).map((line: Json) => line.run?.status ?? line.runs)).toEqual([[2], 'cancelled']);
  });

  it('of events misses and repeats nothing when it is interrupted', deep, async () => {
    const home = createHome();
    await home.clip(['run', '--batch', '-', '--wait'], { input: '{"command":["true"]}\n'.repeat(20) });
    const all = await take(home.folder, '/v1/events');
    expect(all.length).toBeGreaterThanOrEqual(120);
    const seen: Json[] = [];
    while (seen.length < all.length)
      seen.push(
        ...(await take(
          home.folder,
          `/v1/events?follow=true&since=${seen.at(-1)?.seq ?? 0}`,
          Math.min(7, all.length - seen.length),
        )),
      );
    expect(seen).toEqual(all);
    // A follower receives new events as they occur.
    const next = take(home.folder, `/v1/events?follow=true&since=${all.at(-1)?.seq}`, 1);
    await home.submit(['--', 'true']);
    expect(await next).toEqual([expect.objectContaining({ type: 'admitted', run: 21 })]);
    await home.clip(['wait', '21']);
  });

  it('of a log misses and repeats no byte, and ends with the run', async () => {
    const home = createHome();
    const bytes = 1_500_000;
    await home.submit(['--', process.execPath, agent('floods.mjs'), String(bytes)]);
    const parts: Buffer[] = [];
    for (let offset = 0; offset < bytes; ) {
      const lines = await take(home.folder, `/v1/runs/1/logs?follow=true&offset=${offset}`, 2);
      for (const line of lines) {
        expect([line.stream, line.offset, line.encoding]).toEqual(['stdout', offset, 'base64']);
        parts.push(Buffer.from(line.data, 'base64'));
        offset = line.next;
      }
    }
    const whole = readFileSync((await home.show(1)).stdoutPath);
    expect(Buffer.concat(parts).equals(whole)).toBe(true);
    expect(await take(home.folder, `/v1/runs/1/logs?follow=true&offset=${bytes}`)).toEqual([]);
    const rest = await ask(home.folder, `/v1/runs/1/logs?offset=${bytes - 10}`);
    expect(rest.text).toBe(whole.subarray(-10).toString());
    for (const offset of [bytes, bytes + 1_000])
      expect(await ask(home.folder, `/v1/runs/1/logs?offset=${offset}`)).toMatchObject({ status: 200, text: '' });
  });

  it('is closed with a last message when the daemon is stopped', deep, async () => {
    const home = createHome();
    await home.submit(['--', 'sleep', '1000']);
    await home.untilStatus(1, 'running');
    const streams = ['/v1/wait?run=1', '/v1/events?follow=true', '/v1/runs/1/logs?follow=true'].map((path) =>
      take(home.folder, path),
    );
    const heads = await Promise.all(
      ['/v1/wait?run=1', '/v1/events?follow=true'].map((path) => open(home.folder, path)),
    );
    for (const head of heads)
      expect([head.headers['content-type'], typeof head.headers['clip-version']]).toEqual([
        'application/x-ndjson',
        'string',
      ]);
    for (const head of heads) head.destroy();
    await home.clip(['daemon', 'stop']);
    for (const lines of await Promise.all(streams)) expect(lines.at(-1)).toEqual({ type: 'goodbye' });
    await until('the daemon has exited', () => home.pidsOf('daemon').length === 0);
    await home.clip(['daemon', 'start']);
    expect((await home.show(1)).status).toBe('running');
  });
});
