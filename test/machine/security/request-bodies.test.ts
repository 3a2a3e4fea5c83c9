import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { ask } from '../../support/api.ts';
import { deep } from '../../support/deep.ts';
import { createHome, type TestHome } from '../../support/home.ts';
import { peakMiB, residentMiB } from '../../support/memory.ts';
import { until } from '../../support/until.ts';

// This test starts many real processes, and a busy machine needs more than a minute.
vi.setConfig({ testTimeout: 180_000 });

const head = (path: string, headers: string, type = 'application/json') =>
  `POST ${path} HTTP/1.1\r\nHost: clip\r\nContent-Type: ${type}\r\n${headers}\r\n\r\n`;

/** Opens a connection and sends this text. `said` returns everything that was received. */
function call(home: TestHome, text: string): Promise<{ socket: Socket; said: () => string; closed: () => boolean }> {
  return new Promise((resolve) => {
    let [said, closed] = ['', false];
    const socket = connect(join(home.folder, 'clip.sock'), () => {
      socket.write(text);
      resolve({ socket, said: () => said, closed: () => closed });
    });
    socket.on('data', (chunk) => {
      said += chunk;
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      closed = true;
    });
    onTestFinished(() => void socket.destroy());
  });
}

async function served(home: TestHome): Promise<void> {
  const begun = Date.now();
  expect((await home.clip(['run', '-q', '--wait', '--', 'true'])).code).toBe(0);
  expect(Date.now() - begun).toBeLessThan(20_000);
}

const post = (home: TestHome, path: string, body: string | Buffer) => ask(home.folder, path, { method: 'POST', body });

