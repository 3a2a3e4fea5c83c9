/**
 * The keeper: the parent of all agent processes of one home. It knows only `runs/<id>/` and its socket.
 *
 *  - it starts a process when the daemon of the newest generation asks for it, once per run folder;
 *  - it writes down when a process started and how it ended, and says so to the daemon if one is there;
 *  - it enforces a run's deadline itself while no daemon is connected;
 *  - it starts the daemon again when it vanished without a goodbye while runs live or had just ended;
 *  - it leaves when nobody needs it any more.
 */

import { chmodSync, existsSync, unlinkSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { crashPoint } from '../launch/crash-point.ts';
import { launchDaemon, withUmask } from '../launch/launch.ts';
import type { FromKeeper, ToKeeper } from '../process/keeper-wire.ts';
import { type Child, startChild } from './child.ts';
import { readLines } from './lines.ts';
import { readMessage } from './messages.ts';

const protocol = 1;
/** Waits between attempts to start the daemon again; then it is left to a person's next command. */
const restartWaitsMs = [1_000, 2_000, 4_000, 8_000, 16_000];
/** How long after the last end of a run a daemon that vanishes is taken for one that was at work. */
const recentMs = 5_000;
/** No request is longer than this … */
const lineBytesMax = 4 * 2 ** 20;
/** … and no greeting longer than this. */
const greetingBytesMax = 4 * 2 ** 10;
/** A daemon needs one connection. With so many it is heard in any crowd, and a crowd costs little. */
const connectionsMax = 512;
/** Whoever connects has so long to say hello, as long as a daemon waits for the answer. */
const greetingMs = 10_000;
/** … and may be wrong so often: a refusal costs us more than nonsense costs its sender. */
const refusalsMax = 32;
/** A keeper that nobody ever greets was started by a daemon that died at once. */
const lonelyMs = 30_000;

type Answering = { readonly say: (message: FromKeeper) => void; readonly refuse: (why: string) => void };

export function runKeeper(options: { home: string; socketName: string; version: string; umask: number }): void {
  const socketPath = join(options.home, options.socketName);
  const children = new Map<string, Child>();
  let daemon: Socket | null = null;
  let generation = 0;
  /** Launches that were accepted and not decided yet. */
  let launching = 0;
  const whenLaunched: (() => void)[] = [];
  let managed = false;
  let lastEndAt = 0;
  let draining = false;
  let restart: NodeJS.Timeout | null = null;

  const lonely = setTimeout(leaveIfIdle, lonelyMs);
  const connections = new Set<Socket>();
  const server = createServer(accept);
  server.on('error', (error) => {
    console.error(`${new Date().toISOString()} ${options.socketName}: ${error.message}`);
    process.exit(1);
  });
  // Bound under a umask that keeps others out; what the owner may do with it is said here.
  server.listen(socketPath, () => chmodSync(socketPath, 0o600));

  function accept(socket: Socket): void {
    makeRoom();
    connections.add(socket);
    let greeted = false;
    let refusals = 0;
    const patience = setTimeout(() => socket !== daemon && socket.destroy(), greetingMs);
    const say = (message: FromKeeper) => socket.write(`${JSON.stringify(message)}\n`);
    const refuse = (why: string) => {
      say({ type: 'refused', id: null, why });
      refusals += 1;
      if (socket !== daemon && refusals >= refusalsMax) socket.destroySoon();
    };
    readLines(socket, {
      bytesMax: () => (greeted ? lineBytesMax : greetingBytesMax),
      onLine(line) {
        const message = readMessage(line);
        if (message === null) return refuse('This keeper does not know that message.');
        if (message.type === 'hello') {
          greeted = greet(socket, message, { say, refuse });
          return;
        }
        if (!greeted || socket !== daemon) return refuse('Say hello first.');
        obey(message, say);
      },
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(patience);
      connections.delete(socket);
      if (socket === daemon) daemonGone();
    });
  }

  /** Strangers may come in any number: the one that has waited longest goes, never the daemon. */
  function makeRoom(): void {
    if (connections.size < connectionsMax) return;
    for (const socket of connections) {
      if (socket === daemon) continue;
      // Gone only in a later turn, but of no account from now on: many may come in one turn.
      connections.delete(socket);
      return void socket.destroy();
    }
  }

  /** A newer generation shuts out the older ones, unread requests included, before it is answered. */
  function greet(socket: Socket, hello: Extract<ToKeeper, { type: 'hello' }>, { say, refuse }: Answering): boolean {
    if (hello.protocol !== protocol) {
      refuse(`This keeper speaks protocol ${protocol}, not ${hello.protocol}.`);
      return false;
    }
    if (hello.generation <= generation) {
      refuse(`A daemon of generation ${generation} has been here; ${hello.generation} is over.`);
      return false;
    }
    for (const other of connections) if (other !== socket) other.destroy();
    clearTimeout(lonely);
    if (restart) clearTimeout(restart);
    restart = null;
    daemon = socket;
    generation = hello.generation;
    managed = hello.managed;
    // Only this daemon's word counts: a keeper that was to leave may be of the right version again.
    draining = false;
    const answer = () => {
      const runs = [...children.values()].map(({ id, leader, at }) => ({ id, leader, at }));
      crashPoint('keeper.hello');
      say({ type: 'hello', protocol, version: options.version, pid: process.pid, runs });
    };
    // A launch that was begun is finished first: whoever is greeted must see all there is.
    if (launching === 0) answer();
    else whenLaunched.push(answer);
    return true;
  }

  function obey(message: Exclude<ToKeeper, { type: 'hello' }>, say: (message: FromKeeper) => void): void {
    switch (message.type) {
      case 'spawn':
        if (draining) return say({ type: 'refused', id: message.id, why: 'This keeper is leaving and takes no new runs.' });
        return spawnRun(message);
      case 'drain':
        draining = true;
        return leaveIfIdle();
      case 'bye':
        managed = true;
        daemon?.end();
    }
  }

  function spawnRun(request: Extract<ToKeeper, { type: 'spawn' }>): void {
    const tell = (message: FromKeeper) => {
      if (daemon && !daemon.destroyed) daemon.write(`${JSON.stringify(message)}\n`);
    };
    launching += 1;
    const hooks = {
      tell,
      daemonIsHere: () => daemon !== null,
      onStarted: (child: Child) => {
        children.set(child.id, child);
        // The daemon died while this launch was on its way.
        if (daemon === null && !managed && restart === null) restartDaemon(0);
      },
      onEnded: (id: string) => {
        lastEndAt = Date.now();
        children.delete(id);
        leaveIfIdle();
      },
    };
    startChild(options, request, hooks, () => {
      launching -= 1;
      if (launching > 0) return;
      for (const answer of whenLaunched.splice(0)) answer();
      leaveIfIdle();
    });
  }

  function daemonGone(): void {
    daemon = null;
    for (const child of children.values()) child.guardDeadline();
    // One that has just ended counts: the next of a queue of short runs was about to start.
    if (!managed && (children.size > 0 || launching > 0 || Date.now() - lastEndAt < recentMs)) restartDaemon(0);
    leaveIfIdle();
  }

  function restartDaemon(attempt: number): void {
    const wait = restartWaitsMs[attempt];
    if (wait === undefined) {
      restart = null;
      return leaveIfIdle();
    }
    restart = setTimeout(() => {
      if (daemon !== null) return;
      try {
        withUmask(options.umask, () => launchDaemon(options.home, null));
      } catch (error) {
        console.error(`${new Date().toISOString()} the daemon cannot be started: ${(error as Error).message}`);
      }
      // Without its home there is nothing a daemon could find: the next attempts would only keep us here.
      restartDaemon(existsSync(options.home) ? attempt + 1 : restartWaitsMs.length);
    }, wait);
  }

  function leaveIfIdle(): void {
    if (children.size > 0 || launching > 0 || (daemon !== null && !draining)) return;
    // Somebody has to start the daemon again.
    if (daemon === null && restart !== null) return;
    try {
      unlinkSync(socketPath);
    } catch {
      // Already gone: somebody removed the home.
    }
    process.exit(0);
  }
}
