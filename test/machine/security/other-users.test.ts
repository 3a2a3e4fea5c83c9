import { chmodSync, chownSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { entriesOf } from '../../support/files.ts';
import { createHome } from '../../support/home.ts';
import { asOtherUser, otherUid, root } from '../../support/other-user.ts';

const connects = `const socket = require('node:net').connect(process.argv[1]);
socket.on('connect', () => { console.log('in'); process.exit(); }).on('error', ({ code }) => console.log(code));`;
const reads = `try { require('node:fs').readFileSync(process.argv[1]); console.log('read'); } catch ({ code }) { console.log(code); }`;

/** Listens in the daemon's place and records what it receives. */
async function listener(
  path: string,
): Promise<{ received: () => string; connections: () => number; close: () => void }> {
  let [received, connections] = ['', 0];
  const server: Server = createServer((socket) => {
    connections += 1;
    socket.on('data', (chunk) => {
      received += chunk;
      socket.end('HTTP/1.1 200 OK\r\nclip-version: 0.1.0\r\ncontent-length: 2\r\n\r\n{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  // Closing also removes its path, even if another process listens there by then.
  const close = () => void (server.listening && server.close());
  onTestFinished(close);
  chmodSync(path, 0o777);
  return { received: () => received, connections: () => connections, close };
}

describe.skipIf(!root)('another user of the machine', () => {
  it('can connect to no socket and read no file of an open home', async () => {
    const home = createHome();
    await home.submit(['--env', 'SECRET=x', '--', 'sleep', '1000']);
    await home.untilStatus(1, 'running');
    chmodSync(home.base, 0o755);
    // The folder has its normal mode or a wider one: each entry in it is protected by itself.
    for (const mode of [0o700, 0o755]) {
      chmodSync(home.folder, mode);
      const entries = entriesOf(home.folder);
      const sockets = entries.filter(({ kind }) => kind === 'socket');
      expect(sockets).toHaveLength(2);
      expect(sockets.map(({ path }) => asOtherUser(connects, [path]))).toEqual(['EACCES', 'EACCES']);
      const files = entries.filter(({ kind }) => kind === 'file');
      expect(files.length).toBeGreaterThan(10);
      const all = `for (const path of process.argv.slice(1)) ${reads.replace('process.argv[1]', 'path')}`;
      expect(
        new Set(
          asOtherUser(
            all,
            files.map(({ path }) => path),
          ).split('\n'),
        ),
      ).toEqual(new Set(['EACCES']));
    }
    chmodSync(home.folder, 0o700);
  });

  it("that listens in a home of that user's own gets no data", async () => {
    const home = createHome();
    mkdirSync(home.folder);
    const stranger = await listener(join(home.folder, 'clip.sock'));
    for (const path of [home.folder, join(home.folder, 'clip.sock')]) chownSync(path, otherUid, otherUid);
    for (const args of [
      ['run', '--env', 'SECRET=hush', '--', 'true'],
      ['runs', '--json'],
      ['status', '--json'],
      ['daemon', 'status'],
      ['wait', '1'],
    ]) {
      const result = await home.clip(args);
      expect([args, result.code, result.stdout]).toEqual([args, args[0] === 'wait' ? 125 : 5, '']);
      expect(result.stderr).toContain('belongs to another user');
    }
    expect([stranger.received(), stranger.connections()]).toEqual(['', 0]);
    chownSync(home.folder, 0, 0);
  });

  it('with a socket, database or command in an open home is detected', async () => {
    const home = createHome();
    mkdirSync(home.folder, { mode: 0o777 });
    const stranger = await listener(join(home.folder, 'clip.sock'));
    chownSync(join(home.folder, 'clip.sock'), otherUid, otherUid);
    for (const args of [
      ['run', '--', 'true'],
      ['runs', '--json'],
      ['daemon', 'start'],
      ['daemon', 'run'],
    ]) {
      const result = await home.clip(args);
      expect([args, result.code, result.stdout, result.stderr]).toEqual([
        args,
        5,
        '',
        expect.stringContaining('clip.sock belongs to another user'),
      ]);
    }
    expect(stranger.connections()).toBe(0);
    stranger.close();
    for (const name of ['clip.db', 'clip.lock', 'daemon.err']) {
      writeFileSync(join(home.folder, name), '');
      chownSync(join(home.folder, name), otherUid, otherUid);
      const result = await home.clip(['run', '--', 'true']);
      expect([name, result.code, result.stderr]).toEqual([
        name,
        5,
        expect.stringContaining(`${name} belongs to another user`),
      ]);
      rmSync(join(home.folder, name));
    }
    expect(readdirSync(home.folder)).toEqual([]);
    expect((await home.clip(['run', '--wait', '-q', '--', 'true'])).code).toBe(0);
  });
});
