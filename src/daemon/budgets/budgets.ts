/**
 * Checks whether a limit on usage is reached.
 *
 * Four budgets bind a run: its own, its agent's for the day, its task's, and the one of all agents for the day.
 * Reached limits are not stored but computed from usage. So work stopped by a budget resumes when the day is over or
 * the limit is raised, and no restart loses that.
 */
import type { Config } from '#config/settings.ts';
import { parseBudget } from '#protocol/budget.ts';
import type { Agent, AgentSettings } from '#run/agent.ts';
import { type Budget, type Limit, reachedLimit, reachedWhileRunning, type Spent } from '#run/budget.ts';
import { limits } from '#run/limits.ts';
import { isEnded, type Run } from '#run/run.ts';
import type { Store } from '#store/store.ts';
import type { Supervisor } from '../core/supervisor.ts';
import type { Tx } from '../core/transaction.ts';
import type { UsageMeter } from './usage.ts';

export type Budgets = ReturnType<typeof createBudgets>;

export type LimitNow = {
  readonly scope: 'run' | 'agent' | 'task' | 'day';
  /** Name of the run, agent or task. Empty for all agents. */
  readonly name: string;
  readonly budget: Budget;
  readonly spent: Spent;
};
export type ReachedLimit = Pick<LimitNow, 'scope' | 'name'> & {
  readonly limit: Limit;
  /** For example: `agent coder has used $5.02 of $5.00 today`. */
  readonly words: string;
  /** What lifts the limit. */
  readonly remedy: string;
};

/** The budgets of tasks, and the runs that count for each. */
export type TaskBudgets = {
  readonly taskOf: (run: number) => number | null;
  readonly budgetOf: (task: number) => Budget | null;
  /** Returns the numbers of all runs of a task, including removed and live ones. */
  readonly runsOf: (task: number) => readonly number[];
};
const noTasks: TaskBudgets = { taskOf: () => null, budgetOf: () => null, runsOf: () => [] };

