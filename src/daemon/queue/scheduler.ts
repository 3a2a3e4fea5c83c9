/** Grants free slots to queued runs, in their order. */

import type { QueueState } from '#protocol/queue.ts';
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
import { describe, type LogFunction } from '../core/log.ts';
import type { Submission } from '../core/transaction.ts';
import type { LogFollower } from '../output/log-follower.ts';
import { createPendingRuns, type PendingRun } from './pending-runs.ts';

type Deps = {
  /** Tells whether a keeper accepts runs. */
  readonly keepers: { readonly ready: () => boolean };
  readonly logFollower: Pick<LogFollower, 'sessionOf'>;
  readonly budgets: Pick<Budgets, 'waitsFor' | 'countsStarts'>;
};

export class Scheduler {
  readonly #core: Core;
  readonly #deps: Deps;
  readonly #log: LogFunction;
  #rules: Rules;
  #waiting: ReturnType<typeof createPendingRuns>;
  #later: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(core: Core, deps: Deps) {
    this.#core = core;
    this.#deps = deps;
    this.#log = core.logOf('scheduler');
    this.#rules = this.#readRules();
    this.#waiting = createPendingRuns(core.store.runs.queued());
  }

  /** Looks at the queue although no run has changed: a rule has, or time has passed. */
  readonly ask = (): void => {
    const { supervisor, now } = this.#core;
    try {
      supervisor.checkQueue();
    } catch (error) {
      this.#log('error', 'queue check failed', { error: describe(error) });
      this.#askAt(now() + limits.tickMs);
    }
  };

  /** Returns orders for free slots, and ends for runs whose required run failed. */
  grants(): readonly Submission[] {
    const { diskGuard, now } = this.#core;
    const { keepers, budgets } = this.#deps;
    const rules = this.#rules;
    if (this.#closed || rules.held || this.#waiting.size() === 0 || !keepers.ready() || diskGuard.isFull()) return [];
    const occupancy = countOccupancy(this.#holders());
    const failed: Submission[] = [];
    const granted = grant(this.#candidates(occupancy, rules, failed), occupancy, rules, now());
    // If a budget counts runs, grants one at a time, so each counts before the next is checked.
    const taken = budgets.countsStarts() ? granted.slice(0, 1) : granted;
    return [...failed, ...taken.map(({ number }) => ({ number, event: { type: 'slot-granted' } as const }))];
  }

  /** Reads the rules again after they have changed. */
  rulesChanged(): void {
    this.#rules = this.#readRules();
    this.ask();
  }

  /** Updates the queue after a change of a run. */
  note(run: Run): void {
    this.#waiting.note(run);
  }

  /** Reads the queue again from the database. */
  reload(): void {
    this.#waiting = createPendingRuns(this.#core.store.runs.queued());
  }

  /** Returns what a queued run waits for, or null. */
  waitingFor(run: Run): Waiting | null {
    const { diskGuard, now } = this.#core;
    if (run.state.status !== 'queued') return null;
    if (diskGuard.isFull()) return { for: 'disk', words: 'there is no space left on the disk of the home' };
    const { number, id, spec, lineage, state } = run;
    const { group, locks, after, agent } = spec;
    const { parentRunId, taskId } = lineage;
    const place = { agentId: agent?.id ?? null, agentName: agent?.name ?? null, taskId };
    const waiter = { number, id, group, locks, after, notBefore: state.notBefore, parentRunId, ...place };
    const candidate = this.#toCandidate(waiter);
    const occupancy = countOccupancy(this.#holders());
    if (locks.length > 0) this.#reserveAhead(candidate, occupancy);
    const waits = waitingFor(candidate, occupancy, this.#rules, now());
    return waits?.for === 'time' && state.shortage
      ? { for: 'time', words: formatShortage(state.shortage, waits.words) }
      : waits;
  }

  /** Returns the numbers of the next runs in line, nested ones first. */
  nextInLine(atMost: number): number[] {
    const numbers: number[] = [];
    for (const line of [this.#waiting.nested(), this.#waiting.topLevel()]) {
      for (const { number } of line) {
        if (numbers.length === atMost) return numbers;
        numbers.push(number);
      }
    }
    return numbers;
  }

  /** Returns how many slots there are and are taken, whether the queue is held, and how many runs are queued. */
  slots(): QueueState {
    const { slotsMax, agentSlotsMax, held } = this.#rules;
    const { slots, agentSlots } = countOccupancy(this.#holders());
    const queued = this.#waiting.size();
    return { held, queued, slots: slotsMax, taken: slots, agentSlots: agentSlotsMax, agentsTaken: agentSlots };
  }

  /** Grants no slots from now on. */
  close(): void {
    this.#closed = true;
    if (this.#later) clearTimeout(this.#later);
  }

  /** Yields the candidates in queue order, as long as a slot may be free. */
  *#candidates(occupancy: Occupancy, rules: Rules, failed: Submission[]): Generator<Candidate> {
    let soonest = Number.POSITIVE_INFINITY;
    for (const waiter of this.#everyone(occupancy, rules)) {
      const candidate = this.#toCandidate(waiter);
      if (candidate.after !== null && hasFailed(candidate.after.status)) {
        failed.push({
          number: waiter.number,
          event: { type: 'dependency-failed', after: candidate.after.number, status: candidate.after.status },
        });
        continue;
      }
      if (candidate.notBefore !== null && candidate.notBefore > this.#core.now())
        soonest = Math.min(soonest, candidate.notBefore);
      yield candidate;
    }
    if (soonest < Number.POSITIVE_INFINITY) this.#askAt(soonest);
  }

  *#everyone(occupancy: Occupancy, rules: Rules): Generator<PendingRun> {
    yield* this.#waiting.nested();
    // Runs whose required run failed are not ended before a slot is free, which costs them nothing.
    yield* this.#waiting.topLevel((isAgent) =>
      isAgent ? occupancy.agentSlots < rules.agentSlotsMax : occupancy.slots < rules.slotsMax,
    );
  }

  #askAt(at: number): void {
    if (this.#later) clearTimeout(this.#later);
    this.#later = setTimeout(() => this.ask(), Math.min(Math.max(at - this.#core.now(), 1), limits.timerMsMax));
    this.#later.unref();
  }

  #readRules(): Rules {
    const { store, config } = this.#core;
    const groups = new Map(store.groups.list().map(({ name, limit, paused }) => [name, { limit, paused }]));
    const agents = new Map(
      store.agents.list().map(({ id, settings, paused }) => [id, { limit: settings.concurrency, paused }]),
    );
    return {
      slotsMax: config.max_runs,
      agentSlotsMax: config.max_agents,
      held: store.readMeta('queue_held') === '1',
      groups,
      agents,
    };
  }

  #holders(): Holder[] {
    return this.#core.supervisor.awake().map((run) => {
      const { id, number, spec, lineage } = run;
      const ancestors = this.#livingAncestors(lineage.parentRunId);
      return {
        id,
        number,
        group: spec.group,
        agent: spec.agent,
        locks: this.#collectLocks(run),
        ancestors,
        takesSlot: !isEnded(run.state),
      };
    });
  }

  /** Returns the locks of a run, including that of the session that its agent has opened. */
  #collectLocks(run: Run): readonly string[] {
    const { spec } = run;
    const session = this.#deps.logFollower.sessionOf(run);
    return session === null || spec.agent === null
      ? spec.locks
      : [...spec.locks, sessionLock(sessionOwner(spec.agent), session)];
  }

  #livingAncestors(parentRunId: string | null): string[] {
    const { store, supervisor } = this.#core;
    if (parentRunId === null) return [];
    return store.runs.ancestors(parentRunId).filter((id) => {
      const ancestor = supervisor.findById(id);
      return ancestor !== null && !isEnded(ancestor.state);
    });
  }

  #toCandidate(waiter: PendingRun): Candidate {
    const { store, supervisor } = this.#core;
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
      budget: this.#deps.budgets.waitsFor(waiter),
      ancestors: this.#livingAncestors(waiter.parentRunId),
    };
  }

  /** Reserves the locks of waiting runs ahead in the queue, as `grant` does. */
  #reserveAhead({ number }: Candidate, occupancy: Occupancy): void {
    for (const waiter of this.#waiting.topLevel()) {
      if (waiter.number === number) return;
      if (waiter.locks.length === 0) continue;
      const ahead = this.#toCandidate(waiter);
      const why = waitingFor(ahead, occupancy, this.#rules, this.#core.now());
      if (why !== null) reserve(ahead, why, occupancy);
    }
  }
}

/** Returns words such as `the limit of processes is reached (EAGAIN); tried 3 times, again not before …`. */
function formatShortage({ message, tries }: Shortage, when: string): string {
  return `${message.replace(/\.$/, '')}; tried ${tries === 1 ? 'once' : `${tries} times`}, again ${when}`;
}

function hasFailed(status: string): boolean {
  return status === 'failed' || status === 'cancelled' || status === 'timed_out' || status === 'removed';
}
