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

type TaskUsage = { readonly counted: Set<number>; spent: Spent };
type Today = ReturnType<typeof dayAt> & TaskUsage & { readonly perAgent: Map<string, Spent> };
/** The usage of live runs at one moment. */
type Living = {
  readonly at: number;
  readonly perRun: Map<number, Spent>;
  readonly perAgent: Map<string, Spent>;
  readonly all: Spent;
};

type Deps = {
  readonly store: Store;
  readonly supervisor: Supervisor;
  readonly logFollower: Pick<LogFollower, 'digestOf'>;
  readonly changeFeed: ChangeFeed;
  readonly now: () => number;
};

export class UsageMeter {
  readonly #deps: Deps;
  #today: Today | null = null;
  #living: Living | null = null;
  readonly #tasks = new Map<number, TaskUsage>();
  /** How long the machine slept during a live run. */
  readonly #slept = new Map<number, number>();

  constructor(deps: Deps) {
    this.#deps = deps;
    deps.changeFeed.watch(({ run, event }) => {
      if (run !== null && (event.type === 'clock-jumped' || isEnded(run.state))) this.#slept.delete(run.number);
    });
  }

  /** Returns when today is over. */
  dayEndsAt(): number {
    return this.#ofToday().to;
  }

  /** Returns the current usage of a live run; none if the run is not alive. */
  ofRun(number: number): Spent {
    return this.#ofTheLiving().perRun.get(number) ?? nothingSpent;
  }

  /** Returns the recorded usage of an ended run. */
  ofEndedRun(number: number): Spent {
    const use = this.#deps.store.runUsage.ofRun(number);
    return use === null ? nothingSpent : spentBy(use);
  }

  /** Returns the usage of an agent today. */
  ofAgent(id: string): Spent {
    return addSpent(
      this.#ofToday().perAgent.get(id) ?? nothingSpent,
      this.#ofTheLiving().perAgent.get(id) ?? nothingSpent,
    );
  }

  /** Returns the usage of all agents today. */
  ofAllAgents(): Spent {
    return addSpent(this.#ofToday().spent, this.#ofTheLiving().all);
  }

  /** Returns the usage of a task. `runs`: the numbers of all its runs. Ended runs are read once. */
  ofTask(task: number, runs: readonly number[]): Spent {
    const known = this.#tasks.get(task) ?? { counted: new Set(), spent: nothingSpent };
    this.#tasks.set(task, known);
    let alive = nothingSpent;
    for (const number of runs) {
      if (known.counted.has(number)) continue;
      const use = this.#ofTheLiving().perRun.has(number) ? null : this.#deps.store.runUsage.ofRun(number);
      alive = addSpent(alive, this.#ofTheLiving().perRun.get(number) ?? nothingSpent);
      if (use === null) continue;
      known.counted.add(number);
      known.spent = addSpent(known.spent, spentBy(use));
    }
    return addSpent(known.spent, alive);
  }

  /** Discards the cached usage of live runs. */
  lookAgain(): void {
    this.#living = null;
  }

  /** Updates the totals after a change of a run. */
  note(run: Run): void {
    this.#living = null;
    const today = this.#today;
    if (today === null || run.spec.agent === null || !isEnded(run.state) || today.counted.has(run.number)) return;
    const use = this.#deps.store.runUsage.ofRun(run.number);
    if (use !== null) count(today, use);
  }

  /** Discards all totals after a failed transaction. */
  reload(): void {
    this.#today = null;
    this.#living = null;
    this.#tasks.clear();
  }

  #ofToday(): Today {
    const { store, now } = this.#deps;
    const at = now();
    if (this.#today !== null && at >= this.#today.from && at < this.#today.to) return this.#today;
    const today: Today = { ...dayAt(at), counted: new Set(), spent: nothingSpent, perAgent: new Map() };
    this.#today = today;
    for (const use of store.runUsage.endedSince(today.from)) count(today, use);
    return today;
  }

  #ofTheLiving(): Living {
    const { supervisor, now } = this.#deps;
    const at = now();
    if (this.#living !== null && Math.abs(at - this.#living.at) < limits.tickMs) return this.#living;
    const perRun = new Map<number, Spent>();
    const perAgent = new Map<string, Spent>();
    let all = nothingSpent;
    for (const run of supervisor.alive()) {
      const spent = this.#spentNow(run, at);
      perRun.set(run.number, spent);
      const { agent } = run.spec;
      if (agent === null) continue;
      perAgent.set(agent.id, addSpent(perAgent.get(agent.id) ?? nothingSpent, spent));
      all = addSpent(all, spent);
    }
    this.#living = { at, perRun, perAgent, all };
    return this.#living;
  }

  /** Returns the current usage of a live run. A starting run counts as a run without usage. */
  #spentNow(run: Run, at: number): Spent {
    if (!isAlive(run.state)) return { ...nothingSpent, runs: 1 };
    const timeMs = Math.max(0, at - run.state.startedAt - this.#readSlept(run.number));
    const digest = this.#deps.logFollower.digestOf(run);
    const use = {
      number: run.number,
      agentId: run.spec.agent?.id ?? null,
      endedAt: at,
      usage: digest?.usage ?? null,
      usageIsPart: digest?.usageIsPart ?? true,
    };
    return spentBy({ ...use, timeMs }, false);
  }

  #readSlept(number: number): number {
    const known = this.#slept.get(number) ?? this.#deps.store.runUsage.sleptMs(number);
    this.#slept.set(number, known);
    return known;
  }
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
  return agentId === null ? { ...nothingSpent, runs: 1, timeMs } : usageToSpent(usage, timeMs, { usageIsPart, ended });
}
