import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createLaunches } from '#daemon/processes/launches.ts';
import type { Run, Starting } from '#run/run.ts';
import { aRun, noon } from '../support/runs.ts';

/** Returns a run that was granted a slot this long after noon. */
function startingAt(ms: number): Run {
  const state: Starting = { status: 'starting', since: noon + ms, stop: null, shortage: null };
  return aRun(state);
}

/** Withdraws a launch that no keeper was asked for. Returns what is recorded, and the files in the run's folder. */
function withdraw(launch: Run, now: Run) {
  const folder = mkdtempSync(join(tmpdir(), 'clip-launches-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const recorded: string[] = [];
  const launches = createLaunches({
    supervisor: {
      find: () => now,
      submit: (_, { type }) => {
        recorded.push(type);
        return null;
      },
    },
    keepers: { withdraw: () => false, isAsked: () => false },
    folderOf: () => folder,
    now: () => noon,
    log: () => {},
  });
  launches.withdraw(launch);
  return { recorded, marks: readdirSync(folder).length };
}

describe('a launch that is withdrawn', () => {
  it('is recorded as one that never happened', () => {
    expect(withdraw(startingAt(0), startingAt(0))).toEqual({ recorded: ['never-launched'], marks: 1 });
  });

  it('takes nothing from a later launch of the same run', () => {
    expect(withdraw(startingAt(0), startingAt(5_000))).toEqual({ recorded: [], marks: 1 });
  });
});
