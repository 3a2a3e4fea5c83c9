/**
 * The environments that automatic runs start from: that of the person who assigned or last continued a task, and that
 * of the person who set an agent's timer. The daemon's own environment often differs: it comes from the shell that
 * started it, or from the login.
 */
import { findAdapter } from '#adapters/registry.ts';
import { createEnvironmentFiles } from '#process/environment-files.ts';
import { readEnvironment } from '#process/run-folder-writer.ts';
import type { EnvironmentSource, Run } from '#run/run.ts';
import type { Environment } from '#run/run-environment.ts';
import type { Store } from '#store/store.ts';
import { type Actor, isClosed } from '#task/task.ts';
import type { ChangeFeed } from '../core/change-feed.ts';
import { describe, type LogFunction } from '../core/log.ts';
import type { Supervisor } from '../core/supervisor.ts';
import type { Tx } from '../core/transaction.ts';
import type { Agents } from './agent-registry.ts';
import { buildProfile } from './invocation.ts';
import { secretValuesIn, withoutOwnVariables } from './secrets.ts';

/** The owner of automatic runs: a task, or an agent's timer. */
export type EnvironmentOwner = { readonly task: number } | { readonly timerOf: string };
export type StartEnvironment = { readonly environment: Environment; readonly source: EnvironmentSource };

type Deps = {
  readonly folder: string;
  readonly store: Pick<Store, 'tasks' | 'agents'>;
  readonly supervisor: Pick<Supervisor, 'findById'>;
  readonly agents: Pick<Agents, 'environmentOf'>;
  readonly folderOf: (run: Run) => string;
  readonly changeFeed: ChangeFeed;
  /** The daemon's own environment, used if none is kept. */
  readonly daemon: Environment;
  /** Whether every automatic run starts from the daemon's environment. */
  readonly daemonOnly: boolean;
  readonly log: LogFunction;
};

export class KeptEnvironments {
  /** Whether every automatic run starts from the daemon's environment. */
  readonly daemonOnly: boolean;
  readonly #deps: Deps;
  readonly #files: ReturnType<typeof createEnvironmentFiles>;
  /** Cache of the files: secrets of kept environments are looked for in every text that clip writes. */
  readonly #known = new Map<string, Environment | null>();
  #secrets: readonly string[] | null = null;

  constructor(deps: Deps) {
    this.daemonOnly = deps.daemonOnly;
    this.#deps = deps;
    this.#files = createEnvironmentFiles(deps.folder);
    deps.changeFeed.watch(({ event }) => {
      const { type, taskId, data } = event;
      const closed = (type === 'task-done' || type === 'task-cancelled') && taskId !== null ? { task: taskId } : null;
      const removed = type === 'agent-removed' ? { timerOf: String((data as { agentId?: string }).agentId) } : null;
      const owner = closed ?? removed;
      if (owner !== null && !this.#isWanted(ownerName(owner))) this.#put(ownerName(owner), null);
    });
  }

  /** Keeps the environment for this owner's automatic runs, and restores the one before if the transaction fails. */
  keep(tx: Tx, owner: EnvironmentOwner, environment: Environment): void {
    const name = ownerName(owner);
    const before = this.#read(name);
    tx.onRollback(() => this.#put(name, before));
    this.#put(name, withoutOwnVariables(environment));
  }

  /** Returns the environment that the caller of a change provides for automatic runs; null if unknown. */
  ofCaller(caller: Actor, given: Environment | null): Environment | null {
    if (caller.kind === 'person') return given;
    const run = caller.kind === 'agent' ? this.#deps.supervisor.findById(caller.runId) : null;
    return run === null ? null : this.#ofAgentsRun(run);
  }

  /** Returns the environment that the next automatic run of this owner starts from, and whose it is. */
  startFrom(owner: EnvironmentOwner): StartEnvironment {
    const kept = this.daemonOnly ? null : this.#read(ownerName(owner));
    if (kept === null) return { environment: this.#deps.daemon, source: 'daemon' };
    return { environment: kept, source: 'task' in owner ? 'task' : 'timer' };
  }

  /** Removes environments that no open task and no agent needs. A crash may have prevented their removal. */
  removeUnwanted(): void {
    for (const name of this.#files.names()) if (!this.#isWanted(name)) this.#put(name, null);
  }

  /** Returns when a person's environment was kept for this owner, in milliseconds since the epoch; null for none. */
  keptAt(owner: EnvironmentOwner): number | null {
    return this.daemonOnly ? null : this.#files.writtenAt(ownerName(owner));
  }

  /** Returns the secret values of all kept environments. */
  secretValues(): readonly string[] {
    this.#secrets ??= [...new Set(this.#files.names().flatMap((name) => secretValuesIn(this.#read(name) ?? {})))];
    return this.#secrets;
  }

  #read(name: string): Environment | null {
    const cached = this.#known.get(name);
    if (cached !== undefined) return cached;
    let environment: Environment | null = null;
    try {
      environment = this.#files.read(name);
    } catch (error) {
      this.#deps.log('warn', 'kept environment unreadable', { name, error: describe(error) });
    }
    this.#known.set(name, environment);
    return environment;
  }

  #put(name: string, environment: Environment | null): void {
    if (environment === null) this.#files.remove(name);
    else this.#files.write(name, environment);
    this.#known.set(name, environment);
    this.#secrets = null;
  }

  /**
   * Returns the environment behind an agent's run: that of its task, else the one it was submitted with. Variables of
   * the agent's own settings are left out, because they may hold keys that no other agent should get.
   */
  #ofAgentsRun(run: Run): Environment | null {
    const { store, agents, folderOf } = this.#deps;
    const { taskId: task } = run.lineage;
    const kept = task === null ? null : this.#read(ownerName({ task }));
    if (kept !== null) return kept;
    const environment = readEnvironment(folderOf(run));
    const agent = run.spec.agent === null ? null : store.agents.byId(run.spec.agent.id);
    if (Object.keys(environment).length === 0 || agent === null) return null;
    const { env } = findAdapter(buildProfile(agent)).prepare({
      agent: buildProfile(agent),
      sessionId: null,
      newSessionId: '',
      promptPath: '',
      environment,
    });
    const own = new Set([...Object.keys(agents.environmentOf(agent)), ...Object.keys(env), ...run.spec.envNames]);
    return Object.fromEntries(Object.entries(environment).filter(([name]) => !own.has(name)));
  }

  #isWanted(name: string): boolean {
    const { store } = this.#deps;
    const [kind, id = ''] = name.split(/-(.*)/s);
    if (kind === 'timer') return store.agents.byId(id) !== null;
    const task = kind === 'task' ? store.tasks.byNumber(Number(id)) : null;
    return task !== null && !isClosed(task.status);
  }
}

function ownerName(owner: EnvironmentOwner): string {
  return 'task' in owner ? `task-${owner.task}` : `timer-${owner.timerOf}`;
}
