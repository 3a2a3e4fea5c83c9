/** How the daemon handles an error in its own code that no handler catches. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { agent, createHome, type TestHome } from '../support/home.ts';
import { invariantsOf } from '../support/invariants.ts';

type Line = { readonly level: string; readonly message: string; readonly error?: string; readonly pid: number };

function logOf(home: TestHome): Line[] {
  return readFileSync(join(home.folder, 'daemon.log'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

describe('A daemon with a defect', () => {
  it.each([
    ['the start of a run', 'spawn.before-recorded'],
    ['the end of a run', 'exit.before-recorded'],
  ])('while %s is recorded logs it and ends; the next daemon loses nothing', async (_, point) => {
    const home = createHome({ env: { CLIP_FAILPOINT: `${point}!` }, mayCrash: true });
    const number = await home.submit(['--', agent('writes-down-its-starts.sh'), home.base, '0']);
    const run = await home.untilStatus(number, 'succeeded');
    expect(run).toMatchObject({ exitCode: 0, retryOfRunId: null });
    const defects = logOf(home).filter(({ message }) => message === 'unexpected error; daemon exits');
    expect(defects).toHaveLength(1);
    expect(defects[0]?.error).toMatch(new RegExp(`^Error: failpoint ${point}\\n\\s+at `));
    expect(home.daemonPid()).not.toBe(defects[0]?.pid);
    expect(await invariantsOf(home, new Map())).toEqual([]);
  });
});
