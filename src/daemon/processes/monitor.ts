/** The heartbeat: checks what no event announces, such as limits in time and size, silence, and processes without a keeper. */
import { findAdapter } from '#adapters/registry.ts';
import { canBeSeen, isAliveProcess } from '#process/process-identity.ts';
import { type OutputSize, readOutputSize } from '#process/run-folder-reader.ts';
import type { Member } from '#process/run-processes.ts';
import { limits } from '#run/limits.ts';
import { nextLookMs } from '#run/next-look.ts';
import { isAlive, type Run } from '#run/run.ts';
import { detectStall, idleSinceResult, limitReached, silentMs } from '#run/silence.ts';
import type { Budgets } from '../budgets/budgets.ts';
import { describe, type LogFunction } from '../core/log.ts';
import type { Supervisor } from '../core/supervisor.ts';
import type { Submission } from '../core/transaction.ts';
import type { LogFollower } from '../output/log-follower.ts';
import type { Keepers } from './keepers.ts';
import type { ProcessScanner } from './process-scanner.ts';
import type { Recovery } from './recovery.ts';

type MonitorDeps = {
  readonly supervisor: Supervisor;
  readonly scanner: ProcessScanner;
  readonly recovery: Pick<Recovery, 'look' | 'sawAlive'>;
  readonly logFollower: LogFollower;
  readonly now: () => number;
  readonly budgets: Pick<Budgets, 'stopReached' | 'limitsUse'>;
  readonly log: LogFunction;
  readonly folderOf: (run: Run) => string;
  /** Returns whether a connected keeper holds this run. */
  readonly isHeld: (run: Run) => boolean;
  /** Returns whether a launch of the run is in progress. */
  readonly isUnderWay: (run: Run) => boolean;
  readonly keepers: Pick<Keepers, 'sleptByRun'>;
};

export class Monitor {
  readonly #deps: MonitorDeps;
  #timer: NodeJS.Timeout | null = null;
  #usageTimer: NodeJS.Timeout | null = null;
  /** Wall-clock time of the next beat. The timer is late when the machine sleeps or the daemon is suspended. */
  #dueAt = 0;
  /** The same on the monotonic clock, which does not advance while the machine sleeps. */
  #dueCount = 0;
  /** Output size of a run when it was found without its keeper. Only later output counts as activity. */
  readonly #saidBefore = new Map<number, number>();
  readonly #following = new Set<number>();
  /** When a run has to be looked at again, on the monotonic clock. A run that is not listed is looked at in the next beat. */
  readonly #nextLookAt = new Map<number, number>();
  /** When a silent run with a limit last had a living descendant. A short gap between two descendants is not silence. */
  readonly #workedAt = new Map<number, number>();

  constructor(deps: MonitorDeps) {
    this.#deps = deps;
  }

