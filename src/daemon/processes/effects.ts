/** Performs effects after they were committed, and turns keeper messages into facts. */
import { join } from 'node:path';
import { failpoint } from '#launch/failpoints.ts';
import { programCommand } from '#launch/launch.ts';
import type { KeeperNotice } from '#process/keeper-client.ts';
import { type LaunchRecord, runFiles } from '#process/run-folder.ts';
import { ClipError } from '#run/errors.ts';
import type { Fact } from '#run/events.ts';
import type { Leader } from '#run/leader.ts';
import { limits } from '#run/limits.ts';
import { isEnded, type Run } from '#run/run.ts';
import { promptFilePlaceholder } from '../agents/invocation.ts';
import type { RunTokens } from '../agents/run-tokens.ts';
import { describe, type LogFunction } from '../core/log.ts';
import type { Supervisor, SupervisorWiring } from '../core/supervisor.ts';
import type { Submission } from '../core/transaction.ts';
import type { Scheduler } from '../queue/scheduler.ts';
import type { Handoff } from '../tasks/handoff.ts';
import type { Workspaces } from '../tasks/workspaces.ts';
import type { KeeperNews } from './connected-keeper.ts';
import type { Keepers } from './keepers.ts';
import { findAttempt, type Launches } from './launches.ts';
import { mustDrainStream, type RecordExit } from './record-exit.ts';
import type { Terminator } from './terminate.ts';

const refusedRetryMs = 5_000;
const startCompanyMs = 4;

export function createEffects(deps: {
  supervisor: Supervisor;
  keepers: Keepers;
  terminator: Pick<Terminator, 'go'>;
  finalizer: { finalize: (number: number) => void };
  monitor: { watch: (run: Run) => void };
  earlySamples: { watch: (run: Run) => void };
  tokens: RunTokens;
  launches: Launches;
  folderOf: (run: Run) => string;
  workspaces: Pick<Workspaces, 'before'>;
  handoff: Pick<Handoff, 'freshen' | 'brief'>;
  now: () => number;
  log: LogFunction;
}): SupervisorWiring['perform'] {
  function spawn(run: Run): void {
    try {
      const launch = buildLaunchRecord(run, { folder: deps.folderOf(run), token: deps.tokens.of(run), at: deps.now() });
      deps.keepers.spawn(run.id, { ...launch, attempt: findAttempt(run) });
    } catch (error) {
      // Deferred: an effect never submits before the change that ordered it has returned.
      setImmediate(() =>
        deps.supervisor.submit(run.number, {
          type: 'never-launched',
          message: String((error as Error).message),
          retryInMs: 0,
        }),
      );
    }
  }

  /** Takes a snapshot of the workspace, then starts the run. The run also starts if the snapshot fails. */
  async function lookFirst(run: Run): Promise<void> {
    deps.launches.prepare(run);
    try {
      await prepare(run);
    } finally {
      deps.launches.prepared(run);
    }
  }

  async function prepare(run: Run): Promise<void> {
    await deps.workspaces.before(run);
    try {
      if (run.lineage.taskId !== null) await deps.handoff.freshen(run.lineage.taskId);
    } catch (error) {
      deps.log('warn', 'continuation summary not written', { run: run.number, error: describe(error) });
    }
    // If the run was stopped or relaunched in the meantime, another code path has handled it.
    const now = deps.supervisor.find(run.number);
    if (now?.state.status !== 'starting' || now.state.stop !== null || findAttempt(now) !== findAttempt(run)) return;
    try {
      deps.handoff.brief(now);
    } catch (error) {
      const message = `What it is to be told could not be written: ${error instanceof Error ? error.message : String(error)}`;
      // An error that a person must fix persists at the next attempt. A full disk may not.
      const lasts = error instanceof ClipError || (error as NodeJS.ErrnoException).code === 'ENOENT';
      deps.supervisor.submit(
        run.number,
        lasts
          ? { type: 'spawn-failed', errorCode: 'launch_failed', message }
          : { type: 'never-launched', message, retryInMs: refusedRetryMs },
      );
      return;
    }
    spawn(now);
  }

  return (effect, run) => {
    switch (effect.type) {
      case 'spawn':
        deps.monitor.watch(run);
        return run.spec.agent === null && run.lineage.taskId === null ? spawn(run) : void lookFirst(run);
      case 'withdraw':
        return void setImmediate(() => deps.launches.withdraw(run));
      case 'watch':
        deps.earlySamples.watch(run);
        return deps.monitor.watch(run);
      case 'stop':
        return void setImmediate(() => deps.terminator.go(run.number));
      case 'finalize':
        return void setImmediate(() => deps.finalizer.finalize(run.number));
      case 'retry-lost':
      case 'retry-fresh':
        // No action: the new run was stored with the end of the old one.
        return;
    }
  };
}

