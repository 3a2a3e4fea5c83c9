/** The keepers of this home: finds, starts and drains them, and turns their messages into facts. */
import { randomBytes } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { launchKeeper } from '#launch/launch.ts';
import { type KeeperTraits, lackingIn, type SubmitterTraits } from '#launch/submitter.ts';
import {
  connectKeeper,
  type Greeting,
  type KeeperAnswer,
  type KeeperConnection,
  type KeeperNotice,
} from '#process/keeper-client.ts';
import { keeperRevision } from '#process/keeper-protocol.ts';
import { pidNamespace } from '#process/process-birth.ts';
import type { LaunchRecord } from '#process/run-folder.ts';
import { ClipError } from '#run/errors.ts';
import type { Leader } from '#run/leader.ts';
import { limits } from '#run/limits.ts';
import { describe, type LogFunction } from '../core/log.ts';

/** `surely`: the keeper reports the end itself, so the files in the run folder need not be trusted. */
export type HeldRun = {
  readonly leader: Leader;
  readonly at: number;
  readonly surely: boolean;
  readonly silent: boolean;
};
export type Keepers = Awaited<ReturnType<typeof createKeepers>>;
export type KeeperNews = {
  readonly onNotices: (notices: readonly KeeperNotice[]) => void;
  /** The set of held runs has changed: a keeper disconnected, connected late, or fell silent. */
  readonly onChanged: () => void;
  /** A keeper accepts runs again, so queued runs may start. */
  readonly onReady: () => void;
};

const protocol = 1;
const pollMs = 10;
const startMs = 30_000;
const againMs = 1_000;
/** How long a shutdown waits for a keeper that is starting. */
const settleMs = 5_000;
/** A keeper that was just started does not listen yet, or this daemon has no descriptor to connect with: another attempt may succeed. */
const notYetCodes: ReadonlySet<string> = new Set(['ENOENT', 'ECONNREFUSED', 'EAGAIN', 'EMFILE', 'ENFILE']);
/** After a longer delay of an answer or a heartbeat, it is unknown whether the daemon or the keeper was suspended. */
const promptMs = 1_000;

type Keeper = {
  readonly path: string;
  readonly connection: KeeperConnection;
  readonly ours: boolean;
  readonly revision: number;
  readonly runs: Map<string, { readonly leader: Leader; readonly at: number }>;
  /** Runs that the keeper was asked to start and has not reported on. */
  readonly asked: Set<string>;
  /** Monotonic time of the last message. */
  heardAt: number;
  /** The keeper is connected but does not answer: it is suspended or in trouble. It gets no new runs. */
  silent: boolean;
  /** Total time for which the keeper was suspended, as last reported. */
  sleptMs: number;
};

