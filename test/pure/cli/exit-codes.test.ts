import { describe, expect, it } from 'vitest';
import { errorsText, exitCodesText, exitOfRun, exitOfRuns, ownFailureExit, waitTimeoutExit } from '#cli/exit-codes.ts';
import type { RunView } from '#protocol/answers.ts';
import { errorTable } from '#run/errors.ts';
import { aView } from '../../support/views.ts';

const failed = (given: Partial<RunView>) =>
  aView({ status: 'failed', stopReason: 'exit_nonzero', errorCode: 'exit_nonzero', ...given });

describe('the exit code of a run', () => {
  it.each<[string, RunView, number]>([
    ['succeeded', aView({ status: 'succeeded', exitCode: 0 }), 0],
    ['failed with its own code', failed({ exitCode: 7 }), 7],
    ['failed with 255', failed({ exitCode: 255 }), 255],
    ['failed although it exited 0', failed({ exitCode: 0, stopReason: 'adapter_failed' }), 1],
    ['killed by SIGKILL', failed({ signal: 'SIGKILL', stopReason: 'signalled' }), 137],
    ['killed by SIGSEGV', failed({ signal: 'SIGSEGV', stopReason: 'signalled' }), 139],
    ['timed out', aView({ status: 'timed_out', exitCode: 0 }), 124],
    ['timed out and killed', aView({ status: 'timed_out', signal: 'SIGKILL' }), 124],
    ['canceled', aView({ status: 'cancelled', exitCode: 0 }), 130],
    ['canceled and killed', aView({ status: 'cancelled', signal: 'SIGKILL' }), 130],
    ['lost', failed({ stopReason: 'process_lost', errorCode: 'process_lost' }), 120],
    ['not found', failed({ stopReason: 'not_started', errorCode: 'command_not_found' }), 127],
    ['not executable', failed({ stopReason: 'not_started', errorCode: 'not_executable' }), 126],
    ['not started, its folder missing', failed({ stopReason: 'not_started', errorCode: 'cwd_missing' }), 1],
    [
      'stopped for its output, by a signal',
      failed({ stopReason: 'output_limit', errorCode: 'output_limit', signal: 'SIGTERM' }),
      143,
    ],
    [
      'stopped for its output, and exited 0',
      failed({ stopReason: 'output_limit', errorCode: 'output_limit', exitCode: 0 }),
      1,
    ],
  ])('follows from its end: %s', (_, run, code) => {
    expect(exitOfRun(run)).toBe(code);
  });

  it('for several runs is 0 only if all are, else the first other one', () => {
    const [zero, seven, nine] = [
      aView({ status: 'succeeded', exitCode: 0 }),
      failed({ exitCode: 7 }),
      failed({ exitCode: 9 }),
    ];
    expect([[], [zero, zero], [zero, nine, seven], [seven, nine]].map(exitOfRuns)).toEqual([0, 0, 9, 7]);
  });

  it('differs from the exit codes of failures of clip itself', () => {
    expect([waitTimeoutExit, ownFailureExit]).toEqual([121, 125]);
  });
});

describe('the help on exit codes', () => {
  it('names each exit code of clip', () => {
    const used = [...Object.values(errorTable).map(({ exit }) => exit), 120, 121, 124, 125, 126, 127, 130];
    for (const code of new Set(used)) expect(exitCodesText).toMatch(new RegExp(`(^|\\s)${code}  `));
  });

  it('has a line for each error, with its exit code', () => {
    const text = errorsText();
    for (const [code, { exit, means }] of Object.entries(errorTable))
      expect(text).toMatch(new RegExp(`^ +${code} +${exit} +${means}$`, 'm'));
  });
});
