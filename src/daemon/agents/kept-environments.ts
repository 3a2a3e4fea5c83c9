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
import { buildProfile } from './invocation.ts';
import type { Agents } from './registry.ts';
import { secretValuesIn, withoutOwnVariables } from './secrets.ts';

export type KeptEnvironments = ReturnType<typeof createKeptEnvironments>;
/** The owner of automatic runs: a task, or an agent's timer. */
export type EnvironmentOwner = { readonly task: number } | { readonly timerOf: string };
export type StartEnvironment = { readonly environment: Environment; readonly source: EnvironmentSource };

export function createKeptEnvironments(deps: {
  folder: string;
  store: Pick<Store, 'tasks' | 'agents'>;
  supervisor: Pick<Supervisor, 'findById'>;
  agents: Pick<Agents, 'environmentOf'>;
  folderOf: (run: Run) => string;
  changeFeed: ChangeFeed;
  /** The daemon's own environment, used if none is kept. */
  daemon: Environment;
  /** Whether every automatic run starts from the daemon's environment. */
  daemonOnly: boolean;
  log: LogFunction;
}) {
  const files = createEnvironmentFiles(deps.folder);
  /** Cache of the files: secrets of kept environments are looked for in every text that clip writes. */
  const known = new Map<string, Environment | null>();
  let secrets: readonly string[] | null = null;

  function read(name: string): Environment | null {
    const cached = known.get(name);
    if (cached !== undefined) return cached;
    let environment: Environment | null = null;
    try {
      environment = files.read(name);
    } catch (error) {
      deps.log('warn', 'kept environment unreadable', { name, error: describe(error) });
    }
    known.set(name, environment);
    return environment;
  }

  /** Keeps the environment for this owner's automatic runs, and restores the one before if the transaction fails. */
  function keep(tx: Tx, owner: EnvironmentOwner, environment: Environment): void {
    const name = ownerName(owner);
    const before = read(name);
    tx.onRollback(() => put(name, before));
    put(name, withoutOwnVariables(environment));
  }

  function put(name: string, environment: Environment | null): void {
    if (environment === null) files.remove(name);
    else files.write(name, environment);
    known.set(name, environment);
    secrets = null;
  }

  /** Returns the environment that the next automatic run of this owner starts from, and whose it is. */
  function startFrom(owner: EnvironmentOwner): StartEnvironment {
    const kept = deps.daemonOnly ? null : read(ownerName(owner));
    if (kept === null) return { environment: deps.daemon, source: 'daemon' };
    return { environment: kept, source: 'task' in owner ? 'task' : 'timer' };
  }

  /** Returns the environment that the caller of a change provides for automatic runs; null if unknown. */
  function ofCaller(caller: Actor, given: Environment | null): Environment | null {
    if (caller.kind === 'person') return given;
    const run = caller.kind === 'agent' ? deps.supervisor.findById(caller.runId) : null;
    return run === null ? null : ofAgentsRun(run);
  }

  /**
   * Returns the environment behind an agent's run: that of its task, else the one it was submitted with. Variables of
   * the agent's own settings are left out, because they may hold keys that no other agent should get.
   */
  function ofAgentsRun(run: Run): Environment | null {
    const { taskId: task } = run.lineage;
    const kept = task === null ? null : read(ownerName({ task }));
    if (kept !== null) return kept;
    const environment = readEnvironment(deps.folderOf(run));
    const agent = run.spec.agent === null ? null : deps.store.agents.byId(run.spec.agent.id);
    if (Object.keys(environment).length === 0 || agent === null) return null;
    const { env } = findAdapter(buildProfile(agent)).prepare({
      agent: buildProfile(agent),
      sessionId: null,
      promptPath: '',
      environment,
    });
    const own = new Set([...Object.keys(deps.agents.environmentOf(agent)), ...Object.keys(env), ...run.spec.envNames]);
    return Object.fromEntries(Object.entries(environment).filter(([name]) => !own.has(name)));
  }

  function isWanted(name: string): boolean {
    const [kind, id = ''] = name.split(/-(.*)/s);
    if (kind === 'timer') return deps.store.agents.byId(id) !== null;
    const task = kind === 'task' ? deps.store.tasks.byNumber(Number(id)) : null;
    return task !== null && !isClosed(task.status);
  }

  /** Removes environments that no open task and no agent needs. A crash may have prevented their removal. */
  function removeUnwanted(): void {
    for (const name of files.names()) if (!isWanted(name)) put(name, null);
  }

  deps.changeFeed.watch(({ event }) => {
    const { type, taskId, data } = event;
    const closed = (type === 'task-done' || type === 'task-cancelled') && taskId !== null ? { task: taskId } : null;
    const removed = type === 'agent-removed' ? { timerOf: String((data as { agentId?: string }).agentId) } : null;
    const owner = closed ?? removed;
    if (owner !== null && !isWanted(ownerName(owner))) put(ownerName(owner), null);
  });

  return {
    daemonOnly: deps.daemonOnly,
    keep,
    ofCaller,
    startFrom,
    removeUnwanted,
    /** Returns when a person's environment was kept for this owner, in milliseconds since the epoch; null for none. */
    keptAt: (owner: EnvironmentOwner): number | null => (deps.daemonOnly ? null : files.writtenAt(ownerName(owner))),
    /** Returns the secret values of all kept environments. */
    secretValues(): readonly string[] {
      secrets ??= [...new Set(files.names().flatMap((name) => secretValuesIn(read(name) ?? {})))];
      return secrets;
    },
  };
}

function ownerName(owner: EnvironmentOwner): string {
  return 'task' in owner ? `task-${owner.task}` : `timer-${owner.timerOf}`;
}
