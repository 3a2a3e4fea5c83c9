import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createHome, processesOf } from '../../support/home.ts';
import { until } from '../../support/until.ts';

const tables = ['tcp', 'tcp6', 'udp', 'udp6', 'raw', 'raw6', 'packet'];
const listening = '0A';

/** Returns the network sockets of a process: the kernel table and the state of each. */
function networkOf(pid: number): { table: string; state: string }[] {
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        return [];
      }
    }),
  );
  return tables.flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
      .split('\n')
      .slice(1)
      .flatMap((line) => {
        const fields = line.trim().split(/\s+/);
        const inode = table === 'packet' ? fields[8] : fields[9];
        return inode !== undefined && inodes.has(inode) ? [{ table, state: fields[3] ?? '' }] : [];
      }),
  );
}

describe('no program of clip', () => {
  it('listens on the network, and only clip-http connects to it', async () => {
    const own = createServer();
    await new Promise<void>((resolve) => own.listen(0, '127.0.0.1', resolve));
    expect(networkOf(process.pid)).toContainEqual({ table: 'tcp', state: listening });
    own.close();
    await until('the test has no network connection', () => networkOf(process.pid).length === 0);

    const asked: (() => void)[] = [];
    const server = createHttp((_request, response) => asked.push(() => response.end('done')));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const home = createHome();
    await home.clip([
      'agent',
      'add',
      'far',
      '--adapter',
      'http',
      '--command',
      `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    ]);
    await home.submit(['--agent', 'far', 'hello']);
    await home.submit(['--', 'sleep', '1000']);
    await home.untilStatus(2, 'running');
    await until('the agent has received a request', () => asked.length > 0);
    const followers = [home.start(['logs', '-f', '2']), home.start(['events', '-f']), home.start(['wait', '2'])];
    await until('the followers are connected', () =>
      followers.every(({ pid }) => readdirSync(`/proc/${pid}/fd`).length > 6),
    );

    const all = processesOf(home.folder).filter(({ command }) => command.includes('/bin/clip'));
    const names = all.map(({ command }) => /\/bin\/(clip\w*(?:-\w+)?)\.js/.exec(command)?.[1]).sort();
    expect(names).toEqual(['clip', 'clip', 'clip', 'clip-http', 'clip-keeper', 'clipd']);
    for (const { pid, command } of all) {
      const network = networkOf(pid);
      if (command.includes('clip-http')) expect(network).toEqual([{ table: 'tcp', state: '01' }]);
      else expect([command, network]).toEqual([command, []]);
    }
    for (const answer of asked) answer();
    for (const follower of followers) follower.kill('SIGKILL');
  });
});
