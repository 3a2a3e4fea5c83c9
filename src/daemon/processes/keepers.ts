/** The keepers of this home: finds, starts and drains them, and passes on what they report. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readKeeperTraits } from '#launch/capabilities.ts';
import { lackingIn, type SubmitterTraits } from '#launch/submitter.ts';
import { connectKeeper, type Greeting, type KeeperConnection, type KeeperNotice } from '#process/keeper-client.ts';
import { keeperRevision } from '#process/keeper-protocol.ts';
import type { LaunchRecord } from '#process/run-folder.ts';
import { ClipError } from '#run/errors.ts';
import { limits } from '#run/limits.ts';
import type { Core } from '../core/core.ts';
import { describe, type LogFunction } from '../core/log.ts';
import { ConnectedKeeper, type HeldRun, type KeeperNews, promptMs } from './connected-keeper.ts';
import { ExpectedKeeper, listSocketNames, newSocketName } from './expected-keeper.ts';

const protocol = 1;
const pollMs = 10;
const startMs = 30_000;
const againMs = 1_000;
/** How long a shutdown waits for a keeper that is starting. */
const settleMs = 5_000;
/** A keeper that was just started does not listen yet, or this daemon has no descriptor to connect with: another attempt may succeed. */
const notYetCodes: ReadonlySet<string> = new Set(['ENOENT', 'ECONNREFUSED', 'EAGAIN', 'EMFILE', 'ENFILE']);

export class Keepers {
  readonly #core: Core;
  readonly #generation: number;
  readonly #log: LogFunction;
  readonly #keepers = new Set<ConnectedKeeper>();
  readonly #greetings = new Set<Greeting>();
  /** Traits that a keeper has which this daemon starts. */
  readonly #inherited = readKeeperTraits();
  /** Traits of the submitters, by run, for runs that are about to start. */
  readonly #submitters = new Map<string, SubmitterTraits>();
  readonly #expected: ExpectedKeeper;
  #news: KeeperNews = { onNotices: () => {}, onChanged: () => {}, onReady: () => {} };
  #starting: Promise<void> | null = null;
  #isClosing = false;
  #begun = false;
  #beatAt = performance.now();
  #beats: NodeJS.Timeout | null = null;

  private constructor(core: Core, generation: number) {
    this.#core = core;
    this.#generation = generation;
    this.#log = core.logOf('keepers');
    this.#expected = new ExpectedKeeper((socketName, ms) => this.#greetWhenThere(socketName, ms), this.#log);
  }

  /** Greets every running keeper. The runs of all keepers that answer are known when this resolves. */
  static async connect(core: Core, generation: number): Promise<Keepers> {
    const keepers = new Keepers(core, generation);
    await keepers.#greetPresent();
    return keepers;
  }

  /** Passes on what keepers report, from now on. */
  listen(news: KeeperNews): void {
    this.#news = news;
  }

