/** Exit codes of runs, and the tables that `clip help` prints. */
import { constants } from 'node:os';
import type { RunView } from '#protocol/answers.ts';
import type { TaskView } from '#protocol/tasks.ts';
import { errorTable } from '#run/errors.ts';

/** The exit code of a wait that has reached its own time limit. */
export const waitTimeoutExit = 121;
/** The exit code of clip's own failures in commands that end with a run's code. No run uses it by accident. */
export const ownFailureExit = 125;

/** Returns the exit code for a run's end: its own code where it has one. */
export function exitOfRun(run: RunView): number {
  switch (run.status) {
    case 'succeeded':
      return 0;
    case 'cancelled':
      return 130;
    case 'timed_out':
      return 124;
    default:
      if (run.errorCode === 'command_not_found') return 127;
      if (run.errorCode === 'not_executable') return 126;
      if (run.signal !== null) return 128 + (constants.signals[run.signal as NodeJS.Signals] ?? 0);
      if (run.exitCode !== null) return run.exitCode === 0 ? 1 : run.exitCode;
      return run.stopReason === 'process_lost' ? 120 : 1;
  }
}

/** Returns the exit code of a wait for a task that needs a person or is closed. */
export function exitOfTask({ status }: Pick<TaskView, 'status'>): number {
  switch (status) {
    case 'done':
      return 0;
    case 'in_review':
      return 122;
    case 'cancelled':
      return 130;
    default:
      return 123;
  }
}

/** Returns 0 if all codes are 0, otherwise the first other one in the given order. */
export function exitOfRuns(runs: readonly RunView[]): number {
  return runs.map(exitOfRun).find((code) => code !== 0) ?? 0;
}

/** The table of exit codes. */
export const exitCodesText = `Exit codes of clip:
    0  done
    1  failed
    2  wrong usage
    3  not found
    4  the daemon cannot be reached
    5  refused; the message says why
    6  client and daemon are of different versions
    7  trouble with the database

Verbs that wait for a run (wait, run --wait, run --follow, logs -f --exit-code) end with the run's:
    0  it succeeded
    N  it failed with its own code N (1 if that was 0)
  120  it was lost: its exit code is unknown
  124  it was stopped by its time or silence limit
  126  its command is not executable        127  its command was not found
  130  it was cancelled
128+N  it was killed by signal N
  121  the wait's own --timeout is over; the run lives on
  125  clip itself failed
A wait for a task (wait T7) ends with 0 when it is done, 122 when it is in review, 123 when it is blocked or nothing
works on it, and 130 when it was cancelled.
With several runs or tasks: 0 only if all are 0, else the first other code in the order given.
`;

/** Formats the table of error codes. */
export function errorsText(): string {
  const rows = Object.entries(errorTable).map(
    ([code, { exit, means }]) => `  ${code.padEnd(18)} ${String(exit).padStart(2)}  ${means}`,
  );
  return `Errors of clip: code, exit code, meaning\n${rows.join('\n')}\n`;
}
