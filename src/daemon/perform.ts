/** The effects of a change, once it is on disk; and what keepers say, as facts. */
import { join } from 'node:path';
import { crashPoint } from '../launch/crash-point.ts';
import { programPath } from '../launch/launch.ts';
import type { KeeperNotice } from '../process/keeper-client.ts';
import { type LaunchRecord, runFiles } from '../process/run-folder.ts';
import { keepSnapshot, lookAtWorkspace } from '../process/workspace.ts';
import { ClipError } from '../run/errors.ts';
import type { Fact } from '../run/events.ts';
import { limits } from '../run/limits.ts';
import type { Run } from '../run/run.ts';
import { promptFilePlaceholder } from './agent-launch.ts';
import { type Conclude, needsConclusion } from './conclude.ts';
import type { KeeperNews, Keepers } from './keepers.ts';
import { describe, type Log } from './log.ts';
import type { RunTokens } from './run-tokens.ts';
import type { Scheduler } from './scheduler.ts';
import type { Stopper } from './stopper.ts';
import type { Perform, Submission, Supervisor } from './supervisor.ts';

const refusedRetryMs = 5_000;
const startCompanyMs = 4;

export function createPerform(world: {
  supervisor: Supervisor;
  keepers: Keepers;
  stopper: Stopper;
  finaliser: { finalise: (number: number) => void };
  observer: { watch: (run: Run) => void };
  tokens: RunTokens;
  folderOf: (run: Run) => string;
  /** Our own folder. */
  home: string;
  /** Brings the summary of a task up to date. */
  freshen: (task: number) => Promise<void>;
  /** Writes what a task's run is told. */
  brief: (run: Run) => void;
  now: () => number;
  log: Log;
}): Perform {
  function spawn(run: Run): void {
    try {
      world.keepers.spawn(run.id, launchOf(run, { folder: world.folderOf(run), token: world.tokens.of(run), at: world.now() }));
    } catch (error) {
      // Not in this turn: an effect never submits before the change that ordered it has returned.
      setImmediate(() => world.supervisor.submit(run.number, { type: 'never-launched', message: String((error as Error).message), retryInMs: 0 }));
    }
  }

  /** What an agent does to its work folder is told by how that was before. Whatever comes of the look, the run starts. */
  async function lookFirst(run: Run): Promise<void> {
    try {
      const snapshot = await lookAtWorkspace(run.spec.cwd, world.home);
      if (snapshot) keepSnapshot(world.folderOf(run), snapshot);
    } catch (error) {
      world.log('warn', 'the work folder could not be looked at', { run: run.number, error: describe(error) });
    }
    try {
      if (run.lineage.taskId !== null) await world.freshen(run.lineage.taskId);
    } catch (error) {
      world.log('warn', 'the continuation summary could not be written', { run: run.number, error: describe(error) });
    }
    // Stopped meanwhile, or found never to have been launched: then somebody else has taken care of it.
    const now = world.supervisor.find(run.number);
    if (now?.state !== run.state && now?.state.status !== 'starting') return;
    try {
      world.brief(now);
    } catch (error) {
      const message = `What it is to be told could not be written: ${error instanceof Error ? error.message : String(error)}`;
      // What a person has to mend is there at the next try as well; a full disk may not be.
      const lasts = error instanceof ClipError || (error as NodeJS.ErrnoException).code === 'ENOENT';
      world.supervisor.submit(
        run.number,
        lasts ? { type: 'spawn-failed', errorCode: 'launch_failed', message } : { type: 'never-launched', message, retryInMs: refusedRetryMs },
      );
      return;
    }
    spawn(now);
  }

  return (effect, run) => {
    switch (effect.type) {
      case 'spawn':
        return run.spec.agent === null && run.lineage.taskId === null ? spawn(run) : void lookFirst(run);
      case 'watch':
        return world.observer.watch(run);
      case 'stop':
        return void setImmediate(() => world.stopper.go(run.number));
      case 'finalise':
        return void setImmediate(() => world.finaliser.finalise(run.number));
      case 'retry-lost':
      case 'retry-fresh':
        // Nothing to do: the new run was stored with the end of the old one.
        return;
    }
  };
}