  /** Starts a keeper of this version unless one is active. Never rejects: a failed start is repeated. */
  ensure(): Promise<void> {
    if (this.#active() !== null || this.#isClosing) return Promise.resolve();
    this.#starting ??= this.#start()
      .catch((error) => {
        this.#log('error', 'keeper could not be started', { error: describe(error) });
        setTimeout(() => void this.ensure(), againMs).unref();
      })
      .finally(() => {
        this.#starting = null;
      });
    return this.#starting;
  }

  /** Returns whether a keeper accepts runs. */
  readonly ready = (): boolean => this.#active() !== null;

  /** Asks the client to start a keeper with the client's own traits, if no present keeper has them. Returns the socket name to use, or null. */
  want(submitter: SubmitterTraits | null): string | null {
    return this.#want(submitter, null);
  }

  /** Records the traits of a run's submitter before the run starts, so that a keeper with those traits gets it. */
  noteSubmitter(id: string, submitter: SubmitterTraits | null): void {
    const known = [this.#inherited, ...[...this.#keepers].map(({ traits }) => traits)];
    if (submitter === null || known.every((traits) => lackingIn(traits, submitter).length === 0)) return;
    this.#submitters.set(id, submitter);
    this.#want(submitter, id);
  }

  /** Returns the socket name of the keeper expected for this run, or null. */
  wantedFor(id: string): string | null {
    return this.#expected.socketNameFor(id);
  }

  /** Requests a process. The answer arrives as a notice. Throws if there is no keeper. */
  spawn(id: string, launch: LaunchRecord): void {
    const able = this.#active(this.#submitters.get(id) ?? null);
    if (able === null && this.#expected.isExpected)
      return this.#expected.startLater(id, () => this.#spawnNow(id, launch));
    const keeper = able ?? this.#active();
    if (!keeper) throw new ClipError('failed', 'No keeper is there yet.');
    keeper.spawn(id, launch);
  }

  /** Returns whether a responsive keeper has the request for this run, or an expected keeper will get it. */
  isAsked(id: string): boolean {
    return this.#expected.isWaiting(id) || [...this.#keepers].some((keeper) => keeper.isAsked(id) && !keeper.silent);
  }

  /** Withdraws the request for this run. Returns whether a keeper was asked that will answer. */
  withdraw(id: string): boolean {
    if (this.#expected.withdraw(id)) return false;
    return [...this.#keepers].find((keeper) => keeper.isAsked(id))?.withdraw(id) ?? false;
  }

  /** Returns the run as its keeper holds it; null if no connected keeper does. */
  held(id: string): HeldRun | null {
    for (const keeper of this.#keepers) {
      const held = keeper.held(id);
      if (held) return held;
    }
    return null;
  }

  /** Returns the keeper inside a pid namespace, or null. */
  inNamespace(namespace: string): KeeperConnection | null {
    return [...this.#keepers].find((keeper) => keeper.serves(namespace))?.connection ?? null;
  }

  /** Returns for each run how long its keeper was suspended since the last call. Runs without a keeper are omitted. */
  async sleptByRun(): Promise<ReadonlyMap<string, number>> {
    const slept = new Map<string, number>();
    for (const keeper of this.#keepers) for (const [id, ms] of (await keeper.sleptByRun()) ?? []) slept.set(id, ms);
    return slept;
  }

  /** Returns the pids of keepers in the daemon's pid namespace. */
  pids(): number[] {
    return [...this.#keepers].flatMap(({ pidHere }) => pidHere ?? []);
  }

  /** Returns the keepers as `clip daemon status` shows them. */
  list() {
    return [...this.#keepers].map((keeper) => keeper.view());
  }

  /** Waits up to 5 s for a keeper that is still starting. Otherwise it would idle without a daemon. */
  async settled(): Promise<void> {
    this.#isClosing = true;
    if (this.#starting === null) return;
    await Promise.race([this.#starting, sleep(settleMs, undefined, { ref: false })]);
  }

  /** Tells all keepers that this daemon ends. A keeper that has not greeted yet reads it after the greeting. */
  goodbye(): void {
    this.#isClosing = true;
    if (this.#beats !== null) clearInterval(this.#beats);
    const all = [...[...this.#keepers].map(({ connection }) => connection), ...this.#greetings];
    for (const each of all) each.send({ type: 'bye' });
    for (const each of all) each.end();
  }

  async #greetPresent(): Promise<void> {
    const names = listSocketNames(this.#core.home.folder);
    const present = names.map((name) => this.#greet(name).catch((error) => this.#forgetDead(name, error)));
    await Promise.race([Promise.all(present), sleep(limits.keeperGreetingMs, undefined, { ref: false })]);
    this.#begun = true;
    this.#beatAt = performance.now();
    this.#beats = setInterval(() => this.#beat(), limits.keeperPingMs);
    this.#beats.unref();
  }

  #forgetDead(name: string, error: unknown): void {
    const { code } = error as NodeJS.ErrnoException;
    // Connection refused: the keeper is dead. Any other error may come from a living keeper, so its socket stays.
    if (code === 'ECONNREFUSED' || code === 'ENOENT') rmSync(join(this.#core.home.folder, name), { force: true });
    else this.#log('warn', 'keeper does not answer', { socket: name, error: describe(error) });
  }

  async #greet(socketName: string): Promise<void> {
    const path = join(this.#core.home.folder, socketName);
    const { version, managed } = this.#core.options;
    const { containment } = this.#core.config;
    const about = { protocol, revision: keeperRevision, generation: this.#generation, version, managed, containment };
    let keeper: ConnectedKeeper | null = null;
    const early: KeeperNotice[][] = [];
    const greeting = connectKeeper(
      path,
      { type: 'hello', ...about },
      {
        onNotices: (notices) => (keeper ? this.#hear(keeper, notices) : early.push([...notices])),
        onHeard: () => keeper && this.#heard(keeper),
        onClose: () => keeper && this.#lose(keeper),
      },
    );
    this.#greetings.add(greeting);
    const warn = () => this.#log('warn', 'keeper does not greet', { socket: path });
    const late = setTimeout(warn, limits.keeperGreetingMs);
    try {
      keeper = new ConnectedKeeper(await greeting.greeted, version);
    } finally {
      clearTimeout(late);
      this.#greetings.delete(greeting);
    }
    this.#add(keeper);
    for (const notices of early) this.#hear(keeper, notices);
    if (this.#begun && keeper.connection.hello.runs.length > 0) this.#news.onChanged();
  }

  #add(keeper: ConnectedKeeper): void {
    this.#keepers.add(keeper);
    const { pid, version, runs } = keeper.connection.hello;
    this.#log('info', 'keeper connected', { keeper: pid, version, runs: runs.length });
    // A keeper of another version keeps its runs and takes no new ones, so no process changes its parent.
    if (!keeper.ours) keeper.connection.send({ type: 'drain' });
  }

  #hear(keeper: ConnectedKeeper, notices: readonly KeeperNotice[]): void {
    keeper.note(notices);
    for (const { id, type } of notices) if (id !== null && type !== 'refused') this.#submitters.delete(id);
    this.#news.onNotices(notices);
  }

  #heard(keeper: ConnectedKeeper): void {
    if (!keeper.noteHeard()) return;
    this.#log('info', 'keeper answers again', { keeper: keeper.pid });
    this.#news.onReady();
  }

  /** Pings the keepers that have runs. */
  #beat(): void {
    const now = performance.now();
    const late = now - this.#beatAt - limits.keeperPingMs > promptMs;
    this.#beatAt = now;
    for (const keeper of this.#keepers) {
      if (!keeper.beat(now, late)) continue;
      this.#log('warn', 'keeper fell silent', { keeper: keeper.pid, runs: keeper.runCount });
      void this.ensure();
    }
  }

  #lose(keeper: ConnectedKeeper): void {
    this.#keepers.delete(keeper);
    if (this.#isClosing) return;
    this.#log(keeper.ours ? 'warn' : 'info', 'keeper disconnected', { keeper: keeper.pid, runs: keeper.runCount });
    this.#news.onChanged();
    void this.ensure();
  }

  /** Returns a keeper that accepts runs and can give a run all traits of the submitter; null if there is none. */
  #active(submitter: SubmitterTraits | null = null): ConnectedKeeper | null {
    for (const keeper of this.#keepers)
      if (keeper.ours && !keeper.silent && lackingIn(keeper.traits, submitter).length === 0) return keeper;
    return null;
  }

  async #start(): Promise<void> {
    const socketName = newSocketName();
    const { home, config, options } = this.#core;
    const scope = config.containment === 'auto';
    options.process.launchKeeper(home.folder, socketName, { umask: options.umask, scope });
    await this.#greetWhenThere(socketName, startMs);
    this.#news.onReady();
  }

  async #greetWhenThere(socketName: string, ms: number): Promise<void> {
    for (const until = Date.now() + ms; ; ) {
      try {
        return await this.#greet(socketName);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (!notYetCodes.has(code ?? '') || Date.now() > until) throw error;
      }
      await sleep(pollMs);
    }
  }

  #want(submitter: SubmitterTraits | null, run: string | null): string | null {
    if (submitter === null || this.#canGiveAll(submitter) || this.#expected.isExpected) return null;
    const isFull = [...this.#keepers].filter(({ ours }) => ours).length >= limits.keepersMax;
    return isFull ? null : this.#expected.expect(run);
  }

  /** Returns whether a keeper can give a run all traits of the submitter. The first keeper inherits those of the daemon. */
  #canGiveAll(submitter: SubmitterTraits): boolean {
    if (this.#active() === null) return lackingIn(this.#inherited, submitter).length === 0;
    return this.#active(submitter) !== null;
  }

  #spawnNow(id: string, launch: LaunchRecord): void {
    try {
      this.spawn(id, launch);
    } catch (error) {
      this.#news.onNotices([{ type: 'refused', id, why: (error as Error).message }]);
    }
  }
}
