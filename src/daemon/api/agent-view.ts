/** Builds the views of agents, with what the rest of the daemon knows of them. */
import { findAdapter } from '#adapters/registry.ts';
import type { AgentView } from '#protocol/agents.ts';
import { type Agent, isRestrained } from '#run/agent.ts';
import { doubtAbout, unseenByLimit } from '#run/budget.ts';
import { isoTime } from '#run/iso-time.ts';
import type { Run } from '#run/run.ts';
import { dueAt, formatQuiet } from '#run/schedule.ts';
import { offsetMinutesAt } from '../core/local-day.ts';
import type { ApiContext } from './context.ts';

type AgentPause = Pick<AgentView, 'paused' | 'pausedBy' | 'pausedReason'>;

type ViewDeps = Pick<ApiContext, 'supervisor' | 'budgets' | 'usageMeter' | 'store' | 'now'>;

/** Returns the view of an agent. */
export function viewAgent(deps: ViewDeps, agent: Agent): AgentView {
  return buildAgentView(agent, {
    liveRuns: liveRunsOf(deps, agent).length,
    today: deps.usageMeter.ofAgent(agent.id),
    budgetDoubt: findBudgetDoubt(deps, agent),
    pause: findPause(deps, agent),
    nextTimerAt: findNextTimer(deps, agent),
  });
}

/** Returns when the timer of an agent fires next. Null without a timer, and while it is paused. */
function findNextTimer({ store, now }: ViewDeps, { id, paused, settings }: Agent): string | null {
  const { everyMs, quietHours: quiet } = settings;
  if (everyMs === null || paused) return null;
  const lastAt = Math.min(store.agents.timerAt(id) ?? now(), now());
  return isoTime(dueAt({ everyMs, quiet, lastAt, offsetMinutesAt }, now()));
}

/** Returns the runs of an agent that have started and not ended. */
export function liveRunsOf({ supervisor }: Pick<ApiContext, 'supervisor'>, { id }: Agent): Run[] {
  return supervisor.alive().filter(({ spec }) => spec.agent?.id === id);
}

/** Returns whether the agent is paused: by a person, or by a budget until the day is over or the limit is raised. */
export function findPause({ budgets }: Pick<ApiContext, 'budgets'>, { id, name, paused }: Agent): AgentPause {
  if (paused) return { paused, pausedBy: 'person', pausedReason: `agent ${name} is paused: clip agent resume ${name}` };
  const pausedReason = budgets.mayStart(id, null);
  return { paused: pausedReason !== null, pausedBy: pausedReason === null ? null : 'budget', pausedReason };
}

/** Describes which budgets cannot be enforced in time, because the agent's CLI reports its usage too late, or null. */
export function findDoubt({ budgets }: Pick<ApiContext, 'budgets'>, { name, settings }: Agent): string | null {
  const { tells } = findAdapter({ id: '', name, ...settings });
  return budgets.budgetsOf(settings).reduce<string | null>((found, budget) => found ?? doubtAbout(budget, tells), null);
}

/** Describes what the daily budget has not seen of today's runs, or null. */
function findBudgetDoubt(deps: Pick<ApiContext, 'budgets' | 'usageMeter'>, agent: Agent): string | null {
  const { budgetDay } = agent.settings;
  const unseen = budgetDay === null ? null : unseenByLimit(budgetDay, deps.usageMeter.ofAgent(agent.id));
  return joinNotes(findDoubt(deps, agent), unseen);
}

type AgentFacts = Pick<AgentView, 'liveRuns' | 'today' | 'budgetDoubt' | 'nextTimerAt'> & {
  readonly pause: AgentPause;
};

function buildAgentView(
  { id, name, settings, createdAt }: Agent,
  { liveRuns, today, budgetDoubt, nextTimerAt, pause }: AgentFacts,
): AgentView {
  const seconds = (ms: number | null) => (ms === null ? null : ms / 1_000);
  const { adapter, command, model, role, cwd, args, permission, preset, mapping, quietHours } = settings;
  const { concurrency, promptTemplate, leftovers, sharesWorktree, timerPrompt, budgetRun, budgetDay } = settings;
  return {
    id,
    name,
    adapter,
    command: command ?? mapping?.command ?? null,
    model,
    role,
    cwd,
    args: [...args],
    env: [...settings.envNames],
    envFile: settings.envFile,
    timeoutSec: seconds(settings.timeoutMs),
    silenceSec: seconds(settings.silenceMs),
    graceSec: seconds(settings.graceMs),
    concurrency,
    promptTemplate,
    leftovers,
    permission,
    restrained: isRestrained(settings),
    sharesWorktree,
    preset,
    mapped: mapping !== null,
    everySec: seconds(settings.everyMs),
    nextTimerAt,
    quietHours: quietHours === null ? null : formatQuiet(quietHours),
    timerPrompt,
    budgetRun,
    budgetDay,
    tells: findAdapter({ id, name, ...settings }).tells,
    budgetDoubt,
    today,
    ...pause,
    createdAt: isoTime(createdAt),
    liveRuns,
  };
}

/** Joins notes to one text. Returns null if there is none. */
export function joinNotes(...notes: readonly (string | null)[]): string | null {
  const known = notes.filter((note) => note !== null);
  return known.length === 0 ? null : known.reduce((text, note) => `${text}${/[.!?]$/.test(text) ? '' : ';'} ${note}`);
}
