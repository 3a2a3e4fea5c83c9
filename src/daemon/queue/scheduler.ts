/** Grants free slots to queued runs, in their order. */
import { sessionOwner } from '#run/agent.ts';
import { limits } from '#run/limits.ts';
import {
  type Candidate,
  countOccupancy,
  grant,
  type Holder,
  type Occupancy,
  type Rules,
  reserve,
  sessionLock,
  type Waiting,
  waitingFor,
} from '#run/queue.ts';
import { isEnded, type Run, type Shortage } from '#run/run.ts';
import type { Budgets } from '../budgets/budgets.ts';
import type { Core } from '../core/core.ts';
import { describe } from '../core/log.ts';
import type { Submission } from '../core/transaction.ts';
import type { LogFollower } from '../output/log-follower.ts';
import type { Keepers } from '../processes/keepers.ts';
import { createPendingRuns, type PendingRun } from './pending-runs.ts';

export type Scheduler = ReturnType<typeof createScheduler>;

export function createScheduler(
  core: Core,
  deps: {
    readonly keepers: Pick<Keepers, 'ready'>;
    readonly logFollower: Pick<LogFollower, 'sessionOf'>;
    readonly budgets: Pick<Budgets, 'waitsFor' | 'countsStarts'>;
  },
) {
  const { supervisor, store, diskGuard, now } = core;
  const log = core.logOf('scheduler');
  let rules = readRules();
  let waiting = createPendingRuns(store.runs.queued());
  let later: NodeJS.Timeout | null = null;
  let closed = false;

  /** Looks at the queue although no run has changed: a rule has, or time has passed. */
  function ask(): void {
    try {
      supervisor.checkQueue();
    } catch (error) {
      log('error', 'queue check failed', { error: describe(error) });
      askAt(now() + limits.tickMs);
    }
  }

  /** Returns orders for free slots, and ends for runs whose required run failed. */
  function grants(): readonly Submission[] {
    if (closed || rules.held || waiting.size() === 0 || !deps.keepers.ready() || diskGuard.isFull()) return [];
    const occupancy = countOccupancy(holders());
    const failed: Submission[] = [];
    const granted = grant(candidates(occupancy, rules, failed), occupancy, rules, now());
    // If a budget counts runs, grants one at a time, so each counts before the next is checked.
    const taken = deps.budgets.countsStarts() ? granted.slice(0, 1) : granted;
    return [...failed, ...taken.map(({ number }) => ({ number, event: { type: 'slot-granted' } as const }))];
  }

  /** Yields the candidates in queue order, as long as a slot may be free. */
  function* candidates(occupancy: Occupancy, rules: Rules, failed: Submission[]): Generator<Candidate> {
    let soonest = Number.POSITIVE_INFINITY;
    for (const waiter of everyone(occupancy, rules)) {
      const candidate = toCandidate(waiter);
      if (candidate.after !== null && hasFailed(candidate.after.status)) {
        failed.push({
          number: waiter.number,
          event: { type: 'dependency-failed', after: candidate.after.number, status: candidate.after.status },
        });
        continue;
      }
      if (candidate.notBefore !== null && candidate.notBefore > now()) soonest = Math.min(soonest, candidate.notBefore);
      yield candidate;
    }
    if (soonest < Number.POSITIVE_INFINITY) askAt(soonest);
  }

  function* everyone(occupancy: Occupancy, rules: Rules): Generator<PendingRun> {
    yield* waiting.nested();
    for (const waiter of waiting.topLevel()) {
      // Runs whose required run failed are not ended before a slot is free, which costs them nothing.
      if (occupancy.slots >= rules.slotsMax) return;
      yield waiter;
    }
  }

  function askAt(at: number): void {
    if (later) clearTimeout(later);
    later = setTimeout(ask, Math.min(Math.max(at - now(), 1), limits.timerMsMax));
    later.unref();
  }

  function readRules(): Rules {
    const groups = new Map(store.groups.list().map(({ name, limit, paused }) => [name, { limit, paused }]));
    const agents = new Map(
      store.agents.list().map(({ id, settings, paused }) => [id, { limit: settings.concurrency, paused }]),
    );
    return { slotsMax: core.config.max_runs, held: store.readMeta('queue_held') === '1', groups, agents };
  }

  function holders(): Holder[] {
    return supervisor.awake().map((run) => {
      const { id, number, spec, lineage } = run;
      const ancestors = livingAncestors(lineage.parentRunId);
      return {
        id,
        number,
        group: spec.group,
        agent: spec.agent,
        locks: collectLocks(run),
        ancestors,
        takesSlot: !isEnded(run.state),
      };
    });
  }

  /** Returns the locks of a run, including that of the session that its agent has opened. */
  function collectLocks(run: Run): readonly string[] {
    const { spec } = run;
    const session = deps.logFollower.sessionOf(run);
    return session === null || spec.agent === null
      ? spec.locks
      : [...spec.locks, sessionLock(sessionOwner(spec.agent), session)];
  }

  function livingAncestors(parentRunId: string | null): string[] {
    if (parentRunId === null) return [];
    return store.runs.ancestors(parentRunId).filter((id) => {
      const ancestor = supervisor.findById(id);
      return ancestor !== null && !isEnded(ancestor.state);
    });
  }

  function toCandidate(waiter: PendingRun): Candidate {
    const { number, id, group, locks, after, notBefore, agentId, agentName } = waiter;
    const required =
      after === null
        ? null
        : {
            number: after,
            status: supervisor.find(after)?.state.status ?? store.runs.buriedStatus(after) ?? 'removed',
          };
    const agent = agentId === null ? null : { id: agentId, name: agentName ?? '' };
    return {
      number,
      id,
      group,
      agent,
      locks,
      notBefore,
      after: required,
      budget: deps.budgets.waitsFor(waiter),
      ancestors: livingAncestors(waiter.parentRunId),
    };
  }

  /** Reserves the locks of waiting runs ahead in the queue, as `grant` does. */
  function reserveAhead({ number }: Candidate, occupancy: Occupancy): void {
    for (const waiter of waiting.topLevel()) {
      if (waiter.number === number) return;
      if (waiter.locks.length === 0) continue;
      const ahead = toCandidate(waiter);
      const why = waitingFor(ahead, occupancy, rules, now());
      if (why !== null) reserve(ahead, why, occupancy);
    }
  }

  return {
    ask,
    /** Reads the rules again after they have changed. */
    rulesChanged(): void {
      rules = readRules();
      ask();
    },
    grants,
    note: (run: Run): void => waiting.note(run),
    /** Reads the queue again from the database. */
    reload(): void {
      waiting = createPendingRuns(store.runs.queued());
    },
    /** Returns what a queued run waits for, or null. */
    waitingFor(run: Run): Waiting | null {
      if (run.state.status !== 'queued') return null;
      if (diskGuard.isFull()) return { for: 'disk', words: 'there is no space left on the disk of the home' };
      const { number, id, spec, lineage, state } = run;
      const { group, locks, after, agent } = spec;
      const { parentRunId, taskId } = lineage;
      const place = { agentId: agent?.id ?? null, agentName: agent?.name ?? null, taskId };
      const waiter = { number, id, group, locks, after, notBefore: state.notBefore, parentRunId, ...place };
      const candidate = toCandidate(waiter);
      const occupancy = countOccupancy(holders());
      if (locks.length > 0) reserveAhead(candidate, occupancy);
      const waits = waitingFor(candidate, occupancy, rules, now());
      return waits?.for === 'time' && state.shortage
        ? { for: 'time', words: formatShortage(state.shortage, waits.words) }
        : waits;
    },
    /** Returns the numbers of the next runs in line, nested ones first. */
    nextInLine(atMost: number): number[] {
      const numbers: number[] = [];
      for (const line of [waiting.nested(), waiting.topLevel()]) {
        for (const { number } of line) {
          if (numbers.length === atMost) return numbers;
          numbers.push(number);
        }
      }
      return numbers;
    },
    slots: (): { max: number; taken: number; held: boolean; queued: number } => {
      return { max: rules.slotsMax, taken: countOccupancy(holders()).slots, held: rules.held, queued: waiting.size() };
    },
    close(): void {
      closed = true;
      if (later) clearTimeout(later);
    },
  };
}

/** Returns words such as `the limit of processes is reached (EAGAIN); tried 3 times, again not before …`. */
function formatShortage({ message, tries }: Shortage, when: string): string {
  return `${message.replace(/\.$/, '')}; tried ${tries === 1 ? 'once' : `${tries} times`}, again ${when}`;
}

function hasFailed(status: string): boolean {
  return status === 'failed' || status === 'cancelled' || status === 'timed_out' || status === 'removed';
}
