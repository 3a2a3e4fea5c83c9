/** The heartbeat: looks at what no event announces — limits in time and size, silence, processes without a keeper. */
import { adapterOf } from '../adapters/by-name.ts';
import type { Member } from '../process/family.ts';
import { isAliveProcess } from '../process/identity.ts';
import { type OutputSize, readOutputSize } from '../process/run-records.ts';
import { limits } from '../run/limits.ts';
import { isAlive, type Run } from '../run/run.ts';
import { limitReached, lingersSince, silentMs } from '../run/silence.ts';
import { describe, type Log } from './log.ts';
import type { LookAround } from './look-around.ts';
import type { Spending } from './spending.ts';
import type { Submission, Supervisor } from './supervisor.ts';
import type { Sweeper } from './sweeper.ts';
import type { Tails } from './tails.ts';

export function createObserver(world: {
  supervisor: Supervisor;
  sweeper: Sweeper;
  lookAround: LookAround;
  tails: Tails;
  now: () => number;
  spending: Pick<Spending, 'stops'>;
  log: Log;
  folderOf: (run: Run) => string;
  /** Whether a keeper that is connected says that it holds this run. */
  isHeld: (run: Run) => boolean;
}) {
  const { supervisor } = world;
  let timer: NodeJS.Timeout | null = null;
  /** When the next beat is due, on the wall clock: it stands still while the machine sleeps or we are stopped. */
  let dueAt = 0;
  /** How much a run had said when it was found without its keeper: only what comes after is activity. */
  const saidBefore = new Map<number, number>();
  /** When a silent run with a limit last had a living descendant: a moment between two of them is no silence yet. */
  const workedAt = new Map<number, number>();

  /** Looks after this run from now on. */
  function watch(run: Run): void {
    const { number, state } = run;
    if (!isAlive(state) || !state.detachedWarning) saidBefore.delete(number);
    else if (!saidBefore.has(number)) saidBefore.set(number, bytesOf(readOutputSize(world.folderOf(run))));
    arm();
  }

  /** Beats as long as something lives, and not otherwise. */
  function arm(): void {
    if (timer !== null) return;
    const alive = supervisor.alive();
    if (alive.length === 0) return;
    const nearest = Math.min(
      ...alive.map(({ state }) => (state.status === 'running' && state.deadlineAt !== null ? state.deadlineAt : Number.POSITIVE_INFINITY)),
    );
    const wait = Math.min(limits.tickMs, Math.max(1, nearest - world.now()));
    dueAt = world.now() + wait;
    timer = setTimeout(beat, wait);
  }

  function beat(): void {
    timer = null;
    try {
      const gapMs = world.now() - dueAt;
      const alive = supervisor.alive();
      forgetAllBut(new Set(alive.map(({ number }) => number)));
      if (Math.abs(gapMs) >= limits.sleptMs) supervisor.submitAll(wake(alive, gapMs));
      else {
        lookForAnswers(alive);
        const facts = [...alive.flatMap((run) => lookAt(run)), ...world.spending.stops(alive.filter((run) => !hasDone(run)))];
        if (facts.length > 0) supervisor.submitAll(facts);
      }
    } catch (error) {
      world.log('error', 'a heartbeat failed', { error: describe(error) });
    }
    arm();
  }

  function forgetAllBut(alive: ReadonlySet<number>): void {
    for (const known of [saidBefore, workedAt]) for (const number of known.keys()) if (!alive.has(number)) known.delete(number);
  }

  /** We slept, or the clock was set: limits move by the gap, so that nobody is stopped for a time in which nothing could run, or goes on for ever. */
  function wake(alive: readonly Run[], gapMs: number): Submission[] {
    world.log('info', gapMs > 0 ? 'the machine slept, or the clock was set forward' : 'the clock was set back', { gapMs });
    workedAt.clear();
    return alive.map(({ number }) => ({ number, event: { type: 'slept', gapMs } }));
  }

  /** Runs of which no keeper speaks any more: they are looked at until it is recorded what became of them. */
  function lookForAnswers(alive: readonly Run[]): void {
    const silent = alive.filter((run) => {
      const { state } = run;
      if (state.status === 'starting') return world.now() - state.since > limits.startingMs;
      return isAlive(state) && !world.isHeld(run) && (state.held || !isAliveProcess(state.leader));
    });
    if (silent.length === 0) return;
    world.lookAround.look(silent).catch((error) => world.log('error', 'a look around failed', { error: describe(error) }));
  }

  function lookAt(run: Run): Submission[] {
    const { state } = run;
    if (!isAlive(state)) return [];
    const size = readOutputSize(world.folderOf(run));
    const outputBytes = bytesOf(size);
    if (run.spec.agent !== null) follow(run);
    const facts: Submission[] = [];
    if (state.detachedWarning && outputBytes > (saidBefore.get(run.number) ?? 0)) facts.push({ number: run.number, event: { type: 'activity' } });
    if (state.status !== 'running') return facts;
    const at = world.now();
    if (hasOpenTool(run)) workedAt.set(run.number, at);
    const lastSignAt = Math.max(size.lastOutputAt ?? 0, workedAt.get(run.number) ?? 0);
    const reached = limitReached(run.spec, state, { outputBytes, lastOutputAt: lastSignAt, at });
    if (reached !== null && reached !== 'silence')
      facts.push({ number: run.number, event: { type: 'stop-requested', order: reached, graceMs: null, now: false } });
    else if (lingers(run, lastSignAt, at)) void lookForWork(run, 'lingering');
    else if (run.spec.silenceMs !== null && silentMs(state, size.lastOutputAt, at) >= limits.tickMs) void lookForWork(run, reached);
    return facts;
  }

  function follow(run: Run): void {
    world.tails.follow(run).catch((error) => world.log('error', 'the stream of a run could not be read', { run: run.number, error: describe(error) }));
  }

  function hasOpenTool(run: Run): boolean {
    const account = world.tails.accountOf(run);
    return account !== null && account.result === null && Object.keys(account.openTools).length > 0;
  }

  /** It has given its result and uses nothing more: what it did stays done, whatever it cost. */
  function hasDone(run: Run): boolean {
    const account = world.tails.accountOf(run);
    return account !== null && isAlive(run.state) && lingersSince(account, run.state, world.now()) !== null;
  }

  function lingers(run: Run, lastSignAt: number, at: number): boolean {
    const account = world.tails.accountOf(run);
    if (account === null || !isAlive(run.state)) return false;
    const since = lingersSince(account, run.state, at);
    return since !== null && at - Math.max(since, lastSignAt) >= limits.lingerMs;
  }

  /** A living descendant is work going on, however quiet it is; without one, what was reached is ordered. */
  async function lookForWork(run: Run, reached: 'silence' | 'lingering' | null): Promise<void> {
    if (!isAlive(run.state)) return;
    const { leader } = run.state;
    const { members } = await world.sweeper.find(run.id, leader);
    const apart = adapterOf(run.spec.agent).stream?.toolsLeadSessions === true;
    const isWork = ({ pid, session }: Member) => (apart ? session !== leader.pid : pid !== leader.pid);
    if (members.some(isWork)) workedAt.set(run.number, world.now());
    else if (reached !== null) supervisor.submit(run.number, { type: 'stop-requested', order: reached, graceMs: null, now: false });
  }

  return {
    watch,
    close(): void {
      if (timer) clearTimeout(timer);
      timer = null;
    },
  };
}

function bytesOf({ stdoutBytes, stderrBytes }: OutputSize): number {
  return (stdoutBytes ?? 0) + (stderrBytes ?? 0);
}
