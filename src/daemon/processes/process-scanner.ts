/**
 * Finds and signals the processes of runs. Requests that arrive together share one pass over the process table. Runs
 * in another pid namespace are handled by the keeper inside it.
 */

import { isRunGroup, removeGroup } from '#process/cgroup.ts';
import type { KeeperAnswer, KeeperConnection } from '#process/keeper-client.ts';
import { canBeSeen, isAliveProcess } from '#process/process-identity.ts';
import type { KnownEnvironments } from '#process/process-info.ts';
import {
  type Families,
  findRunProcesses,
  type Member,
  memberKey,
  type RunProcessQuery,
} from '#process/run-processes.ts';
import { freezeMember, signalMembers } from '#process/signal.ts';
import type { Signalled } from '#run/events.ts';
import type { Leader } from '#run/leader.ts';

export type ScanResult = {
  readonly members: readonly Member[];
  /** Number of this user's processes whose membership is unknown. */
  readonly unexamined: number;
  readonly everythingReadable: boolean;
  /** Number of processes that ended before they could be examined. */
  readonly vanished: number;
  /** The control group must not be killed as a whole: it holds processes of others, or there is none. */
  readonly shared: boolean;
  /** The control group had members, even if they ended before they could be examined. */
  readonly populated: boolean;
};
export type Family = { readonly runId: string; readonly leader: Leader | null };

/**
 * Share of rest after a pass. A pass may take 30 ms with thousands of processes, so passes fill at most a tenth of
 * the time. Only CPU time counts: time in which the daemon was suspended or waited for a CPU costs nothing, and stops
 * depend on passes.
 */
const restPerPass = 9;
/**
 * Limits of one freeze, in CPU time, wall-clock time and passes. The daemon serves nothing else during it. On a busy
 * machine it may wait for a CPU for most of the time.
 */
const freezeCpuMs = 150;
const freezeMs = 1_000;
const freezesMax = 20;
/** The result for processes that cannot be seen from here. */
const unseen: ScanResult = {
  members: [],
  unexamined: 0,
  everythingReadable: false,
  vanished: 0,
  shared: true,
  populated: false,
};

type ProcessScannerDeps = {
  /** Pids of the daemon and its keepers, which belong to no run. */
  readonly ours: () => ReadonlySet<number>;
  /** Returns the keeper inside a pid namespace. */
  readonly remote: (namespace: string) => KeeperConnection | null;
  /** Returns whether a run belongs to another home. */
  readonly isForeign: (runId: string) => boolean;
};

type Request = {
  readonly wanted: RunProcessQuery;
  readonly forShow: boolean;
  readonly resolve: (found: ScanResult) => void;
  readonly reject: (error: unknown) => void;
};

export class ProcessScanner {
  readonly #deps: ProcessScannerDeps;
  #asked: Request[] = [];
  #armed = false;
  #restUntil = 0;
  /** Known members by run. A process stays a member, whatever it changes about itself. */
  readonly #seen = new Map<string, Set<string>>();
  /** What passes that only show have read. */
  readonly #environments: KnownEnvironments = new Map();

  constructor(deps: ProcessScannerDeps) {
    this.#deps = deps;
  }

