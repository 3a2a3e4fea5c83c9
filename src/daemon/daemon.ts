/** Builds the daemon bottom-up and opens its socket last: no client can connect before the recovery is complete. */
import { createAgentServices } from './agents/agents.ts';
import { startApi } from './api/server.ts';
import { createCostNotice } from './budgets/cost-notice.ts';
import { createMeteredBudgets } from './budgets/metered-budgets.ts';
import { createCopiedHome } from './copied-home.ts';
import { type Core, type DaemonOptions, openCore } from './core/core.ts';
import { describe } from './core/log.ts';
import { beginGeneration } from './generation.ts';
import { watchHome } from './home-watchdog.ts';
import { Hooks } from './notifications/hooks.ts';
import { LogArchiver } from './output/log-archiver.ts';
import { createOutput } from './output/output.ts';
import { Keepers } from './processes/keepers.ts';
import { createProcesses } from './processes/processes.ts';
import { Scheduler } from './queue/scheduler.ts';
import { removeOrphanFolders } from './runs/orphan-folders.ts';
import { createRunServices } from './runs/runs.ts';
import { Shutdown } from './shutdown.ts';
import { createAttention } from './tasks/attention.ts';
import { createBackfill } from './tasks/backfill.ts';
import { createTaskEngine } from './tasks/task-engine.ts';
import { Tasks } from './tasks/tasks.ts';

/** Starts the daemon. Its API is listening when this resolves to what ends it. Throws if the home cannot be served. */
export async function startDaemon(options: DaemonOptions): Promise<Shutdown> {
  const core = openCore(options);
  const { store, supervisor, events, now, logOf } = core;
  const { generation, uncleanBefore } = beginGeneration(core);
  const { originalOf } = createCopiedHome(store);
  const keepers = await Keepers.connect(core, generation);
  const shutdown = new Shutdown(core, keepers);

  const agentServices = createAgentServices(core);
  const tasks = new Tasks({ store, now });
  const output = createOutput(core, agentServices);
  const { budgets, usageMeter } = createMeteredBudgets(core, output);
  const runServices = createRunServices(core, agentServices, output, { tasks, keepers });
  const taskEngine = createTaskEngine(core, { ...agentServices, ...runServices, tasks, budgets });
  const scheduler = new Scheduler(core, { keepers, budgets, ...output });
  const parts = { ...agentServices, ...output, ...runServices, tasks, budgets, usageMeter, scheduler, keepers };
  const processes = createProcesses(core, { ...parts, taskEngine, originalOf });

  supervisor.use({
    perform: processes.perform,
    views: [usageMeter, scheduler],
    grants: () => scheduler.grants(),
    react: taskEngine.react,
    buildRetry: (tx, ended, reason) => taskEngine.continuation.buildRetry(tx, ended, reason),
  });
  events.on('rules-changed', () => {
    budgets.rulesChanged();
    scheduler.rulesChanged();
    taskEngine.reconsider();
  });
  events.on('disk-freed', () => {
    processes.reconcile();
    scheduler.ask();
  });

  await processes.recover();
  if (uncleanBefore) removeOrphans(core);
  agentServices.environments.removeUnwanted();
  taskEngine.start();
  const { runJudge } = taskEngine;
  const archiver = new LogArchiver(core, runJudge);
  archiver.start();
  const hooks = new Hooks(core, { ...agentServices, needs: createAttention({ store, budgets, now }) });

  store.failFast();
  options.process.onStopSignal(shutdown.request);
  const api = await startApi({
    ...core,
    ...parts,
    ...taskEngine,
    generation,
    startedAt: now(),
    scanner: processes.scanner,
    costNotice: createCostNotice(core),
    backfill: createBackfill({ supervisor, runJudge, log: logOf('api') }),
    log: logOf('api'),
    shutdown: shutdown.request,
  });
  const watchdog = watchHome(core, { republish: () => api.publish(), gone: () => shutdown.exit(1) });
  core.diskGuard.watch(store.reserve);
  const background = [watchdog, core.diskGuard, hooks, processes, archiver, taskEngine, budgets, scheduler];
  shutdown.arm([api, { close: () => keepers.settled() }, ...background]);
  void keepers.ensure().then(scheduler.ask);
  core.log('info', 'daemon ready', { version: core.version, generation, unfinished: supervisor.awake().length });
  return shutdown;
}

/** Removes run folders without a run, which a crash may have left. */
function removeOrphans({ store, home, log }: Core): void {
  const isKnown = (id: string) => store.runs.isThere(id);
  const isRemoved = (id: string) => store.runs.isBuried({ id });
  removeOrphanFolders({ runsFolder: home.runs, isKnown, isRemoved, log }).catch((error) =>
    log('warn', 'orphan folders could not be removed', { error: describe(error) }),
  );
}
