/** Starts the process of a run, and records its start and its end. */
import { closeSync, existsSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { failpoint } from '#launch/failpoints.ts';
import type { FromKeeper, ToKeeper } from '#process/keeper-protocol.ts';
import { currentTick, pidNamespace, readStartTimeOfChild, systemBootId } from '#process/process-birth.ts';
import { openRunFolder, type RealFolder } from '#process/real-folder.ts';
import {
  createWhole,
  type ExitRecord,
  flushFolder,
  type LeaderRecord,
  placeWhole,
  type ReservedExit,
  reserveExitRecord,
  runFiles,
  withdrawnFile,
} from '#process/run-folder.ts';
import { type Deadline, keepDeadline } from './deadline.ts';
import { describeShortage, explainFailure, type Failure } from './launch-failure.ts';
import { complain } from './report-error.ts';
import {
  lookAhead,
  needsLookAhead,
  type Prospect,
  SilentError,
  type SpawnContext,
  type Spawned,
  searchPath,
  spawnProcess,
} from './spawn-process.ts';

export type Child = {
  readonly id: string;
  readonly leader: LeaderRecord;
  readonly at: number;
  readonly deadline: Deadline;
};

export type Hooks = {
  readonly tell: (message: FromKeeper) => void;
  readonly daemonIsHere: () => boolean;
  /** Returns whether the daemon has withdrawn the request. */
  readonly isWithdrawn: () => boolean;
  /** Returns the number of live runs, each of which uses some descriptors of the keeper. */
  readonly runs: () => number;
  readonly onStarted: (child: Child) => void;
  /** The process has ended, and its end is being recorded. */
  readonly onExit: (id: string) => void;
  /** The exit record is in place, or cannot be written. */
  readonly onRecorded: (id: string) => void;
  readonly onEnded: (id: string) => void;
};

type Request = Extract<ToKeeper, { type: 'spawn' }>;

/** Delay before started.json is flushed. A short run needs no flush, because its exit.json says everything. */
const startedFlushMs = 1_000;
const nothingAhead: Prospect = { careful: false, input: null };

/**
 * Launches a run. Reserves the space for exit.json and writes launch.json, then spawns and writes started.json in one
 * synchronous turn. Without space for the two files nothing is launched, and the run can be tried again. Calls
 * `settled` when the launch is decided: the process is alive, or never will be.
 */
export function launchRun(place: SpawnContext, request: Request, hooks: Hooks, settled: () => void): void {
  const path = join(place.home, 'runs', request.id);
  if (!needsLookAhead(request))
    return new Launching({ place, request, hooks, settled, path, prospect: nothingAhead }).begin();
  lookAhead(request).then(
    (prospect) => new Launching({ place, request, hooks, settled, path, prospect }).begin(),
    (error: NodeJS.ErrnoException) =>
      new Launching({ place, request, hooks, settled, path, prospect: nothingAhead }).begin(error),
  );
}

type LaunchContext = {
  readonly place: SpawnContext;
  readonly request: Request;
  readonly hooks: Hooks;
  readonly settled: () => void;
  readonly path: string;
  readonly prospect: Prospect;
};

class Launching {
  readonly #setting: LaunchContext;
  readonly #id: string;
  /** The run folder, open while the launch needs it. */
  #folder: RealFolder | null = null;
  #exit: ReservedExit | null = null;
  #input: number | null;

  constructor(setting: LaunchContext) {
    this.#setting = setting;
    this.#id = setting.request.id;
    this.#input = setting.prospect.input;
  }

  /** Starts the launch. `trouble`: an error found in advance, which is recorded like an error of the system. */
  begin(trouble: NodeJS.ErrnoException | null = null): void {
    const { path, request, hooks } = this.#setting;
    try {
      if (trouble instanceof SilentError) return this.#putOff(trouble.message);
      if (hooks.isWithdrawn()) return this.#settle({ type: 'withdrawn', ...this.#which() });
      const folder = openRunFolder(path);
      this.#folder = folder;
      if (folder === null) throw Object.assign(new Error('its folder is gone'), { code: 'ENOENT' });
      if (existsSync(join(folder.at, runFiles.launch))) return this.#settle({ type: 'already-launched', id: this.#id });
      failpoint('spawn.before-launch-file');
      // Without space for the exit record nothing is started and no launch.json is written, so the run can be tried
      // again.
      const exit = reserveExitRecord(folder.at);
      this.#exit = exit;
      createWhole(folder.at, runFiles.launch, request.launch, (error, created) => {
        if (error) return this.#refuse(error);
        if (!created) return this.#settle({ type: 'already-launched', id: this.#id });
        failpoint('spawn.after-launch-file');
        this.#spawn(folder, exit, trouble);
      });
    } catch (error) {
      this.#refuse(error as Error);
    }
  }

  #spawn(folder: RealFolder, exit: ReservedExit, trouble: NodeJS.ErrnoException | null): void {
    const { place, request, hooks, prospect } = this.#setting;
    let spawned: Spawned;
    try {
      // Checked last. A daemon that withdraws a launch writes its mark first and then looks for launch.json, so one of
      // the two sees the other.
      if (this.#isWithdrawn(folder)) return this.#takeBack(folder, { type: 'withdrawn', ...this.#which() });
      if (trouble !== null) throw trouble;
      spawned = spawnProcess(place, request, { at: folder.at, prospect, runs: hooks.runs() });
    } catch (error) {
      return this.#failed(folder, exit, error as NodeJS.ErrnoException);
    }
    const { child } = spawned;
    if (child.pid === undefined) {
      child.once('error', (error) => this.#failed(folder, exit, error));
      return;
    }
    failpoint('spawn.after-spawn');
    this.#started(folder, exit, { ...spawned, pid: child.pid });
  }

  #started(folder: RealFolder, exit: ReservedExit, spawned: Spawned & { readonly pid: number }): void {
    const { child, pid, cgroup, kernelMark, logs, lacking } = spawned;
    const { request, hooks, path, settled } = this.#setting;
    const id = this.#id;
    const leader = {
      pid,
      pgid: pid,
      startTime: readStartTimeOfChild(pid),
      bootId: systemBootId(),
      pidNamespace: pidNamespace(),
      cgroup,
      kernelMark,
      logs,
    };
    const at = Date.now();
    // If the disk is full, the mark still identifies the process, and exit.json has its space reserved.
    const settle = setTimeout(() => flushStarted?.(), startedFlushMs);
    let flushStarted: (() => void) | null = null;
    try {
      flushStarted = placeWhole(folder.at, runFiles.started, { ...leader, at }, path);
    } catch (error) {
      complain(error as Error);
    }
    this.#close();
    failpoint('spawn.after-started-file');
    const deadline = keepDeadline(child, request.launch, hooks.daemonIsHere);
    hooks.onStarted({ id, leader, at, deadline });
    hooks.tell({ type: 'started', id, leader, at, ...(lacking.length === 0 ? {} : { lacking }) });
    settled();
    child.on('error', () => {});
    // 'exit', not 'close': a grandchild that holds the output open does not keep the run running.
    child.once('exit', (code, signal) => {
      const tick = currentTick();
      deadline.stop();
      clearTimeout(settle);
      hooks.onExit(id);
      failpoint('exit.before-exit-file');
      const record = { code, signal, at: Date.now(), byDeadline: deadline.fired(), tick };
      this.#finish(exit, record, { type: 'exited', id, ...record }, () => hooks.onEnded(id));
    });
  }

  /** Writes the exit record before the daemon is told, so the end is kept even if no daemon is connected. */
  #finish(exit: ReservedExit, record: ExitRecord, message: FromKeeper, done: () => void): void {
    const { hooks, path } = this.#setting;
    const placed = (error: Error | null) => {
      if (error) complain(error);
      failpoint('exit.after-exit-file');
      hooks.tell(message);
      hooks.onRecorded(this.#id);
    };
    try {
      const folder = openRunFolder(path);
      this.#folder = folder;
      if (folder === null) throw new Error(`${path} is gone: the end of its run is not written down.`);
      exit.write(folder.at, record, placed, () => {
        this.#close();
        done();
      });
    } catch (error) {
      exit.release(null);
      this.#close();
      placed(error as Error);
      done();
    }
  }

  #failed(folder: RealFolder, exit: ReservedExit, error: NodeJS.ErrnoException): void {
    const { request, settled, place } = this.#setting;
    place.groups?.remove(this.#id);
    const shortage = describeShortage(error);
    if (shortage !== null)
      return this.#takeBack(folder, this.#shortage(`its process could not be started: ${shortage}`));
    const failure: Failure = explainFailure(error, request.launch, searchPath(folder.at));
    this.#close();
    const message: FromKeeper = { type: 'failed', id: this.#id, errorCode: failure.code, message: failure.message };
    // The launch is decided when the record is on disk. Until then no greeting is answered, and the keeper does not
    // exit.
    this.#finish(exit, { code: null, signal: null, at: Date.now(), error: failure }, message, settled);
  }

  /**
   * Withdraws a launch that started nothing. launch.json is removed first, so that a crash in between leaves a run that
   * was never launched.
   */
  #takeBack(folder: RealFolder, answer: FromKeeper): void {
    try {
      unlinkSync(join(folder.at, runFiles.launch));
      flushFolder(folder.at);
    } catch (error) {
      complain(error as Error);
    }
    failpoint('spawn.taken-back');
    this.#settle(answer);
  }

  #isWithdrawn(folder: RealFolder): boolean {
    const { attempt } = this.#setting.request.launch;
    return (
      this.#setting.hooks.isWithdrawn() ||
      (attempt !== undefined && existsSync(join(folder.at, withdrawnFile(attempt))))
    );
  }

  #putOff(why: string): void {
    this.#settle(this.#shortage(why));
  }

  #shortage(why: string): FromKeeper {
    return {
      type: 'refused',
      ...this.#which(),
      why: `${why.slice(0, 1).toUpperCase()}${why.slice(1)}.`,
      shortage: true,
    };
  }

  /** Identifies the launch, because the run may be launched again before this message arrives. */
  #which(): { readonly id: string; readonly attempt?: string } {
    const { attempt } = this.#setting.request.launch;
    return attempt === undefined ? { id: this.#id } : { id: this.#id, attempt };
  }

  #refuse(error: NodeJS.ErrnoException): void {
    const shortage = describeShortage(error);
    if (shortage !== null) return this.#putOff(`its records could not be written: ${shortage}`);
    this.#settle({ type: 'refused', ...this.#which(), why: `Its records could not be written: ${error.message}` });
  }

  /** Ends a launch that started nothing. The run is unchanged. */
  #settle(answer: FromKeeper): void {
    this.#exit?.release(this.#folder?.at ?? null);
    this.#close();
    this.#setting.hooks.tell(answer);
    this.#setting.settled();
  }

  #close(): void {
    this.#folder?.close();
    this.#folder = null;
    if (this.#input !== null) closeSync(this.#input);
    this.#input = null;
  }
}
