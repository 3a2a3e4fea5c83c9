/** The agents of this home. Settings are in the database, values of variables in files. */
import { createEnvironmentFiles } from '#process/environment-files.ts';
import type { AgentRequest } from '#protocol/agents.ts';
import type { Agent, AgentProfile } from '#run/agent.ts';
import { didYouMean } from '#run/did-you-mean.ts';
import { ClipError } from '#run/errors.ts';
import { liveStatuses } from '#run/run.ts';
import type { Environment } from '#run/run-environment.ts';
import type { Store } from '#store/store.ts';
import { refuseIfSilent } from '../core/look-at-path.ts';
import { newId } from '../core/new-id.ts';
import type { Supervisor } from '../core/supervisor.ts';
import type { Tx } from '../core/transaction.ts';
import { buildSettings, changeSettings } from './agent-settings.ts';
import { readEnvFile } from './env-file.ts';

type AgentDeps = {
  readonly store: Store;
  readonly supervisor: Pick<Supervisor, 'transaction'>;
  /** Folder of the files with the variables of agents. */
  readonly folder: string;
  readonly now: () => number;
  readonly rulesChanged: () => void;
};
/** What is stored in the same transaction as an agent. */
type AlsoIn = (tx: Tx, agent: Agent) => void;

export class Agents {
  readonly #deps: AgentDeps;
  readonly #files: ReturnType<typeof createEnvironmentFiles>;

  constructor(deps: AgentDeps) {
    this.#deps = deps;
    this.#files = createEnvironmentFiles(deps.folder);
  }

  /** Returns all agents, by name. */
  list(): Agent[] {
    return this.#deps.store.agents.list();
  }

  /** Returns the agent with this name. Throws if there is none. */
  get(name: string): Agent {
    const agent = this.#deps.store.agents.byName(name);
    if (agent) return agent;
    const others = this.list().map(({ name: each }) => each);
    const hint =
      others.length === 0
        ? 'Add one: clip agent add NAME --adapter codex'
        : didYouMean(name, others, `There are: ${others.slice(0, 10).join(', ')}.`);
    throw new ClipError('not_found', `There is no agent ${name}.`, hint);
  }

  /** Returns the id of an agent, even of a removed one whose runs remain. Throws if the name was never used. */
  idOf(name: string): string {
    return this.#deps.store.agents.lastIdOf(name) ?? this.get(name).id;
  }

  /** Returns the current agent of a run. Throws if it was removed. */
  again({ id, name }: AgentProfile): Agent {
    const agent = this.#deps.store.agents.byId(id);
    if (agent) return agent;
    throw new ClipError(
      'refused',
      `Agent ${name} was removed.`,
      'Start a new run with another agent: clip run --agent.',
    );
  }

  /** Adds an agent. Throws if the name is taken, or if its settings do not fit together. */
  add(name: string, request: AgentRequest, alsoIn: AlsoIn = () => {}): Agent {
    if (this.#deps.store.agents.byName(name))
      throw new ClipError(
        'name_taken',
        `There is an agent ${name} already.`,
        `Change it: clip agent edit ${name}, or choose another name.`,
      );
    const { env = {} } = request;
    const settings = buildSettings(request, Object.keys(env));
    const agent: Agent = { id: newId('a', 10), name, settings, paused: false, createdAt: this.#deps.now() };
    return this.#put(agent, 'agent-added', (tx) => {
      this.#writeVariables(tx, agent.id, env);
      alsoIn(tx, agent);
    });
  }

  /**
   * Changes an agent. Omitted settings stay. Variables are merged, and `unsetEnv` removes some. Throws if there is no
   * such agent, or if its settings do not fit together.
   */
  edit(name: string, request: AgentRequest, alsoIn: AlsoIn = () => {}): Agent {
    const { env = {}, unsetEnv = [] } = request;
    const agent = this.get(name);
    const merged = Object.entries({ ...this.#readKept(agent.id), ...env });
    const kept = Object.fromEntries(merged.filter(([key]) => !unsetEnv.includes(key)));
    const settings = changeSettings(agent.settings, request, Object.keys(kept));
    return this.#put({ ...agent, settings }, 'agent-changed', (tx, changed) => {
      this.#writeVariables(tx, agent.id, kept);
      alsoIn(tx, changed);
    });
  }

  /** Pauses or resumes an agent. Throws if there is none of this name. */
  pause(name: string, paused: boolean): Agent {
    return this.#put({ ...this.get(name), paused }, paused ? 'agent-paused' : 'agent-resumed');
  }

  /** Removes an agent and its variables. Throws if there is none of this name, or if a run of it is live. */
  remove(name: string): Agent {
    const { store, supervisor, now, rulesChanged } = this.#deps;
    const agent = this.get(name);
    const live = store.runs.page({ agentId: agent.id, statuses: liveStatuses }, { before: null, limit: 1 }).runs[0];
    if (live) {
      throw new ClipError(
        'refused',
        `Agent ${name} has run ${live.number}, which is ${live.state.status}.`,
        `Stop it first: clip cancel --agent ${name}`,
      );
    }
    supervisor.transaction((tx) => {
      store.agents.remove(tx, agent.id, now());
      record(tx, agent, 'agent-removed');
    });
    this.#files.remove(agent.id);
    rulesChanged();
    return agent;
  }

  /**
   * Returns the variables of an agent: those of the env file, then those given to clip. Throws if the file cannot be
   * read.
   */
  environmentOf({ id, name, settings }: Agent): Environment {
    if (settings.envFile === null) return this.#readKept(id);
    refuseIfSilent('env file', settings.envFile);
    return { ...readEnvFile(settings.envFile, name), ...this.#readKept(id) };
  }

  #put(agent: Agent, type: string, alsoIn: AlsoIn = () => {}): Agent {
    const { store, supervisor, rulesChanged } = this.#deps;
    supervisor.transaction((tx) => {
      store.agents.put(tx, agent);
      record(tx, agent, type);
      alsoIn(tx, agent);
    });
    rulesChanged();
    return agent;
  }

  /** Writes the variables before the commit, so an agent in the database always has them. A rollback restores the file. */
  #writeVariables(tx: Tx, id: string, env: Environment): void {
    const before = this.#files.read(id);
    tx.onRollback(() => (before === null ? this.#files.remove(id) : this.#files.write(id, before)));
    this.#files.write(id, env);
  }

  #readKept(id: string): Environment {
    try {
      return this.#files.read(id) ?? {};
    } catch (error) {
      const path = this.#files.pathOf(id);
      throw new ClipError(
        'refused',
        `The variables of the agent in ${path} cannot be read: ${(error as Error).message}.`,
        'Delete the file, then give the variables again: clip agent edit NAME --env K=V',
        error,
      );
    }
  }
}

function record(tx: Tx, { id, name, settings }: Agent, type: string): void {
  const { adapter, permission } = settings;
  tx.record({ task: null, run: null, type, data: { agentId: id, name, adapter, permission } });
}
