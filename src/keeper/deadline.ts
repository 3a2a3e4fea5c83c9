/** The time limit of a run, enforced by the keeper while no daemon is there to do it better. */
import type { ChildProcess } from 'node:child_process';
import type { LaunchRecord } from '#process/run-folder.ts';
import { complain } from './report-error.ts';

/** Maximum of setTimeout, which fires at once beyond it. Longer waits are armed in steps. */
const timerMsMax = 2 ** 31 - 1;
/** How often a passed deadline is checked again while a daemon should handle it. */
const daemonAgainMs = 1_000;

export type Deadline = {
  /** Checks the deadline again, after the daemon has disconnected or fallen silent. */
  readonly arm: () => void;
  /** Moves the deadline after the machine slept or the keeper was suspended. */
  readonly postpone: (ms: number) => void;
  readonly stop: () => void;
  /** Returns whether the keeper enforced the deadline. */
  readonly fired: () => boolean;
};

/**
 * Arms the deadline of a run. `daemonIsHere`: returns whether a responsive daemon is connected. Such a daemon stops
 * the run with all its processes.
 */
export function keepDeadline(child: ChildProcess, launch: LaunchRecord, daemonIsHere: () => boolean): Deadline {
  let timer: NodeJS.Timeout | null = null;
  let fired = false;
  // Measured on the monotonic clock, because the wall clock may be changed.
  let due = launch.deadlineAt === null ? null : performance.now() + launch.deadlineAt - Date.now();

  const arm = () => {
    if (due === null || fired) return;
    if (timer) clearTimeout(timer);
    const wait = Math.max(0, due - performance.now());
    timer = setTimeout(wait > timerMsMax ? arm : reached, Math.min(wait, timerMsMax));
  };
  const reached = () => {
    if (daemonIsHere()) {
      // The daemon may disappear at any moment, so check again.
      timer = setTimeout(reached, daemonAgainMs);
      return;
    }
    fired = true;
    signalGroup(child, 'SIGTERM');
    // A stopped program could not react and would use up its whole grace period.
    signalGroup(child, 'SIGCONT');
    timer = setTimeout(() => signalGroup(child, 'SIGKILL'), launch.graceMs);
  };
  arm();
  return {
    arm,
    postpone(ms) {
      if (due === null || fired) return;
      due += ms;
      arm();
    },
    stop: () => timer && clearTimeout(timer),
    fired: () => fired,
  };
}

/**
 * Signals the process group of the child. The child is not reaped yet, so the pid is still its own, and it leads its
 * group.
 */
function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined || child.pid <= 1) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    complain(error as Error);
  }
}
