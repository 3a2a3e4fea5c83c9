/** Gives free slots to queued runs, in their order. */
import { sessionOwner } from '../run/agent.ts';
import { limits } from '../run/limits.ts';
import { type Candidate, grant, type Holder, type Occupancy, occupancyOf, type Rules, sessionLock, type Waiting, waitingFor } from '../run/queue.ts';
import { isEnded, type Run } from '../run/run.ts';
import type { Store } from '../store/store.ts';
import { describe, type Log } from './log.ts';
import type { Room } from './room.ts';
import type { Spending } from './spending.ts';
import type { Submission, Supervisor } from './supervisor.ts';
import { createWaitingList, type Waiter } from './waiting-list.ts';

export type Scheduler = ReturnType<typeof createScheduler>;

export function createScheduler(world: {
  supervisor: Supervisor;
  store: Store;
  now: () => number;
  log: Log;
  slotsMax: number;
  ready: () => boolean;
  room: Pick<Room, 'isFull'>;
  sessionOf: (run: Run) => string | null;
  spending: Pick<Spending, 'waitsFor' | 'countsStarts'>;
}) {
  const { supervisor, store, now } = world;
  let rules = readRules();
  let waiting = createWaitingList(store.runs.queued());
  let later: NodeJS.Timeout | null = null;
  let closed = false;

  /** Looks at the queue although no run has changed: a rule did, or time went by. */
  function ask(): void {
    try {
      supervisor.submitAll([]);
    } catch (error) {
      world.log('error', 'the queue could not be looked at', { error: describe(error) });
      askAt(now() + limits.tickMs);
    }
  }

  /** Orders for the free slots, and ends for those whose required run failed. Empty when there is nothing to give. */
  function grants(): readonly Submission[] {
    if (closed || rules.held || waiting.size() === 0 || !world.ready() || world.room.isFull()) return [];
    const occupancy = occupancyOf(holders());
    const failed: Submission[] = [];
    const granted = grant(candidates(occupancy, rules, failed), occupancy, rules, now());
    // Where starts are counted they come one by one: each counts before the next is asked for.
    const taken = world.spending.countsStarts() ? granted.slice(0, 1) : granted;
    return [...failed, ...taken.map(({ number }) => ({ number, event: { type: 'slot-granted' } as const }))];
  }

  /** Who may start, in the order of the queue, and no further than a slot may still be found. */
  function* candidates(occupancy: Occupancy, rules: Rules, failed: Submission[]): Generator<Candidate> {
    let soonest = Number.POSITIVE_INFINITY;
    for (const waiter of everyone(occupancy, rules)) {
      const candidate = candidateOf(waiter);
      if (candidate.after !== null && hasFailed(candidate.after.status)) {
        failed.push({ number: waiter.number, event: { type: 'dependency-failed', after: candidate.after.number, status: candidate.after.status } });
        continue;
      }
      if (candidate.notBefore !== null && candidate.notBefore > now()) soonest = Math.min(soonest, candidate.notBefore);
      yield candidate;
    }
    if (soonest < Number.POSITIVE_INFINITY) askAt(soonest);
  }

  function* everyone(occupancy: Occupancy, rules: Rules): Generator<Waiter> {
    yield* waiting.nested();
    for (const waiter of waiting.topLevel()) {
      // Those whose required run failed are not told before a slot is free; they lose nothing by it.
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
    const agents = new Map(store.agents.list().map(({ id, settings, paused }) => [id, { limit: settings.concurrency, paused }]));
    return { slotsMax: world.slotsMax, held: store.readMeta('queue_held') === '1', groups, agents };
  }

  function holders(): Holder[] {
    return supervisor.awake().map((run) => {
      const { id, number, spec, lineage } = run;
      const ancestors = livingAncestors(lineage.parentRunId);
      return { id, number, group: spec.group, agent: spec.agent, locks: locksOf(run), ancestors, takesSlot: !isEnded(run.state) };
    });
  }

  /** Its own, and the session that its agent has turned out to be in. */
  function locksOf(run: Run): readonly string[] {
    const { spec } = run;
    const session = world.sessionOf(run);
    return session === null || spec.agent === null ? spec.locks : [...spec.locks, sessionLock(sessionOwner(spec.agent), session)];
  }

  function livingAncestors(parentRunId: string | null): string[] {
    if (parentRunId === null) return [];
    return store.runs.ancestors(parentRunId).filter((id) => {
      const ancestor = supervisor.findById(id);
      return ancestor !== null && !isEnded(ancestor.state);
    });
  }

  function candidateOf(waiter: Waiter): Candidate {
    const { number, id, group, locks, after, notBefore, agentId, agentName } = waiter;
    const required = after === null ? null : { number: after, status: supervisor.find(after)?.state.status ?? store.runs.buriedStatus(after) ?? 'removed' };
    const agent = agentId === null ? null : { id: agentId, name: agentName ?? '' };
    return {
      number,
      id,
      group,
      agent,
      locks,
      notBefore,
      after: required,
      budget: world.spending.waitsFor(waiter),
      ancestors: livingAncestors(waiter.parentRunId),
    };
  }

  return {
    ask,
    /** The rules have changed in the store. */
    rulesChanged(): void {
      rules = readRules();
      ask();
    },
    grants,
    note: (run: Run): void => waiting.note(run),
    forget(): void {
      waiting = createWaitingList(store.runs.queued());
    },
    /** What a queued run waits for; null when it waits for nothing any more. */
    waitingFor(run: Run): Waiting | null {
      if (run.state.status !== 'queued') return null;
      if (world.room.isFull()) return { for: 'disk', words: 'there is no space left on the disk of the home' };
      const { number, id, spec, lineage, state } = run;
      const { group, locks, after, agent } = spec;
      const { parentRunId, taskId } = lineage;
      const place = { agentId: agent?.id ?? null, agentName: agent?.name ?? null, taskId };
      const waiter = { number, id, group, locks, after, notBefore: state.notBefore, parentRunId, ...place };
      return waitingFor(candidateOf(waiter), occupancyOf(holders()), rules, now());
    },
    /** Numbers of the next in line, runs inside runs first. */
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
      return { max: rules.slotsMax, taken: occupancyOf(holders()).slots, held: rules.held, queued: waiting.size() };
    },
    close(): void {
      closed = true;
      if (later) clearTimeout(later);
    },
  };
}

function hasFailed(status: string): boolean {
  return status === 'failed' || status === 'cancelled' || status === 'timed_out' || status === 'removed';
}
