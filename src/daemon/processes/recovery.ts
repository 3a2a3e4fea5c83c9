/** Recovery: turns what disk, keepers and operating system show of unfinished runs into facts, which go through the supervisor. */

import { failpoint } from '#launch/failpoints.ts';
import { readZombie } from '#process/process-birth.ts';
import { canBeSeen, isAliveProcess } from '#process/process-identity.ts';
import { exitRecordedAt, type ReadExit, readExit, readStarted, wasLaunched } from '#process/run-folder-reader.ts';
import type { Member } from '#process/run-processes.ts';
import type { Fact } from '#run/events.ts';
import { limits } from '#run/limits.ts';
import { lostMessage, type Observation, reconcile } from '#run/recovery.ts';
import { isEnded, type Run } from '#run/run.ts';
import { describe, type LogFunction } from '../core/log.ts';
import type { Supervisor } from '../core/supervisor.ts';
import type { Submission } from '../core/transaction.ts';
import type { Keepers } from './keepers.ts';
import type { ProcessScanner } from './process-scanner.ts';
import { reapLeftovers } from './reap-leftovers.ts';
import { mustDrainStream, type RecordExit } from './record-exit.ts';

/** Tolerance for file times: file systems use a clock that advances only with the ticks of the kernel. */
const clockSlackMs = 50;

type RecoveryDeps = {
  readonly supervisor: Supervisor;
  readonly keepers: Keepers;
  readonly recordExit: RecordExit;
  readonly scanner: ProcessScanner;
  readonly now: () => number;
  readonly log: LogFunction;
  readonly folderOf: (run: Run) => string;
  /** Returns whether a launch of the run is in progress. */
  readonly isUnderWay: (run: Run) => boolean;
  /** Withdraws a launch that no keeper has carried out. Returns false if it has begun. */
  readonly takeBack: (run: Run) => boolean;
  /** Returns the original home of a run if this home is a copy, else null. */
  readonly originalOf: (runId: string) => string | null;
};

export class Recovery {
  readonly #deps: RecoveryDeps;
  /** Runs whose processes are being ended before the run is recorded as lost. */
  readonly #ending = new Set<number>();
  /** When runs without a keeper were last seen alive. An older record of an end is false. */
  readonly #aliveAt = new Map<number, number>();

  constructor(deps: RecoveryDeps) {
    this.#deps = deps;
  }

