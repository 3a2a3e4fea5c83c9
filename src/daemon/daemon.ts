/**
 * The startup sequence of the daemon:
 *
 *  1. opens and migrates the store (the lock is already held, see main.ts);
 *  2. greets the running keepers, which report the live runs;
 *  3. recovers: unfinished runs, disk, keepers and processes become facts;
 *  4. resumes finalization where it stopped;
 *  5. looks at the queue and starts the API. No client can connect before that.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { findAdapter } from '#adapters/registry.ts';
import type { Home } from '#config/home.ts';
import type { Config } from '#config/settings.ts';
import { failpoint } from '#launch/failpoints.ts';
import { placeOwnCommand, stoppedMark } from '#launch/launch.ts';
import { canBeSeen, isAliveProcess } from '#process/process-identity.ts';
import type { Leader } from '#run/leader.ts';
import { limits } from '#run/limits.ts';
import { isAlive, isEnded, type Run } from '#run/run.ts';
import { createStore } from '#store/store.ts';
import { redact } from '#task/redact/redact.ts';
import { createFirstRuns } from './agents/first-run-event.ts';
import { createKeptEnvironments } from './agents/kept-environments.ts';
import { createAgents } from './agents/registry.ts';
import { createRunTokens } from './agents/run-tokens.ts';
import { createSecrets, withoutOwnVariables } from './agents/secrets.ts';
import { createApi } from './api/server.ts';
import { createBudgets } from './budgets/budgets.ts';
import { createCostNotice } from './budgets/cost-notice.ts';
import { taskBudgets } from './budgets/task-budgets.ts';
import { createUsageMeter } from './budgets/usage.ts';
import { createCopiedHome } from './copied-home.ts';
import { createChangeFeed } from './core/change-feed.ts';
import { createDiskGuard, ignoreDiskFull } from './core/disk-guard.ts';
import { describe, type LogFunction, logOf } from './core/log.ts';
import { createSupervisor, type NewRun } from './core/supervisor.ts';
import { beginGeneration } from './generation.ts';
import { watchHome } from './home-watchdog.ts';
import { createHooks } from './notifications/hooks.ts';
import { createReports } from './output/agent-reports.ts';
import { createLogArchiver } from './output/log-archiver.ts';
import { createLogFollower } from './output/log-follower.ts';
import { createYoungSamples } from './processes/early-samples.ts';
import { createEffects, receiveKeeperEvents } from './processes/effects.ts';
import { createFinalizer } from './processes/finalize.ts';
import { createKeepers, type HeldRun } from './processes/keepers.ts';
import { createLaunches } from './processes/launches.ts';
import { createMonitor } from './processes/monitor.ts';
import { createProcessScanner } from './processes/process-scanner.ts';
import { reapLeftovers } from './processes/reap-leftovers.ts';
import { createExitRecorder, mustDrainStream } from './processes/record-exit.ts';
import { createRecovery, unfinished } from './processes/recovery.ts';
import { createTerminator } from './processes/terminate.ts';
import { createScheduler } from './queue/scheduler.ts';
import { createAdmission } from './runs/admission.ts';
import { findFolderIdentity } from './runs/folder-identity.ts';
import { removeOrphanFolders } from './runs/orphan-folders.ts';
import { createRemoval } from './runs/prune.ts';
import { createResolve } from './runs/resolve-ref.ts';
import { createShutdown } from './shutdown.ts';
import { createAgentTimers } from './tasks/agent-timers.ts';
import { createAttention } from './tasks/attention.ts';
import { createBackfill } from './tasks/backfill.ts';
import { createAfterEnd } from './tasks/continuation.ts';
import { createHandoff } from './tasks/handoff.ts';
import { createRunJudge } from './tasks/run-verdict.ts';
import { createTaskReactions } from './tasks/task-reactions.ts';
import { createTasks } from './tasks/tasks.ts';
import { createWakes } from './tasks/wakes.ts';
import { createWorkspaces } from './tasks/workspaces.ts';

/**
 * Returns whether a keeper reliably holds the run. False if the keeper is silent and the leader has ended, because
 * nothing else would report that end.
 */
function isHeld({ state }: Run, held: HeldRun | null): boolean {
  return held !== null && !(held.silent && isAlive(state) && canBeSeen(state.leader) && !isAliveProcess(state.leader));
}

