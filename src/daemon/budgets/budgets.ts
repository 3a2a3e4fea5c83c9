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

/** The budgets of tasks. */
export type TaskBudgets = {
  readonly taskOf: (run: number) => number | null;
  readonly budgetOf: (task: number) => Budget | null;
};
const noTasks: TaskBudgets = { taskOf: () => null, budgetOf: () => null };

type Deps = {
  readonly store: Store;
  readonly usageMeter: UsageMeter;
  readonly supervisor: Pick<Supervisor, 'transaction'>;
  readonly now: () => number;
  readonly config: Pick<Config, 'budget'>;
  /** Looks at the queue again. */
  readonly ask: () => void;
  readonly tasks?: TaskBudgets;
};

export class Budgets {
  readonly #deps: Deps;
  readonly #usageMeter: UsageMeter;
  readonly #tasks: TaskBudgets;
  readonly #forEachRun: Budget | null;
  readonly #forAll: Budget | null;
  #agents: ReadonlyMap<string, Agent>;
  #turn: NodeJS.Timeout | null = null;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#usageMeter = deps.usageMeter;
    this.#tasks = deps.tasks ?? noTasks;
    this.#forEachRun = budgetIn(deps.config.budget.run, 'budget.run');
    this.#forAll = budgetIn(deps.config.budget.day, 'budget.day');
    this.#agents = this.#readAgents();
  }

  /** Returns all limits that bind a run. */
  limitsOf(run: Run): LimitNow[] {
    return [...this.#ofRun(run), ...this.#shared(run.spec.agent?.id ?? null, this.#tasks.taskOf(run.number))];
  }

  /** Returns whether tokens or cost are limited for this run, its agent or its task. */
  limitsUse({ number, spec: { agent } }: Run): boolean {
    const settings = agent === null ? undefined : this.#agents.get(agent.id)?.settings;
    const task = this.#tasks.taskOf(number);
    const ofAgents = agent === null ? [] : [settings?.budgetRun ?? this.#forEachRun, settings?.budgetDay, this.#forAll];
    const budgets = [...ofAgents, task === null ? null : this.#tasks.budgetOf(task)];
    return budgets.some((budget) => budget != null && (budget.tokens !== null || budget.costUsd !== null));
  }

  /** Returns the budgets that bind each run of an agent with these settings. */
  budgetsOf({ budgetRun, budgetDay }: Pick<AgentSettings, 'budgetRun' | 'budgetDay'>): Budget[] {
    return [budgetRun ?? this.#forEachRun, budgetDay, this.#forAll].filter((budget) => budget !== null);
  }

  /** Returns the first limit that keeps this agent from starting a run for this task. */
  reachedFor(agentId: string | null, task: number | null): ReachedLimit | null {
    const reached = findFirstReached(this.#shared(agentId, task), reachedLimit, null);
    if (reached !== null && reached.scope !== 'task') this.#askAtTurn();
    return reached;
  }

  /** Returns null if a run may start, else the reason and the remedy. */
  mayStart(agentId: string | null, task: number | null): string | null {
    const reached = this.reachedFor(agentId, task);
    return reached === null ? null : `${reached.words}; ${reached.remedy}`;
  }

  /**
   * Returns what keeps a queued run from starting. It is called for each queued run after every change, so it reads
   * nothing from the database except the task's budget.
   */
  waitsFor({ agentId, taskId }: { readonly agentId: string | null; readonly taskId: number | null }): string | null {
    return this.mayStart(agentId, taskId);
  }

  /** Returns whether any budget limits the number of runs. */
  countsStarts(): boolean {
    return (
      this.#tasks !== noTasks ||
      this.#forAll?.runs != null ||
      [...this.#agents.values()].some(({ settings }) => settings.budgetDay?.runs != null)
    );
  }

  /** Returns the reached daily limits, of single agents and of all agents. */
  usedUp(): ReachedLimit[] {
    return [...[...this.#agents.values()].map((agent) => this.#ofAgent(agent)), this.#ofAll()].flatMap(
      (each) => findFirstReached(each, reachedLimit, null) ?? [],
    );
  }

  /** Stops those of these runs that have reached a limit, and records the limit in their history. */
  stopReached(alive: readonly Run[]): void {
    this.#usageMeter.lookAgain();
    const reached = alive.flatMap((run) => {
      const limit = run.state.status === 'running' ? this.#reachedBy(run) : null;
      return limit === null ? [] : [{ run, limit }];
    });
    if (reached.length === 0) return;
    this.#deps.supervisor.transaction((tx) => {
      for (const { run, limit } of reached) {
        recordReached(tx, run, limit);
        tx.submit(run.number, { type: 'stop-requested', order: 'budget_paused', graceMs: null, now: false });
      }
    });
  }

  /** Records that an ended run exceeded its limit: some CLIs report their usage only at the end. */
  noteOverrun(run: Run): void {
    const { store, supervisor } = this.#deps;
    const reached = findFirstReached(this.#ofRun(run), reachedWhileRunning, run.spec.agent?.name ?? null);
    if (reached === null || store.events.lastOfType(run.number, 'budget-reached') !== null) return;
    const remedy = 'it was not stopped: its CLI told so only when it ended';
    supervisor.transaction((tx) => recordReached(tx, run, { ...reached, remedy }));
  }

  /** Reads the agents again after they have changed. */
  rulesChanged(): void {
    this.#agents = this.#readAgents();
  }

  /** Ends the wait for the end of the day. */
  close(): void {
    if (this.#turn) clearTimeout(this.#turn);
  }

  #readAgents(): ReadonlyMap<string, Agent> {
    return new Map(this.#deps.store.agents.list().map((agent) => [agent.id, agent]));
  }

  #ofAgent(agent: Agent | undefined): LimitNow[] {
    const budget = agent?.settings.budgetDay;
    return agent && budget
      ? [{ scope: 'agent', name: agent.name, budget, spent: this.#usageMeter.ofAgent(agent.id) }]
      : [];
  }

  #ofTask(task: number | null): LimitNow[] {
    const budget = task === null ? null : this.#tasks.budgetOf(task);
    if (task === null || budget === null) return [];
    return [{ scope: 'task', name: `T${task}`, budget, spent: this.#usageMeter.ofTask(task) }];
  }

  #ofAll(): LimitNow[] {
    return this.#forAll === null
      ? []
      : [{ scope: 'day', name: '', budget: this.#forAll, spent: this.#usageMeter.ofAllAgents() }];
  }

  /** Returns the limits on all work of this agent for this task. */
  #shared(agentId: string | null, task: number | null): LimitNow[] {
    return [
      ...(agentId === null ? [] : this.#ofAgent(this.#agents.get(agentId))),
      ...this.#ofTask(task),
      ...(agentId === null ? [] : this.#ofAll()),
    ];
  }

  #ofRun({ number, spec: { agent }, state }: Run): LimitNow[] {
    const budget = agent === null ? null : (this.#agents.get(agent.id)?.settings.budgetRun ?? this.#forEachRun);
    if (budget === null) return [];
    return [
      {
        scope: 'run',
        name: String(number),
        budget,
        spent: isEnded(state) ? this.#usageMeter.ofEndedRun(number) : this.#usageMeter.ofRun(number),
      },
    ];
  }

  /** Returns the first limit that a live run has reached. */
  #reachedBy(run: Run): ReachedLimit | null {
    return findFirstReached(this.limitsOf(run), reachedWhileRunning, run.spec.agent?.name ?? null);
  }

  /**
   * Checks the queue when the day is over. Checks the clock every minute, because a timeout does not advance while the
   * machine sleeps.
   */
  #askAtTurn(endsAt = this.#usageMeter.dayEndsAt()): void {
    if (this.#turn !== null) return;
    const { now, ask } = this.#deps;
    const look = () => {
      this.#turn = null;
      if (now() >= endsAt) ask();
      else this.#askAtTurn(endsAt);
    };
    this.#turn = setTimeout(look, Math.min(Math.max(endsAt - now(), 1), limits.dayLookMs));
    this.#turn.unref();
  }
}

function recordReached(tx: Tx, run: Run, reached: ReachedLimit): void {
  const data = { type: 'budget-reached', ...reached };
  tx.record({ task: run.lineage.taskId, run, type: 'budget-reached', data });
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
