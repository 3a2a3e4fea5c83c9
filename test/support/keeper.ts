/** A keeper without a daemon. The test plays the daemon. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { FromKeeper, ToKeeper } from '#process/keeper-protocol.ts';
import { isAlive, root } from './home.ts';
import { until } from './until.ts';

export type Line = {
  readonly received: FromKeeper[];
  readonly say: (message: ToKeeper | object | string) => void;
  readonly closed: () => boolean;
  readonly socket: Socket;
};

export async function createKeeper(env: Record<string, string> = {}) {
  const home = mkdtempSync(join(tmpdir(), 'clip-keeper-'));
  mkdirSync(join(home, 'runs'));
  const path = join(home, 'keeper-00000001.sock');
  const child = spawn(
    process.execPath,
    [join(root, 'bin/clip-keeper.js'), '--home', home, '--socket', 'keeper-00000001.sock'],
    {
      env: { PATH: process.env['PATH'] ?? '', CLIP_HOME: home, CLIP_ROLE: 'keeper', ...env },
      stdio: 'ignore',
    },
  );
  const pid = child.pid as number;
  const lines: Line[] = [];
  onTestFinished(async () => {
    for (const { socket } of lines) socket.destroy();
    for (const { pid: runPid } of started()) if (isAlive(runPid)) process.kill(runPid, 'SIGKILL');
    if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    await until('the keeper has exited', () => !isAlive(pid));
    rmSync(home, { recursive: true, force: true });
  });
  const started = () =>
    lines.flatMap(({ received }) =>
      received.flatMap((message) => (message.type === 'started' ? [message.leader] : [])),
    );

  /** Connects when the keeper listens. */
  async function open(): Promise<Line> {
    const socket = await until('the keeper listens', () => tryConnect(path));
    const received: FromKeeper[] = [];
    let rest = '';
    let closed = false;
    socket.on('data', (chunk) => {
      const all = (rest + chunk.toString()).split('\n');
      rest = all.pop() ?? '';
      received.push(...all.map((text) => JSON.parse(text) as FromKeeper));
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      closed = true;
    });
    const line: Line = {
      received,
      socket,
      closed: () => closed,
      say: (message) => socket.write(`${typeof message === 'string' ? message : JSON.stringify(message)}\n`),
    };
    lines.push(line);
    return line;
  }

  async function greet(generation: number, extra: { protocol?: number; managed?: boolean } = {}): Promise<Line> {
    const line = await open();
    line.say({ type: 'hello', protocol: 1, generation, version: 'test', managed: true, ...extra });
    await until('the hello is answered', () => line.received.length > 0 || line.closed());
    return line;
  }

  /** Creates the folder of a run, as the daemon does before it requests the process. */
  function folder(id: string, environment: Record<string, string> = { PATH: process.env['PATH'] ?? '' }): string {
    const path = join(home, 'runs', id);
    mkdirSync(path);
    writeFileSync(join(path, 'env.json'), JSON.stringify(environment));
    return path;
  }

  const request = (id: string, argv: string[], more: object = {}) => ({
    type: 'spawn',
    id,
    launch: {
      number: 1,
      argv,
      cwd: home,
      agent: null,
      task: null,
      deadlineAt: null,
      graceMs: 200,
      stdin: null,
      mergeOutput: false,
      ...more,
    },
  });

  return { home, pid, open, greet, folder, request, files: (id: string) => readdirSync(join(home, 'runs', id)).sort() };
}

function tryConnect(path: string): Promise<Socket | null> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(socket));
    socket.once('error', () => resolve(null));
  });
}
