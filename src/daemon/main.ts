/**
 * The daemon, from top to bottom:
 *
 *  1. the store is opened and brought up to date (the lock is held already, see entry.ts);
 *  2. the keepers that are there are greeted: they say what lives;
 *  3. it looks around: unfinished runs, disk, keepers and processes become facts;
 *  4. finalising goes on where it stopped;
 *  5. the queue is looked at and the API listens. Nobody can connect before.
 */
import { join } from 'node:path';
import { adapterOf } from '../adapters/by-name.ts';
import type { Home } from '../config/home.ts';
import type { Config } from '../config/settings.ts';
import { crashPoint } from '../launch/crash-point.ts';
import { placeOwnCommand } from '../launch/launch.ts';
import { limits } from '../run/limits.ts';
import { isEnded, type Run } from '../run/run.ts';
import { createStore } from '../store/store.ts';
import { redact } from '../task/redact/redact.ts';
import { createAdmission } from './admission.ts';
import { createAfterEnd } from './after-end.ts';
import { createAgents } from './agents.ts';
import { createApi } from './api/server.ts';
import { createArchivist } from './archivist.ts';
import { createBackfill } from './backfill.ts';
import { createConclude } from './conclude.ts';
import { createFinaliser } from './finalise.ts';
import { createFirstRuns } from './first-run.ts';
import { guardHome } from './guard-home.ts';
import { createHooks } from './hooks.ts';
import { createJudge } from './judge.ts';
import { createKeepers } from './keepers.ts';
import { createKnowledge } from './knowledge.ts';
import { createLeaving } from './leaving.ts';
import { describe, type Log } from './log.ts';
import { createLookAround, unfinished } from './look-around.ts';
import { createNeeds } from './needs.ts';
import { createObserver } from './observe.ts';
import { createOnward } from './onward.ts';
import { removeOrphanFolders } from './orphans.ts';
import { createPerform, hearKeepers } from './perform.ts';
import { createRemoval } from './removal.ts';
import { createReports } from './reports.ts';
import { createResolve } from './resolve.ts';
import { createRoom, tryToWrite } from './room.ts';
import { createRunTokens } from './run-tokens.ts';
import { createScheduler } from './scheduler.ts';
import { createSecrets, environmentOfRuns } from './secrets.ts';
import { createSpending } from './spending.ts';
import { createStopper } from './stopper.ts';
import { createSupervisor, type NewRun } from './supervisor.ts';
import { createSweeper } from './sweeper.ts';
import { createTails } from './tails.ts';
import { taskBudgets } from './task-budgets.ts';
import { createTasks } from './tasks.ts';
import { createTimers } from './timers.ts';
import { takeTurn } from './turn.ts';
import { createUsed } from './used.ts';
import { createWakes } from './wakes.ts';
import { createWatchers } from './watchers.ts';

