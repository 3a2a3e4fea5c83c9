/** The agents of this home: their settings in the database, the values of their variables in files of their own. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { presetNamed, presets } from '../adapters/presets.ts';
import { readRegularFile } from '../process/regular-file.ts';
import { flushFolder, writeFlushed } from '../process/run-folder.ts';
import type { AgentRequest } from '../protocol/agents.ts';
import { readMapping } from '../protocol/mapping.ts';
import type { Agent, AgentProfile, AgentSettings } from '../run/agent.ts';
import { ClipError } from '../run/errors.ts';
import { limits } from '../run/limits.ts';
import { didYouMean } from '../run/nearest.ts';
import { liveStatuses } from '../run/run.ts';
import type { Store } from '../store/store.ts';
import { readEnvFile } from './env-file.ts';
import type { Supervisor } from './supervisor.ts';

export type Agents = ReturnType<typeof createAgents>;
type Environment = Readonly<Record<string, string>>;

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

export function createAgents(world: {
  store: Store;
  supervisor: Pick<Supervisor, 'together' | 'note'>;
  folder: string;
  now: () => number;
  rulesChanged: () => void;
}) {
  const { store, folder } = world;

  /** Throws when there is none of this name. */
  function get(name: string): Agent {
    const agent = store.agents.byName(name);
    if (agent) return agent;
    const others = store.agents.list().map(({ name: each }) => each);
    const hint =
      others.length === 0 ? 'Add one: clip agent add NAME --adapter codex' : didYouMean(name, others, `There are: ${others.slice(0, 10).join(', ')}.`);
    throw new ClipError('not_found', `There is no agent ${name}.`, hint);
  }

  /** Also of a removed agent, whose runs are still there. Throws when there never was one of this name. */
  function idOf(name: string): string {
    return store.agents.lastIdOf(name) ?? get(name).id;
  }

  function add(name: string, { adapter, env = {}, unsetEnv: _, preset, mapping, ...request }: AgentRequest): Agent {
    if (store.agents.byName(name))
      throw new ClipError('name_taken', `There is an agent ${name} already.`, `Change it: clip agent edit ${name}, or choose another name.`);
    if (adapter === undefined)
      throw new ClipError('usage', 'An agent needs an adapter.', 'Say which: --adapter codex, claude, gemini, opencode, plain or http.');
    const settings = checked({ ...defaults, adapter, ...given(request), ...mappingOf(preset, mapping), envNames: Object.keys(env) });
    const agent: Agent = { id: newId(), name, settings, paused: false, createdAt: world.now() };
    // The file first: an agent that is in the database has its variables.
    writeEnvironment(agent.id, env);
    return put(agent, 'agent-added');
  }

  /** What is not given stays; variables are added to those there are, and a value of null removes one. */
  function edit(name: string, { adapter, env = {}, unsetEnv = [], preset, mapping, ...request }: AgentRequest): Agent {
    const agent = get(name);
    const kept = Object.entries({ ...readEnvironment(agent.id), ...env }).filter(([key]) => !unsetEnv.includes(key));
    // Another CLI is another program, with another way to be read.
    const other = adapter !== undefined && adapter !== agent.settings.adapter;
    const kind = other ? { adapter, command: null, mapping: null, preset: null } : {};
    const changed = { ...agent.settings, ...kind, ...given(request), ...mappingOf(preset, mapping), envNames: kept.map(([key]) => key) };
    const settings = checked(changed);
    writeEnvironment(agent.id, Object.fromEntries(kept));
    return put({ ...agent, settings }, 'agent-changed');
  }

  function pause(name: string, paused: boolean): Agent {
    return put({ ...get(name), paused }, paused ? 'agent-paused' : 'agent-resumed');
  }

  function remove(name: string): Agent {
    const agent = get(name);
    const live = store.runs.page({ agentId: agent.id, statuses: liveStatuses }, { before: null, limit: 1 }).runs[0];
    if (live) {
      throw new ClipError('refused', `Agent ${name} has run ${live.number}, which is ${live.state.status}.`, `Stop it first: clip cancel --agent ${name}`);
    }
    world.supervisor.together(() => {
      store.agents.remove(agent.id, world.now());
      note(agent, 'agent-removed');
    });
    rmSync(environmentPath(agent.id), { force: true });
    world.rulesChanged();
    return agent;
  }

  function put(agent: Agent, type: string): Agent {
    world.supervisor.together(() => {
      store.agents.put(agent);
      note(agent, type);
    });
    world.rulesChanged();
    return agent;
  }

  function note({ id, name, settings }: Agent, type: string): void {
    const { adapter, permission } = settings;
    world.supervisor.note({ task: null, run: null, type, data: { agentId: id, name, adapter, permission } });
  }

  /** Its variables: the file the user keeps, then the ones given to clip. Throws when the file cannot be read. */
  function environmentOf({ id, name, settings }: Agent): Environment {
    return { ...(settings.envFile === null ? {} : readEnvFile(settings.envFile, name)), ...readEnvironment(id) };
  }

  function environmentPath(id: string): string {
    return join(folder, `${id}.json`);
  }

  function readEnvironment(id: string): Environment {
    const path = environmentPath(id);
    try {
      return storedEnvironment(readRegularFile(path, limits.runFileBytesMax).toString('utf8'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
      const hint = 'Delete the file, then give the variables again: clip agent edit NAME --env K=V';
      throw new ClipError('refused', `The variables of the agent in ${path} cannot be read: ${(error as Error).message}.`, hint, error);
    }
  }

  /** Beside the old ones, then in their place: there is never a moment without. */
  function writeEnvironment(id: string, environment: Environment): void {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const temporary = join(folder, `${id}.new`);
    rmSync(temporary, { force: true });
    writeFlushed(temporary, JSON.stringify(environment));
    renameSync(temporary, environmentPath(id));
    flushFolder(folder);
  }

  /** A run's agent as it is now. Throws when it was removed. */
  function again({ id, name }: AgentProfile): Agent {
    const agent = store.agents.byId(id);
    if (agent) return agent;
    throw new ClipError('refused', `Agent ${name} was removed.`, 'Start a new run with another agent: clip run --agent.');
  }

  return { list: store.agents.list, idOf, get, again, add, edit, pause, remove, environmentOf };
}

/** What was said, without what was not. */
function given<T extends object>(request: T): Partial<{ [K in keyof T]: Exclude<T[K], undefined> }> {
  return Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined)) as Partial<{ [K in keyof T]: Exclude<T[K], undefined> }>;
}

