/**
 * The keeper: the parent of all runs of one home. It knows only `runs/<id>/` and its socket.
 *
 *  - it starts a process when the daemon of the newest generation asks for it, once per run folder;
 *  - it records when a process started and how it ended, and tells a connected daemon;
 *  - it enforces a run's deadline itself while no responsive daemon is connected;
 *  - it restarts the daemon if it vanished without a goodbye while runs were alive or had just ended;
 *  - it exits when it is no longer needed.
 */

import { chmodSync, unlinkSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { failpoint } from '#launch/failpoints.ts';
import { createRunGroups, type RunGroups } from '#process/cgroup.ts';
import { IdleCollector } from '#process/idle-collector.ts';
import { type FromKeeper, keeperRevision, type ToKeeper } from '#process/keeper-protocol.ts';
import { pidNamespace } from '#process/process-birth.ts';
import { findRunProcesses } from '#process/run-processes.ts';
import { signalMembers } from '#process/signal.ts';
import { Connection, type Hello, type Order } from './connection.ts';
import { DaemonRestart } from './daemon-restart.ts';
import { createHeartbeat } from './heartbeat.ts';
import { Runs } from './held-runs.ts';
import { OwnLimits } from './own-limits.ts';
import { complain } from './report-error.ts';
import type { SpawnContext } from './spawn-process.ts';

const protocol = 1;
/** Maximum number of connections. A daemon needs one, and this many leave room for it in a crowd at low cost. */
const connectionsMax = 512;
/** A keeper that is not greeted within this time was started by a daemon that died at once. */
const lonelyMs = 30_000;

/** `umask`: the user's umask, which runs and a restarted daemon get. */
type KeeperOptions = {
  readonly home: string;
  readonly socketName: string;
  readonly version: string;
  readonly umask: number;
};

/** The process that holds the runs of a home and obeys the newest of its daemons. */
export class Keeper {
  readonly #options: KeeperOptions;
  readonly #socketPath: string;
  readonly #limits = new OwnLimits(process.env);
  /** Created at the first greeting, which says whether control groups are wanted. */
  #groups: RunGroups | null | undefined;
  readonly #runs: Runs;
  /**
   * Pending answers to greetings. An answer must list all runs, so it waits until open launches and ends are decided.
   */
  readonly #whenDecided: (() => void)[] = [];
  readonly #heartbeat = createHeartbeat({ deadlines: () => this.#runs.deadlines() });
  readonly #restart: DaemonRestart;
  readonly #collector = new IdleCollector();
  readonly #connections = new Set<Connection>();
  #daemon: Connection | null = null;
  #generation = 0;
  /** Whether the daemon must not be restarted, because a service manager does it or because it has said goodbye. */
  #managed = false;
  #draining = false;
  #lonely: NodeJS.Timeout | undefined;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#socketPath = join(options.home, options.socketName);
    this.#runs = new Runs({
      home: options.home,
      tell: (message) => this.#tell(message),
      daemonIsHere: () => this.#daemon !== null && !this.#heartbeat.isSilent(),
      onStarted: () => this.#started(),
      onDecided: () => this.#decided(),
      onEnded: () => {
        this.#collector.note();
        this.#leaveIfIdle();
      },
    });
    this.#restart = new DaemonRestart({
      home: options.home,
      umask: options.umask,
      isConnected: () => this.#daemon !== null,
      onStopped: () => {
        this.#managed = true;
        this.#leaveIfIdle();
      },
      onGivenUp: () => this.#leaveIfIdle(),
    });
  }

  /** Starts to accept daemons. Ends the process when its socket cannot be created, and when it is no longer needed. */
  listen(): void {
    this.#lonely = setTimeout(() => this.#leaveIfIdle(), lonelyMs);
    const server = createServer((socket) => this.#accept(socket));
    server.on('error', (error) => {
      complain(new Error(`${this.#options.socketName}: ${error.message}`));
      process.exit(1);
    });
    // The socket is created under a restrictive umask. The mode for the owner is set here.
    server.listen(this.#socketPath, () => chmodSync(this.#socketPath, 0o600));
  }

  #accept(socket: Socket): void {
    this.#makeRoom();
    const connection = new Connection(socket, {
      isDaemon: (other) => other === this.#daemon,
      onHello: (greeting, hello) => this.#greet(greeting, hello),
      onOrder: (from, order) => {
        this.#heartbeat.heard();
        this.#obey(from, order);
      },
      onClose: (closed) => {
        this.#connections.delete(closed);
        if (closed === this.#daemon) this.#daemonGone();
      },
    });
    this.#connections.add(connection);
  }

  /** Drops the oldest connection when there are too many, never that of the daemon. */
  #makeRoom(): void {
    if (this.#connections.size < connectionsMax) return;
    for (const connection of this.#connections) {
      if (connection === this.#daemon) continue;
      // The close event comes in a later turn of the event loop, and many connections may arrive in this one.
      this.#connections.delete(connection);
      return connection.drop();
    }
  }

  /**
   * Accepts a daemon, and returns whether it did. A newer generation disconnects the older ones, including their unread
   * requests, before it is answered.
   */
  #greet(connection: Connection, hello: Hello): boolean {
    if (hello.protocol !== protocol) {
      connection.refuse(`This keeper speaks protocol ${protocol}, not ${hello.protocol}.`);
      return false;
    }
    if (hello.generation <= this.#generation) {
      connection.refuse(`A daemon of generation ${this.#generation} has been here; ${hello.generation} is over.`);
      return false;
    }
    for (const other of this.#connections) if (other !== connection) other.drop();
    clearTimeout(this.#lonely);
    this.#restart.cancel();
    this.#daemon = connection;
    this.#generation = hello.generation;
    this.#managed = hello.managed;
    this.#heartbeat.greeted((hello.revision ?? 1) >= 2);
    if (hello.containment === 'mark') this.#groups = null;
    else this.#groups ??= createRunGroups(keeperName(this.#options.socketName));
    // Only the requests of this daemon count: a draining keeper may have the right version again.
    this.#draining = false;
    const answer = () => this.#answerHello(connection);
    if (this.#runs.areDecided) answer();
    else this.#whenDecided.push(answer);
    return true;
  }

  #answerHello(connection: Connection): void {
    const runs = this.#runs.list();
    failpoint('keeper.hello');
    connection.reply({
      type: 'hello',
      protocol,
      version: this.#options.version,
      pid: process.pid,
      runs,
      revision: keeperRevision,
      pidNamespace: pidNamespace(),
      traits: this.#limits.traits,
      containment: {
        kind: this.#groups ? 'cgroup' : 'mark',
        kernelMark: !this.#groups && this.#limits.canMark,
      },
    });
  }

  #started(): void {
    this.#heartbeat.watch();
    // The daemon died during this launch.
    if (this.#daemon === null && !this.#managed && !this.#restart.isPending) this.#restart.begin();
  }

  #decided(): void {
    if (this.#runs.areDecided) for (const answer of this.#whenDecided.splice(0)) answer();
    this.#leaveIfIdle();
  }

  #obey(from: Connection, order: Order): void {
    switch (order.type) {
      case 'spawn': {
        const why = 'This keeper is leaving and takes no new runs.';
        if (this.#draining) return from.reply({ type: 'refused', id: order.id, why });
        return this.#runs.spawn(this.#place(), order);
      }
      case 'withdraw':
        if (this.#runs.withdraw(order.id)) from.reply({ type: 'withdrawn', id: order.id });
        return;
      case 'ping':
        return from.reply({ type: 'pong', n: order.n, sleptMs: this.#heartbeat.sleptMs() });
      case 'find':
        return from.reply(find(order));
      case 'signal': {
        const targets = signalMembers(order.members, order.signal as NodeJS.Signals, order.cgroup);
        return from.reply({ type: 'signalled', n: order.n, targets });
      }
      case 'drain':
        this.#draining = true;
        return this.#leaveIfIdle();
      case 'bye':
        this.#managed = true;
        from.end();
    }
  }

  #place(): SpawnContext {
    const { home, umask } = this.#options;
    return { home, umask, limits: this.#limits, groups: this.#groups ?? null };
  }

  #tell(message: FromKeeper): void {
    if (this.#daemon && !this.#daemon.isDropped) this.#daemon.reply(message);
  }

  #daemonGone(): void {
    this.#daemon = null;
    for (const deadline of this.#runs.deadlines()) deadline.arm();
    if (!this.#managed && this.#runs.areBusy) this.#restart.begin();
    this.#leaveIfIdle();
  }

  #leaveIfIdle(): void {
    if (!this.#runs.areOver) return;
    if (this.#daemon !== null && !this.#draining) return;
    // The restart of the daemon is pending.
    if (this.#daemon === null && this.#restart.isPending) return;
    try {
      unlinkSync(this.#socketPath);
    } catch {
      // The socket is gone because the home was removed.
    }
    this.#groups?.close();
    process.exit(0);
  }
}

function find({ n, family }: Extract<ToKeeper, { type: 'find' }>): FromKeeper {
  const { runId, leader } = family;
  const found = findRunProcesses([{ runId, leader }], { except: new Set([process.pid]) });
  const { unexamined, everythingReadable, vanished, shared, populated } = found;
  return {
    type: 'found',
    n,
    members: found.members.get(runId) ?? [],
    unexamined,
    everythingReadable,
    vanished,
    shared: shared.has(runId),
    populated: populated.has(runId),
  };
}

/** Returns the name in a socket name: `keeper-0a1b2c3d.sock` → `0a1b2c3d`. */
function keeperName(socketName: string): string {
  return /([0-9a-f]{8})\.sock$/.exec(socketName)?.[1] ?? '00000000';
}