export async function startDaemon(options: {
  home: Home;
  config: Config;
  version: string;
  migrations: string;
  managed: boolean;
  umask: number;
  log: LogFunction;
}): Promise<void> {
  const { home, config, version, log } = options;
  const now = Date.now;
  const runFolder = (run: Pick<Run, 'id'>) => join(home.runs, run.id);

  const diskGuard = createDiskGuard({
    folder: home.folder,
    reserve: () => store.reserve,
    log: logOf(log, 'disk-guard'),
    free() {
      look(supervisor.alive());
      scheduler.ask();
    },
  });
  const tryWriting = (what: string, write: () => void) => ignoreDiskFull({ diskGuard, log }, what, write);
  tryWriting('command for runs', () => placeOwnCommand(home.command));
  const store = createStore({
    path: home.database,
    migrations: options.migrations,
    version,
    around: { before: diskGuard.prepare, failed: diskGuard.note },
    migrated: () => failpoint('migrate.middle'),
    say: (sentence, facts) => log('info', sentence, facts),
  });
  rmSync(stoppedMark(home.folder), { force: true });
  const { generation, uncleanBefore } = beginGeneration({
    store,
    folder: home.folder,
    runsFolder: home.runs,
    now,
    tryWriting,
    log,
    holdAfterCrash: config.after_crash === 'hold',
  });
  const { originalOf } = createCopiedHome(store);

  const keepers = await createKeepers({
    home: home.folder,
    generation,
    version,
    managed: options.managed,
    umask: options.umask,
    containment: config.containment,
    log: logOf(log, 'keepers'),
  });
  const changeFeed = createChangeFeed();
  let retryOf: (ended: Run, reason: 'process_lost' | 'unknown_session') => NewRun | null = () => {
    throw new Error('not wired yet');
  };
  const supervisor = createSupervisor({
    store,
    changeFeed,
    now,
    log: logOf(log, 'supervisor'),
    retryOf: (ended, reason) => retryOf(ended, reason),
  });
  const resolve = createResolve({ store, supervisor });
  /** Called when agents or limits have changed: queued runs and skipped tasks may go on. */
  function rulesChanged(): void {
    budgets.rulesChanged();
    scheduler.rulesChanged();
    lookAtTasks();
    timers.look();
  }
  const agents = createAgents({ store, supervisor, folder: home.agents, now, rulesChanged });
  const environment = withoutOwnVariables(process.env);
  const keptEnvironments = createKeptEnvironments({
    folder: home.environments,
    store,
    supervisor,
    changeFeed,
    daemon: environment,
    daemonOnly: config.task_environment === 'daemon',
    agents,
    folderOf: runFolder,
    log: logOf(log, 'kept-environments'),
  });
  const secretsOf = createSecrets({ agents, store, environment, kept: keptEnvironments.secretValues });
  const secretsOfRun = (run: Run) => secretsOf(run.spec.agent?.id ?? null, runFolder(run));
  const redacted = (text: string, agentId: string | null) => redact(text, secretsOf(agentId));
  const taskReactions = createTaskReactions({
    store,
    supervisor,
    tasks: () => tasks,
    wakes: () => wakes,
    redacted,
    autoDone: config.auto_done,
    runsMax: config.automatic_runs_max,
    lookAgain: (task) => afterEnd.lookAgain(task),
  });
  const tasks = createTasks({ store, supervisor, now, followed: taskReactions.followed });
  const admission = createAdmission({
    diskGuard,
    supervisor,
    store,
    agents,
    taskOf: tasks.get,
    now,
    runsFolder: home.runs,
    resolve,
    startEnvironment: keptEnvironments.startFrom,
    submitted: keepers.submitted,
  });
  const wakes = createWakes({ store, supervisor, admission, now });
  const timers = createAgentTimers({ store, supervisor, wakes, now, log: logOf(log, 'agent-timers') });
  const runJudge = createRunJudge({ store, folderOf: runFolder });
  const handoff = createHandoff({ store, tasks, runJudge, runsFolder: home.runs, now, secretsOf });
  const afterEnd = createAfterEnd({
    store,
    supervisor,
    tasks,
    wakes,
    admission,
    runJudge,
    now,
    attemptsMax: config.continuation_attempts,
    runsMax: config.automatic_runs_max,
    limitReached: (agentId, task) => budgets.mayStart(agentId, task),
    redacted,
  });
  retryOf = afterEnd.retryOf;

  const scanner = createProcessScanner({
    ours: () => new Set([process.pid, ...keepers.pids()]),
    remote: keepers.inNamespace,
    isForeign: (runId) => originalOf(runId) !== null,
  });
  const launches = createLaunches({ supervisor, keepers, folderOf: runFolder, now, log: logOf(log, 'launches') });
  const tokens = createRunTokens(store);
  const reports = createReports({
    store,
    supervisor,
    tokens,
    secretsOf: secretsOfRun,
    now,
    taskOf: ({ lineage }) => lineage.taskId,
    onReport: taskReactions.reported,
  });
  const logFollower = createLogFollower({
    store,
    supervisor,
    changeFeed,
    tokens,
    reports,
    now,
    log: logOf(log, 'log-follower'),
    folderOf: runFolder,
    secretsOf: secretsOfRun,
  });
  const usageMeter = createUsageMeter({ store, supervisor, logFollower, changeFeed, now });
  const budgets = createBudgets({
    store,
    usageMeter,
    changeFeed,
    now,
    config,
    ask: rulesChanged,
    tasks: taskBudgets({ store, supervisor }),
  });
  const recordExit = createExitRecorder({
    supervisor,
    logFollower,
    folderOf: runFolder,
    secretsOf: secretsOfRun,
    log: logOf(log, 'exit-recorder'),
  });
  const { takeBack, isUnderWay } = launches;
  const recovery = createRecovery({
    supervisor,
    keepers,
    recordExit,
    scanner,
    now,
    log: logOf(log, 'recovery'),
    folderOf: runFolder,
    takeBack,
    isUnderWay,
    originalOf,
  });
  /** Reconciles until it succeeds. Facts that could not be recorded (e.g. disk full) are still in the run folders. */
  const look = (runs: readonly Run[]): void => {
    recovery.look(runs).catch((error) => {
      log('error', 'recovery failed; retrying', { error: describe(error) });
      setTimeout(() => look(supervisor.alive()), limits.stopRetryMs).unref();
    });
  };
  const workspaces = createWorkspaces({ store, supervisor, home: home.folder, now, log: logOf(log, 'workspaces') });
  const finalizer = createFinalizer({
    supervisor,
    scanner,
    now,
    log: logOf(log, 'finalizer'),
    folderOf: runFolder,
    logFollower,
    runJudge,
    handoff,
    noteOverrun: budgets.noteOverrun,
    look: workspaces.after,
    madeFolderOf: (run) => findFolderIdentity(store, run),
    keep: config.leftovers_keep,
    followUp: afterEnd.followUp,
  });
  const terminator = createTerminator({
    supervisor,
    scanner,
    now,
    log: logOf(log, 'terminator'),
    politeSignal: ({ spec }) => findAdapter(spec.agent).politeSignal,
    lookAgain: (run) => look([run]),
    lose(run, message) {
      const lost = { type: 'process-lost', message, certain: false, report: null } as const;
      if (mustDrainStream(run, lost)) void recordExit(run, lost);
      else supervisor.submit(run.number, lost);
    },
  });
  const monitor = createMonitor({
    supervisor,
    scanner,
    recovery,
    logFollower,
    budgets,
    now,
    log: logOf(log, 'monitor'),
    folderOf: runFolder,
    isUnderWay,
    isHeld: (run) => isHeld(run, keepers.held(run.id)),
    sleptByRun: keepers.sleptByRun,
  });
  const scheduler = createScheduler({
    supervisor,
    store,
    now,
    log: logOf(log, 'scheduler'),
    slotsMax: config.max_runs,
    diskGuard,
    ready: keepers.ready,
    sessionOf: logFollower.sessionOf,
    budgets,
  });
  const perform = createEffects({
    supervisor,
    keepers,
    terminator,
    finalizer,
    monitor,
    earlySamples: createYoungSamples({ supervisor, scanner, log: logOf(log, 'effects') }),
    tokens,
    launches,
    folderOf: runFolder,
    look: workspaces.before,
    freshen: handoff.freshen,
    brief: handoff.brief,
    now,
    log: logOf(log, 'effects'),
  });
  const removal = createRemoval({
    store,
    supervisor,
    logFollower,
    folderOf: runFolder,
    now,
    log: logOf(log, 'removal'),
  });
  const logArchiver = createLogArchiver({
    store,
    supervisor,
    config: config.logs,
    runsFolder: home.runs,
    lastWords: runJudge.lastWords,
    now,
    log: logOf(log, 'log-archiver'),
  });
  const firstRuns = createFirstRuns({ store, supervisor });
  const hooks = createHooks({
    store,
    supervisor,
    changeFeed,
    config,
    environment,
    now,
    log: logOf(log, 'hooks'),
    home: home.folder,
    needs: createAttention({ store, budgets, now }),
    redacted: (text) => redacted(text, null),
  });
  supervisor.connect({
    perform,
    note(run) {
      usageMeter.note(run);
      scheduler.note(run);
    },
    grants: scheduler.grants,
    consequences(before, next) {
      afterEnd.consequences(before, next);
      firstRuns(before, next);
    },
    forget() {
      usageMeter.forget();
      scheduler.forget();
    },
  });
  /** Ends a process whose run has been decided otherwise in the meantime. */
  function endUnwanted(run: Run, leader: Leader): void {
    log('warn', 'unwanted process was started', { run: run.number, pid: leader.pid });
    const ways = { leave: false, killAt: now(), keep: [] };
    reapLeftovers(scanner, now, { runId: run.id, leader }, ways).catch((error) =>
      log('error', 'unwanted process could not be ended', { error: describe(error) }),
    );
  }
  keepers.listen(receiveKeeperEvents({ supervisor, recordExit, look, log, scheduler, endUnwanted }));

  await recovery.look(unfinished(supervisor.awake()));
  for (const run of supervisor.awake()) if (isEnded(run.state)) finalizer.finalize(run.number);
  if (uncleanBefore) {
    const { isThere, isBuried } = store.runs;
    void removeOrphanFolders({ runsFolder: home.runs, isKnown: isThere, isRemoved: (id) => isBuried({ id }), log });
  }

  /** Handles what no event announces, for example the end of a daily limit. */
  function lookAtTasks(): void {
    try {
      afterEnd.lookAtAll(null);
    } catch (error) {
      log('error', 'task check failed', { error: describe(error) });
    }
  }
  keptEnvironments.removeUnwanted();
  lookAtTasks();
  timers.look();
  logArchiver.start();
  setInterval(lookAtTasks, limits.taskLookMs).unref();

  const shutdown = createShutdown({
    store,
    keepers,
    diskGuard,
    log: logOf(log, 'shutdown'),
    stoppedMark: stoppedMark(home.folder),
    close() {
      for (const each of [scheduler, budgets, timers, logArchiver, monitor, hooks, diskGuard, guard]) each.close();
    },
    closeApi: () => api.close(),
  });
  store.failFast();
  // A stop request can arrive as soon as the API listens. It is deferred until startup is complete.
  const ready = Promise.withResolvers<void>();
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => void ready.promise.then(shutdown.shutdown));
  const api = await createApi({
    home,
    version,
    generation,
    startedAt: now(),
    store,
    supervisor,
    admission,
    agents,
    environments: keptEnvironments,
    logFollower,
    removal,
    reports,
    budgets,
    usageMeter,
    resolve,
    scheduler,
    keepers,
    scanner,
    changeFeed,
    tasks,
    wakes,
    taskReactions,
    costNotice: createCostNotice({ store, config }),
    handoff,
    backfill: createBackfill({ supervisor, runJudge, log: logOf(log, 'api') }),
    tokenFits: (id, token) => tokens.isOf({ id }, token),
    folderOf: runFolder,
    diskGuard,
    now,
    log: logOf(log, 'api'),
    shutdown: shutdown.shutdown,
  });
  const guard = watchHome({ home, log, republish: api.publish, gone: () => shutdown.leave(1) });
  diskGuard.watch();
  void keepers.ensure().then(scheduler.ask);
  log('info', 'daemon ready', { version, generation, unfinished: supervisor.awake().length });
  ready.resolve();
}
