/**
 * Measures usage: of each live run, of each agent today, of all agents today, and of each task.
 *
 * A run counts for the day on which it ends, and a live one for today. The usage of ended runs is summed up once on
 * first use and then updated at each end. Only live runs are read again.
 */
import { addSpent, nothingSpent, type Spent, usageToSpent } from '#run/budget.ts';
import { limits } from '#run/limits.ts';
import { isAlive, isEnded, type Run } from '#run/run.ts';
import type { RunUse } from '#store/run-usage.ts';
import type { Store } from '#store/store.ts';
import type { ChangeFeed } from '../core/change-feed.ts';
import { dayAt } from '../core/local-day.ts';
import type { Supervisor } from '../core/supervisor.ts';
import type { LogFollower } from '../output/log-follower.ts';

export type UsageMeter = ReturnType<typeof createUsageMeter>;

type TaskUsage = { readonly counted: Set<number>; spent: Spent };
type Today = ReturnType<typeof dayAt> & TaskUsage & { readonly perAgent: Map<string, Spent> };
/** The usage of live runs at one moment. */
type Living = {
  readonly at: number;
  readonly perRun: Map<number, Spent>;
  readonly perAgent: Map<string, Spent>;
  readonly all: Spent;
};

export function createUsageMeter(deps: {
  store: Store;
  supervisor: Supervisor;
  logFollower: Pick<LogFollower, 'digestOf'>;
  changeFeed: ChangeFeed;
  now: () => number;
}) {
  const { store, supervisor, now } = deps;
  let today: Today | null = null;
  let living: Living | null = null;
  const tasks = new Map<number, TaskUsage>();
  /** How long the machine slept during a live run. */
  const slept = new Map<number, number>();

  deps.changeFeed.watch(({ run, event }) => {
    if (run !== null && (event.type === 'clock-jumped' || isEnded(run.state))) slept.delete(run.number);
  });

  function ofToday(): Today {
    const at = now();
    if (today !== null && at >= today.from && at < today.to) return today;
    today = { ...dayAt(at), counted: new Set(), spent: nothingSpent, perAgent: new Map() };
    for (const use of store.runUsage.endedSince(today.from)) count(today, use);
    return today;
  }

  function count(day: Today, use: RunUse): void {
    const { number, agentId, endedAt } = use;
    if (agentId === null || endedAt < day.from || day.counted.has(number)) return;
    const spent = spentBy(use);
    day.counted.add(number);
    day.spent = addSpent(day.spent, spent);
    day.perAgent.set(agentId, addSpent(day.perAgent.get(agentId) ?? nothingSpent, spent));
  }

  /** Returns the usage of a run. A run that never started counts as none. For a plain command only its time counts. */
  function spentBy({ agentId, usage, usageIsPart, timeMs }: RunUse, ended = true): Spent {
    if (timeMs === null) return nothingSpent;
    return agentId === null
      ? { ...nothingSpent, runs: 1, timeMs }
      : usageToSpent(usage, timeMs, { usageIsPart, ended });
  }

  function ofTheLiving(): Living {
    const at = now();
    if (living !== null && Math.abs(at - living.at) < limits.tickMs) return living;
    const perRun = new Map<number, Spent>();
    const perAgent = new Map<string, Spent>();
    let all = nothingSpent;
    for (const run of supervisor.alive()) {
      const spent = spentNow(run, at);
      perRun.set(run.number, spent);
      const { agent } = run.spec;
      if (agent === null) continue;
      perAgent.set(agent.id, addSpent(perAgent.get(agent.id) ?? nothingSpent, spent));
      all = addSpent(all, spent);
    }
    living = { at, perRun, perAgent, all };
    return living;
  }

  /** Returns the current usage of a live run. A starting run counts as a run without usage. */
  function spentNow(run: Run, at: number): Spent {
    if (!isAlive(run.state)) return { ...nothingSpent, runs: 1 };
    const timeMs = Math.max(0, at - run.state.startedAt - readSlept(run.number));
    const digest = deps.logFollower.digestOf(run);
    const use = {
      number: run.number,
      agentId: run.spec.agent?.id ?? null,
      endedAt: at,
      usage: digest?.usage ?? null,
      usageIsPart: digest?.usageIsPart ?? true,
    };
    return spentBy({ ...use, timeMs }, false);
  }

  function readSlept(number: number): number {
    const known = slept.get(number) ?? store.runUsage.sleptMs(number);
    slept.set(number, known);
    return known;
  }

  /** Returns the usage of a task. `runs`: the numbers of all its runs. Ended runs are read once. */
  function ofTask(task: number, runs: readonly number[]): Spent {
    const known = tasks.get(task) ?? { counted: new Set(), spent: nothingSpent };
    tasks.set(task, known);
    let alive = nothingSpent;
    for (const number of runs) {
      if (known.counted.has(number)) continue;
      const use = ofTheLiving().perRun.has(number) ? null : store.runUsage.ofRun(number);
      alive = addSpent(alive, ofTheLiving().perRun.get(number) ?? nothingSpent);
      if (use === null) continue;
      known.counted.add(number);
      known.spent = addSpent(known.spent, spentBy(use));
    }
    return addSpent(known.spent, alive);
  }

  return {
    /** Returns when today is over. */
    dayEndsAt: (): number => ofToday().to,
    ofRun: (number: number): Spent => ofTheLiving().perRun.get(number) ?? nothingSpent,
    ofEndedRun(number: number): Spent {
      const use = store.runUsage.ofRun(number);
      return use === null ? nothingSpent : spentBy(use);
    },
    ofAgent: (id: string): Spent =>
      addSpent(ofToday().perAgent.get(id) ?? nothingSpent, ofTheLiving().perAgent.get(id) ?? nothingSpent),
    ofAllAgents: (): Spent => addSpent(ofToday().spent, ofTheLiving().all),
    ofTask,
    /** Discards the cached usage of live runs. */
    lookAgain(): void {
      living = null;
    },
    /** Updates the totals after a change of a run. */
    note(run: Run): void {
      living = null;
      if (today === null || run.spec.agent === null || !isEnded(run.state) || today.counted.has(run.number)) return;
      const use = store.runUsage.ofRun(run.number);
      if (use !== null) count(today, use);
    },
    /** Discards all totals after a failed transaction. */
    reload(): void {
      today = null;
      living = null;
      tasks.clear();
    },
  };
}
