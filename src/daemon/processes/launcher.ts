/** Starts the process of a run: the snapshot of its workspace, its prompt, and the record for the keeper. */
import { join } from 'node:path';
import { programCommand } from '#launch/launch.ts';
import { type LaunchRecord, runFiles } from '#process/run-folder.ts';
import { ClipError } from '#run/errors.ts';
import type { Run } from '#run/run.ts';
import { promptFilePlaceholder } from '../agents/invocation.ts';
import type { RunTokens } from '../agents/run-tokens.ts';
import { describe, type LogFunction } from '../core/log.ts';
import type { Supervisor } from '../core/supervisor.ts';
import type { Handoff } from '../tasks/handoff.ts';
import type { Workspaces } from '../tasks/workspaces.ts';
import type { Keepers } from './keepers.ts';
import { findAttempt, type Launches } from './launches.ts';

/** How long a run waits that could not be started because of the machine. */
export const refusedRetryMs = 5_000;

export type LauncherDeps = {
  readonly supervisor: Supervisor;
  readonly keepers: Keepers;
  readonly tokens: RunTokens;
  readonly launches: Launches;
  readonly folderOf: (run: Run) => string;
  readonly workspaces: Pick<Workspaces, 'before'>;
  readonly handoff: Pick<Handoff, 'freshen' | 'brief'>;
  readonly now: () => number;
  readonly log: LogFunction;
};

export class Launcher {
  readonly #deps: LauncherDeps;

  constructor(deps: LauncherDeps) {
    this.#deps = deps;
  }

  /** Starts a run, for an agent or a task after a look at its workspace. Returns before the keeper has answered. */
  launch(run: Run): void {
    if (run.spec.agent === null && run.lineage.taskId === null) this.#spawn(run);
    else this.#lookFirst(run).catch((error) => this.#noteFailure(run, error));
  }

  /** Takes a snapshot of the workspace, then starts the run. The run also starts if the snapshot fails. */
  async #lookFirst(run: Run): Promise<void> {
    const { launches } = this.#deps;
    launches.prepare(run);
    try {
      await this.#prepare(run);
    } finally {
      launches.prepared(run);
    }
  }

  async #prepare(run: Run): Promise<void> {
    await this.#deps.workspaces.before(run);
    await this.#freshenSummary(run);
    // If the run was stopped or relaunched in the meantime, another code path has handled it.
    const now = this.#deps.supervisor.find(run.number);
    if (now?.state.status !== 'starting' || now.state.stop !== null || findAttempt(now) !== findAttempt(run)) return;
    if (this.#brief(now)) this.#spawn(now);
  }

  async #freshenSummary({ number, lineage }: Run): Promise<void> {
    const { handoff, log } = this.#deps;
    try {
      if (lineage.taskId !== null) await handoff.freshen(lineage.taskId);
    } catch (error) {
      log('warn', 'continuation summary not written', { run: number, error: describe(error) });
    }
  }

  /** Writes the prompt. Returns false if this fails, which is then recorded. */
  #brief(run: Run): boolean {
    try {
      this.#deps.handoff.brief(run);
      return true;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const message = `What it is to be told could not be written: ${why}`;
      // An error that a person must fix persists at the next attempt. A full disk may not.
      const lasts = error instanceof ClipError || (error as NodeJS.ErrnoException).code === 'ENOENT';
      this.#deps.supervisor.submit(
        run.number,
        lasts
          ? { type: 'spawn-failed', errorCode: 'launch_failed', message }
          : { type: 'never-launched', message, retryInMs: refusedRetryMs },
      );
      return false;
    }
  }

  /** Logs a failure that could not be recorded, for example because the disk is full. The heartbeat finds the run that does not start. */
  #noteFailure({ number }: Run, error: unknown): void {
    this.#deps.log('error', 'launch failed', { run: number, error: describe(error) });
  }

  #spawn(run: Run): void {
    const { supervisor, keepers, tokens, folderOf, now } = this.#deps;
    try {
      const launch = buildLaunchRecord(run, { folder: folderOf(run), token: tokens.of(run), at: now() });
      keepers.spawn(run.id, { ...launch, attempt: findAttempt(run) });
    } catch (error) {
      const event = { type: 'never-launched', message: String((error as Error).message), retryInMs: 0 } as const;
      // Deferred: an effect never submits before the change that ordered it has returned.
      setImmediate(() => {
        try {
          supervisor.submit(run.number, event);
        } catch (failure) {
          this.#noteFailure(run, failure);
        }
      });
    }
  }
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
    stdin: inputPath(spec, folder),
    mergeOutput: spec.mergeOutput,
    token,
    continuation: run.lineage.taskId === null ? null : (run.lineage.origin?.attempt ?? 0),
  };
}

/** Returns the file that the run reads as its input, or null. */
function inputPath({ stdin }: Run['spec'], folder: string): string | null {
  if (stdin.kind === 'file') return stdin.path;
  return stdin.kind === 'prompt' ? join(folder, runFiles.prompt) : null;
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