  /** Reconciles these runs and submits the facts, all in one transaction. */
  async look(runs: readonly Run[]): Promise<void> {
    const due = runs.filter((run) => !this.#deps.isUnderWay(run));
    const sightings = await Promise.all(due.map(async (run) => ({ run, seen: await this.#sight(run) })));
    const facts: Submission[] = [];
    for (const { run, seen: before } of sightings) {
      // The run changed during the scan, so the observation is outdated. The heartbeat tries again.
      if (this.#deps.supervisor.find(run.number)?.state !== run.state) continue;
      const keeper = before.keeper ?? this.#deps.keepers.held(run.id);
      const seen = {
        ...before,
        keeper,
        exit: before.exit ?? (before.leaderAlive ? null : this.#trueExit(run, before.started?.at ?? null)),
      };
      const finding = reconcile(run, seen);
      this.#deps.log('debug', 'run observed', {
        run: run.number,
        finding: finding.kind,
        ...(finding.kind === 'fact' ? { fact: finding.fact.type } : {}),
      });
      if (finding.kind === 'fact') {
        const { fact } = finding;
        if (fact.type !== 'found-again') this.#aliveAt.delete(run.number);
        // The log may be long, so nothing waits for its reading, not even startup.
        if (mustDrainStream(run, fact)) void this.#deps.recordExit(run, fact);
        else facts.push({ number: run.number, event: fact });
      }
      if (finding.kind === 'end-family-first') void this.#endFamily(run, seen);
    }
    const lost = facts.some(({ event }) => event.type === 'process-lost');
    if (lost) failpoint('lost.before-commit');
    this.#recordAll(facts);
    if (lost) failpoint('lost.after-commit');
    this.#deps.log('info', 'runs reconciled', { runs: runs.length, facts: facts.length });
  }

  /** Notes that a process without a keeper is alive: any existing record of its end is false. */
  sawAlive(run: Run): void {
    this.#aliveAt.set(run.number, this.#deps.now());
  }

  /**
   * Records all facts in one transaction. If that fails (e.g. no disk space for the retry of a lost run), records
   * them one by one, so one failure does not hold back the rest.
   */
  #recordAll(facts: readonly Submission[]): void {
    if (facts.length === 0) return;
    try {
      this.#deps.supervisor.submitAll(facts);
    } catch (error) {
      if (facts.length === 1) throw error;
      const failures = facts.flatMap((fact) => {
        try {
          this.#deps.supervisor.submitAll([fact]);
          return [];
        } catch (failure) {
          return [failure];
        }
      });
      // The caller retries.
      if (failures.length > 0) throw failures[0];
    }
  }

  /** Observes a run: keeper first, then process, then records. A record that the run can write itself counts only if nothing better exists. */
  async #sight(run: Run): Promise<Observation> {
    const folder = this.#deps.folderOf(run);
    const keeper = this.#deps.keepers.held(run.id);
    const known = findStarted(run);
    const nothing: Observation = {
      keeper,
      started: known,
      leaderAlive: false,
      zombie: null,
      unseen: false,
      original: null,
      exit: null,
      relatives: [],
      candidate: null,
      launched: true,
      everythingReadable: true,
      at: this.#deps.now(),
    };
    if (keeper?.surely) return nothing;
    const original = this.#deps.originalOf(run.id);
    if (original !== null) return { ...nothing, original, exit: readExit(folder) };
    // A start in the database was reported by a keeper. A start in the run folder must be proven.
    const { started, doubtful } =
      known === null ? await this.#provenStart(run, folder) : { started: known, doubtful: false };
    const seenAt = this.#deps.now();
    if (started !== null && isAliveProcess(started.leader)) {
      this.#aliveAt.set(run.number, seenAt);
      return { ...nothing, started, leaderAlive: true };
    }
    const exit = this.#trueExit(run, started?.at ?? null);
    if (exit) return { ...nothing, started, exit };
    const zombie = keeper?.silent && started !== null && canBeSeen(started.leader) ? readZombie(started.leader) : null;
    if (keeper || zombie) return { ...nothing, started, zombie };
    const launched = wasLaunched(folder) || !this.#takenBack(run);
    // A run that was never launched has no processes.
    if (!launched && !started) return { ...nothing, started, launched };
    if (started !== null && !canBeSeen(started.leader)) return { ...nothing, started, unseen: true };
    const { members, everythingReadable } = await this.#deps.scanner.find(run.id, started?.leader ?? null);
    const candidate = started ? null : leaderAmong(members, this.#deps.now());
    // A process named by the record that carries no mark may still be the leader.
    return {
      ...nothing,
      started,
      relatives: members.map(({ pid }) => pid),
      candidate,
      everythingReadable: everythingReadable && !doubtful,
    };
  }

  /** Returns the record of an end, unless it existed while the process lived: then the run itself wrote it. */
  #trueExit(run: Run, startedAt: number | null): ReadExit | null {
    const folder = this.#deps.folderOf(run);
    const exit = readExit(folder);
    const earliest = Math.max(startedAt ?? 0, this.#aliveAt.get(run.number) ?? 0) - clockSlackMs;
    return exit === null || exitRecordedAt(folder) < earliest ? null : exit;
  }

  /** Withdraws the launch, because a suspended keeper may hold the request. Returns false if it has begun. */
  #takenBack(run: Run): boolean {
    return run.state.status !== 'starting' || this.#deps.takeBack(run);
  }

  /**
   * Returns the start in the run folder if it is proven. The run can write that folder, so the process must carry the
   * run's mark or be in its control group.
   */
  async #provenStart(run: Run, folder: string): Promise<{ started: Observation['started']; doubtful: boolean }> {
    const started = readStarted(folder);
    if (started === null || !isAliveProcess(started.leader)) return { started, doubtful: false };
    const { members } = await this.#deps.scanner.find(run.id, { ...started.leader, pid: -1 });
    const isProven = members.some((member) => isSame(member, started.leader));
    return { started: isProven ? started : null, doubtful: !isProven };
  }

  async #endFamily(run: Run, seen: Observation): Promise<void> {
    if (this.#ending.has(run.number)) return;
    this.#ending.add(run.number);
    try {
      const killAt = this.#deps.now() + limits.leftoverGraceMs;
      const family = { runId: run.id, leader: seen.started?.leader ?? null };
      const { leaked } = await reapLeftovers(this.#deps.scanner, this.#deps.now, family, {
        leave: false,
        killAt,
        keep: [],
      });
      // The keeper may have been alive after all, and have recorded the end.
      if (this.#trueExit(run, seen.started?.at ?? null) !== null)
        return await this.look([this.#deps.supervisor.find(run.number) ?? run]);
      const message = lostMessage(
        (leaked ?? []).map(({ pid }) => pid),
        seen.everythingReadable,
      );
      const certain = seen.started !== null || seen.everythingReadable;
      const lost = { type: 'process-lost', message, certain, report: null } as const;
      if (mustDrainStream(run, lost)) await this.#deps.recordExit(run, lost);
      else this.#recordLost(run, lost);
    } catch (error) {
      this.#deps.log('error', 'processes of a lost run could not be ended', {
        run: run.number,
        error: describe(error),
      });
    } finally {
      this.#ending.delete(run.number);
    }
  }

  #recordLost(run: Run, lost: Fact): void {
    failpoint('lost.before-commit');
    this.#deps.supervisor.submit(run.number, lost);
    failpoint('lost.after-commit');
  }
}

function findStarted(run: Run): Observation['started'] {
  const { state } = run;
  return state.status === 'running' || state.status === 'stopping'
    ? { leader: state.leader, at: state.startedAt }
    : null;
}

function isSame(
  a: { readonly pid: number; readonly startTime: number },
  b: { readonly pid: number; readonly startTime: number },
): boolean {
  return a.pid === b.pid && a.startTime === b.startTime;
}

/**
 * Returns the leader that a keeper started before it could record it: the oldest marked process that leads its own
 * session and whose parent is outside the run. Start times have a resolution of 10 ms, so of two equal ones the lower
 * pid came first.
 */
function leaderAmong(members: readonly Member[], at: number): Observation['candidate'] {
  const pids = new Set(members.map(({ pid }) => pid));
  const [oldest] = members
    .filter(({ pid, session, ppid }) => pid === session && !pids.has(ppid))
    .sort((a, b) => a.startTime - b.startTime || a.pid - b.pid);
  if (!oldest) return null;
  const { pid, pgid, startTime, bootId } = oldest;
  return { leader: { pid, pgid, startTime, bootId }, at };
}

/** Returns the runs that have not ended. */
export function unfinished(runs: readonly Run[]): Run[] {
  return runs.filter(({ state }) => !isEnded(state));
}
