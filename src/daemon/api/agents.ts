import type { FastifyRequest } from 'fastify';
import { adapterOf } from '../../adapters/by-name.ts';
import { presetNamed } from '../../adapters/presets.ts';
import { findCommand, toolVersion } from '../../process/tool.ts';
import { type AgentView, agentParams, agentRequest, checkRequest, pauseRequest } from '../../protocol/agents.ts';
import { type Agent, isRestrained } from '../../run/agent.ts';
import { limits } from '../../run/limits.ts';
import { isEnded } from '../../run/run.ts';
import { isoTime } from '../../run/time.ts';
import { quietWords } from '../../run/timer.ts';
import { profileOf } from '../agent-launch.ts';
import { read } from './border.ts';
import { personOnly } from './caller.ts';
import type { Routes } from './world.ts';

export const agentRoutes: Routes = (api, world) => {
  const { agents, supervisor } = world;

  const livingRuns = ({ id }: Agent) => supervisor.alive().filter(({ spec }) => spec.agent?.id === id);
  const view = (agent: Agent) => viewOf(agent, { liveRuns: livingRuns(agent).length, today: world.used.ofAgent(agent.id), pause: pauseOf(agent) });

  /** By a person, or by what was used: then nothing starts until the day is over or the limit is raised. */
  function pauseOf({ id, name, paused }: Agent): Pick<AgentView, 'paused' | 'pausedBy' | 'pausedReason'> {
    if (paused) return { paused, pausedBy: 'person', pausedReason: `agent ${name} is paused: clip agent resume ${name}` };
    const pausedReason = world.spending.mayStart(id, null);
    return { paused: pausedReason !== null, pausedBy: pausedReason === null ? null : 'budget', pausedReason };
  }

  /** Limits, permissions and pauses are what binds an agent. */
  const changing = (request: FastifyRequest) => personOnly(request, world, 'adds and changes agents');

  api.get('/v1/agents', () => ({ schema: 1, agents: agents.list().map(view) }));

  api.get('/v1/agents/:agent', (request) => ({ schema: 1, agent: view(agents.get(read(agentParams, request.params).agent)) }));

  api.put('/v1/agents/:agent', { bodyLimit: 2 * limits.bodyBytesMax }, (request, reply) => {
    changing(request);
    const { agent: name } = read(agentParams, request.params);
    const agent = agents.add(name, read(agentRequest, request.body));
    const note = agent.settings.preset === null ? null : (presetNamed(agent.settings.preset)?.note ?? null);
    return reply.code(201).send({ schema: 1, agent: view(agent), note });
  });

  api.patch('/v1/agents/:agent', { bodyLimit: 2 * limits.bodyBytesMax }, (request) => {
    changing(request);
    const { agent: name } = read(agentParams, request.params);
    return { schema: 1, agent: view(agents.edit(name, read(agentRequest, request.body))) };
  });

  api.delete('/v1/agents/:agent', (request) => {
    changing(request);
    return { schema: 1, agent: view(agents.remove(read(agentParams, request.params).agent)) };
  });

  /** A paused agent starts nothing more; what it is doing may finish, unless it shall stop now. */
  api.post('/v1/agents/:agent/pause', (request) => {
    changing(request);
    const { agent: name } = read(agentParams, request.params);
    const { paused, now } = read(pauseRequest, request.body);
    const agent = agents.pause(name, paused);
    const stopping = paused && now ? livingRuns(agent).filter(({ state }) => !isEnded(state)) : [];
    supervisor.submitAll(stopping.map(({ number }) => ({ number, event: { type: 'stop-requested', order: 'paused', graceMs: null, now: false } as const })));
    return { schema: 1, agent: view(agent), stopped: stopping.map(({ number }) => number) };
  });

  /** Whether its program is there, as the caller's environment and the agent's own find it. */
  api.post('/v1/agents/:agent/check', { bodyLimit: 2 * limits.bodyBytesMax }, async (request) => {
    const agent = agents.get(read(agentParams, request.params).agent);
    const { env } = read(checkRequest, request.body);
    const environment = { ...env, ...agents.environmentOf(agent) };
    const [command = ''] = adapterOf(profileOf(agent)).prepare({ agent: profileOf(agent), sessionId: null, promptPath: '', environment }).argv;
    const { paused, pausedReason } = pauseOf(agent);
    if (agent.settings.adapter === 'http') return { schema: 1, program: command, path: agent.settings.command, paused, pausedReason };
    const path = findCommand(command, environment['PATH'] ?? '', agent.settings.cwd ?? '/');
    if (agent.settings.adapter === 'plain' && agent.settings.preset === null) return { schema: 1, program: command, path, paused, pausedReason };
    return {
      schema: 1,
      path,
      paused,
      pausedReason,
      version: path === null ? null : await toolVersion(path, { env: environment, timeoutMs: limits.agentVersionMs }),
    };
  });
};

type Seen = Pick<AgentView, 'liveRuns' | 'today'> & { readonly pause: Pick<AgentView, 'paused' | 'pausedBy' | 'pausedReason'> };

function viewOf({ id, name, settings, createdAt }: Agent, { liveRuns, today, pause }: Seen): AgentView {
  const seconds = (ms: number | null) => (ms === null ? null : ms / 1_000);
  const { adapter, command, model, role, cwd, args, envNames, envFile, concurrency, promptTemplate, leftovers, permission, sharesWorktree } = settings;
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
    quietHours: settings.quietHours === null ? null : quietWords(settings.quietHours),
    timerPrompt: settings.timerPrompt,
    budgetRun: settings.budgetRun,
    budgetDay: settings.budgetDay,
    today,
    ...pause,
    createdAt: isoTime(createdAt),
    liveRuns,
  };
}
