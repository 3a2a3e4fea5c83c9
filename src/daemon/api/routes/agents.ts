import { delimiter } from 'node:path';
import type { FastifyRequest } from 'fastify';
import { presetNamed } from '#adapters/presets.ts';
import { findAdapter } from '#adapters/registry.ts';
import { submitterVariable } from '#launch/submitter.ts';
import { findCommand, toolVersion } from '#process/helper-command.ts';
import { isAnswering } from '#process/reach-folder.ts';
import {
  type AgentRequest,
  type AgentView,
  type AutomaticStart,
  agentParams,
  agentRequest,
  type CheckAnswer,
  checkRequest,
  pauseRequest,
} from '#protocol/agents.ts';
import { type Agent, isRestrained } from '#run/agent.ts';
import { doubtAbout, unseenByLimit } from '#run/budget.ts';
import { isoTime } from '#run/iso-time.ts';
import { limits } from '#run/limits.ts';
import { isEnded } from '#run/run.ts';
import type { Environment } from '#run/run-environment.ts';
import { formatQuiet } from '#run/schedule.ts';
import { buildProfile } from '../../agents/invocation.ts';
import type { Tx } from '../../core/transaction.ts';
import { requirePerson } from '../auth.ts';
import type { Routes } from '../context.ts';
import { read } from '../errors.ts';

export const agentRoutes: Routes = (api, deps) => {
  const { agents, store, supervisor } = deps;

  const livingRuns = ({ id }: Agent) => supervisor.alive().filter(({ spec }) => spec.agent?.id === id);
  const view = (agent: Agent) =>
    buildAgentView(agent, {
      liveRuns: livingRuns(agent).length,
      today: deps.usageMeter.ofAgent(agent.id),
      budgetDoubt: findBudgetDoubt(agent),
      pause: findPause(agent),
    });

  /** Returns whether the agent is paused: by a person, or by a budget until the day is over or the limit is raised. */
  function findPause({ id, name, paused }: Agent): Pick<AgentView, 'paused' | 'pausedBy' | 'pausedReason'> {
    if (paused)
      return { paused, pausedBy: 'person', pausedReason: `agent ${name} is paused: clip agent resume ${name}` };
    const pausedReason = deps.budgets.mayStart(id, null);
    return { paused: pausedReason !== null, pausedBy: pausedReason === null ? null : 'budget', pausedReason };
  }

  /** Describes which budgets cannot be enforced in time, because the agent's CLI reports its usage too late. */
  function findDoubt({ name, settings }: Agent): string | null {
    const { tells } = findAdapter({ id: '', name, ...settings });
    return deps.budgets
      .budgetsOf(settings)
      .reduce<string | null>((found, budget) => found ?? doubtAbout(budget, tells), null);
  }

  /** Describes what the daily budget has not seen of today's runs. */
  function findBudgetDoubt(agent: Agent): string | null {
    const { budgetDay } = agent.settings;
    const unseen = budgetDay === null ? null : unseenByLimit(budgetDay, deps.usageMeter.ofAgent(agent.id));
    return joinNotes(findDoubt(agent), unseen);
  }

  /** Only a person may change agents, because limits, permissions and pauses restrict them. */
  const changing = (request: FastifyRequest) => requirePerson(request, deps, 'adds and changes agents');

  api.get('/v1/agents', () => ({ schema: 1, agents: agents.list().map(view) }));

  api.get('/v1/agents/:agent', (request) => ({
    schema: 1,
    agent: view(agents.get(read(agentParams, request.params).agent)),
  }));

  api.put('/v1/agents/:agent', { bodyLimit: 2 * limits.bodyBytesMax }, (request, reply) => {
    changing(request);
    const { agent: name } = read(agentParams, request.params);
    const { timerEnvironment, ...settings } = read(agentRequest, request.body);
    const agent = agents.add(name, settings, keepTimerEnvironment(settings, timerEnvironment));
    const note = agent.settings.preset === null ? null : (presetNamed(agent.settings.preset)?.note ?? null);
    return reply.code(201).send({ schema: 1, agent: view(agent), note: joinNotes(note, findDoubt(agent)) });
  });

  api.patch('/v1/agents/:agent', { bodyLimit: 2 * limits.bodyBytesMax }, (request) => {
    changing(request);
    const { agent: name } = read(agentParams, request.params);
    const { timerEnvironment, ...settings } = read(agentRequest, request.body);
    const agent = agents.edit(name, settings, keepTimerEnvironment(settings, timerEnvironment));
    const setsBudget = settings.budgetRun !== undefined || settings.budgetDay !== undefined;
    return { schema: 1, agent: view(agent), note: setsBudget ? joinNotes(null, findDoubt(agent)) : null };
  });

  /** Returns what keeps the caller's environment for the runs of a timer that was just set. */
  function keepTimerEnvironment({ everyMs }: AgentRequest, environment: Environment | null | undefined) {
    return (tx: Tx, { id }: Agent): void => {
      if (everyMs != null && environment != null) deps.environments.keep(tx, { timerOf: id }, environment);
    };
  }

  api.delete('/v1/agents/:agent', (request) => {
    changing(request);
    return { schema: 1, agent: view(agents.remove(read(agentParams, request.params).agent)) };
  });

  /** A paused agent starts no run. Its current runs may finish, unless the request stops them. */
  api.post('/v1/agents/:agent/pause', (request) => {
    changing(request);
    const { agent: name } = read(agentParams, request.params);
    const { paused, now } = read(pauseRequest, request.body);
    const agent = agents.pause(name, paused);
    const stopping = paused && now ? livingRuns(agent).filter(({ state }) => !isEnded(state)) : [];
    supervisor.submitAll(
      stopping.map(({ number }) => ({
        number,
        event: { type: 'stop-requested', order: 'paused', graceMs: null, now: false } as const,
      })),
    );
    return { schema: 1, agent: view(agent), stopped: stopping.map(({ number }) => number) };
  });

  /** Reports whether the agent's program is found in the caller's environment and in those of automatic runs. */
  api.post('/v1/agents/:agent/check', { bodyLimit: 2 * limits.bodyBytesMax }, async (request): Promise<CheckAnswer> => {
    const agent = agents.get(read(agentParams, request.params).agent);
    const { env } = read(checkRequest, request.body);
    const { paused, pausedReason } = findPause(agent);
    const { program, path, environment } = await programIn(agent, env);
    const starts = automaticStarts(agent).map(async ({ environment: each, ...start }) => ({
      ...start,
      found: (await programIn(agent, each)).path !== null,
    }));
    const automatic = await Promise.all(starts);
    const taskEnvironment = deps.environments.daemonOnly ? ('daemon' as const) : ('person' as const);
    const answer = { schema: 1 as const, program, path, taskEnvironment, automatic, paused, pausedReason };
    const { adapter, preset } = agent.settings;
    if (adapter === 'http' || (adapter === 'plain' && preset === null)) return answer;
    const version =
      path === null ? null : await toolVersion(path, { env: environment, timeoutMs: limits.agentVersionMs });
    return { ...answer, version };
  });

  /** Finds the agent's program as a run with this environment would. */
  async function programIn(
    agent: Agent,
    { [submitterVariable]: _, ...env }: Environment,
  ): Promise<{ program: string; path: string | null; environment: Environment }> {
    const profile = buildProfile(agent);
    const environment = { ...env, ...agents.environmentOf(agent) };
    const launch = { agent: profile, sessionId: null, promptPath: '', environment };
    const [program = ''] = findAdapter(profile).prepare(launch).argv;
    if (agent.settings.adapter === 'http') return { program, path: agent.settings.command, environment };
    const path = findCommand(program, await describeAnswer(environment['PATH'] ?? ''), agent.settings.cwd ?? '/');
    return { program, path, environment };
  }

  /** Returns the environments of automatic runs of this agent: for its timer, its open tasks, and future tasks. */
  function automaticStarts({ id, settings }: Agent): (Omit<AutomaticStart, 'found'> & { environment: Environment })[] {
    const timer = settings.everyMs === null ? [] : [{ task: null, ...deps.environments.startFrom({ timerOf: id }) }];
    const tasks = store.tasks
      .ofAgents()
      .filter(({ assignee }) => assignee?.kind === 'agent' && assignee.agentId === id);
    return [
      ...timer,
      ...tasks.map(({ number }) => ({ task: number, ...deps.environments.startFrom({ task: number }) })),
      ...(deps.environments.daemonOnly ? [{ task: null, ...deps.environments.startFrom({ timerOf: id }) }] : []),
    ];
  }
};

