/**
 * A second implementation of the keeper's protocol (docs/KEEPER.md), in the process of the test. It writes the files
 * that the real keeper writes, and starts no process: the script of the test says how each run goes.
 */
import { existsSync, unlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { readMessage } from '#keeper/messages.ts';
import { readLines } from '#keeper/socket-lines.ts';
import { type FromKeeper, keeperRevision, type ToKeeper } from '#process/keeper-protocol.ts';
import { pidNamespace, systemBootId } from '#process/process-birth.ts';
import { type LaunchRecord, runFiles, withdrawnFile } from '#process/run-folder.ts';
import type { Signalled } from '#run/events.ts';
import { type End, FakeProcess, type Step } from './fake-process.ts';
import type { ManualClock } from './manual-clock.ts';

/**
 * Its processes are in a pid namespace of their own, so the daemon asks it about them, and never looks for them among
 * the real processes of the machine.
 */
const ownNamespace = 'pid:[1]';

/**
 * How a run goes. `fails`: the system refuses to start it. `isLocal`: its process seems to be in the namespace of the
 * daemon, which therefore sees that it has gone when no keeper holds it.
 */
export type Plan = {
  readonly steps: readonly Step[];
  readonly fails?: { readonly code: string; readonly message: string };
  readonly refuses?: string;
  readonly isLocal?: boolean;
};
type KeeperDeps = {
  readonly home: string;
  readonly version: string;
  readonly clock: ManualClock;
  /** Returns how this run goes. */
  readonly plan: (launch: LaunchRecord, id: string) => Plan;
};
type Held = { readonly process: FakeProcess; readonly at: number };
type Spawn = Extract<ToKeeper, { type: 'spawn' }>;

export class FakeKeeper {
  /** Every message of a daemon, in their order. */
  readonly heard: ToKeeper[] = [];
  readonly #deps: KeeperDeps;
  readonly #server: Server;
  readonly #runs = new Map<string, Held>();
  /** All processes that were ever started, the last of a run counts. */
  readonly #processes = new Map<string, FakeProcess>();
  readonly #sockets = new Set<Socket>();
  #daemon: Socket | null = null;
  #generation = 0;
  #ticks = 0;
  #draining = false;
  /** Messages are not read while it is suspended. */
  #suspended = false;

  constructor(deps: KeeperDeps) {
    this.#deps = deps;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** Listens on this socket in the home. */
  async listen(socketName: string): Promise<void> {
    const path = join(this.#deps.home, socketName);
    await new Promise<void>((done) => this.#server.listen(path, done));
  }

  /** Returns the process of a run. Throws if none was started. */
  process(id: string): FakeProcess {
    const process = this.#processes.get(id);
    if (process === undefined) throw new Error(`No process of run ${id} was started.`);
    return process;
  }

  /** Returns all processes in the order of their starts. */
  processes(): FakeProcess[] {
    return [...this.#processes.values()];
  }

  /** Cuts the connection, as the death of the daemon does. */
  disconnect(): void {
    this.#daemon?.destroy();
    this.#daemon = null;
  }

  /** Answers nothing from now on, as a process that got SIGSTOP. */
  suspend(): void {
    this.#suspended = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** Dies. With `runs`, the processes of its runs die as well, and nothing records their ends. */
  async die({ runs }: { readonly runs: boolean }): Promise<void> {
    if (runs) for (const { process } of this.#runs.values()) process.vanish();
    this.#runs.clear();
    this.#daemon = null;
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((done) => this.#server.close(() => done()));
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#sockets.delete(socket);
      if (this.#daemon === socket) this.#daemon = null;
    });
    readLines(socket, { bytesMax: () => 4 * 2 ** 20, onLine: (line) => this.#take(socket, line) });
    if (this.#suspended) socket.pause();
  }

  #take(socket: Socket, line: string): void {
    const message = readMessage(line);
    if (message === null)
      return reply(socket, { type: 'refused', id: null, why: 'This keeper does not know that message.' });
    this.heard.push(message);
    if (message.type === 'hello') return this.#greet(socket, message);
    if (socket !== this.#daemon) return reply(socket, { type: 'refused', id: null, why: 'Say hello first.' });
    this.#obey(socket, message);
  }

  #greet(socket: Socket, { generation }: Extract<ToKeeper, { type: 'hello' }>): void {
    if (generation <= this.#generation) {
      const why = `A daemon of generation ${this.#generation} has been here; ${generation} is over.`;
      return reply(socket, { type: 'refused', id: null, why });
    }
    for (const other of this.#sockets) if (other !== socket) other.destroy();
    this.#daemon = socket;
    this.#generation = generation;
    this.#draining = false;
    reply(socket, {
      type: 'hello',
      protocol: 1,
      version: this.#deps.version,
      pid: process.pid,
      runs: [...this.#runs].map(
        ([
          id,
          {
            process: { leader },
            at,
          },
        ]) => ({ id, leader, at }),
      ),
      revision: keeperRevision,
      pidNamespace: ownNamespace,
      traits: { nice: 0, mayRaise: true, limits: null },
      containment: { kind: 'mark', kernelMark: true },
    });
  }

  #obey(socket: Socket, order: Exclude<ToKeeper, { type: 'hello' }>): void {
    switch (order.type) {
      case 'spawn':
        return this.#spawn(order);
      case 'withdraw':
        if (!existsSync(join(this.#folder(order.id), runFiles.launch))) this.#tell({ type: 'withdrawn', id: order.id });
        return;
      case 'ping':
        return reply(socket, { type: 'pong', n: order.n, sleptMs: 0 });
      case 'find': {
        const members = this.#processes.get(order.family.runId)?.members() ?? [];
        const sight = { unexamined: 0, everythingReadable: true, vanished: 0, shared: false, populated: false };
        return reply(socket, { type: 'found', n: order.n, members, ...sight });
      }
      case 'signal':
        return this.#signal(socket, order);
      case 'drain':
        this.#draining = true;
        return;
      case 'bye':
        socket.end();
    }
  }

  #signal(socket: Socket, { n, members, signal }: Extract<ToKeeper, { type: 'signal' }>): void {
    const name = signal as NodeJS.Signals;
    const targets = members.map(({ pid, startTime, command, proof }): Signalled => {
      const sent = this.#processOf(pid) !== null;
      return { pid, startTime, command, signal, proof, sent };
    });
    reply(socket, { type: 'signalled', n, targets });
    // The keeper learns of an end only after its answer.
    for (const { pid } of targets) {
      const process = this.#processOf(pid);
      if (process !== null && !process.endChild(pid)) process.receive(name);
    }
  }

  #processOf(pid: number): FakeProcess | null {
    return this.processes().find((each) => each.members().some((member) => member.pid === pid)) ?? null;
  }

  #spawn({ id, launch }: Spawn): void {
    const folder = this.#folder(id);
    const { attempt } = launch;
    const which = attempt === undefined ? { id } : { id, attempt };
    if (this.#draining)
      return this.#tell({ type: 'refused', id, why: 'This keeper is leaving and takes no new runs.' });
    if (existsSync(join(folder, runFiles.launch))) return this.#tell({ type: 'already-launched', id });
    const plan = this.#deps.plan(launch, id);
    if (plan.refuses !== undefined) return this.#tell({ type: 'refused', ...which, why: plan.refuses, shortage: true });
    write(folder, runFiles.launch, launch);
    if (attempt !== undefined && existsSync(join(folder, withdrawnFile(attempt)))) {
      unlinkSync(join(folder, runFiles.launch));
      return this.#tell({ type: 'withdrawn', ...which });
    }
    if (plan.fails !== undefined) return this.#fail(id, plan.fails);
    this.#start(id, launch, plan);
  }

  #start(id: string, launch: LaunchRecord, { steps, isLocal = false }: Plan): void {
    const { clock } = this.#deps;
    const folder = this.#folder(id);
    const namespace = isLocal ? pidNamespace() : ownNamespace;
    const started = new FakeProcess(
      { id, launch, folder, namespace, bootId: systemBootId() },
      { clock, onEnd: (end) => this.#ended(id, end) },
    );
    const at = clock.now();
    write(folder, runFiles.started, { ...started.leader, at });
    this.#runs.set(id, { process: started, at });
    this.#processes.set(id, started);
    this.#tell({ type: 'started', id, leader: started.leader, at });
    void started.begin(steps);
  }

  #fail(id: string, error: { readonly code: string; readonly message: string }): void {
    write(this.#folder(id), runFiles.exit, { code: null, signal: null, at: this.#deps.clock.now(), error });
    this.#tell({ type: 'failed', id, errorCode: error.code, message: error.message });
  }

  #ended(id: string, { code, signal }: End): void {
    // A keeper that is dead records nothing.
    if (!this.#runs.delete(id)) return;
    this.#ticks += 1;
    const record = { code, signal, at: this.#deps.clock.now(), byDeadline: false, tick: 1_000_000 + this.#ticks };
    write(this.#folder(id), runFiles.exit, record);
    this.#tell({ type: 'exited', id, ...record });
  }

  #tell(message: FromKeeper): void {
    if (this.#daemon !== null) reply(this.#daemon, message);
  }

  #folder(id: string): string {
    return join(this.#deps.home, 'runs', id);
  }
}

function reply(socket: Socket, message: FromKeeper): void {
  if (!socket.destroyed) socket.write(`${JSON.stringify(message)}\n`);
}

function write(folder: string, name: string, record: object): void {
  writeFileSync(join(folder, name), JSON.stringify(record), { mode: 0o600 });
}
