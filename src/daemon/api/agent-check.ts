/** Checks whether the program of an agent is found, now and when a run of it starts automatically. */
import { delimiter } from 'node:path';
import { findAdapter } from '#adapters/registry.ts';
import { submitterVariable } from '#launch/submitter.ts';
import { findCommand, toolVersion } from '#process/helper-command.ts';
import { isAnswering } from '#process/reach-folder.ts';
import type { AutomaticStart, CheckAnswer } from '#protocol/agents.ts';
import type { Agent } from '#run/agent.ts';
import { limits } from '#run/limits.ts';
import type { Environment } from '#run/run-environment.ts';
import { buildProfile } from '../agents/invocation.ts';
import { findPause } from './agent-view.ts';
import type { ApiContext } from './context.ts';

type Deps = Pick<ApiContext, 'agents' | 'budgets' | 'environments' | 'store'>;
type FoundProgram = { readonly program: string; readonly path: string | null; readonly environment: Environment };
type StartToCheck = Omit<AutomaticStart, 'found'> & { readonly environment: Environment };

/** Returns whether the agent's program is found in the caller's environment and in those of automatic runs. */
export async function checkAgent(deps: Deps, agent: Agent, env: Environment): Promise<CheckAnswer> {
  const { paused, pausedReason } = findPause(deps, agent);
  const { program, path, environment } = await findProgram(deps, agent, env);
  const starts = automaticStarts(deps, agent).map(async ({ environment: each, ...start }) => ({
    ...start,
    found: (await findProgram(deps, agent, each)).path !== null,
  }));
  const automatic = await Promise.all(starts);
  const taskEnvironment = deps.environments.daemonOnly ? ('daemon' as const) : ('person' as const);
  const answer = { schema: 1 as const, program, path, taskEnvironment, automatic, paused, pausedReason };
  const { adapter, preset } = agent.settings;
  if (adapter === 'http' || (adapter === 'plain' && preset === null)) return answer;
  const version =
    path === null ? null : await toolVersion(path, { env: environment, timeoutMs: limits.agentVersionMs });
  return { ...answer, version };
}

/** Finds the agent's program as a run with this environment would. */
async function findProgram(
  { agents }: Deps,
  agent: Agent,
  { [submitterVariable]: _, ...env }: Environment,
): Promise<FoundProgram> {
  const profile = buildProfile(agent);
  const environment = { ...env, ...agents.environmentOf(agent) };
  const launch = { agent: profile, sessionId: null, newSessionId: '', promptPath: '', environment };
  const [program = ''] = findAdapter(profile).prepare(launch).argv;
  if (agent.settings.adapter === 'http') return { program, path: agent.settings.command, environment };
  const folders = await answeringFolders(environment['PATH'] ?? '');
  return { program, path: findCommand(program, folders, agent.settings.cwd ?? '/'), environment };
}

/** Returns the environments of automatic runs of this agent: for its timer, its open tasks, and future tasks. */
function automaticStarts({ environments, store }: Deps, { id, settings }: Agent): StartToCheck[] {
  const timer = settings.everyMs === null ? [] : [{ task: null, ...environments.startFrom({ timerOf: id }) }];
  const tasks = store.tasks
    .ofAgents()
    .filter(({ assignee }) => assignee?.kind === 'agent' && assignee.agentId === id)
    .map(({ number }) => ({ task: number, ...environments.startFrom({ task: number }) }));
  const future = environments.daemonOnly ? [{ task: null, ...environments.startFrom({ timerOf: id }) }] : [];
  return [...timer, ...tasks, ...future];
}

/** Returns the folders of a PATH that can be searched without blocking. */
async function answeringFolders(path: string): Promise<string> {
  const folders = path.split(delimiter);
  const answering = await Promise.all(folders.map(isAnswering));
  return folders.filter((_, index) => answering[index]).join(delimiter);
}
