/** Launches in progress: prepares them, tracks them, and withdraws those that have not been carried out. */
import { closeSync, constants, openSync } from 'node:fs';
import { join } from 'node:path';
import { failpoint } from '#launch/failpoints.ts';
import { ReplacedFolderError, withRunFolder } from '#process/real-folder.ts';
import { withdrawnFile } from '#process/run-folder.ts';
import { wasLaunched } from '#process/run-folder-reader.ts';
import { limits } from '#run/limits.ts';
import type { Run } from '#run/run.ts';
import { describe, type LogFunction } from '../core/log.ts';
import type { Supervisor } from '../core/supervisor.ts';
import type { Keepers } from './keepers.ts';

export type Launches = ReturnType<typeof createLaunches>;

/** Returns a tag that tells this launch of a run from its other launches. Empty if the run is not starting. */
export function findAttempt({ state }: Run): string {
  return state.status === 'starting' ? `a${state.since.toString(36)}` : '';
}

function writeEmpty(path: string): void {
  closeSync(openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW, 0o600));
}

export function createLaunches(deps: {
  supervisor: Pick<Supervisor, 'find' | 'submit'>;
  keepers: Pick<Keepers, 'withdraw' | 'isAsked'>;
  folderOf: (run: Run) => string;
  now: () => number;
  log: LogFunction;
}) {
  /** The launch tag of each run that is being prepared (workspace snapshot, prompt). */
  const preparing = new Map<number, string>();

  /**
   * Ensures that no keeper carries out this launch any more, not even a suspended one that holds the request. Returns
   * false if the launch has begun. Then a notice or the run folder tells the result.
   */
  function takeBack(run: Run): boolean {
    const folder = deps.folderOf(run);
    // Writes the withdrawal first, then checks. The keeper does both in the opposite order.
    try {
      withRunFolder(folder, (at) => writeEmpty(join(at, withdrawnFile(findAttempt(run)))));
    } catch (error) {
      // A keeper never launches in a replaced folder.
      if (!(error instanceof ReplacedFolderError)) throw error;
      return true;
    }
    failpoint('spawn.withdrawn');
    return !wasLaunched(folder);
  }

  function neverLaunched(run: Run): void {
    const now = deps.supervisor.find(run.number);
    if (now === null || findAttempt(now) !== findAttempt(run)) return;
    deps.supervisor.submit(run.number, {
      type: 'never-launched',
      message: 'It was stopped before it started.',
      retryInMs: 0,
    });
  }

  function takeBackNow(run: Run): void {
    try {
      if (takeBack(run)) neverLaunched(run);
    } catch (error) {
      // The heartbeat retries.
      deps.log('warn', 'launch could not be withdrawn', { run: run.number, error: describe(error) });
    }
  }

  return {
    takeBack,
    prepare: (run: Run): void => void preparing.set(run.number, findAttempt(run)),
    prepared(run: Run): void {
      if (preparing.get(run.number) === findAttempt(run)) preparing.delete(run.number);
    },
    /** Returns whether the launch is in progress and its result will be reported. False after `limits.startingMs`. */
    isUnderWay(run: Run): boolean {
      const { state } = run;
      if (state.status !== 'starting' || deps.now() - state.since > limits.startingMs) return false;
      return preparing.get(run.number) === findAttempt(run) || deps.keepers.isAsked(run.id);
    },
    /** Withdraws the launch of a run that was stopped while starting. */
    withdraw(run: Run): void {
      if (!deps.keepers.isAsked(run.id)) return takeBackNow(run);
      if (!deps.keepers.withdraw(run.id)) return takeBackNow(run);
      setTimeout(() => {
        const now = deps.supervisor.find(run.number);
        if (now !== null && findAttempt(now) === findAttempt(run)) takeBackNow(run);
      }, limits.withdrawMs).unref();
    },
  };
}
