/**
 * Whether a limit on what runs may use is reached.
 *
 * Four budgets bind a run: its own, its agent's for the day, its task's, and the one of all agents for the day.
 * Nothing of it is stored: that a limit is reached follows from what was used. So what a budget stops goes on
 * by itself when the day is over or the limit is raised, and no restart forgets it.
 */
import type { Config } from '../config/settings.ts';
import { parseBudget } from '../protocol/budget.ts';
import type { Agent } from '../run/agent.ts';
import { type Budget, type Limit, reachedLimit, reachedWhileRunning, type Spent } from '../run/budget.ts';
import { limits } from '../run/limits.ts';
import type { Run } from '../run/run.ts';
import type { Store } from '../store/store.ts';
import type { Submission } from './supervisor.ts';
import type { Used } from './used.ts';
import type { Watchers } from './watchers.ts';

export type Spending = ReturnType<typeof createSpending>;

export type LimitNow = {
  readonly scope: 'run' | 'agent' | 'task' | 'day';
  /** Of the run, agent or task; empty for all agents. */
  readonly name: string;
  readonly budget: Budget;
  readonly spent: Spent;
};
export type Reached = Pick<LimitNow, 'scope' | 'name'> & {
  readonly limit: Limit;
  /** `agent coder has used $5.02 of $5.00 today` */
  readonly words: string;
  /** How it goes on. */
  readonly remedy: string;
};

/** What tasks have to do with it: what each may use, and which runs are its. */
export type TaskBudgets = {
  readonly taskOf: (run: number) => number | null;
  readonly budgetOf: (task: number) => Budget | null;
  /** Numbers of all its runs, removed and living ones among them. */
  readonly runsOf: (task: number) => readonly number[];
};
const noTasks: TaskBudgets = { taskOf: () => null, budgetOf: () => null, runsOf: () => [] };