function buildLaunchRecord(
  run: Run,
  { folder, token, at }: { folder: string; token: string; at: number },
): LaunchRecord {
  const { spec } = run;
  return {
    number: run.number,
    argv: buildArgv(spec, folder),
    cwd: spec.cwd,
    agent: spec.agent?.name ?? null,
    task: run.lineage.taskId,
    deadlineAt: spec.timeoutMs > 0 ? at + spec.timeoutMs : null,
    graceMs: spec.graceMs,
    stdin:
      spec.stdin.kind === 'file'
        ? spec.stdin.path
        : spec.stdin.kind === 'prompt'
          ? join(folder, runFiles.prompt)
          : null,
    mergeOutput: spec.mergeOutput,
    token,
    continuation: run.lineage.taskId === null ? null : (run.lineage.origin?.attempt ?? 0),
  };
}

/** Returns the command with the path of the prompt file and of clip's own programs filled in. */
function buildArgv({ command, agent }: Run['spec'], folder: string): readonly string[] {
  if (agent === null) return command;
  const argv = command.map((argument) =>
    argument.replaceAll(promptFilePlaceholder, () => join(folder, runFiles.prompt)),
  );
  return agent.adapter === 'http' && argv[0] === 'clip-http'
    ? [...programCommand('clip-http'), ...argv.slice(1)]
    : argv;
}

function isOfAnotherLaunch(run: Run, attempt: string | undefined): boolean {
  return attempt !== undefined && attempt !== findAttempt(run);
}

/** Returns false if the run is not starting any more. A suspended keeper may still start a withdrawn run, between its last check and the spawn. */
function isExpected({ state }: Run): boolean {
  return !isEnded(state) && state.status !== 'queued';
}

/** Turns keeper notices into facts. Notices that arrive together are recorded in one transaction. */
export function receiveKeeperEvents(deps: {
  supervisor: Supervisor;
  recordExit: RecordExit;
  look: (runs: readonly Run[]) => void;
  log: LogFunction;
  scheduler: Scheduler;
  /** Ends a process whose run has already ended or is queued again. */
  endUnwanted: (run: Run, leader: Leader) => void;
}): KeeperNews {
  const { supervisor, look, log } = deps;

  function toFacts(notice: KeeperNotice): Submission[] {
    const run = notice.id === null ? null : supervisor.findById(notice.id);
    if (!run) {
      log('warn', 'keeper reported an unknown run', { notice });
      return [];
    }
    const { number } = run;
    switch (notice.type) {
      case 'started': {
        if (!isExpected(run)) deps.endUnwanted(run, notice.leader);
        const { leader, at: startedAt, lacking } = notice;
        return [
          { number, event: { type: 'spawned', leader, startedAt, ...(lacking === undefined ? {} : { lacking }) } },
        ];
      }
      case 'withdrawn':
        if (isOfAnotherLaunch(run, notice.attempt)) return [];
        return [
          { number, event: { type: 'never-launched', message: 'It was taken back before it started.', retryInMs: 0 } },
        ];
      case 'failed':
        return [{ number, event: { type: 'spawn-failed', errorCode: notice.errorCode, message: notice.message } }];
      case 'exited': {
        const { code, signal, at: endedAt, byDeadline, tick = null } = notice;
        const fact: Fact = {
          type: 'exited',
          code,
          signal,
          endedAt,
          byDeadline,
          tick,
          leader: null,
          startedAt: null,
          report: null,
        };
        if (!mustDrainStream(run, fact)) return [{ number, event: fact }];
        setImmediate(() => {
          // Earlier notices, for example of its start, are recorded first.
          if (heard.length > 0) record();
          void deps.recordExit(run, fact);
        });
        return [];
      }
      case 'already-launched':
        look([run]);
        return [];
      case 'refused':
        if (isOfAnotherLaunch(run, notice.attempt)) return [];
        log('warn', 'keeper refused a run', { run: number, why: notice.why });
        return [
          {
            number,
            event: {
              type: 'never-launched',
              message: notice.why,
              retryInMs: refusedRetryMs,
              shortage: notice.shortage ?? false,
            },
          },
        ];
    }
  }

  let heard: Submission[] = [];
  let timer: NodeJS.Timeout | null = null;

  function record(): void {
    if (timer) clearTimeout(timer);
    timer = null;
    const facts = heard;
    heard = [];
    if (facts.some(({ event }) => event.type === 'spawned')) failpoint('spawn.before-recorded');
    if (facts.some(({ event }) => event.type === 'exited')) failpoint('exit.before-recorded');
    try {
      supervisor.submitAll(facts);
    } catch (error) {
      // The facts are in the run folders too. Recovery reads them once the database can be written again.
      log('error', 'keeper notices could not be recorded', { error: describe(error) });
      setTimeout(() => look(supervisor.alive()), limits.stopRetryMs).unref();
    }
  }

  return {
    onNotices(notices) {
      heard.push(...notices.flatMap(toFacts));
      // A start waits a moment for further notices (started.json holds it already), so a short run costs one flush instead of two.
      if (heard.some(({ event }) => event.type !== 'spawned')) record();
      else timer ??= setTimeout(record, startCompanyMs);
    },
    onChanged: () => look(supervisor.alive().filter(({ state }) => state.status !== 'queued')),
    onReady: deps.scheduler.ask,
  };
}