/** Greets every running keeper. The runs of all keepers that answer are known when this returns. */
export async function createKeepers(deps: {
  home: string;
  generation: number;
  version: string;
  managed: boolean;
  umask: number;
  containment: 'auto' | 'mark';
  log: LogFunction;
}) {
  const { home, log, generation, version, managed, containment } = deps;
  const keepers = new Set<Keeper>();
  const greetings = new Set<Greeting>();
  /** Traits of the submitters, by run, for runs that are about to start. */
  const submitters = new Map<string, SubmitterTraits>();
  /** A keeper that a client is about to start, with traits that no present keeper can give. */
  let expected: { readonly socketName: string; readonly arrived: Promise<void>; readonly run: string | null } | null =
    null;
  /** Runs that wait for the expected keeper. */
  const waiting = new Set<string>();
  let news: KeeperNews = { onNotices: () => {}, onChanged: () => {}, onReady: () => {} };
  let starting: Promise<void> | null = null;
  let isClosing = false;
  let begun = false;

  const present = socketNames(home).map((name) => greet(join(home, name)).catch((error) => forgetDead(name, error)));
  await Promise.race([
    Promise.all(present),
    new Promise((resolve) => setTimeout(resolve, limits.keeperGreetingMs).unref()),
  ]);
  begun = true;
  let beatAt = performance.now();
  const beats = setInterval(beat, limits.keeperPingMs);
  beats.unref();

  function forgetDead(name: string, error: unknown): void {
    const { code } = error as NodeJS.ErrnoException;
    // Connection refused: the keeper is dead. Any other error may come from a living keeper, so its socket stays.
    if (code === 'ECONNREFUSED' || code === 'ENOENT') rmSync(join(home, name), { force: true });
    else log('warn', 'keeper does not answer', { socket: name, error: describe(error) });
  }

  async function greet(path: string): Promise<void> {
    let keeper: Keeper | null = null;
    const early: KeeperNotice[][] = [];
    const hello = {
      type: 'hello',
      protocol,
      revision: keeperRevision,
      generation,
      version,
      managed,
      containment,
    } as const;
    const greeting = connectKeeper(path, hello, {
      onNotices: (notices) => (keeper ? hear(keeper, notices) : early.push([...notices])),
      onHeard: () => keeper && heard(keeper),
      onClose: () => keeper && lose(keeper),
    });
    greetings.add(greeting);
    const late = setTimeout(() => log('warn', 'keeper does not greet', { socket: path }), limits.keeperGreetingMs);
    try {
      keeper = requireKeeper(path, await greeting.greeted);
    } finally {
      clearTimeout(late);
      greetings.delete(greeting);
    }
    keepers.add(keeper);
    const { pid, version: theirs, runs } = keeper.connection.hello;
    log('info', 'keeper connected', { keeper: pid, version: theirs, runs: runs.length });
    // A keeper of another version keeps its runs and takes no new ones, so no process changes its parent.
    if (!keeper.ours) keeper.connection.send({ type: 'drain' });
    for (const notices of early) hear(keeper, notices);
    if (begun && runs.length > 0) news.onChanged();
  }

  function requireKeeper(path: string, connection: KeeperConnection): Keeper {
    const { version: theirs, revision = 1, runs } = connection.hello;
    return {
      path,
      connection,
      ours: theirs === version,
      revision,
      asked: new Set(),
      heardAt: performance.now(),
      silent: false,
      sleptMs: 0,
      runs: new Map(runs.map(({ id, leader, at }) => [id, { leader, at }])),
    };
  }

  function hear(keeper: Keeper, notices: readonly KeeperNotice[]): void {
    for (const notice of notices) {
      if (notice.id !== null) keeper.asked.delete(notice.id);
      if (notice.type === 'started') keeper.runs.set(notice.id, { leader: notice.leader, at: notice.at });
      if (notice.type === 'exited' || notice.type === 'failed') keeper.runs.delete(notice.id);
      if (notice.id !== null && notice.type !== 'refused') submitters.delete(notice.id);
    }
    news.onNotices(notices);
  }

  function heard(keeper: Keeper): void {
    keeper.heardAt = performance.now();
    if (!keeper.silent) return;
    keeper.silent = false;
    log('info', 'keeper answers again', { keeper: keeper.connection.hello.pid });
    news.onReady();
  }

  /** Pings the keepers that have runs. */
  function beat(): void {
    const now = performance.now();
    const late = now - beatAt - limits.keeperPingMs > promptMs;
    beatAt = now;
    for (const keeper of keepers) {
      if (keeper.revision < keeperRevision) continue;
      // Idle keepers are not pinged. After a suspension of the daemon, their earlier messages are still unread.
      if (late || keeper.runs.size + keeper.asked.size === 0) keeper.heardAt = now;
      else if (!keeper.silent && now - keeper.heardAt >= limits.keeperSilentMs) fallSilent(keeper);
      if (keeper.runs.size + keeper.asked.size > 0) ping(keeper).catch(() => {});
    }
  }

  async function ping(keeper: Keeper): Promise<number> {
    const asked = performance.now();
    const { sleptMs } = await keeper.connection.ask<Extract<KeeperAnswer, { type: 'pong' }>>({ type: 'ping' });
    const before = keeper.sleptMs;
    if (performance.now() - asked < promptMs) keeper.sleptMs = sleptMs;
    return sleptMs - before;
  }

  function fallSilent(keeper: Keeper): void {
    keeper.silent = true;
    log('warn', 'keeper fell silent', { keeper: keeper.connection.hello.pid, runs: keeper.runs.size });
    if (active() === null) void ensure();
  }

  function lose(keeper: Keeper): void {
    keepers.delete(keeper);
    if (isClosing) return;
    log(keeper.ours ? 'warn' : 'info', 'keeper disconnected', {
      keeper: keeper.connection.hello.pid,
      runs: keeper.runs.size,
    });
    news.onChanged();
    if (active() === null) void ensure();
  }

  /** Returns a keeper that accepts runs and can give a run all traits of the submitter; null if there is none. */
  function active(submitter: SubmitterTraits | null = null): Keeper | null {
    for (const keeper of keepers)
      if (keeper.ours && !keeper.silent && lackingIn(readTraits(keeper), submitter).length === 0) return keeper;
    return null;
  }

  /** Starts a keeper of this version unless one is active. */
  function ensure(): Promise<void> {
    if (active() !== null || isClosing) return Promise.resolve();
    starting ??= start()
      .catch((error) => {
        log('error', 'keeper could not be started', { error: describe(error) });
        setTimeout(() => void ensure(), againMs).unref();
      })
      .finally(() => {
        starting = null;
      });
    return starting;
  }

  async function start(): Promise<void> {
    const socketName = newSocketName();
    launchKeeper(home, socketName, { umask: deps.umask, scope: containment === 'auto' });
    await greetWhenThere(socketName, startMs);
    news.onReady();
  }

  async function greetWhenThere(socketName: string, ms: number): Promise<void> {
    for (const until = Date.now() + ms; ; ) {
      try {
        return await greet(join(home, socketName));
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (!notYetCodes.has(code ?? '') || Date.now() > until) throw error;
      }
      await sleep(pollMs);
    }
  }

  /** Asks the client to start a keeper with the client's own traits, if no present keeper has them. Returns the socket name to use, or null. */
  function want(submitter: SubmitterTraits | null, run: string | null): string | null {
    // Without a keeper, its future traits are unknown. The first keeper inherits those of the daemon.
    if (submitter === null || active() === null || active(submitter) !== null || expected !== null) return null;
    if ([...keepers].filter(({ ours }) => ours).length >= limits.keepersMax) return null;
    const socketName = newSocketName();
    const arrived = greetWhenThere(socketName, limits.keeperWantedMs)
      .catch((error) => log('warn', 'expected keeper did not connect', { socket: socketName, error: describe(error) }))
      .finally(() => {
        expected = null;
      });
    expected = { socketName, arrived, run };
    return socketName;
  }

  function spawn(id: string, launch: LaunchRecord): void {
    const submitter = submitters.get(id) ?? null;
    const able = active(submitter);
    if (able === null && expected !== null) {
      waiting.add(id);
      // Skipped if the run was withdrawn in the meantime.
      void expected.arrived.then(() => waiting.delete(id) && spawnNow(id, launch));
      return;
    }
    const keeper = able ?? active();
    if (!keeper) throw new ClipError('failed', 'No keeper is there yet.');
    keeper.asked.add(id);
    keeper.connection.send({ type: 'spawn', id, launch });
  }

  function spawnNow(id: string, launch: LaunchRecord): void {
    try {
      spawn(id, launch);
    } catch (error) {
      news.onNotices([{ type: 'refused', id, why: (error as Error).message }]);
    }
  }

  return {
    ensure,
    listen: (to: KeeperNews) => {
      news = to;
    },
    want: (submitter: SubmitterTraits | null): string | null => want(submitter, null),
    /** Records the traits of a run's submitter before the run starts, so that a keeper with those traits gets it. */
    submitted(id: string, submitter: SubmitterTraits | null): void {
      if (submitter === null || [...keepers].every((keeper) => lackingIn(readTraits(keeper), submitter).length === 0))
        return;
      submitters.set(id, submitter);
      want(submitter, id);
    },
    /** Returns the socket name of the keeper expected for this run, or null. */
    wantedFor: (id: string): string | null => (expected?.run === id ? expected.socketName : null),
    /** Requests a process. The answer arrives as a notice. Throws if there is no keeper. */
    spawn,
    /** Returns whether a responsive keeper has the request for this run, or an expected keeper will get it. */
    isAsked: (id: string): boolean =>
      waiting.has(id) || [...keepers].some(({ asked, silent }) => asked.has(id) && !silent),
    /** Withdraws the request for this run. Returns whether a keeper was asked that will answer. */
    withdraw(id: string): boolean {
      if (waiting.delete(id)) return false;
      const keeper = [...keepers].find(({ asked }) => asked.has(id));
      if (keeper === undefined || keeper.revision < 2) return false;
      keeper.connection.send({ type: 'withdraw', id });
      return !keeper.silent;
    },
    ready: (): boolean => active() !== null,
    held(id: string): HeldRun | null {
      for (const { runs, revision, silent } of keepers) {
        const held = runs.get(id);
        if (held) return { ...held, surely: revision >= 2 && !silent, silent };
      }
      return null;
    },
    /** Returns the keeper inside a pid namespace, or null. */
    inNamespace(namespace: string): KeeperConnection | null {
      for (const { connection, revision, silent } of keepers)
        if (revision >= 2 && !silent && connection.hello.pidNamespace === namespace) return connection;
      return null;
    },
    /** Returns for each run how long its keeper was suspended since the last call. Runs without a keeper are omitted. */
    async sleptByRun(): Promise<ReadonlyMap<string, number>> {
      const slept = new Map<string, number>();
      for (const keeper of keepers) {
        if (keeper.revision < 2 || keeper.runs.size === 0) continue;
        const ms = await ping(keeper).catch(() => null);
        if (ms !== null) for (const id of keeper.runs.keys()) slept.set(id, ms);
      }
      return slept;
    },
    /** Returns the pids of keepers in the daemon's pid namespace. */
    pids: (): number[] =>
      [...keepers].flatMap(({ connection: { hello } }) =>
        hello.pidNamespace == null || hello.pidNamespace === pidNamespace() ? [hello.pid] : [],
      ),
    list: () =>
      [...keepers].map(({ connection: { hello }, runs, silent }) => ({
        pid: hello.pid,
        version: hello.version,
        runs: runs.size,
        answers: !silent,
        containment: hello.containment?.kind ?? ('mark' as const),
        kernelMark: hello.containment?.kernelMark ?? false,
      })),
    /** Waits up to 5 s for a keeper that is still starting. Otherwise it would idle without a daemon. */
    async settled(): Promise<void> {
      isClosing = true;
      if (starting === null) return;
      const patience = new Promise<void>((resolve) => setTimeout(resolve, settleMs).unref());
      await Promise.race([starting, patience]);
    },
    /** A keeper that has not greeted yet reads the goodbye after the greeting. */
    goodbye(): void {
      isClosing = true;
      clearInterval(beats);
      const all = [...[...keepers].map(({ connection }) => connection), ...greetings];
      for (const each of all) each.send({ type: 'bye' });
      for (const each of all) each.end();
    },
  };
}

function readTraits({ connection }: Keeper): KeeperTraits {
  // A keeper without traits is of an earlier release and gets no new runs.
  return (connection.hello.traits as KeeperTraits | undefined) ?? { nice: 0, mayRaise: true, limits: null };
}

function newSocketName(): string {
  return `keeper-${randomBytes(4).toString('hex')}.sock`;
}

function socketNames(home: string): string[] {
  return readdirSync(home).filter((name) => /^keeper-[0-9a-f]+\.sock$/.test(name));
}
