/**
 * The keeper: the parent of all runs of one home. It knows only `runs/<id>/` and its socket.
 *
 *  - it starts a process when the daemon of the newest generation asks for it, once per run folder;
 *  - it records when a process started and how it ended, and tells a connected daemon;
 *  - it enforces a run's deadline itself while no responsive daemon is connected;
 *  - it restarts the daemon if it vanished without a goodbye while runs were alive or had just ended;
 *  - it exits when it is no longer needed.
 */

import { chmodSync, existsSync, unlinkSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { failpoint } from '#launch/failpoints.ts';
import { launchDaemon, stoppedMark, withUmask } from '#launch/launch.ts';
import { createRunGroups, type RunGroups } from '#process/cgroup.ts';
import { type FromKeeper, keeperRevision, type ToKeeper } from '#process/keeper-protocol.ts';
import { pidNamespace } from '#process/process-birth.ts';
import { findRunProcesses } from '#process/run-processes.ts';
import { signalMembers } from '#process/signal.ts';
import { createHeartbeat } from './heartbeat.ts';
import { type Child, type Hooks, launchRun } from './launch-run.ts';
import { readMessage } from './messages.ts';
import { readOwnLimits } from './own-limits.ts';
import { readLines } from './socket-lines.ts';

const protocol = 1;
/** Waits between attempts to restart the daemon. After the last one, the next command of the user starts it. */
const restartWaitsMs = [1_000, 2_000, 4_000, 8_000, 16_000];
/** A daemon that vanishes this soon after the end of a run still counts as busy. */
const recentMs = 5_000;
/** Maximum length of a request. */
const lineBytesMax = 4 * 2 ** 20;
/** Maximum length of a greeting. */
const greetingBytesMax = 4 * 2 ** 10;
/** Maximum number of connections. A daemon needs one, and this many leave room for it in a crowd at low cost. */
const connectionsMax = 512;
/** Time for a new connection to greet, as long as a daemon waits for the answer. */
const greetingMs = 10_000;
/** Refusals before an ungreeted connection is dropped: a refusal costs the keeper more than a bad message costs its sender. */
const refusalsMax = 32;
/** A keeper that is not greeted within this time was started by a daemon that died at once. */
const lonelyMs = 30_000;

type Answering = { readonly reply: (message: FromKeeper) => void; readonly refuse: (why: string) => void };
type Hello = Extract<ToKeeper, { type: 'hello' }>;
type Spawn = Extract<ToKeeper, { type: 'spawn' }>;

export function runKeeper(options: { home: string; socketName: string; version: string; umask: number }): void {
  const socketPath = join(options.home, options.socketName);
  const limits = readOwnLimits(process.env);
  /** Created at the first greeting, which says whether control groups are wanted. */
  let groups: RunGroups | null | undefined;
  const children = new Map<string, Child>();
  /** Accepted launches that are not decided yet. `withdrawn`: the daemon has withdrawn the request. */
  const launching = new Map<string, { withdrawn: boolean }>();
  /** Ended runs whose exit record is not in place yet. */
  const ending = new Set<string>();
  /** Ended runs whose exit record is in place and not flushed yet. */
  const flushing = new Set<string>();
  /** Pending answers to greetings. An answer must list all runs, so it waits until open launches and ends are decided. */
  const whenDecided: (() => void)[] = [];
  const heartbeat = createHeartbeat({ deadlines: () => [...children.values()].map(({ deadline }) => deadline) });
  let daemon: Socket | null = null;
  let generation = 0;
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
  // The socket is created under a restrictive umask. The mode for the owner is set here.
  server.listen(socketPath, () => chmodSync(socketPath, 0o600));

  function accept(socket: Socket): void {
    makeRoom();
    connections.add(socket);
    let greeted = false;
    let refusals = 0;
    const patience = setTimeout(() => socket !== daemon && socket.destroy(), greetingMs);
    const reply = (message: FromKeeper) => socket.write(`${JSON.stringify(message)}\n`);
    const refuse = (why: string) => {
      reply({ type: 'refused', id: null, why });
      refusals += 1;
      if (socket !== daemon && refusals >= refusalsMax) socket.destroySoon();
    };
    readLines(socket, {
      bytesMax: () => (greeted ? lineBytesMax : greetingBytesMax),
      onLine(line) {
        const message = readMessage(line);
        if (message === null) return refuse('This keeper does not know that message.');
        if (message.type === 'hello') {
          greeted = greet(socket, message, { reply, refuse });
          return;
        }
        if (!greeted || socket !== daemon) return refuse('Say hello first.');
        heartbeat.heard();
        obey(message, reply);
      },
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(patience);
      connections.delete(socket);
      if (socket === daemon) daemonGone();
    });
  }

  /** Drops the oldest connection when there are too many, never that of the daemon. */
  function makeRoom(): void {
    if (connections.size < connectionsMax) return;
    for (const socket of connections) {
      if (socket === daemon) continue;
      // The close event comes in a later turn of the event loop, and many connections may arrive in this one.
      connections.delete(socket);
      return void socket.destroy();
    }
  }

  /** Accepts a daemon. A newer generation disconnects the older ones, including their unread requests, before it is answered. */
  function greet(socket: Socket, hello: Hello, { reply, refuse }: Answering): boolean {
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
    heartbeat.greeted((hello.revision ?? 1) >= 2);
    if (hello.containment === 'mark') groups = null;
    else groups ??= createRunGroups(socketName(options.socketName));
    // Only the requests of this daemon count: a draining keeper may have the right version again.
    draining = false;
    const answer = () => {
      const runs = [...children.values()].map(({ id, leader, at }) => ({ id, leader, at }));
      failpoint('keeper.hello');
      const containment = { kind: groups ? 'cgroup' : 'mark', kernelMark: !groups && limits.canMark } as const;
      const more = { revision: keeperRevision, pidNamespace: pidNamespace(), traits: limits.traits, containment };
      reply({ type: 'hello', protocol, version: options.version, pid: process.pid, runs, ...more });
    };
    if (isDecided()) answer();
    else whenDecided.push(answer);
    return true;
  }

  function isDecided(): boolean {
    return launching.size === 0 && ending.size === 0;
  }

  function decided(): void {
    if (isDecided()) for (const answer of whenDecided.splice(0)) answer();
    leaveIfIdle();
  }

  function obey(message: Exclude<ToKeeper, Hello>, reply: (message: FromKeeper) => void): void {
    switch (message.type) {
      case 'spawn':
        if (draining)
          return reply({ type: 'refused', id: message.id, why: 'This keeper is leaving and takes no new runs.' });
        return spawnRun(message);
      case 'withdraw':
        return withdraw(message.id, reply);
      case 'ping':
        return reply({ type: 'pong', n: message.n, sleptMs: heartbeat.sleptMs() });
      case 'find':
        return reply({ type: 'found', n: message.n, ...find(message) });
      case 'signal':
        return reply({
          type: 'signalled',
          n: message.n,
          targets: signalMembers(message.members, message.signal as NodeJS.Signals, message.cgroup),
        });
      case 'drain':
        draining = true;
        return leaveIfIdle();
      case 'bye':
        managed = true;
        daemon?.end();
    }
  }

  /** Withdraws a request. A run that was started was reported, and the daemon stops it. Otherwise answers that nothing was started. */
  function withdraw(id: string, reply: (message: FromKeeper) => void): void {
    const begun = launching.get(id);
    if (begun !== undefined) begun.withdrawn = true;
    else if (!children.has(id) && !ending.has(id) && !existsSync(join(options.home, 'runs', id, 'launch.json')))
      reply({ type: 'withdrawn', id });
  }

  function spawnRun(request: Spawn): void {
    const { id } = request;
    if (launching.has(id)) return;
    const begun = { withdrawn: false };
    launching.set(id, begun);
    const hooks: Hooks = {
      tell,
      daemonIsHere: () => daemon !== null && !heartbeat.isSilent(),
      isWithdrawn: () => begun.withdrawn,
      runs: () => children.size,
      onStarted(child) {
        children.set(id, child);
        heartbeat.watch();
        // The daemon died during this launch.
        if (daemon === null && !managed && restart === null) restartDaemon(0);
      },
      onExit() {
        children.delete(id);
        ending.add(id);
        flushing.add(id);
        lastEndAt = Date.now();
      },
      onRecorded() {
        ending.delete(id);
        decided();
      },
      onEnded() {
        flushing.delete(id);
        leaveIfIdle();
      },
    };
    launchRun({ ...options, limits, groups: groups ?? null }, request, hooks, () => {
      launching.delete(id);
      decided();
    });
  }

  function tell(message: FromKeeper): void {
    if (daemon && !daemon.destroyed) daemon.write(`${JSON.stringify(message)}\n`);
  }

  function daemonGone(): void {
    daemon = null;
    for (const { deadline } of children.values()) deadline.arm();
    // A run that has just ended counts too: the next of a queue of short runs was about to start.
    if (!managed && (children.size > 0 || launching.size > 0 || Date.now() - lastEndAt < recentMs)) restartDaemon(0);
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
      // The goodbye may have been missed: the keeper was suspended, or the daemon left before it was greeted.
      if (existsSync(stoppedMark(options.home))) {
        managed = true;
        restart = null;
        return leaveIfIdle();
      }
      try {
        withUmask(options.umask, () => launchDaemon(options.home, null));
      } catch (error) {
        console.error(`${new Date().toISOString()} the daemon cannot be started: ${(error as Error).message}`);
      }
      // Without its home no daemon can start, and further attempts would only keep this process alive.
      restartDaemon(existsSync(options.home) ? attempt + 1 : restartWaitsMs.length);
    }, wait);
  }

  function leaveIfIdle(): void {
    if (children.size > 0 || flushing.size > 0 || launching.size > 0 || (daemon !== null && !draining)) return;
    // The restart of the daemon is pending.
    if (daemon === null && restart !== null) return;
    try {
      unlinkSync(socketPath);
    } catch {
      // The socket is gone because the home was removed.
    }
    groups?.close();
    process.exit(0);
  }
}

function find({ family }: Extract<ToKeeper, { type: 'find' }>) {
  const { runId, leader } = family;
  const found = findRunProcesses([{ runId, leader }], { except: new Set([process.pid]) });
  const { unexamined, everythingReadable, vanished, shared, populated } = found;
  return {
    members: found.members.get(runId) ?? [],
    unexamined,
    everythingReadable,
    vanished,
    shared: shared.has(runId),
    populated: populated.has(runId),
  };
}

/** Returns the name in a socket name: `keeper-0a1b2c3d.sock` → `0a1b2c3d`. */
function socketName(socketName: string): string {
  return /([0-9a-f]{8})\.sock$/.exec(socketName)?.[1] ?? '00000000';
}