export function createBudgets(deps: {
  store: Store;
  usageMeter: UsageMeter;
  supervisor: Pick<Supervisor, 'transaction'>;
  now: () => number;
  config: Pick<Config, 'budget'>;
  /** Looks at the queue again. */
  ask: () => void;
  tasks?: TaskBudgets;
}) {
  const { store, usageMeter, now, tasks = noTasks } = deps;
  const forEachRun = budgetIn(deps.config.budget.run, 'budget.run');
  const forAll = budgetIn(deps.config.budget.day, 'budget.day');
  let agents = readAgents();
  let turn: NodeJS.Timeout | null = null;

  function readAgents(): ReadonlyMap<string, Agent> {
    return new Map(store.agents.list().map((agent) => [agent.id, agent]));
  }

  function ofAgent(agent: Agent | undefined): LimitNow[] {
    const budget = agent?.settings.budgetDay;
    return agent && budget ? [{ scope: 'agent', name: agent.name, budget, spent: usageMeter.ofAgent(agent.id) }] : [];
  }

  function ofTask(task: number | null): LimitNow[] {
    const budget = task === null ? null : tasks.budgetOf(task);
    return task === null || budget === null
      ? []
      : [{ scope: 'task', name: `T${task}`, budget, spent: usageMeter.ofTask(task, tasks.runsOf(task)) }];
  }

  const ofAll = (): LimitNow[] =>
    forAll === null ? [] : [{ scope: 'day', name: '', budget: forAll, spent: usageMeter.ofAllAgents() }];

  /** Returns the limits on all work of this agent for this task. */
  function shared(agentId: string | null, task: number | null): LimitNow[] {
    return [
      ...(agentId === null ? [] : ofAgent(agents.get(agentId))),
      ...ofTask(task),
      ...(agentId === null ? [] : ofAll()),
    ];
  }

  function ofRun({ number, spec: { agent }, state }: Run): LimitNow[] {
    const budget = agent === null ? null : (agents.get(agent.id)?.settings.budgetRun ?? forEachRun);
    if (budget === null) return [];
    return [
      {
        scope: 'run',
        name: String(number),
        budget,
        spent: isEnded(state) ? usageMeter.ofEndedRun(number) : usageMeter.ofRun(number),
      },
    ];
  }

  function findLimits(run: Run): LimitNow[] {
    return [...ofRun(run), ...shared(run.spec.agent?.id ?? null, tasks.taskOf(run.number))];
  }

  /** Returns whether tokens or cost are limited for this run, its agent or its task. */
  function limitsUse({ number, spec: { agent } }: Run): boolean {
    const settings = agent === null ? undefined : agents.get(agent.id)?.settings;
    const task = tasks.taskOf(number);
    const ofAgents = agent === null ? [] : [settings?.budgetRun ?? forEachRun, settings?.budgetDay, forAll];
    const budgets = [...ofAgents, task === null ? null : tasks.budgetOf(task)];
    return budgets.some((budget) => budget != null && (budget.tokens !== null || budget.costUsd !== null));
  }

  /** Returns the first limit that a live run has reached. */
  function reachedBy(run: Run): ReachedLimit | null {
    return findFirstReached(findLimits(run), reachedWhileRunning, run.spec.agent?.name ?? null);
  }

  /** Returns the first limit that keeps this agent from starting a run for this task. */
  function reachedFor(agentId: string | null, task: number | null): ReachedLimit | null {
    const reached = findFirstReached(shared(agentId, task), reachedLimit, null);
    if (reached !== null && reached.scope !== 'task') askAtTurn();
    return reached;
  }

  /** Returns null if a run may start, else the reason and the remedy. */
  function mayStart(agentId: string | null, task: number | null): string | null {
    const reached = reachedFor(agentId, task);
    return reached === null ? null : `${reached.words}; ${reached.remedy}`;
  }

  /** Checks the queue when the day is over. Checks the clock every minute, because a timeout does not advance while the machine sleeps. */
  function askAtTurn(endsAt = usageMeter.dayEndsAt()): void {
    if (turn !== null) return;
    const look = () => {
      turn = null;
      if (now() >= endsAt) deps.ask();
      else askAtTurn(endsAt);
    };
    turn = setTimeout(look, Math.min(Math.max(endsAt - now(), 1), limits.dayLookMs));
    turn.unref();
  }

  /** Stops those of these runs that have reached a limit, and records the limit in their history. */
  function stopReached(alive: readonly Run[]): void {
    usageMeter.lookAgain();
    const reached = alive.flatMap((run) => {
      const limit = run.state.status === 'running' ? reachedBy(run) : null;
      return limit === null ? [] : [{ run, limit }];
    });
    if (reached.length === 0) return;
    deps.supervisor.transaction((tx) => {
      for (const { run, limit } of reached) {
        recordReached(tx, run, limit);
        tx.submit(run.number, { type: 'stop-requested', order: 'budget_paused', graceMs: null, now: false });
      }
    });
  }

  /** Records that an ended run exceeded its limit: some CLIs report their usage only at the end. */
  function noteOverrun(run: Run): void {
    const reached = findFirstReached(ofRun(run), reachedWhileRunning, run.spec.agent?.name ?? null);
    if (reached === null || store.events.lastOfType(run.number, 'budget-reached') !== null) return;
    const remedy = 'it was not stopped: its CLI told so only when it ended';
    deps.supervisor.transaction((tx) => recordReached(tx, run, { ...reached, remedy }));
  }

  function recordReached(tx: Tx, run: Run, reached: ReachedLimit): void {
    const data = { type: 'budget-reached', ...reached };
    tx.record({ task: run.lineage.taskId, run, type: 'budget-reached', data });
  }

  return {
    limitsOf: findLimits,
    limitsUse,
    noteOverrun,
    /** Returns the budgets that bind each run of an agent with these settings. */
    budgetsOf: ({ budgetRun, budgetDay }: Pick<AgentSettings, 'budgetRun' | 'budgetDay'>): Budget[] =>
      [budgetRun ?? forEachRun, budgetDay, forAll].filter((budget) => budget !== null),
    reachedBy,
    reachedFor,
    mayStart,
    stopReached,
    /** Returns whether any budget limits the number of runs. */
    countsStarts: (): boolean =>
      tasks !== noTasks ||
      forAll?.runs != null ||
      [...agents.values()].some(({ settings }) => settings.budgetDay?.runs != null),
    /**
     * Returns what keeps a queued run from starting. It is called for each queued run after every change, so it reads
     * nothing from the database except the task's budget.
     */
    waitsFor: ({ agentId, taskId }: { readonly agentId: string | null; readonly taskId: number | null }) =>
      mayStart(agentId, taskId),
    /** Returns the reached daily limits, of single agents and of all agents. */
    usedUp: (): ReachedLimit[] =>
      [...[...agents.values()].map((agent) => ofAgent(agent)), ofAll()].flatMap(
        (each) => findFirstReached(each, reachedLimit, null) ?? [],
      ),
    /** Reads the agents again after they have changed. */
    rulesChanged(): void {
      agents = readAgents();
    },
    close(): void {
      if (turn) clearTimeout(turn);
    },
  };
}

function findFirstReached(
  found: readonly LimitNow[],
  isReached: typeof reachedLimit,
  agent: string | null,
): ReachedLimit | null {
  for (const { scope, name, budget, spent } of found) {
    const reached = isReached(budget, spent);
    if (reached !== null)
      return { scope, name, limit: reached.limit, ...told(scope, name, { amounts: reached.words, agent }) };
  }
  return null;
}

function told(
  scope: LimitNow['scope'],
  name: string,
  { amounts, agent }: { amounts: string; agent: string | null },
): Pick<ReachedLimit, 'words' | 'remedy'> {
  const tomorrow = (who: string, how: string) => `${who} tomorrow, or now with more: ${how}`;
  switch (scope) {
    case 'run':
      return {
        words: `run ${name} has used ${amounts}`,
        remedy: `give more: clip agent edit ${agent} --budget-run AMOUNT`,
      };
    case 'agent':
      return {
        words: `agent ${name} has used ${amounts} today`,
        remedy: tomorrow('it goes on', `clip agent edit ${name} --budget-day AMOUNT`),
      };
    case 'task':
      return {
        words: `task ${name} has used ${amounts}`,
        remedy: `it goes on with more: clip task edit ${name} --budget AMOUNT`,
      };
    case 'day':
      return {
        words: `all agents together have used ${amounts} today`,
        remedy: tomorrow('they go on', 'day in [budget] of config.toml, clip daemon restart'),
      };
  }
}

/** Parses a budget of the configuration, which was validated when it was read. */
function budgetIn(text: string | null, what: string): Budget | null {
  return text === null ? null : parseBudget(text, what);
}
