/** The agents of this home. Settings are in the database, values of variables in files. */
import { presetNamed, presets } from '#adapters/presets.ts';
import { createEnvironmentFiles } from '#process/environment-files.ts';
import type { AgentRequest } from '#protocol/agents.ts';
import { readMapping } from '#protocol/mapping.ts';
import type { Agent, AgentProfile, AgentSettings } from '#run/agent.ts';
import { didYouMean } from '#run/did-you-mean.ts';
import { ClipError } from '#run/errors.ts';
import { limits } from '#run/limits.ts';
import { liveStatuses } from '#run/run.ts';
import type { Environment } from '#run/run-environment.ts';
import type { Store } from '#store/store.ts';
import { refuseIfSilent } from '../core/look-at-path.ts';
import { newId } from '../core/new-id.ts';
import type { Supervisor } from '../core/supervisor.ts';
import type { Tx } from '../core/transaction.ts';
import { readEnvFile } from './env-file.ts';

export type Agents = ReturnType<typeof createAgents>;
/** What is stored in the same transaction as an agent. */
type AlsoIn = (tx: Tx, agent: Agent) => void;

const defaults: Omit<AgentSettings, 'adapter'> = {
  command: null,
  model: null,
  role: null,
  args: [],
  permission: 'ask',
  mapping: null,
  preset: null,
  cwd: null,
  envNames: [],
  envFile: null,
  timeoutMs: null,
  silenceMs: null,
  graceMs: null,
  concurrency: 1,
  promptTemplate: null,
  leftovers: null,
  sharesWorktree: false,
  everyMs: null,
  quietHours: null,
  timerPrompt: null,
  budgetRun: null,
  budgetDay: null,
};

export function createAgents(deps: {
  store: Store;
  supervisor: Pick<Supervisor, 'transaction'>;
  folder: string;
  now: () => number;
  rulesChanged: () => void;
}) {
  const { store } = deps;
  const files = createEnvironmentFiles(deps.folder);

  /** Returns the agent with this name. Throws if there is none. */
  function get(name: string): Agent {
    const agent = store.agents.byName(name);
    if (agent) return agent;
    const others = store.agents.list().map(({ name: each }) => each);
    const hint =
      others.length === 0
        ? 'Add one: clip agent add NAME --adapter codex'
        : didYouMean(name, others, `There are: ${others.slice(0, 10).join(', ')}.`);
    throw new ClipError('not_found', `There is no agent ${name}.`, hint);
  }

  /** Returns the id of an agent, even of a removed one whose runs remain. Throws if the name was never used. */
  function requireId(name: string): string {
    return store.agents.lastIdOf(name) ?? get(name).id;
  }

  function add(
    name: string,
    { adapter, env = {}, unsetEnv: _, preset, mapping, ...request }: AgentRequest,
    alsoIn: AlsoIn = () => {},
  ): Agent {
    if (store.agents.byName(name))
      throw new ClipError(
        'name_taken',
        `There is an agent ${name} already.`,
        `Change it: clip agent edit ${name}, or choose another name.`,
      );
    if (adapter === undefined)
      throw new ClipError(
        'usage',
        'An agent needs an adapter.',
        'Say which: --adapter codex, claude, gemini, opencode, plain or http.',
      );
    const settings = checked({
      ...defaults,
      adapter,
      ...given(request),
      ...resolveMapping(preset, mapping),
      envNames: Object.keys(env),
    });
    const agent: Agent = { id: newId('a', 10), name, settings, paused: false, createdAt: deps.now() };
    // The file is written first, so an agent in the database always has its variables.
    files.write(agent.id, env);
    return put(agent, 'agent-added', alsoIn);
  }

  /** Changes an agent. Omitted settings stay. Variables are merged, and `unsetEnv` removes some. */
  function edit(
    name: string,
    { adapter, env = {}, unsetEnv = [], preset, mapping, ...request }: AgentRequest,
    alsoIn: AlsoIn = () => {},
  ): Agent {
    const agent = get(name);
    const kept = Object.entries({ ...readKeptEnvironment(agent.id), ...env }).filter(
      ([key]) => !unsetEnv.includes(key),
    );
    // Another adapter means another program and another mapping.
    const other = adapter !== undefined && adapter !== agent.settings.adapter;
    const kind = other ? { adapter, command: null, mapping: null, preset: null } : {};
    const changed = {
      ...agent.settings,
      ...kind,
      ...given(request),
      ...resolveMapping(preset, mapping),
      envNames: kept.map(([key]) => key),
    };
    const settings = checked(changed);
    files.write(agent.id, Object.fromEntries(kept));
    return put({ ...agent, settings }, 'agent-changed', alsoIn);
  }

  function pause(name: string, paused: boolean): Agent {
    return put({ ...get(name), paused }, paused ? 'agent-paused' : 'agent-resumed');
  }

  function remove(name: string): Agent {
    const agent = get(name);
    const live = store.runs.page({ agentId: agent.id, statuses: liveStatuses }, { before: null, limit: 1 }).runs[0];
    if (live) {
      throw new ClipError(
        'refused',
        `Agent ${name} has run ${live.number}, which is ${live.state.status}.`,
        `Stop it first: clip cancel --agent ${name}`,
      );
    }
    deps.supervisor.transaction((tx) => {
      store.agents.remove(tx, agent.id, deps.now());
      record(tx, agent, 'agent-removed');
    });
    files.remove(agent.id);
    deps.rulesChanged();
    return agent;
  }

  function put(agent: Agent, type: string, alsoIn: AlsoIn = () => {}): Agent {
    deps.supervisor.transaction((tx) => {
      store.agents.put(tx, agent);
      record(tx, agent, type);
      alsoIn(tx, agent);
    });
    deps.rulesChanged();
    return agent;
  }

  function record(tx: Tx, { id, name, settings }: Agent, type: string): void {
    const { adapter, permission } = settings;
    tx.record({ task: null, run: null, type, data: { agentId: id, name, adapter, permission } });
  }

  /** Returns the variables of an agent: those of the env file, then those given to clip. Throws if the file cannot be read. */
  function readEnvironment({ id, name, settings }: Agent): Environment {
    if (settings.envFile !== null) refuseIfSilent('env file', settings.envFile);
    return { ...(settings.envFile === null ? {} : readEnvFile(settings.envFile, name)), ...readKeptEnvironment(id) };
  }

  function readKeptEnvironment(id: string): Environment {
    try {
      return files.read(id) ?? {};
    } catch (error) {
      const path = files.pathOf(id);
      const hint = 'Delete the file, then give the variables again: clip agent edit NAME --env K=V';
      throw new ClipError(
        'refused',
        `The variables of the agent in ${path} cannot be read: ${(error as Error).message}.`,
        hint,
        error,
      );
    }
  }

  /** Returns the current agent of a run. Throws if it was removed. */
  function again({ id, name }: AgentProfile): Agent {
    const agent = store.agents.byId(id);
    if (agent) return agent;
    throw new ClipError(
      'refused',
      `Agent ${name} was removed.`,
      'Start a new run with another agent: clip run --agent.',
    );
  }

  return {
    list: store.agents.list,
    idOf: requireId,
    get,
    again,
    add,
    edit,
    pause,
    remove,
    environmentOf: readEnvironment,
  };
}