export function createSpending(world: {
  store: Store;
  used: Used;
  watchers: Watchers;
  now: () => number;
  config: Pick<Config, 'budget'>;
  /** Looks at the queue again. */
  ask: () => void;
  tasks?: TaskBudgets;
}) {
  const { store, used, now, tasks = noTasks } = world;
  const forEachRun = budgetIn(world.config.budget.run, 'budget.run');
  const forAll = budgetIn(world.config.budget.day, 'budget.day');
  let agents = readAgents();
  let turn: NodeJS.Timeout | null = null;

  function readAgents(): ReadonlyMap<string, Agent> {
    return new Map(store.agents.list().map((agent) => [agent.id, agent]));
  }

  function ofAgent(agent: Agent | undefined): LimitNow[] {
    const budget = agent?.settings.budgetDay;
    return agent && budget ? [{ scope: 'agent', name: agent.name, budget, spent: used.ofAgent(agent.id) }] : [];
  }

  function ofTask(task: number | null): LimitNow[] {
    const budget = task === null ? null : tasks.budgetOf(task);
    return task === null || budget === null ? [] : [{ scope: 'task', name: `T${task}`, budget, spent: used.ofTask(task, tasks.runsOf(task)) }];
  }

  const ofAll = (): LimitNow[] => (forAll === null ? [] : [{ scope: 'day', name: '', budget: forAll, spent: used.ofAllAgents() }]);

  /** What binds whatever this agent does for this task. */
  function shared(agentId: string | null, task: number | null): LimitNow[] {
    return [...(agentId === null ? [] : ofAgent(agents.get(agentId))), ...ofTask(task), ...(agentId === null ? [] : ofAll())];
  }

  function limitsOf({ number, spec: { agent } }: Run): LimitNow[] {
    const budget = agent === null ? null : (agents.get(agent.id)?.settings.budgetRun ?? forEachRun);
    const own: LimitNow[] = budget === null ? [] : [{ scope: 'run', name: String(number), budget, spent: used.ofRun(number) }];
    return [...own, ...shared(agent?.id ?? null, tasks.taskOf(number))];
  }

  /** The first limit that a living run has reached. */
  function reachedBy(run: Run): Reached | null {
    return firstOf(limitsOf(run), reachedWhileRunning, run.spec.agent?.name ?? null);
  }

  /** The first limit that keeps this agent from starting anything for this task. */
  function reachedFor(agentId: string | null, task: number | null): Reached | null {
    const reached = firstOf(shared(agentId, task), reachedLimit, null);
    if (reached !== null && reached.scope !== 'task') askAtTurn();
    return reached;
  }

  /** Null when something may start; else why not, and how it goes on. */
  function mayStart(agentId: string | null, task: number | null): string | null {
    const reached = reachedFor(agentId, task);
    return reached === null ? null : `${reached.words}; ${reached.remedy}`;
  }

  /** The queue is asked again when the day is over; looked at each minute, for a timer stands still while the machine sleeps. */
  function askAtTurn(endsAt = used.dayEndsAt()): void {
    if (turn !== null) return;
    const look = () => {
      turn = null;
      if (now() >= endsAt) world.ask();
      else askAtTurn(endsAt);
    };
    turn = setTimeout(look, Math.min(Math.max(endsAt - now(), 1), limits.dayLookMs));
    turn.unref();
  }

  /** Orders to stop for those that have reached a limit; their history says which. */
  function stops(alive: readonly Run[]): Submission[] {
    used.lookAgain();
    return alive.flatMap((run): Submission[] => {
      const reached = run.state.status === 'running' ? reachedBy(run) : null;
      if (reached === null) return [];
      const event = store.events.append({
        at: now(),
        run: run.number,
        runId: run.id,
        taskId: run.lineage.taskId,
        type: 'budget-reached',
        data: { type: 'budget-reached', ...reached },
      });
      world.watchers.tell({ run, event });
      return [{ number: run.number, event: { type: 'stop-requested', order: 'budget_paused', graceMs: null, now: false } }];
    });
  }

  return {
    limitsOf,
    reachedBy,
    reachedFor,
    mayStart,
    stops,
    /** Some budget has a limit on runs. */
    countsStarts: (): boolean => tasks !== noTasks || forAll?.runs != null || [...agents.values()].some(({ settings }) => settings.budgetDay?.runs != null),
    /** What keeps a queued run from being started. It is asked of each that waits, after every change: nothing is read from the database but the budget of its task. */
    waitsFor: ({ agentId, taskId }: { readonly agentId: string | null; readonly taskId: number | null }) => mayStart(agentId, taskId),
    /** Agents whose day is used up, and the day of all agents if it is. */
    usedUp: (): Reached[] => [...[...agents.values()].map((agent) => ofAgent(agent)), ofAll()].flatMap((each) => firstOf(each, reachedLimit, null) ?? []),
    /** Agents have changed in the store. */
    rulesChanged(): void {
      agents = readAgents();
    },
    close(): void {
      if (turn) clearTimeout(turn);
    },
  };
}

function firstOf(found: readonly LimitNow[], isReached: typeof reachedLimit, agent: string | null): Reached | null {
  for (const { scope, name, budget, spent } of found) {
    const reached = isReached(budget, spent);
    if (reached !== null) return { scope, name, limit: reached.limit, ...told(scope, name, { amounts: reached.words, agent }) };
  }
  return null;
}

function told(scope: LimitNow['scope'], name: string, { amounts, agent }: { amounts: string; agent: string | null }): Pick<Reached, 'words' | 'remedy'> {
  const tomorrow = (who: string, how: string) => `${who} tomorrow, or now with more: ${how}`;
  switch (scope) {
    case 'run':
      return { words: `run ${name} has used ${amounts}`, remedy: `give more: clip agent edit ${agent} --budget-run AMOUNT, and then: clip retry ${name}` };
    case 'agent':
      return { words: `agent ${name} has used ${amounts} today`, remedy: tomorrow('it goes on', `clip agent edit ${name} --budget-day AMOUNT`) };
    case 'task':
      return { words: `task ${name} has used ${amounts}`, remedy: `it goes on with more: clip task edit ${name} --budget AMOUNT` };
    case 'day':
      return { words: `all agents together have used ${amounts} today`, remedy: tomorrow('they go on', 'day in [budget] of config.toml, clip daemon restart') };
  }
}

/** Checked when the configuration was read. */
function budgetIn(text: string | null, what: string): Budget | null {
  return text === null ? null : parseBudget(text, what);
}