  /** `forShow`: the result only shows what a run uses, so what an earlier such pass has read need not be read again. */
  find(runId: string, leader: Leader | null, { forShow = false } = {}): Promise<ScanResult> {
    if (this.#deps.isForeign(runId)) return Promise.resolve(unseen);
    if (leader !== null && !canBeSeen(leader)) return this.#findRemotely({ runId, leader });
    return new Promise((resolve, reject) => {
      this.#asked.push({ wanted: this.#toWanted(runId, leader), forShow, resolve, reject });
      if (this.#armed) return;
      this.#armed = true;
      const rest = this.#restUntil - performance.now();
      if (rest > 1) setTimeout(() => this.#pass(), rest);
      else setImmediate(() => this.#pass());
    });
  }

  /**
   * Returns whether processes of this run can be found and signaled. False in a pid namespace without a keeper of
   * this home, and for runs of another home.
   */
  canReach({ runId, leader }: Family): boolean {
    return !this.#deps.isForeign(runId) && (leader === null || canBeSeen(leader) || this.#findKeeper(leader) !== null);
  }

  /** Signals these members after verifying each again. With `whole`, SIGKILL goes to the control group of the run, which no fork can escape. */
  async signal(
    { runId, leader }: Family,
    members: readonly Member[],
    signal: NodeJS.Signals,
    whole: boolean,
  ): Promise<Signalled[]> {
    const group = leader?.cgroup ?? null;
    const remoteKeeper = leader === null || canBeSeen(leader) ? null : this.#findKeeper(leader);
    if (remoteKeeper !== null) {
      const asking = { type: 'signal', signal, members, cgroup: whole ? group : null } as const;
      return [...(await remoteKeeper.ask<Extract<KeeperAnswer, { type: 'signalled' }>>(asking)).targets];
    }
    return signalMembers(members, signal, whole && group !== null && isRunGroup(runId, group) ? group : null);
  }

  /**
   * Stops each member as soon as it is seen, pass after pass, until no new one appears. Processes that fork and
   * exit faster than one pass then stand still and can be killed. Returns all members that were seen.
   */
  freeze({ runId, leader }: Family): readonly Member[] {
    const frozen = new Map<string, Member>();
    const until = performance.now() + freezeMs;
    const before = process.cpuUsage();
    const mayGoOn = () => performance.now() < until && cpuMsSince(before) < freezeCpuMs;
    for (let looks = 0, grew = true; grew && looks < freezesMax && mayGoOn(); looks += 1) {
      grew = false;
      const families = findRunProcesses([this.#toWanted(runId, leader)], {
        except: this.#deps.ours(),
        onMember(_, member) {
          if (frozen.has(memberKey(member))) return;
          freezeMember(member);
          frozen.set(memberKey(member), member);
          grew = true;
        },
      });
      this.#foundIn(families, runId);
      // A process that ended before it was examined may have left a child.
      if (families.vanished > 0) grew = true;
    }
    return [...frozen.values()];
  }

  /** Returns the members that are still alive. */
  async alive({ runId, leader }: Family, members: readonly Member[]): Promise<readonly Member[]> {
    if (leader === null || canBeSeen(leader)) return members.filter(isAliveProcess);
    const { members: now } = await this.find(runId, leader);
    const keys = new Set(now.map(memberKey));
    return members.filter((member) => keys.has(memberKey(member)));
  }

  /** Forgets the members of a finished run, and removes its empty control group. */
  forget({ runId, leader }: Family): void {
    this.#seen.delete(runId);
    const group = leader?.cgroup ?? null;
    if (group !== null && isRunGroup(runId, group) && !this.#deps.isForeign(runId)) removeGroup(group);
  }

  #pass(): void {
    const asking = this.#asked;
    this.#asked = [];
    this.#armed = false;
    const before = process.cpuUsage();
    let families: Families;
    try {
      families = findRunProcesses(
        asking.map(({ wanted }) => wanted),
        { except: this.#deps.ours(), known: asking.every(({ forShow }) => forShow) ? this.#environments : undefined },
      );
    } catch (error) {
      for (const { reject } of asking) reject(error);
      return;
    }
    this.#restUntil = performance.now() + cpuMsSince(before) * restPerPass;
    for (const { wanted, resolve } of asking) resolve(this.#foundIn(families, wanted.runId));
  }

  #foundIn(families: Families, runId: string): ScanResult {
    const { unexamined, everythingReadable, vanished } = families;
    const members = families.members.get(runId) ?? [];
    const known = this.#seen.get(runId) ?? new Set();
    for (const member of members) known.add(memberKey(member));
    if (known.size > 0) this.#seen.set(runId, known);
    const [shared, populated] = [families.shared.has(runId), families.populated.has(runId)];
    return { members, unexamined, everythingReadable, vanished, shared, populated };
  }

  #toWanted(runId: string, leader: Leader | null): RunProcessQuery {
    const known = this.#seen.get(runId);
    return known === undefined ? { runId, leader } : { runId, leader, seen: known };
  }

  async #findRemotely(family: { runId: string; leader: Leader }): Promise<ScanResult> {
    const keeper = this.#findKeeper(family.leader);
    if (keeper === null) return unseen;
    const { members, ...rest } = await keeper.ask<Extract<KeeperAnswer, { type: 'found' }>>({ type: 'find', family });
    return {
      ...rest,
      members: members.map((member) => ({ ...member, pidNamespace: family.leader.pidNamespace ?? null })),
    };
  }

  #findKeeper({ pidNamespace }: Leader): KeeperConnection | null {
    return pidNamespace == null ? null : this.#deps.remote(pidNamespace);
  }
}

function cpuMsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
