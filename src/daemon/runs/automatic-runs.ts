/** Builds the runs that clip starts by itself: automatic retries, and the runs of wakes. */
import { join } from 'node:path';
import { removeRunFolder } from '#process/real-folder.ts';
import { makeRunFolder, takeOver, writeInput, writeRunFolders } from '#process/run-folder-writer.ts';
import { runRequest } from '#protocol/requests.ts';
import type { Agent } from '#run/agent.ts';
import type { Lineage, Origin, RetryReason, Run } from '#run/run.ts';
import type { Store } from '#store/store.ts';
import type { Task } from '#task/task.ts';
import type { Agents } from '../agents/agent-registry.ts';
import { buildProfile } from '../agents/invocation.ts';
import type { EnvironmentOwner, StartEnvironment } from '../agents/kept-environments.ts';
import type { NewRun, Tx } from '../core/transaction.ts';
import { resolveRequest } from './build-spec.ts';
import type { RunPreparer } from './prepare-run.ts';
import { createAgain, specAgain } from './retry.ts';

export type AutomaticRuns = ReturnType<typeof createAutomaticRuns>;

export type WakeRun = {
  readonly agent: Agent;
  readonly task: Task | null;
  /** The prompt of a run without a task. */
  readonly prompt: string | null;
  readonly fresh: boolean;
  readonly notBefore: number | null;
  readonly retryOf: { readonly id: string; readonly reason: RetryReason } | null;
  readonly origin: Origin;
};

/**
 * The folder of an automatic run is written in the transaction that stores the run, so a run in the database always
 * has its folder. A rollback removes the folder.
 */
export function createAutomaticRuns(deps: {
  store: Store;
  agents: Agents;
  taskOf: (number: number) => Task;
  /** Returns the environment for automatic runs of this owner. */
  startEnvironment: (owner: EnvironmentOwner) => StartEnvironment;
  preparer: RunPreparer;
  runsFolder: string;
}) {
  const { launchAgain, sessionToGoOnWith } = createAgain(deps);

  /**
   * Returns the run that repeats a lost one, or replaces one whose session was unknown. It takes over the
   * environment. An agent resumes its session if it can.
   */
  function buildRetry(tx: Tx, ended: Run, reason: 'process_lost' | 'unknown_session'): NewRun {
    const { agent } = ended.spec;
    const again =
      agent === null
        ? null
        : launchAgain(ended, agent, { fresh: reason === 'unknown_session', environment: {}, words: null });
    const lineage: Lineage = {
      ...ended.lineage,
      retryOfRunId: ended.id,
      retryReason: reason,
      processLossRetryCount: ended.lineage.processLossRetryCount + (reason === 'process_lost' ? 1 : 0),
    };
    const spec = again === null ? ended.spec : specAgain(ended.spec, again);
    const run = deps.preparer.buildRun({ key: null, spec, lineage });
    const folder = claimFolder(tx, run);
    const made = makeRunFolder(folder);
    takeOver(join(deps.runsFolder, ended.id), folder, again === null);
    if (again) writeInput(folder, again.prompt, again.request);
    return { ...run, folder: made };
  }

  /**
   * Returns the run for a wake: with the current settings of its agent, in its task's folder, in the environment kept
   * for the task or timer. It resumes the session of the agent's last run of the task, unless `fresh`. Throws if the
   * run cannot start.
   */
  function buildRunOfWake(tx: Tx, wake: WakeRun): NewRun {
    const { agent, task, prompt, fresh, notBefore } = wake;
    const { environment, source } = deps.startEnvironment(
      task === null ? { timerOf: agent.id } : { task: task.number },
    );
    const request = runRequest.parse({
      agent: agent.name,
      task: task?.number ?? null,
      prompt,
      // HOME may be a relative path, which would be refused like a requested work folder.
      cwd: environment['HOME']?.startsWith('/') ? environment['HOME'] : '/',
      cwdIsDefault: true,
      env: environment,
    });
    const last = task === null || fresh ? null : deps.store.runs.latestOfTask(task.number, agent.id);
    const sessionId = last === null ? null : sessionToGoOnWith(last, buildProfile(agent));
    const resolved = resolveRequest(request, deps, sessionId);
    const { run, ...files } = deps.preparer.prepare(resolved, buildLineage(wake, source));
    const [made = null] = writeRunFolders(deps.runsFolder, [{ folder: claimFolder(tx, run), ...files }]);
    return { ...run, notBefore, folder: made };
  }

  /** Returns the path of the run's folder. A rollback removes it: it belongs to no run then, and holds an environment. */
  function claimFolder(tx: Tx, { id }: NewRun): string {
    const folder = join(deps.runsFolder, id);
    tx.onRollback(() => removeRunFolder(folder));
    return folder;
  }

  return { buildRetry, buildRunOfWake };
}

function buildLineage({ task, origin, retryOf }: WakeRun, environment: Lineage['environment']): Lineage {
  return {
    taskId: task?.number ?? null,
    origin,
    parentRunId: null,
    depth: 0,
    retryOfRunId: retryOf?.id ?? null,
    retryReason: retryOf?.reason ?? null,
    processLossRetryCount: 0,
    environment,
  };
}
