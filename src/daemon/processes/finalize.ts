/** Finalizes ended runs. Steps are repeatable, are struck off one by one, and resume after a restart. */
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { failpoint } from '#launch/failpoints.ts';
import { type FolderIdentity, ReplacedFolderError, removeEntry, withRunFolder } from '#process/real-folder.ts';
import { runFiles } from '#process/run-folder.ts';
import { limits } from '#run/limits.ts';
import { type FinalizeStep, isEnded, type Run, type StepResult } from '#run/run.ts';
import { killLeftoversAt } from '#run/stop-sequence.ts';
import type { WorkspaceRecord } from '#run/workspace-record.ts';
import type { Budgets } from '../budgets/budgets.ts';
import { describe, type LogFunction } from '../core/log.ts';
import type { Supervisor } from '../core/supervisor.ts';
import type { LogFollower } from '../output/log-follower.ts';
import type { Continuation } from '../tasks/continuation.ts';
import type { Handoff } from '../tasks/handoff.ts';
import type { RunJudge } from '../tasks/run-verdict.ts';
import type { Workspaces } from '../tasks/workspaces.ts';
import type { ProcessScanner } from './process-scanner.ts';
import { type Leftovers, reapLeftovers } from './reap-leftovers.ts';

const retryMs = 5_000;

type FinalizerDeps = {
  readonly supervisor: Supervisor;
  readonly scanner: ProcessScanner;
  readonly now: () => number;
  readonly log: LogFunction;
  readonly folderOf: (run: Run) => string;
  readonly workspaces: Pick<Workspaces, 'after'>;
  /** Returns the identity of the folder that was created for the run; null if unknown. */
  readonly folderIdentityOf: (run: Run) => FolderIdentity | null;
  readonly keep: readonly string[];
  readonly logFollower: Pick<LogFollower, 'forget'>;
  readonly runJudge: RunJudge;
  readonly budgets: Pick<Budgets, 'noteOverrun'>;
  readonly handoff: Pick<Handoff, 'refresh'>;
  readonly continuation: Pick<Continuation, 'followUp'>;
};

export class Finalizer {
  readonly #deps: FinalizerDeps;
  readonly #busy = new Set<number>();

  constructor(deps: FinalizerDeps) {
    this.#deps = deps;
  }

  /** Performs the pending steps of an ended run. */
  finalize(number: number): void {
    if (this.#busy.has(number)) return;
    this.#busy.add(number);
    this.#steps(number)
      .finally(() => this.#busy.delete(number))
      .catch((error) => {
        this.#deps.log('error', 'finalization step failed; retrying', { run: number, error: describe(error) });
        setTimeout(() => this.finalize(number), retryMs).unref();
      });
  }

  /** Performs the steps in order. A step that is repeated after a crash gives the same result. */
  async #steps(number: number): Promise<void> {
    const run = this.#deps.supervisor.find(number);
    if (!run || !isEnded(run.state)) return;
    let done: Promise<void>[] = [];
    // The liveness verdict needs the workspace record, which is not in the state of `run` yet.
    let workspace = run.state.workspace;
    for (const step of run.state.pending) {
      // The decision needs all earlier results on disk.
      if (step === 'summary' || step === 'wake') {
        await Promise.all(done);
        done = [];
      }
      if (step === 'wake') {
        this.#deps.continuation.followUp(number);
        failpoint('finalize.after-wake');
        if (isBlocking(this.#deps.supervisor.find(number))) await this.#summary(run);
        continue;
      }
      const found = await this.#perform(step, this.#deps.supervisor.find(number) ?? run, workspace);
      if (found.step === 'workspace') workspace = found.workspace;
      if (step !== 'tidy') failpoint(`finalize.after-${step}`);
      const stored = this.#deps.supervisor.submitSoon(number, { type: 'step-done', ...found });
      // Awaited below. If it fails before that, the failure must not count as unhandled.
      stored.catch(() => {});
      done.push(stored);
    }
    await Promise.all(done);
  }

  async #perform(
    step: Exclude<FinalizeStep, 'wake'>,
    run: Run,
    workspace: WorkspaceRecord | null,
  ): Promise<StepResult> {
    switch (step) {
      case 'workspace':
        return { step, workspace: await this.#deps.workspaces.after(run) };
      case 'leftovers':
        return { step, ...(await this.#leftovers(run)) };
      case 'liveness':
        this.#deps.budgets.noteOverrun(run);
        return { step, liveness: this.#deps.runJudge.judge(run, workspace) };
      case 'summary':
        await this.#summary(run);
        return { step };
      case 'tidy':
        this.#tidy(run);
        return { step };
    }
  }

  /** Writes the continuation summary. A failure does not block finalization. It is retried when the next run starts or when the summary is read. */
  async #summary(run: Run): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#deps.handoff.refresh(run);
      } catch (error) {
        this.#deps.log('warn', 'continuation summary not written', { run: run.number, tries, error: describe(error) });
        if (tries >= limits.summaryTriesMax) return;
        await sleep(limits.stopRetryMs);
      }
    }
  }

  async #leftovers(run: Run): Promise<Leftovers> {
    if (!isEnded(run.state)) return { leaked: [], unexamined: 0 };
    const { leader, stop } = run.state;
    const found = await reapLeftovers(
      this.#deps.scanner,
      this.#deps.now,
      { runId: run.id, leader },
      {
        // A stop ends all processes of a run. "leave" concerns only leftovers of a run that ended by itself.
        leave: run.spec.leftovers === 'leave' && stop === null,
        killAt: killLeftoversAt(stop, this.#deps.now()),
        keep: this.#deps.keep,
      },
    );
    this.#deps.scanner.forget({ runId: run.id, leader });
    return found;
  }

  #tidy(run: Run): void {
    this.#deps.logFollower.forget(run.number);
    try {
      withRunFolder(
        this.#deps.folderOf(run),
        (at) => tidyFolder(at, run.spec.promptSecret),
        this.#deps.folderIdentityOf(run),
      );
    } catch (error) {
      // If tidying failed permanently, the run would never settle, and waiters would hang.
      if (!(error instanceof ReplacedFolderError)) throw error;
      this.#deps.log('warn', 'run folder was replaced', { run: run.number, error: error.message });
      const data = { type: 'folder-replaced', message: error.message };
      this.#deps.supervisor.transaction((tx) =>
        tx.record({ task: run.lineage.taskId, run, type: 'folder-replaced', data }),
      );
    }
  }
}

function tidyFolder(at: string, promptSecret: boolean): void {
  removeEntry(at, runFiles.env);
  // Temporary files of a keeper that died. A living keeper has moved its files into place before the end was known.
  for (const name of readdirSync(at)) if (name.startsWith('.')) removeEntry(at, name);
  if (!promptSecret) return;
  for (const file of [runFiles.prompt, runFiles.request]) removeEntry(at, file);
}

/** The decision is based on the summary on disk. The summary can say only afterwards that a person is needed. */
function isBlocking(run: Run | null): boolean {
  return run !== null && isEnded(run.state) && run.state.decision?.action === 'block';
}