export async function startDaemon(options: {
  home: Home;
  config: Config;
  version: string;
  migrations: string;
  managed: boolean;
  umask: number;
  log: Log;
}): Promise<void> {
  const { home, config, version, log } = options;
  const now = Date.now;
  const folderOf = (run: Pick<Run, 'id'>) => join(home.runs, run.id);

  const room = createRoom({
    folder: home.folder,
    reserve: () => store.reserve,
    log,
    free() {
      look(supervisor.alive());
      scheduler.ask();
    },
  });
  const tryWriting = (what: string, write: () => void) => tryToWrite({ room, log }, what, write);
  tryWriting('the command for runs', () => placeOwnCommand(home.command));
  const store = createStore({
    ...{ path: home.database, migrations: options.migrations, version, around: { before: room.prepare, failed: room.note } },
    migrated: () => crashPoint('migrate.middle'),
    say: (sentence, facts) => log('info', sentence, facts),
  });
  const { generation, uncleanBefore } = takeTurn({ store, runsFolder: home.runs, holdAfterCrash: config.after_crash === 'hold', now, tryWriting });

  const keepers = await createKeepers({ home: home.folder, generation, version, managed: options.managed, umask: options.umask, log });
  const watchers = createWatchers();
  let retryOf: (ended: Run, reason: 'process_lost' | 'unknown_session') => NewRun | null = () => {
    throw new Error('not wired yet');
  };
  const supervisor = createSupervisor({ store, watchers, now, log, retryOf: (ended, reason) => retryOf(ended, reason) });
  const resolve = createResolve({ store, supervisor });
  /** Agents or limits are other than before: who waits, and what was left where it stood, may go on. */
  function rulesChanged(): void {
    spending.rulesChanged();
    scheduler.rulesChanged();
    lookAtTasks();
    timers.look();
  }
  const agents = createAgents({ store, supervisor, folder: home.agents, now, rulesChanged });
  const environment = environmentOfRuns(process.env);
  const secretsOf = createSecrets({ agents, store, environment });
  const secretsOfRun = (run: Run) => secretsOf(run.spec.agent?.id ?? null, folderOf(run));
  const redacted = (text: string, agentId: string | null) => redact(text, secretsOf(agentId));
  const onward = createOnward({
    store,
    supervisor,
    tasks: () => tasks,
    wakes: () => wakes,
    redacted,
    autoDone: config.auto_done,
    lookAgain: (task) => afterEnd.lookAgain(task),
  });
  const tasks = createTasks({ store, supervisor, now, followed: onward.followed });
  const admission = createAdmission({ room, supervisor, store, agents, taskOf: tasks.get, environment, now, runsFolder: home.runs, resolve });
  const wakes = createWakes({ store, supervisor, admission, now });
  const timers = createTimers({ store, supervisor, wakes, now, log });
  const judge = createJudge({ store, folderOf });
  const knowledge = createKnowledge({ store, tasks, judge, runsFolder: home.runs, now, secretsOf });
  const afterEnd = createAfterEnd({
    ...{ store, supervisor, tasks, wakes, admission, judge, now },
    attemptsMax: config.continuation_attempts,
    limitReached: (agentId, task) => spending.mayStart(agentId, task),
    redacted,
  });
  retryOf = afterEnd.retryOf;

  const sweeper = createSweeper(() => new Set([process.pid, ...keepers.list().map(({ pid }) => pid)]));
  const tokens = createRunTokens(store);
  const reports = createReports({
    store,
    supervisor,
    tokens,
    secretsOf: secretsOfRun,
    now,
    taskOf: ({ lineage }) => lineage.taskId,
    onReport: onward.reported,
  });
  const tails = createTails({ store, supervisor, watchers, tokens, reports, now, folderOf, secretsOf: secretsOfRun });
  const used = createUsed({ store, supervisor, tails, watchers, now });
  const spending = createSpending({ store, used, watchers, now, config, ask: rulesChanged, tasks: taskBudgets({ store, supervisor }) });
  const conclude = createConclude({ supervisor, tails, log });
  const lookAround = createLookAround({ supervisor, keepers, conclude, sweeper, now, log, folderOf });
  /** Until it succeeds: what was not recorded, on a full disk say, is still in the run folders. */
  const look = (runs: readonly Run[]): void => {
    lookAround.look(runs).catch((error) => {
      log('error', 'a look around failed; it is repeated', { error: describe(error) });
      setTimeout(() => look(supervisor.alive()), limits.stopRetryMs).unref();
    });
  };
  const finaliser = createFinaliser({
    ...{ supervisor, sweeper, now, log, folderOf, tails, judge, knowledge },
    home: home.folder,
    keep: config.leftovers_keep,
    followUp: afterEnd.followUp,
  });
  const stopper = createStopper({
    supervisor,
    sweeper,
    now,
    log,
    politeSignal: ({ spec }) => adapterOf(spec.agent).politeSignal,
    lookAgain: (run) => look([run]),
  });
  const observer = createObserver({ supervisor, sweeper, lookAround, tails, spending, now, log, folderOf, isHeld: (run) => keepers.held(run.id) !== null });
  const scheduler = createScheduler({
    supervisor,
    store,
    now,
    log,
    slotsMax: config.max_runs,
    room,
    ready: keepers.ready,
    sessionOf: tails.sessionOf,
    spending,
  });
  const perform = createPerform({
    supervisor,
    keepers,
    stopper,
    finaliser,
    observer,
    tokens,
    folderOf,
    home: home.folder,
    freshen: knowledge.freshen,
    brief: knowledge.brief,
    now,
    log,
  });
  const removal = createRemoval({ store, supervisor, tails, folderOf, now, log });
  const archivist = createArchivist({ store, supervisor, config: config.logs, runsFolder: home.runs, lastWords: judge.lastWords, now, log });
  const firstRuns = createFirstRuns({ store, supervisor });
  const hooks = createHooks({
    ...{ store, supervisor, watchers, config, environment, now, log },
    home: home.folder,
    needs: createNeeds({ store, spending, now }),
    redacted: (text) => redacted(text, null),
  });
  supervisor.connect({
    perform,
    note(run) {
      used.note(run);
      scheduler.note(run);
    },
    grants: scheduler.grants,
    consequences(before, next) {
      afterEnd.consequences(before, next);
      firstRuns(before, next);
    },
    forget() {
      used.forget();
      scheduler.forget();
    },
  });
  keepers.listen(hearKeepers({ supervisor, conclude, look, log, scheduler }));

  await lookAround.look(unfinished(supervisor.awake()));
  for (const run of supervisor.awake()) if (isEnded(run.state)) finaliser.finalise(run.number);
  if (uncleanBefore) {
    const { isThere, isBuried } = store.runs;
    void removeOrphanFolders({ runsFolder: home.runs, isKnown: isThere, isRemoved: (id) => isBuried({ id }), log });
  }

  /** What no event announces: the end of a day's limit, say. */
  function lookAtTasks(): void {
    try {
      afterEnd.lookAtAll(null);
    } catch (error) {
      log('error', 'tasks could not be looked at', { error: describe(error) });
    }
  }
  lookAtTasks();
  timers.look();
  archivist.start();
  setInterval(lookAtTasks, limits.taskLookMs).unref();

  const leaving = createLeaving({
    ...{ store, keepers, room, log },
    close() {
      for (const each of [scheduler, spending, timers, archivist, observer, hooks, room, guard]) each.close();
    },
    closeApi: () => api.close(),
  });
  // Whoever sees us listen may stop us; until we are ready, that waits.
  const ready = Promise.withResolvers<void>();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void ready.promise.then(leaving.shutdown));
  const api = await createApi({
    home,
    version,
    generation,
    startedAt: now(),
    store,
    supervisor,
    admission,
    agents,
    tails,
    removal,
    reports,
    spending,
    used,
    resolve,
    scheduler,
    keepers,
    sweeper,
    watchers,
    tasks,
    wakes,
    onward,
    knowledge,
    backfill: createBackfill({ supervisor, judge, log }),
    tokenFits: (id, token) => tokens.isOf({ id }, token),
    folderOf,
    room,
    now,
    log,
    shutdown: leaving.shutdown,
  });
  const guard = guardHome({ home, log, republish: api.publish, gone: () => leaving.leave(1) });
  room.watch();
  void keepers.ensure().then(scheduler.ask);
  log('info', 'the daemon is ready', { version, generation, unfinished: supervisor.awake().length });
  ready.resolve();
}
