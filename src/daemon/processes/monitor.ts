/** The heartbeat: checks what no event announces, such as limits in time and size, silence, and processes without a keeper. */
import { findAdapter } from '#adapters/registry.ts';
import { canBeSeen, isAliveProcess } from '#process/process-identity.ts';
import { type OutputSize, readOutputSize } from '#process/run-folder-reader.ts';
import type { Member } from '#process/run-processes.ts';
import { limits } from '#run/limits.ts';
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

export function createMonitor(deps: {
  supervisor: Supervisor;
  scanner: ProcessScanner;
  recovery: Recovery;
  logFollower: LogFollower;
  now: () => number;
  budgets: Pick<Budgets, 'stopReached' | 'limitsUse'>;
  log: LogFunction;
  folderOf: (run: Run) => string;
  /** Returns whether a connected keeper holds this run. */
  isHeld: (run: Run) => boolean;
  /** Returns whether a launch of the run is in progress. */
  isUnderWay: (run: Run) => boolean;
  keepers: Pick<Keepers, 'sleptByRun'>;
}) {
  const { supervisor } = deps;
  let timer: NodeJS.Timeout | null = null;
  let usageTimer: NodeJS.Timeout | null = null;
  /** Wall-clock time of the next beat. The timer is late when the machine sleeps or the daemon is suspended. */
  let dueAt = 0;
  /** The same on the monotonic clock, which does not advance while the machine sleeps. */
  let dueCount = 0;
  /** Output size of a run when it was found without its keeper. Only later output counts as activity. */
  const saidBefore = new Map<number, number>();
  const following = new Set<number>();
  /** When a silent run with a limit last had a living descendant. A short gap between two descendants is not silence. */
  const workedAt = new Map<number, number>();

  /** Watches this run from now on. */
  function watch(run: Run): void {
    const { number, state } = run;
    if (!isAlive(state) || !state.detachedWarning) saidBefore.delete(number);
    else if (!saidBefore.has(number)) saidBefore.set(number, countBytes(readOutputSize(deps.folderOf(run))));
    arm();
  }

  /** Arms the heartbeat while any run is alive. */
  function arm(): void {
    armUsage();
    if (timer !== null) return;
    const alive = supervisor.alive();
    if (alive.length === 0) return;
    const nearest = Math.min(
      ...alive.map(({ state }) =>
        state.status === 'running' && state.deadlineAt !== null ? state.deadlineAt : Number.POSITIVE_INFINITY,
      ),
    );
    const wait = Math.min(limits.tickMs, Math.max(1, nearest - deps.now()));
    dueAt = deps.now() + wait;
    dueCount = performance.now() + wait;
    timer = setTimeout(beat, wait);
  }

  /** Polls runs with a usage limit more often, so a run exceeds its limit by no more than the current model call. */
  function armUsage(): void {
    if (usageTimer !== null || !supervisor.alive().some(isLimited)) return;
    usageTimer = setTimeout(() => {
      usageTimer = null;
      for (const run of supervisor.alive().filter(isLimited)) follow(run);
      armUsage();
    }, limits.usageTickMs);
  }

  const isLimited = (run: Run): boolean =>
    run.state.status === 'running' && run.spec.agent !== null && deps.budgets.limitsUse(run);

  function beat(): void {
    timer = null;
    try {
      const gapMs = deps.now() - dueAt;
      const alive = supervisor.alive();
      forgetAllBut(new Set(alive.map(({ number }) => number)));
      if (Math.abs(gapMs) >= limits.sleptMs) return void wake(gapMs, Math.max(0, performance.now() - dueCount));
      lookForAnswers(alive);
      const facts = alive.flatMap((run) => lookAt(run));
      if (facts.length > 0) supervisor.submitAll(facts);
      deps.budgets.stopReached(supervisor.alive().filter((run) => !hasDone(run)));
    } catch (error) {
      deps.log('error', 'heartbeat failed', { error: describe(error) });
    }
    arm();
  }

  function forgetAllBut(alive: ReadonlySet<number>): void {
    for (const known of [saidBefore, workedAt])
      for (const number of known.keys()) if (!alive.has(number)) known.delete(number);
  }

  /**
   * Handles a suspension or a clock change: deadlines move by the gap, so no run is stopped for time in which it
   * could not run, and none goes on without limit. `lateMs` is the delay on the monotonic clock: the machine was
   * awake, the daemon was not. Keepers know whether the runs were suspended too. If only the daemon was, time limits
   * do not move.
   */
  async function wake(gapMs: number, lateMs: number): Promise<void> {
    deps.log('info', gapMs > 0 ? 'machine slept or clock was set forward' : 'clock was set back', {
      gapMs,
      lateMs: Math.round(lateMs),
    });
    try {
      const slept = lateMs >= limits.sleptMs ? await deps.keepers.sleptByRun() : new Map<string, number>();
      workedAt.clear();
      supervisor.submitAll(
        supervisor.alive().map(({ number, id }) => ({
          number,
          event: { type: 'clock-jumped', gapMs, limitsMs: limitsMs(slept.get(id)) },
        })),
      );
    } catch (error) {
      deps.log('error', 'heartbeat failed', { error: describe(error) });
    }
    arm();

    function limitsMs(keeperSlept: number | undefined): number {
      const stoodStill = lateMs < limits.sleptMs ? 0 : Math.min(keeperSlept ?? lateMs, lateMs);
      return Math.round(gapMs - lateMs + stoodStill);
    }
  }

  /** Reconciles runs that no keeper reports on any more, until it is recorded what became of them. */
  function lookForAnswers(alive: readonly Run[]): void {
    const silent = alive.filter((run) => {
      const { state } = run;
      if (state.status === 'starting') return !deps.isUnderWay(run);
      if (!isAlive(state) || deps.isHeld(run)) return false;
      if (state.held || !canBeSeen(state.leader)) return state.held;
      if (!isAliveProcess(state.leader)) return true;
      deps.recovery.sawAlive(run);
      return false;
    });
    if (silent.length === 0) return;
    deps.recovery.look(silent).catch((error) => deps.log('error', 'recovery failed', { error: describe(error) }));
  }

  function lookAt(run: Run): Submission[] {
    const { state } = run;
    if (!isAlive(state)) return [];
    const size = readOutputSize(deps.folderOf(run));
    const outputBytes = countBytes(size);
    if (run.spec.agent !== null) follow(run);
    const facts: Submission[] = [];
    const spoke = state.stall !== null && size.lastOutputAt !== null && size.lastOutputAt > state.stall.since;
    if (spoke || (state.detachedWarning && outputBytes > (saidBefore.get(run.number) ?? 0)))
      facts.push({ number: run.number, event: { type: 'activity' } });
    if (state.status !== 'running') return facts;
    const at = deps.now();
    if (hasOpenTool(run)) workedAt.set(run.number, at);
    const stall = detectStall(run, state, {
      streamState: deps.logFollower.streamStateOf(run),
      lastOutputAt: size.lastOutputAt,
      at,
    });
    if (stall !== null) facts.push({ number: run.number, event: { type: 'stalled', ...stall } });
    const lastSignAt = Math.max(size.lastOutputAt ?? 0, workedAt.get(run.number) ?? 0);
    const reached = limitReached(run.spec, state, { outputBytes, lastOutputAt: lastSignAt, at });
    if (reached !== null && reached !== 'silence')
      facts.push({ number: run.number, event: { type: 'stop-requested', order: reached, graceMs: null, now: false } });
    else if (lingers(run, lastSignAt, at)) void lookForWork(run, 'lingering');
    else if (run.spec.silenceMs !== null && silentMs(state, size.lastOutputAt, at) >= limits.tickMs)
      void lookForWork(run, reached);
    return facts;
  }

  /** Reads the stream of a run, one reading at a time: on a slow disk they would only wait for each other. */
  function follow({ number }: Run, run = supervisor.find(number)): void {
    if (run === null || following.has(number)) return;
    following.add(number);
    deps.logFollower
      .follow(run)
      .then(() => stopIfUsedUp(number))
      .catch((error) => deps.log('error', 'stream of a run could not be read', { run: number, error: describe(error) }))
      .finally(() => following.delete(number));
  }

  /** Stops a run as soon as its stream shows that it has reached its limit. */
  function stopIfUsedUp(number: number): void {
    const run = supervisor.find(number);
    if (run === null || !isLimited(run) || hasDone(run)) return;
    deps.budgets.stopReached([run]);
  }

  function hasOpenTool(run: Run): boolean {
    const streamState = deps.logFollower.streamStateOf(run);
    return streamState !== null && streamState.result === null && Object.keys(streamState.openTools).length > 0;
  }

  /** Returns whether the run has given its result and is idle. Such a run is not stopped for its cost. */
  function hasDone(run: Run): boolean {
    const streamState = deps.logFollower.streamStateOf(run);
    return streamState !== null && isAlive(run.state) && idleSinceResult(streamState, run.state, deps.now()) !== null;
  }

  function lingers(run: Run, lastSignAt: number, at: number): boolean {
    const streamState = deps.logFollower.streamStateOf(run);
    if (streamState === null || !isAlive(run.state)) return false;
    const since = idleSinceResult(streamState, run.state, at);
    return since !== null && at - Math.max(since, lastSignAt) >= limits.lingerMs;
  }

  /** Looks for living descendants, which count as work even without output. If there are none, orders the stop that was reached. */
  async function lookForWork(run: Run, reached: 'silence' | 'lingering' | null): Promise<void> {
    if (!isAlive(run.state)) return;
    const { leader } = run.state;
    const { members } = await deps.scanner.find(run.id, leader);
    const apart = findAdapter(run.spec.agent).stream?.toolsLeadSessions === true;
    const isWork = ({ pid, session }: Member) => (apart ? session !== leader.pid : pid !== leader.pid);
    if (members.some(isWork)) workedAt.set(run.number, deps.now());
    else if (reached !== null)
      supervisor.submit(run.number, { type: 'stop-requested', order: reached, graceMs: null, now: false });
  }

  return {
    watch,
    close(): void {
      for (const each of [timer, usageTimer]) if (each) clearTimeout(each);
      timer = null;
      usageTimer = null;
    },
  };
}

function countBytes({ stdoutBytes, stderrBytes }: OutputSize): number {
  return (stdoutBytes ?? 0) + (stderrBytes ?? 0);
}
