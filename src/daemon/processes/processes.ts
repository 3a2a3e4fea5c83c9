/** The processes of runs: started, watched, stopped, finalized, and found again after a restart. */
import { findAdapter } from '#adapters/registry.ts';
import { canBeSeen, isAliveProcess } from '#process/process-identity.ts';
import type { Leader } from '#run/leader.ts';
import { limits } from '#run/limits.ts';
import { isAlive, isEnded, type Run } from '#run/run.ts';
import type { AgentServices } from '../agents/agents.ts';
import type { Budgets } from '../budgets/budgets.ts';
import type { Core } from '../core/core.ts';
import { findFolderIdentity } from '../core/folder-identity.ts';
import { describe } from '../core/log.ts';
import type { SupervisorWiring } from '../core/supervisor.ts';
import type { Output } from '../output/output.ts';
import type { Scheduler } from '../queue/scheduler.ts';
import type { TaskEngine } from '../tasks/task-engine.ts';
import { Workspaces } from '../tasks/workspaces.ts';
import type { HeldRun } from './connected-keeper.ts';
import { createYoungSamples } from './early-samples.ts';
import { createEffects } from './effects.ts';
import { Finalizer } from './finalize.ts';
import { receiveKeeperEvents } from './keeper-notices.ts';
import type { Keepers } from './keepers.ts';
import { createLaunches } from './launches.ts';
import { Monitor } from './monitor.ts';
import { ProcessScanner } from './process-scanner.ts';
import { reapLeftovers } from './reap-leftovers.ts';
import { createExitRecorder, mustDrainStream, type RecordExit } from './record-exit.ts';
import { Recovery, unfinished } from './recovery.ts';
import { Terminator } from './terminate.ts';

export type Processes = {
  readonly scanner: ProcessScanner;
  /** Performs the effects of changes. */
  readonly perform: SupervisorWiring['perform'];
  /** Reconciles the live runs with their processes, until that succeeds. */
  readonly reconcile: () => void;
  /** Recovers after a start: unfinished runs become facts, ended ones are finalized. From then on keepers are heard. */
  readonly recover: () => Promise<void>;
  readonly close: () => void;
};

type Parts = AgentServices &
  Output & {
    readonly budgets: Budgets;
    readonly scheduler: Scheduler;
    readonly keepers: Keepers;
    readonly taskEngine: TaskEngine;
    /** Returns the original home of a run if this home is a copy, else null. */
    readonly originalOf: (runId: string) => string | null;
  };

export function createProcesses(core: Core, parts: Parts): Processes {
  const { store, supervisor, now, folderOf, logOf } = core;
  const { keepers, logFollower, budgets, originalOf, taskEngine } = parts;
  const scanner = new ProcessScanner({
    ours: () => new Set([process.pid, ...keepers.pids()]),
    remote: (namespace) => keepers.inNamespace(namespace),
    isForeign: (runId) => originalOf(runId) !== null,
  });
  const shared = { supervisor, scanner, keepers, logFollower, now, folderOf };
  const launches = createLaunches({ ...shared, log: logOf('launches') });
  const { takeBack, isUnderWay } = launches;
  const recordExit = createExitRecorder({ ...shared, secretsOf: parts.secretsOfRun, log: logOf('exit-recorder') });
  const recovery = new Recovery({
    ...shared,
    recordExit,
    takeBack,
    isUnderWay,
    originalOf,
    log: logOf('recovery'),
  });
  const look = lookUntilDone(core, recovery);
  const workspaces = new Workspaces({ store, supervisor, home: core.home.folder, now, log: logOf('workspaces') });
  const { runJudge, handoff, continuation } = taskEngine;
  const finalizer = new Finalizer({
    ...shared,
    workspaces,
    runJudge,
    handoff,
    continuation,
    budgets,
    folderIdentityOf: (run) => findFolderIdentity(store, run),
    keep: core.config.leftovers_keep,
    log: logOf('finalizer'),
  });
  const monitor = new Monitor({
    ...shared,
    recovery,
    budgets,
    isUnderWay,
    isHeld: (run) => isHeld(run, keepers.held(run.id)),
    log: logOf('monitor'),
  });
  const log = logOf('effects');
  const perform = createEffects({
    ...shared,
    terminator: buildTerminator(core, { scanner, recordExit, look }),
    finalizer,
    monitor,
    launches,
    workspaces,
    handoff,
    tokens: parts.tokens,
    earlySamples: createYoungSamples({ supervisor, scanner, log }),
    log,
  });
  const endUnwanted = (run: Run, leader: Leader) => endUnwantedProcess(core, scanner, run, leader);
  return {
    scanner,
    perform,
    reconcile: () => look(supervisor.alive()),
    async recover() {
      const deps = { supervisor, recordExit, log: core.log, scheduler: parts.scheduler, endUnwanted };
      keepers.listen(receiveKeeperEvents({ ...deps, look: withHeartbeat(monitor, look) }));
      await recovery.look(unfinished(supervisor.awake()));
      for (const run of supervisor.awake()) if (isEnded(run.state)) finalizer.finalize(run.number);
    },
    close: () => monitor.close(),
  };
}

/** Returns `look` with a heartbeat right after it: without a keeper, only the heartbeat notices that a process is gone. */
function withHeartbeat(monitor: Monitor, look: (runs: readonly Run[]) => void): (runs: readonly Run[]) => void {
  return (runs) => {
    monitor.lookSoon();
    look(runs);
  };
}

/** Returns what reconciles runs until it succeeds. Facts that could not be recorded (e.g. disk full) are still in the run folders. */
function lookUntilDone({ supervisor, log }: Core, recovery: Recovery): (runs: readonly Run[]) => void {
  return function look(runs) {
    recovery.look(runs).catch((error) => {
      log('error', 'recovery failed; retrying', { error: describe(error) });
      setTimeout(() => look(supervisor.alive()), limits.stopRetryMs).unref();
    });
  };
}

type TerminatorParts = {
  readonly scanner: ProcessScanner;
  readonly recordExit: RecordExit;
  readonly look: (runs: readonly Run[]) => void;
};

function buildTerminator({ supervisor, now, logOf }: Core, { scanner, recordExit, look }: TerminatorParts): Terminator {
  return new Terminator({
    supervisor,
    scanner,
    now,
    log: logOf('terminator'),
    politeSignal: ({ spec }) => findAdapter(spec.agent).politeSignal,
    lookAgain: (run) => look([run]),
    lose(run, message) {
      const lost = { type: 'process-lost', message, certain: false, report: null } as const;
      if (mustDrainStream(run, lost)) void recordExit(run, lost);
      else supervisor.submit(run.number, lost);
    },
  });
}

/**
 * Returns whether a keeper reliably holds the run. False if the keeper is silent and the leader has ended, because
 * nothing else would report that end.
 */
function isHeld({ state }: Run, held: HeldRun | null): boolean {
  return held !== null && !(held.silent && isAlive(state) && canBeSeen(state.leader) && !isAliveProcess(state.leader));
}

/** Ends a process whose run has been decided otherwise in the meantime. */
function endUnwantedProcess({ now, log }: Core, scanner: ProcessScanner, run: Run, leader: Leader): void {
  log('warn', 'unwanted process was started', { run: run.number, pid: leader.pid });
  const options = { leave: false, killAt: now(), keep: [] };
  reapLeftovers(scanner, now, { runId: run.id, leader }, options).catch((error) =>
    log('error', 'unwanted process could not be ended', { error: describe(error) }),
  );
}