/** Returns the request without undefined fields. */
function given<T extends object>(request: T): Partial<{ [K in keyof T]: Exclude<T[K], undefined> }> {
  return Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined)) as Partial<{
    [K in keyof T]: Exclude<T[K], undefined>;
  }>;
}

/** Validates the combination of settings. Throws if they do not fit together. */
function checked(settings: AgentSettings): AgentSettings {
  const { adapter, command, mapping } = settings;
  if (adapter === 'http' && /^https?:\/\/[^/?#]*@/.test(command ?? '')) {
    const hint = "Give it as a header: --arg --header --arg 'Authorization=Basic $LOGIN' --env LOGIN=…";
    throw new ClipError(
      'usage',
      'A name and password in the URL would stand in every list of runs and processes.',
      hint,
    );
  }
  if (mapping !== null && JSON.stringify(mapping).length > limits.mappingBytesMax)
    throw new ClipError(
      'too_large',
      `The mapping is larger than ${limits.mappingBytesMax / 1_024} KiB.`,
      'It goes along with every run: leave out what is not needed.',
    );
  if (adapter === 'http' && !/^https?:\/\/[^/]/.test(command ?? ''))
    throw new ClipError(
      'usage',
      'An http agent needs the URL it is reached at.',
      'Say it: --command https://host/path',
    );
  if (adapter === 'plain' && command === null && mapping === null)
    throw new ClipError('usage', 'A plain agent needs a command.', 'Say it: --command PROGRAM, or --preset NAME');
  if (mapping !== null && adapter !== 'plain')
    throw new ClipError(
      'usage',
      `A preset or mapping is for plain agents; adapter ${adapter} reads its own stream.`,
      'Leave it out, or say --adapter plain',
    );
  if (settings.budgetRun?.runs != null)
    throw new ClipError(
      'usage',
      'A limit on runs means nothing for one run.',
      'Say it for the day: --budget-day 20runs',
    );
  return settings;
}

function resolveMapping(
  preset: string | null | undefined,
  mapping: unknown,
): Partial<Pick<AgentSettings, 'mapping' | 'preset'>> {
  if (mapping === null || preset === null) return { mapping: null, preset: null };
  if (preset !== undefined && mapping !== undefined)
    throw new ClipError('usage', 'There are a preset and a mapping.', 'Leave one of them out.');
  if (mapping !== undefined) return { mapping: readMapping(mapping, 'The mapping'), preset: null };
  if (preset === undefined) return {};
  const known = presetNamed(preset);
  if (!known)
    throw new ClipError(
      'usage',
      `There is no preset ${preset}.`,
      `There are: ${presets.map(({ name }) => name).join(', ')}.`,
    );
  return { mapping: known.mapping, preset };
}
