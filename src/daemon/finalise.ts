/** What a run's end sets off: steps that can be repeated, struck off one by one, taken up again after a restart. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { crashPoint } from '../launch/crash-point.ts';
import { runFiles } from '../process/run-folder.ts';
import { compareWorkspace, lookAtWorkspace, readSnapshot } from '../process/workspace.ts';
import { limits } from '../run/limits.ts';
import { type FinaliseStep, isEnded, type LeakedProcess, type Run, type StepResult, type WorkspaceRecord } from '../run/run.ts';
import { killLeftoversAt } from '../run/stopping.ts';
import type { Judge } from './judge.ts';
import type { Knowledge } from './knowledge.ts';
import { endLeftovers } from './leftovers.ts';
import { describe, type Log } from './log.ts';
import type { Supervisor } from './supervisor.ts';
import type { Sweeper } from './sweeper.ts';
import type { Tails } from './tails.ts';

const retryMs = 5_000;

export function createFinaliser(world: {
  supervisor: Supervisor;
  sweeper: Sweeper;
  now: () => number;
  log: Log;
  folderOf: (run: Run) => string;
  /** Our own folder. */
  home: string;
  keep: readonly string[];
  tails: Pick<Tails, 'forget'>;
  judge: Judge;
  knowledge: Pick<Knowledge, 'refresh'>;
  /** Decides what follows, sees to it, and strikes the step off. */
  followUp: (number: number) => void;
}) {
  const busy = new Set<number>();

  /** Does all the steps that are left of an ended run. */
  function finalise(number: number): void {
    if (busy.has(number)) return;
    busy.add(number);
    steps(number)
      .finally(() => busy.delete(number))
      .catch((error) => {
        world.log('error', 'a finalising step failed; it is tried again', { run: number, error: describe(error) });
        setTimeout(() => finalise(number), retryMs).unref();
      });
  }

  /** What is done is struck off together; done twice, after a crash in between, it comes to the same. */
  async function steps(number: number): Promise<void> {
    const run = world.supervisor.find(number);
    if (!run || !isEnded(run.state)) return;
    let done: Promise<void>[] = [];
    // Liveness is judged from what the workspace has shown, which is not in the state of `run` yet.
    let workspace = run.state.workspace;
    for (const step of run.state.pending) {
      // What follows is decided from all that was found, on disk by then.
      if (step === 'summary' || step === 'wake') {
        await Promise.all(done);
        done = [];
      }
      if (step === 'wake') {
        world.followUp(number);
        crashPoint('finalise.after-wake');
        if (isBlocking(world.supervisor.find(number))) await summary(run);
        continue;
      }
      const found = await perform(step, world.supervisor.find(number) ?? run, workspace);
      if (found.step === 'workspace') workspace = found.workspace;
      if (step !== 'tidy') crashPoint(`finalise.after-${step}`);
      done.push(world.supervisor.submitSoon(number, { type: 'step-done', ...found }));
    }
    await Promise.all(done);
  }

  async function perform(step: Exclude<FinaliseStep, 'wake'>, run: Run, workspace: WorkspaceRecord | null): Promise<StepResult> {
    switch (step) {
      case 'workspace':
        return {
          step,
          workspace: await compareWorkspace(readSnapshot(world.folderOf(run)), await lookAtWorkspace(run.spec.cwd, world.home).catch(() => null), world.now()),
        };
      case 'leftovers':
        return { step, leaked: await leftovers(run) };
      case 'liveness':
        return { step, liveness: world.judge.judge(run, workspace) };
      case 'summary':
        await summary(run);
        return { step };
      case 'tidy':
        tidy(run);
        return { step };
    }
  }

  /** What cannot be summed up holds up nothing and fails nobody: it is tried again when the next run starts, and whenever somebody wants to read it. */
  async function summary(run: Run): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await world.knowledge.refresh(run);
      } catch (error) {
        world.log('warn', 'the continuation summary could not be written', { run: run.number, tries, error: describe(error) });
        if (tries >= limits.summaryTriesMax) return;
        await new Promise((resolve) => setTimeout(resolve, limits.stopRetryMs));
      }
    }
  }

  async function leftovers(run: Run): Promise<LeakedProcess[]> {
    if (!isEnded(run.state)) return [];
    const { leader, stop } = run.state;
    return endLeftovers(
      world.sweeper,
      world.now,
      { runId: run.id, leader },
      {
        // Whoever stops a run wants all of it stopped; "leave" is for what a run leaves behind by itself.
        leave: run.spec.leftovers === 'leave' && stop === null,
        killAt: killLeftoversAt(stop, world.now()),
        keep: world.keep,
      },
    );
  }

  function tidy(run: Run): void {
    const folder = world.folderOf(run);
    world.tails.forget(run.number);
    // Whatever lies there by now: a run that cannot be tidied would never be settled, and whoever waits for it would wait for ever.
    const remove = (name: string) => rmSync(join(folder, name), { recursive: true, force: true });
    remove(runFiles.env);
    // What a keeper that died was about to put in place; a living one has put it there before the end was known.
    if (existsSync(folder)) for (const name of readdirSync(folder)) if (name.startsWith('.')) remove(name);
    if (!run.spec.promptSecret) return;
    for (const file of [runFiles.prompt, runFiles.request]) remove(file);
  }

  return { finalise };
}

/** What follows is decided from the summary on disk; that a person is needed can stand in it only afterwards. */
function isBlocking(run: Run | null): boolean {
  return run !== null && isEnded(run.state) && run.state.decision?.action === 'block';
}
