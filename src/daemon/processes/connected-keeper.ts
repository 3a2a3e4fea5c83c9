/** A keeper that has greeted this daemon, with the runs that it holds. */
import type { KeeperTraits } from '#launch/submitter.ts';
import type { KeeperAnswer, KeeperConnection, KeeperNotice } from '#process/keeper-client.ts';
import { keeperRevision } from '#process/keeper-protocol.ts';
import { pidNamespace } from '#process/process-birth.ts';
import type { LaunchRecord } from '#process/run-folder.ts';
import type { Leader } from '#run/leader.ts';
import { limits } from '#run/limits.ts';

/** `surely`: the keeper reports the end itself, so the files in the run folder need not be trusted. */
export type HeldRun = {
  readonly leader: Leader;
  readonly at: number;
  readonly surely: boolean;
  readonly silent: boolean;
};

/** What the keepers of a home report. */
export type KeeperNews = {
  readonly onNotices: (notices: readonly KeeperNotice[]) => void;
  /** The set of held runs has changed: a keeper disconnected, connected late, or fell silent. */
  readonly onChanged: () => void;
  /** A keeper accepts runs again, so queued runs may start. */
  readonly onReady: () => void;
};

/** After a longer delay of an answer or a heartbeat, it is unknown whether the daemon or the keeper was suspended. */
export const promptMs = 1_000;
/** Keepers of this revision and later withdraw launches, and report every end themselves. */
const reportingRevision = 2;

export class ConnectedKeeper {
  /** Whether the keeper has the version of this daemon. Others keep their runs and take no new ones. */
  readonly ours: boolean;
  readonly connection: KeeperConnection;
  readonly #revision: number;
  readonly #runs: Map<string, { readonly leader: Leader; readonly at: number }>;
  /** Runs that the keeper was asked to start and has not reported on. */
  readonly #asked = new Set<string>();
  /** Monotonic time of the last message. */
  #heardAt = performance.now();
  #silent = false;
  /** Total time for which the keeper was suspended, as last reported. */
  #sleptMs = 0;

  constructor(connection: KeeperConnection, version: string) {
    const { hello } = connection;
    this.connection = connection;
    this.ours = hello.version === version;
    this.#revision = hello.revision ?? 1;
    this.#runs = new Map(hello.runs.map(({ id, leader, at }) => [id, { leader, at }]));
  }

  get pid(): number {
    return this.connection.hello.pid;
  }

  /** The keeper is connected but does not answer: it is suspended or in trouble. It gets no new runs. */
  get silent(): boolean {
    return this.#silent;
  }

  get runCount(): number {
    return this.#runs.size;
  }

  /** The traits that it can give to runs. A keeper without traits is of an earlier release and gets no new runs. */
  get traits(): KeeperTraits {
    const { traits } = this.connection.hello;
    return (traits as KeeperTraits | undefined) ?? { nice: 0, mayRaise: true, limits: null };
  }

  /** The pid, if the keeper is in the daemon's pid namespace; null otherwise. */
  get pidHere(): number | null {
    const { pid, pidNamespace: theirs } = this.connection.hello;
    return theirs == null || theirs === pidNamespace() ? pid : null;
  }

  /** Returns the keeper as `clip daemon status` shows it. */
  view() {
    const { pid, version, containment } = this.connection.hello;
    const kind: 'cgroup' | 'mark' = containment?.kind ?? 'mark';
    const kernelMark = containment?.kernelMark ?? false;
    return { pid, version, runs: this.#runs.size, answers: !this.#silent, containment: kind, kernelMark };
  }

  /** Returns whether the keeper answers for processes in this pid namespace. */
  serves(namespace: string): boolean {
    return this.#reports && !this.#silent && this.connection.hello.pidNamespace === namespace;
  }

  /** Returns the run as the keeper holds it, or null. */
  held(id: string): HeldRun | null {
    const run = this.#runs.get(id);
    return run === undefined ? null : { ...run, surely: this.#reports && !this.#silent, silent: this.#silent };
  }

  /** Returns whether the keeper was asked to start this run and has not reported on it. */
  isAsked(id: string): boolean {
    return this.#asked.has(id);
  }

  /** Requests a process. The answer arrives as a notice. */
  spawn(id: string, launch: LaunchRecord): void {
    this.#asked.add(id);
    this.connection.send({ type: 'spawn', id, launch });
  }

  /** Withdraws the request for this run. Returns whether the keeper will answer. */
  withdraw(id: string): boolean {
    if (!this.#reports) return false;
    this.connection.send({ type: 'withdraw', id });
    return !this.#silent;
  }

  /** Applies notices to what the keeper holds. */
  note(notices: readonly KeeperNotice[]): void {
    for (const notice of notices) {
      if (notice.id !== null) this.#asked.delete(notice.id);
      if (notice.type === 'started') this.#runs.set(notice.id, { leader: notice.leader, at: notice.at });
      if (notice.type === 'exited' || notice.type === 'failed') this.#runs.delete(notice.id);
    }
  }

  /** Notes a message of any kind. Returns whether the keeper was silent before. */
  noteHeard(): boolean {
    const wasSilent = this.#silent;
    this.#heardAt = performance.now();
    this.#silent = false;
    return wasSilent;
  }

  /**
   * Pings the keeper if it has runs; idle keepers are not pinged. `late`: the daemon itself was suspended, so earlier
   * messages may be unread. Returns whether the keeper has just fallen silent.
   */
  beat(now: number, late: boolean): boolean {
    if (this.#revision < keeperRevision) return false;
    const isBusy = this.#runs.size + this.#asked.size > 0;
    const fallsSilent = isBusy && !late && !this.#silent && now - this.#heardAt >= limits.keeperSilentMs;
    if (late || !isBusy) this.#heardAt = now;
    if (fallsSilent) this.#silent = true;
    if (isBusy) this.#ping().catch(() => {});
    return fallsSilent;
  }

  /** Returns how long the keeper was suspended since the last call, by run; null if it does not tell. */
  async sleptByRun(): Promise<ReadonlyMap<string, number> | null> {
    if (!this.#reports || this.#runs.size === 0) return null;
    const ms = await this.#ping().catch(() => null);
    return ms === null ? null : new Map([...this.#runs.keys()].map((id) => [id, ms]));
  }

  get #reports(): boolean {
    return this.#revision >= reportingRevision;
  }

  async #ping(): Promise<number> {
    const asked = performance.now();
    const { sleptMs } = await this.connection.ask<Extract<KeeperAnswer, { type: 'pong' }>>({ type: 'ping' });
    const before = this.#sleptMs;
    if (performance.now() - asked < promptMs) this.#sleptMs = sleptMs;
    return sleptMs - before;
  }
}