describe('a body', () => {
  it('that is compressed, deep, wide or malformed is refused in little memory', deep, async () => {
    const home = createHome();
    await home.clip(['daemon', 'start']);
    await served(home);
    const pid = home.daemonPid();
    const before = residentMiB(pid);
    const run = (field: string) => `{"command":["true"],"cwd":"/",${field}}`;
    const deep = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;
    const million = (item: string) => `[${`${item},`.repeat(1_000_000)}${item}]`;
    const cases: [what: string, path: string, body: string | Buffer, says: RegExp][] = [
      ['a bomb of zeros', '/v1/runs', gzipSync(Buffer.alloc(200 * 2 ** 20)), /not valid JSON/],
      ['100,000 levels', '/v1/runs', run(`"labels":${deep(100_000)}`), /deep/],
      ['100,000 levels of a mapping', '/v1/agents/x/pause', `{"mapping":${deep(100_000)}}`, /deep/],
      ['a million wrong arguments', '/v1/runs', `{"command":${million('1')},"cwd":"/"}`, /values/],
      ['a million lists', '/v1/runs', run(`"locks":${million('[]')}`), /values/],
      [
        'a million names',
        '/v1/runs',
        run(`"env":{${Array.from({ length: 400_000 }, (_, n) => `"${n}":1`).join(',')}}`),
        /values/,
      ],
      ['a hundred thousand names', '/v1/cancel', `{"runs":${`[${'"1",'.repeat(99_999)}"1"]`}}`, /values/],
      ['__proto__', '/v1/runs', run('"__proto__":{"priority":5}'), /__proto__/],
      ['__proto__ below', '/v1/runs', run('"labels":{"__proto__":"x"}'), /__proto__/],
      ['huge numbers', '/v1/runs', run('"priority":1e400'), /priority/],
      ['many digits', '/v1/runs', run(`"priority":${'9'.repeat(100_000)}`), /priority/],
      ['half of a character', '/v1/runs', Buffer.from([0x7b, 0x22, 0xff, 0xc3]), /not valid JSON/],
    ];
    for (const [what, path, body, says] of cases) {
      const answer = await post(home, path, body);
      expect([what, answer.status, answer.json().error.message]).toEqual([what, 400, expect.stringMatching(says)]);
    }
    // As usual, the last of two fields with the same name counts. A prompt may be full of commas and brackets.
    expect((await post(home, '/v1/runs', run('"priority":1,"priority":7'))).json().run.priority).toBe(7);
    const commas = {
      ...JSON.parse(run('"name":"x"')),
      command: ['wc', '-c'],
      stdin: { kind: 'text', base64: Buffer.from('[,'.repeat(2 ** 22)).toString('base64') },
    };
    expect((await post(home, '/v1/runs', JSON.stringify(commas))).status).toBe(201);
    await served(home);
    expect(home.daemonPid()).toBe(pid);
    expect(peakMiB(pid) - before).toBeLessThan(250);
  });

  it('in pieces of one byte takes no more memory than in one piece', deep, async () => {
    const home = createHome();
    await home.clip(['daemon', 'start']);
    await served(home);
    const pid = home.daemonPid();
    const before = residentMiB(pid);
    const { socket } = await call(home, head('/v1/runs', 'Transfer-Encoding: chunked'));
    const pieces = Buffer.from('1\r\nx\r\n'.repeat(100_000));
    const wrote = () =>
      new Promise<void>((resolve) =>
        socket.destroyed || socket.write(pieces) ? resolve() : void socket.once('drain', resolve),
      );
    for (let i = 0; i < 8; i += 1) await wrote();
    expect(peakMiB(pid) - before).toBeLessThan(150);
    socket.destroy();
    await served(home);
  });

  it('that never ends is refused at its limit with an answer, and left unread', deep, async () => {
    const home = createHome();
    await home.clip(['daemon', 'start']);
    const chunk = Buffer.from(`10000\r\n${'x'.repeat(65_536)}\r\n`);
    const flood = async (): Promise<string> => {
      const { socket, said, closed } = await call(home, head('/v1/cancel', 'Transfer-Encoding: chunked'));
      const pump = () => {
        while (!socket.destroyed && socket.write(chunk));
      };
      socket.on('drain', pump);
      pump();
      await until('the connection is closed', closed);
      return said();
    };
    // A client that is still writing when the other end closes may get an error before it has read its answer. The
    // request is repeated until the answer is read.
    expect(await until('the refusal is received', async () => (await flood()) || null)).toMatch(
      /^HTTP\/1\.1 413 [\s\S]*too_large/,
    );
    await served(home);
  });

  it('of a batch is a stream of lines, and a line that never ends is not kept', async () => {
    const home = createHome();
    await home.clip(['daemon', 'start']);
    await served(home);
    const pid = home.daemonPid();
    const before = residentMiB(pid);
    expect((await post(home, '/v1/batch', '{"command":["true"]}')).json().error.message).toContain('JSON lines');
    const { socket, said } = await call(home, head('/v1/batch', 'Transfer-Encoding: chunked', 'application/x-ndjson'));
    const chunk = Buffer.from(`100000\r\n${'x'.repeat(2 ** 20)}\r\n`);
    for (let i = 0; i < 200; i += 1)
      if (!socket.write(chunk)) await new Promise((resolve) => socket.once('drain', resolve));
    const line = '\n{"command":["true"],"cwd":"/"}\n';
    socket.write(`${line.length.toString(16)}\r\n${line}\r\n0\r\n\r\n`);
    await until('both lines are answered', () => said().includes('"number":'));
    expect(said()).toContain('too_large');
    expect(peakMiB(pid) - before).toBeLessThan(120);
  });

  it('of 16 MB that 200 clients leave unfinished delays no other client', deep, async () => {
    const home = createHome();
    await home.clip(['daemon', 'start']);
    await served(home);
    const pid = home.daemonPid();
    const before = residentMiB(pid);
    const begun = `{"command":["true"],"cwd":"/","stdin":{"kind":"text","base64":"${'A'.repeat(4 * 2 ** 20)}`;
    for (let i = 0; i < 200; i += 1) await call(home, `${head('/v1/runs', `Content-Length: ${20 * 2 ** 20}`)}${begun}`);
    await served(home);
    // Small requests have their own limit. A large one waits for stalled requests, but not for all of them.
    for (let i = 0; i < 100; i += 1) await call(home, `${head('/v1/cancel', `Content-Length: ${2 ** 20}`)}{`);
    await served(home);
    expect(peakMiB(pid) - before).toBeLessThan(250);
    expect(home.daemonPid()).toBe(pid);
  });
});
