/** `/v1/agents`: lists, adds, changes, pauses, checks and removes agents. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { presetNamed } from '#adapters/presets.ts';
import { type AgentRequest, agentParams, agentRequest, checkRequest, pauseRequest } from '#protocol/agents.ts';
import type { Agent } from '#run/agent.ts';
import { limits } from '#run/limits.ts';
import { isEnded } from '#run/run.ts';
import type { Environment } from '#run/run-environment.ts';
import type { Tx } from '../../core/transaction.ts';
import { checkAgent } from '../agent-check.ts';
import { findDoubt, joinNotes, liveRunsOf, viewAgent } from '../agent-view.ts';
import { read } from '../api-errors.ts';
import { requirePerson } from '../auth.ts';
import type { RouteDeps, Routes } from '../context.ts';

const largeBody = { bodyLimit: 2 * limits.bodyBytesMax };

export const agentRoutes: Routes = (api, deps) => {
  const { agents } = deps;
  api.get('/v1/agents', () => ({ schema: 1, agents: agents.list().map((agent) => viewAgent(deps, agent)) }));
  api.get('/v1/agents/:agent', (request) => ({ schema: 1, agent: viewAgent(deps, agents.get(nameIn(request))) }));
  api.put('/v1/agents/:agent', largeBody, (request, reply) => addAgent(deps, request, reply));
  api.patch('/v1/agents/:agent', largeBody, (request) => editAgent(deps, request));
  api.delete('/v1/agents/:agent', (request) => removeAgent(deps, request));
  api.post('/v1/agents/:agent/pause', (request) => pauseAgent(deps, request));
  api.post('/v1/agents/:agent/check', largeBody, async (request) => {
    const agent = agents.get(nameIn(request));
    return checkAgent(deps, agent, read(checkRequest, request.body).env);
  });
};

function addAgent(deps: RouteDeps, request: FastifyRequest, reply: FastifyReply) {
  requireOwner(deps, request);
  const name = nameIn(request);
  const { timerEnvironment, ...settings } = read(agentRequest, request.body);
  const agent = deps.agents.add(name, settings, keepTimerEnvironment(deps, settings, timerEnvironment));
  const { preset } = agent.settings;
  const note = preset === null ? null : (presetNamed(preset)?.note ?? null);
  return reply
    .code(201)
    .send({ schema: 1, agent: viewAgent(deps, agent), note: joinNotes(note, findDoubt(deps, agent)) });
}

function editAgent(deps: RouteDeps, request: FastifyRequest) {
  requireOwner(deps, request);
  const name = nameIn(request);
  const { timerEnvironment, ...settings } = read(agentRequest, request.body);
  const agent = deps.agents.edit(name, settings, keepTimerEnvironment(deps, settings, timerEnvironment));
  const setsBudget = settings.budgetRun !== undefined || settings.budgetDay !== undefined;
  const note = setsBudget ? joinNotes(null, findDoubt(deps, agent)) : null;
  return { schema: 1, agent: viewAgent(deps, agent), note };
}

function removeAgent(deps: RouteDeps, request: FastifyRequest) {
  requireOwner(deps, request);
  return { schema: 1, agent: viewAgent(deps, deps.agents.remove(nameIn(request))) };
}

/**
 * Pauses or resumes an agent. A paused agent starts no run. Its current runs may finish, unless the request stops them.
 */
function pauseAgent(deps: RouteDeps, request: FastifyRequest) {
  requireOwner(deps, request);
  const name = nameIn(request);
  const { paused, now } = read(pauseRequest, request.body);
  const agent = deps.agents.pause(name, paused);
  const stopping = paused && now ? liveRunsOf(deps, agent).filter(({ state }) => !isEnded(state)) : [];
  const event = { type: 'stop-requested', order: 'paused', graceMs: null, now: false } as const;
  deps.supervisor.submitAll(stopping.map(({ number }) => ({ number, event })));
  return { schema: 1, agent: viewAgent(deps, agent), stopped: stopping.map(({ number }) => number) };
}

function nameIn({ params }: FastifyRequest): string {
  return read(agentParams, params).agent;
}

/** Throws unless a person asks. Limits, permissions and pauses restrict agents, so no agent may change them. */
function requireOwner(deps: RouteDeps, request: FastifyRequest): void {
  requirePerson(request, deps, 'adds and changes agents');
}

/** Returns what keeps the caller's environment for the runs of a timer that was just set. */
function keepTimerEnvironment(
  { environments }: RouteDeps,
  { everyMs }: AgentRequest,
  environment: Environment | null | undefined,
): (tx: Tx, agent: Agent) => void {
  return (tx, { id }) => {
    if (everyMs != null && environment != null) environments.keep(tx, { timerOf: id }, environment);
  };
}