function launchOf(run: Run, { folder, token, at }: { folder: string; token: string; at: number }): LaunchRecord {
  const { spec } = run;
  return {
    number: run.number,
    argv: argvOf(spec, folder),
    cwd: spec.cwd,
    agent: spec.agent?.name ?? null,
    task: run.lineage.taskId,
    deadlineAt: spec.timeoutMs > 0 ? at + spec.timeoutMs : null,
    graceMs: spec.graceMs,
    stdin: spec.stdin.kind === 'file' ? spec.stdin.path : spec.stdin.kind === 'prompt' ? join(folder, runFiles.prompt) : null,
    mergeOutput: spec.mergeOutput,
    token,
    continuation: run.lineage.taskId === null ? null : (run.lineage.origin?.attempt ?? 0),
  };
}

/** The command with what is known only now: where this run's prompt lies, and where our own programs do. */
function argvOf({ command, agent }: Run['spec'], folder: string): readonly string[] {
  if (agent === null) return command;
  const argv = command.map((argument) => argument.replaceAll(promptFilePlaceholder, () => join(folder, runFiles.prompt)));
  return agent.adapter === 'http' && argv[0] === 'clip-http' ? [process.execPath, programPath('clip-http'), ...argv.slice(1)] : argv;
}

/** Turns what keepers say into facts, all that came together in one transaction. */
export function hearKeepers(world: {
  supervisor: Supervisor;
  conclude: Conclude;
  look: (runs: readonly Run[]) => void;
  log: Log;
  scheduler: Scheduler;
}): KeeperNews {
  const { supervisor, look, log } = world;

  function factsOf(notice: KeeperNotice): Submission[] {
    const run = notice.id === null ? null : supervisor.findById(notice.id);
    if (!run) {
      log('warn', 'a keeper speaks of a run that is not known', { notice });
      return [];
    }
    const { number } = run;
    switch (notice.type) {
      case 'started':
        return [{ number, event: { type: 'spawned', leader: notice.leader, startedAt: notice.at } }];
      case 'failed':
        return [{ number, event: { type: 'spawn-failed', errorCode: notice.errorCode, message: notice.message } }];
      case 'exited': {
        const { code, signal, at: endedAt, byDeadline } = notice;
        const fact: Fact = { type: 'exited', code, signal, endedAt, byDeadline, leader: null, startedAt: null, report: null };
        if (!needsConclusion(run, fact)) return [{ number, event: fact }];
        setImmediate(() => {
          // What was heard before it, its start say, comes first.
          if (heard.length > 0) record();
          void world.conclude(run, fact);
        });
        return [];
      }
      case 'already-launched':
        look([run]);
        return [];
      case 'refused':
        log('warn', 'a keeper refused a run', { run: number, why: notice.why });
        return [{ number, event: { type: 'never-launched', message: notice.why, retryInMs: refusedRetryMs } }];
    }
  }

  let heard: Submission[] = [];
  let timer: NodeJS.Timeout | null = null;

  function record(): void {
    if (timer) clearTimeout(timer);
    timer = null;
    const facts = heard;
    heard = [];
    if (facts.some(({ event }) => event.type === 'spawned')) crashPoint('spawn.before-recorded');
    if (facts.some(({ event }) => event.type === 'exited')) crashPoint('exit.before-recorded');
    try {
      supervisor.submitAll(facts);
    } catch (error) {
      // What the keeper said is in the run folders as well: it is seen there once the database can be written again.
      log('error', 'what a keeper said could not be recorded', { error: describe(error) });
      setTimeout(() => look(supervisor.alive()), limits.stopRetryMs).unref();
    }
  }

  return {
    onNotices(notices) {
      heard.push(...notices.flatMap(factsOf));
      // A start can wait a moment for company (started.json holds it already): a short run then costs one flush, not two.
      if (heard.some(({ event }) => event.type !== 'spawned')) record();
      else timer ??= setTimeout(record, startCompanyMs);
    },
    onLost: () => look(supervisor.alive().filter(({ state }) => state.status !== 'queued')),
    onReady: world.scheduler.ask,
  };
}
