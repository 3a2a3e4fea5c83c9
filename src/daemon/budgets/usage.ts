/**
 * Measures usage: of each live run, of each agent today, of all agents today, and of each task.
 *
 * A run counts for the day on which it ends, and a live one for today. The sums of ended runs are in the database; each
 * is read once, and again after an end that belongs to it. The usage of live runs is read again and again.
 */
import { addSpent, nothingSpent, type Spent, usageToSpent } from '#run/budget.ts';
import { limits } from '#run/limits.ts';
import { isAlive, isEnded, type Run } from '#run/run.ts';
import type { RunUse } from '#store/run-usage.ts';
import type { Store } from '#store/store.ts';
import type { Amounts } from '#store/usage-lines.ts';
import { dollarsOf } from '#store/usage-totals.ts';
import type { ChangeFeed } from '../core/change-feed.ts';
import { dayAt } from '../core/local-day.ts';
import type { Supervisor } from '../core/supervisor.ts';
import type { LogFollower } from '../output/log-follower.ts';

/** What ended today, as far as it was read. */
type Today = ReturnType<typeof dayAt> & { all: Spent | null; readonly perAgent: Map<string, Spent> };
/** The usage of live runs at one moment. */
type Living = {
  readonly at: number;
  readonly perRun: Map<number, Spent>;
  readonly perAgent: Map<string, Spent>;
  readonly perTask: Map<number, Spent>;
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
  /** What the ended runs of tasks have used, as far as it was read. */
  readonly #tasks = new Map<number, Spent>();
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
    const today = this.#ofToday();
    const ended = today.perAgent.get(id) ?? spentIn(this.#deps.store.usageTotals.ofAgentSince(id, today.from));
    today.perAgent.set(id, ended);
    return addSpent(ended, this.#ofTheLiving().perAgent.get(id) ?? nothingSpent);
  }

  /** Returns the usage of all agents today. */
  ofAllAgents(): Spent {
    const today = this.#ofToday();
    today.all ??= spentIn(this.#deps.store.usageTotals.ofAgentsSince(today.from));
    return addSpent(today.all, this.#ofTheLiving().all);
  }

  /** Returns the usage of a task: of all its runs, including removed and live ones. */
  ofTask(task: number): Spent {
    const ended = this.#tasks.get(task) ?? spentIn(this.#deps.store.usageTotals.ofTask(task));
    this.#tasks.set(task, ended);
    return addSpent(ended, this.#ofTheLiving().perTask.get(task) ?? nothingSpent);
  }

  /** Discards the cached usage of live runs. */
  lookAgain(): void {
    this.#living = null;
  }

  /** Discards the totals that a change of a run concerns. */
  note(run: Run): void {
    this.#living = null;
    if (!isEnded(run.state)) return;
    if (run.spec.agent !== null) this.#today = null;
    if (run.lineage.taskId !== null) this.#tasks.delete(run.lineage.taskId);
  }

  /** Discards all totals after a failed transaction. */
  reload(): void {
    this.#today = null;
    this.#living = null;
    this.#tasks.clear();
  }

  #ofToday(): Today {
    const at = this.#deps.now();
    if (this.#today !== null && at >= this.#today.from && at < this.#today.to) return this.#today;
    this.#today = { ...dayAt(at), all: null, perAgent: new Map() };
    return this.#today;
  }

  #ofTheLiving(): Living {
    const { supervisor, now } = this.#deps;
    const at = now();
    if (this.#living !== null && Math.abs(at - this.#living.at) < limits.tickMs) return this.#living;
    const perRun = new Map<number, Spent>();
    const perAgent = new Map<string, Spent>();
    const perTask = new Map<number, Spent>();
    let all = nothingSpent;
    for (const run of supervisor.alive()) {
      const spent = this.#spentNow(run, at);
      perRun.set(run.number, spent);
      const { taskId } = run.lineage;
      if (taskId !== null) perTask.set(taskId, addSpent(perTask.get(taskId) ?? nothingSpent, spent));
      const { agent } = run.spec;
      if (agent === null) continue;
      perAgent.set(agent.id, addSpent(perAgent.get(agent.id) ?? nothingSpent, spent));
      all = addSpent(all, spent);
    }
    this.#living = { at, perRun, perAgent, perTask, all };
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

/** Returns the usage of ended runs. A run that never started counts as none. */
function spentIn(amounts: Amounts): Spent {
  const tokensUnknownRuns = amounts.tokensUnknown + amounts.tokensPartial;
  const costUnknownRuns = amounts.costUnknown + amounts.costPartial;
  const [costKnownUsd, tokensKnown] = [dollarsOf(amounts), amounts.input + amounts.output];
  return {
    costUsd: costUnknownRuns > 0 ? null : costKnownUsd,
    costKnownUsd,
    tokens: tokensUnknownRuns > 0 ? null : tokensKnown,
    tokensKnown,
    costUnknownRuns,
    tokensUnknownRuns,
    runs: amounts.started,
    timeMs: amounts.awakeMs,
  };
}

/** Returns the usage of a run. A run that never started counts as none. For a plain command only its time counts. */
function spentBy({ agentId, usage, usageIsPart, timeMs }: RunUse, ended = true): Spent {
  if (timeMs === null) return nothingSpent;
  return agentId === null ? { ...nothingSpent, runs: 1, timeMs } : usageToSpent(usage, timeMs, { usageIsPart, ended });
}
