/**
 * What runs have used: each living one, each agent today, all agents today, each task.
 *
 * A run counts for the day on which it ends, and one that lives counts for today. What has ended is added up
 * once, when it is first asked for, and then by what each end adds; only the living are looked at again and again.
 */
import { addSpent, nothingSpent, type Spent, spentOf } from '../run/budget.ts';
import { limits } from '../run/limits.ts';
import { isAlive, isEnded, type Run } from '../run/run.ts';
import type { RunUse } from '../store/spending.ts';
import type { Store } from '../store/store.ts';
import { dayAt } from './day.ts';
import type { Supervisor } from './supervisor.ts';
import type { Tails } from './tails.ts';
import type { Watchers } from './watchers.ts';

export type Used = ReturnType<typeof createUsed>;

type Ended = { readonly counted: Set<number>; spent: Spent };
type Today = ReturnType<typeof dayAt> & Ended & { readonly perAgent: Map<string, Spent> };
/** True for a moment. */
type Living = { readonly at: number; readonly perRun: Map<number, Spent>; readonly perAgent: Map<string, Spent>; readonly all: Spent };

export function createUsed(world: { store: Store; supervisor: Supervisor; tails: Pick<Tails, 'glanceOf'>; watchers: Watchers; now: () => number }) {
  const { store, supervisor, now } = world;
  let today: Today | null = null;
  let living: Living | null = null;
  const tasks = new Map<number, Ended>();
  /** How long the machine slept while a living run lived. */
  const slept = new Map<number, number>();

  world.watchers.watch(({ run, event }) => {
    if (run !== null && (event.type === 'slept' || isEnded(run.state))) slept.delete(run.number);
  });

  function ofToday(): Today {
    const at = now();
    if (today !== null && at >= today.from && at < today.to) return today;
    today = { ...dayAt(at), counted: new Set(), spent: nothingSpent, perAgent: new Map() };
    for (const use of store.spending.endedSince(today.from)) count(today, use);
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

  /** A run that never started has used nothing and is no run; a plain command uses its time, and that is known. */
  function spentBy({ agentId, usage, timeMs }: RunUse): Spent {
    if (timeMs === null) return nothingSpent;
    return agentId === null ? { ...nothingSpent, runs: 1, timeMs } : spentOf(usage, timeMs);
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

  /** One that is only starting has used nothing yet. */
  function spentNow(run: Run, at: number): Spent {
    if (!isAlive(run.state)) return { ...nothingSpent, runs: 1 };
    const timeMs = Math.max(0, at - run.state.startedAt - sleptOf(run.number));
    return spentBy({ number: run.number, agentId: run.spec.agent?.id ?? null, endedAt: at, usage: world.tails.glanceOf(run)?.usage ?? null, timeMs });
  }

  function sleptOf(number: number): number {
    const known = slept.get(number) ?? store.spending.sleptMs(number);
    slept.set(number, known);
    return known;
  }

  /** `runs`: the numbers of all its runs. What ended once is not read again. */
  function ofTask(task: number, runs: readonly number[]): Spent {
    const known = tasks.get(task) ?? { counted: new Set(), spent: nothingSpent };
    tasks.set(task, known);
    let alive = nothingSpent;
    for (const number of runs) {
      if (known.counted.has(number)) continue;
      const use = ofTheLiving().perRun.has(number) ? null : store.spending.ofRun(number);
      alive = addSpent(alive, ofTheLiving().perRun.get(number) ?? nothingSpent);
      if (use === null) continue;
      known.counted.add(number);
      known.spent = addSpent(known.spent, spentBy(use));
    }
    return addSpent(known.spent, alive);
  }

  return {
    /** When today is over. */
    dayEndsAt: (): number => ofToday().to,
    ofRun: (number: number): Spent => ofTheLiving().perRun.get(number) ?? nothingSpent,
    ofAgent: (id: string): Spent => addSpent(ofToday().perAgent.get(id) ?? nothingSpent, ofTheLiving().perAgent.get(id) ?? nothingSpent),
    ofAllAgents: (): Spent => addSpent(ofToday().spent, ofTheLiving().all),
    ofTask,
    /** The living are looked at anew. */
    lookAgain(): void {
      living = null;
    },
    /** Takes note of a run's new state. */
    note(run: Run): void {
      living = null;
      if (today === null || run.spec.agent === null || !isEnded(run.state) || today.counted.has(run.number)) return;
      const use = store.spending.ofRun(run.number);
      if (use !== null) count(today, use);
    },
    /** A transaction failed: what was counted in it is read again. */
    forget(): void {
      today = null;
      living = null;
      tasks.clear();
    },
  };
}