  /** Watches this run from now on. */
  watch(run: Run): void {
    const { number, state } = run;
    if (!isAlive(state) || !state.detachedWarning) this.#saidBefore.delete(number);
    else if (!this.#saidBefore.has(number))
      this.#saidBefore.set(number, countBytes(readOutputSize(this.#deps.folderOf(run))));
    this.lookSoon(number);
  }

  /** Looks within one tick: at all runs, or at this one, because something has changed. */
  lookSoon(number?: number): void {
    if (number === undefined) this.#nextLookAt.clear();
    else this.#nextLookAt.delete(number);
    if (this.#timer !== null && this.#dueCount - performance.now() > limits.tickMs) {
      clearTimeout(this.#timer);
      this.#timer = null;
    }
    this.#arm();
  }

  close(): void {
    for (const each of [this.#timer, this.#usageTimer]) if (each) clearTimeout(each);
    this.#timer = null;
    this.#usageTimer = null;
  }

  /** Arms the heartbeat while any run is alive. */
  #arm(): void {
    this.#armUsage();
    if (this.#timer !== null) return;
    const alive = this.#deps.supervisor.alive();
    if (alive.length === 0) return;
    const at = this.#deps.now();
    const count = performance.now();
    const soonestMs = Math.min(
      ...alive.map(({ number, state }) => {
        const deadlineAt = state.status === 'running' ? state.deadlineAt : null;
        const lookMs = (this.#nextLookAt.get(number) ?? count + limits.tickMs) - count;
        return Math.min(deadlineAt === null ? Number.POSITIVE_INFINITY : deadlineAt - at, lookMs);
      }),
    );
    const wait = Math.min(limits.quietTickMs, Math.max(1, soonestMs));
    this.#dueAt = at + wait;
    this.#dueCount = performance.now() + wait;
    this.#timer = setTimeout(() => this.#beat(), wait);
  }

  /** Polls runs with a usage limit more often, so a run exceeds its limit by no more than the current model call. */
  #armUsage(): void {
    if (this.#usageTimer !== null || !this.#deps.supervisor.alive().some((run) => this.#isLimited(run))) return;
    this.#usageTimer = setTimeout(() => {
      this.#usageTimer = null;
      for (const run of this.#deps.supervisor.alive().filter((run) => this.#isLimited(run))) this.#follow(run);
      this.#armUsage();
    }, limits.usageTickMs);
  }

  #isLimited(run: Run): boolean {
    return run.state.status === 'running' && run.spec.agent !== null && this.#deps.budgets.limitsUse(run);
  }

  #beat(): void {
    this.#timer = null;
    try {
      const gapMs = this.#deps.now() - this.#dueAt;
      const alive = this.#deps.supervisor.alive();
      this.#forgetAllBut(new Set(alive.map(({ number }) => number)));
      if (Math.abs(gapMs) >= limits.sleptMs)
        return void this.#wake(gapMs, Math.max(0, performance.now() - this.#dueCount));
      this.#lookForAnswers(alive);
      const facts = alive.filter((run) => this.#isDue(run)).flatMap((run) => this.#lookAt(run));
      if (facts.length > 0) this.#deps.supervisor.submitAll(facts);
      this.#deps.budgets.stopReached(this.#deps.supervisor.alive().filter((run) => !this.#hasDone(run)));
    } catch (error) {
      this.#deps.log('error', 'heartbeat failed', { error: describe(error) });
    }
    this.#arm();
  }

  #forgetAllBut(alive: ReadonlySet<number>): void {
    for (const known of [this.#saidBefore, this.#workedAt, this.#nextLookAt])
      for (const number of known.keys()) if (!alive.has(number)) known.delete(number);
  }

  #isDue({ number, state }: Run): boolean {
    if (performance.now() >= (this.#nextLookAt.get(number) ?? 0)) return true;
    return state.status === 'running' && state.deadlineAt !== null && this.#deps.now() >= state.deadlineAt;
  }

  /**
   * Handles a suspension or a clock change: deadlines move by the gap, so no run is stopped for time in which it
   * could not run, and none goes on without limit. `lateMs` is the delay on the monotonic clock: the machine was
   * awake, the daemon was not. Keepers know whether the runs were suspended too. If only the daemon was, time limits
   * do not move.
   */
  async #wake(gapMs: number, lateMs: number): Promise<void> {
    this.#deps.log('info', gapMs > 0 ? 'machine slept or clock was set forward' : 'clock was set back', {
      gapMs,
      lateMs: Math.round(lateMs),
    });
    try {
      const slept = lateMs >= limits.sleptMs ? await this.#deps.keepers.sleptByRun() : new Map<string, number>();
      this.#workedAt.clear();
      this.#nextLookAt.clear();
      this.#deps.supervisor.submitAll(
        this.#deps.supervisor.alive().map(({ number, id }) => ({
          number,
          event: { type: 'clock-jumped', gapMs, limitsMs: limitsMs(slept.get(id)) },
        })),
      );
    } catch (error) {
      this.#deps.log('error', 'heartbeat failed', { error: describe(error) });
    }
    this.#arm();

    function limitsMs(keeperSlept: number | undefined): number {
      const stoodStill = lateMs < limits.sleptMs ? 0 : Math.min(keeperSlept ?? lateMs, lateMs);
      return Math.round(gapMs - lateMs + stoodStill);
    }
  }

  /** Reconciles runs that no keeper reports on any more, until it is recorded what became of them. */
  #lookForAnswers(alive: readonly Run[]): void {
    const silent = alive.filter((run) => {
      const { state } = run;
      if (state.status === 'starting') return !this.#deps.isUnderWay(run);
      if (!isAlive(state) || this.#deps.isHeld(run)) return false;
      if (state.held || !canBeSeen(state.leader)) return state.held;
      if (!isAliveProcess(state.leader)) return true;
      this.#deps.recovery.sawAlive(run);
      return false;
    });
    if (silent.length === 0) return;
    this.#deps.recovery
      .look(silent)
      .catch((error) => this.#deps.log('error', 'recovery failed', { error: describe(error) }));
  }

  #lookAt(run: Run): Submission[] {
    const { state } = run;
    if (!isAlive(state)) return [];
    const size = readOutputSize(this.#deps.folderOf(run));
    const outputBytes = countBytes(size);
    const at = this.#deps.now();
    const looked = { outputBytes, lastOutputAt: size.lastOutputAt, at, held: this.#deps.isHeld(run) };
    this.#nextLookAt.set(run.number, performance.now() + nextLookMs(run, looked));
    if (run.spec.agent !== null) this.#follow(run);
    const facts: Submission[] = [];
    const spoke = state.stall !== null && size.lastOutputAt !== null && size.lastOutputAt > state.stall.since;
    if (spoke || (state.detachedWarning && outputBytes > (this.#saidBefore.get(run.number) ?? 0)))
      facts.push({ number: run.number, event: { type: 'activity' } });
    if (state.status !== 'running') return facts;
    if (this.#hasOpenTool(run)) this.#workedAt.set(run.number, at);
    const stall = detectStall(run, state, {
      streamState: this.#deps.logFollower.streamStateOf(run),
      lastOutputAt: size.lastOutputAt,
      at,
    });
    if (stall !== null) facts.push({ number: run.number, event: { type: 'stalled', ...stall } });
    const lastSignAt = Math.max(size.lastOutputAt ?? 0, this.#workedAt.get(run.number) ?? 0);
    const reached = limitReached(run.spec, state, { outputBytes, lastOutputAt: lastSignAt, at });
    if (reached !== null && reached !== 'silence')
      facts.push({ number: run.number, event: { type: 'stop-requested', order: reached, graceMs: null, now: false } });
    else if (this.#lingers(run, lastSignAt, at)) this.#lookForWork(run, 'lingering');
    else if (run.spec.silenceMs !== null && silentMs(state, size.lastOutputAt, at) >= limits.tickMs)
      this.#lookForWork(run, reached);
    return facts;
  }

  /** Reads the stream of a run, one reading at a time: on a slow disk they would only wait for each other. */
  #follow({ number }: Run, run = this.#deps.supervisor.find(number)): void {
    if (run === null || this.#following.has(number)) return;
    this.#following.add(number);
    this.#deps.logFollower
      .follow(run)
      .then(() => this.#stopIfUsedUp(number))
      .catch((error) =>
        this.#deps.log('error', 'stream of a run could not be read', { run: number, error: describe(error) }),
      )
      .finally(() => this.#following.delete(number));
  }

  /** Stops a run as soon as its stream shows that it has reached its limit. */
  #stopIfUsedUp(number: number): void {
    const run = this.#deps.supervisor.find(number);
    if (run === null || !this.#isLimited(run) || this.#hasDone(run)) return;
    this.#deps.budgets.stopReached([run]);
  }

  #hasOpenTool(run: Run): boolean {
    const streamState = this.#deps.logFollower.streamStateOf(run);
    return streamState !== null && streamState.result === null && Object.keys(streamState.openTools).length > 0;
  }

  /** Returns whether the run has given its result and is idle. Such a run is not stopped for its cost. */
  #hasDone(run: Run): boolean {
    const streamState = this.#deps.logFollower.streamStateOf(run);
    return (
      streamState !== null && isAlive(run.state) && idleSinceResult(streamState, run.state, this.#deps.now()) !== null
    );
  }

  #lingers(run: Run, lastSignAt: number, at: number): boolean {
    const streamState = this.#deps.logFollower.streamStateOf(run);
    if (streamState === null || !isAlive(run.state)) return false;
    const since = idleSinceResult(streamState, run.state, at);
    return since !== null && at - Math.max(since, lastSignAt) >= limits.lingerMs;
  }

  /** Looks for living descendants, which count as work even without output. If there are none, orders the stop that was reached. */
  #lookForWork(run: Run, reached: 'silence' | 'lingering' | null): void {
    this.#findWork(run, reached).catch((error) =>
      this.#deps.log('error', 'processes of a silent run could not be examined', {
        run: run.number,
        error: describe(error),
      }),
    );
  }

  async #findWork(run: Run, reached: 'silence' | 'lingering' | null): Promise<void> {
    if (!isAlive(run.state)) return;
    const { leader } = run.state;
    const { members } = await this.#deps.scanner.find(run.id, leader);
    const apart = findAdapter(run.spec.agent).stream?.toolsLeadSessions === true;
    const isWork = ({ pid, session }: Member) => (apart ? session !== leader.pid : pid !== leader.pid);
    if (members.some(isWork)) this.#workedAt.set(run.number, this.#deps.now());
    else if (reached !== null)
      this.#deps.supervisor.submit(run.number, { type: 'stop-requested', order: reached, graceMs: null, now: false });
  }
}

function countBytes({ stdoutBytes, stderrBytes }: OutputSize): number {
  return (stdoutBytes ?? 0) + (stderrBytes ?? 0);
}