/** What must fit together, whatever was changed last. */
function checked(settings: AgentSettings): AgentSettings {
  const { adapter, command, mapping } = settings;
  if (adapter === 'http' && /^https?:\/\/[^/?#]*@/.test(command ?? '')) {
    const hint = "Give it as a header: --arg --header --arg 'Authorization=Basic $LOGIN' --env LOGIN=…";
    throw new ClipError('usage', 'A name and password in the URL would stand in every list of runs and processes.', hint);
  }
  if (mapping !== null && JSON.stringify(mapping).length > limits.mappingBytesMax)
    throw new ClipError(
      'too_large',
      `The mapping is larger than ${limits.mappingBytesMax / 1_024} KiB.`,
      'It goes along with every run: leave out what is not needed.',
    );
  if (adapter === 'http' && !/^https?:\/\/[^/]/.test(command ?? ''))
    throw new ClipError('usage', 'An http agent needs the URL it is reached at.', 'Say it: --command https://host/path');
  if (adapter === 'plain' && command === null && mapping === null)
    throw new ClipError('usage', 'A plain agent needs a command.', 'Say it: --command PROGRAM, or --preset NAME');
  if (mapping !== null && adapter !== 'plain')
    throw new ClipError('usage', `A preset or mapping is for plain agents; adapter ${adapter} reads its own stream.`, 'Leave it out, or say --adapter plain');
  if (settings.budgetRun?.runs != null) throw new ClipError('usage', 'A limit on runs means nothing for one run.', 'Say it for the day: --budget-day 20runs');
  return settings;
}

function mappingOf(preset: string | null | undefined, mapping: unknown): Partial<Pick<AgentSettings, 'mapping' | 'preset'>> {
  if (mapping === null || preset === null) return { mapping: null, preset: null };
  if (preset !== undefined && mapping !== undefined) throw new ClipError('usage', 'There are a preset and a mapping.', 'Leave one of them out.');
  if (mapping !== undefined) return { mapping: readMapping(mapping, 'The mapping'), preset: null };
  if (preset === undefined) return {};
  const known = presetNamed(preset);
  if (!known) throw new ClipError('usage', `There is no preset ${preset}.`, `There are: ${presets.map(({ name }) => name).join(', ')}.`);
  return { mapping: known.mapping, preset };
}

/** Damaged from outside. What the parser says of it would quote the values, and errors are shown and recorded. */
function storedEnvironment(text: string): Environment {
  try {
    const value = JSON.parse(text) as Environment | null;
    if (typeof value === 'object' && value !== null && Object.values(value).every((each) => typeof each === 'string')) return value;
  } catch {
    // Said below, without a word of what it holds.
  }
  throw new Error('it is damaged');
}

/** 50 random bits; a letter first, as with runs. */
function newId(): string {
  const digits = 'abcdefghjkmnpqrstvwxyz0123456789';
  return `a${[...randomBytes(10)].map((byte) => digits[byte & 31]).join('')}`;
}