/** Returns the folders of a PATH that can be searched without blocking. */
async function describeAnswer(path: string): Promise<string> {
  const folders = path.split(delimiter);
  const answering = await Promise.all(folders.map(isAnswering));
  return folders.filter((_, index) => answering[index]).join(delimiter);
}

type AgentFacts = Pick<AgentView, 'liveRuns' | 'today' | 'budgetDoubt'> & {
  readonly pause: Pick<AgentView, 'paused' | 'pausedBy' | 'pausedReason'>;
};

function buildAgentView(
  { id, name, settings, createdAt }: Agent,
  { liveRuns, today, budgetDoubt, pause }: AgentFacts,
): AgentView {
  const seconds = (ms: number | null) => (ms === null ? null : ms / 1_000);
  const {
    adapter,
    command,
    model,
    role,
    cwd,
    args,
    envNames,
    envFile,
    concurrency,
    promptTemplate,
    leftovers,
    permission,
    sharesWorktree,
  } = settings;
  return {
    id,
    name,
    adapter,
    command: command ?? settings.mapping?.command ?? null,
    model,
    role,
    cwd,
    args: [...args],
    env: [...envNames],
    envFile,
    timeoutSec: seconds(settings.timeoutMs),
    silenceSec: seconds(settings.silenceMs),
    graceSec: seconds(settings.graceMs),
    concurrency,
    promptTemplate,
    leftovers,
    permission,
    restrained: isRestrained(settings),
    sharesWorktree,
    preset: settings.preset,
    mapped: settings.mapping !== null,
    everySec: seconds(settings.everyMs),
    quietHours: settings.quietHours === null ? null : formatQuiet(settings.quietHours),
    timerPrompt: settings.timerPrompt,
    budgetRun: settings.budgetRun,
    budgetDay: settings.budgetDay,
    tells: findAdapter({ id, name, ...settings }).tells,
    budgetDoubt,
    today,
    ...pause,
    createdAt: isoTime(createdAt),
    liveRuns,
  };
}

function joinNotes(...notes: readonly (string | null)[]): string | null {
  const known = notes.filter((note) => note !== null);
  return known.length === 0 ? null : known.reduce((text, note) => `${text}${/[.!?]$/.test(text) ? '' : ';'} ${note}`);
}
