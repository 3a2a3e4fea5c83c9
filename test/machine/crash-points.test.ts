/** @module-tag deep */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { failpoints } from '#launch/failpoints.ts';
import type { RunView } from '#protocol/answers.ts';
import { addSpeaker } from '../support/agents.ts';
import { createCrashHome, untilStill } from '../support/crash.ts';
import { proofs } from '../support/crash-proofs.ts';
import { createHome } from '../support/home.ts';
import { invariantsOf } from '../support/invariants.ts';

const cases = failpoints.flatMap((point) =>
  proofs[point].map(({ nth = 1, ...proof }) => ({ point, nth, at: nth === 1 ? point : `${point}@${nth}`, ...proof })),
);

const endOf = ({ errorCode, status, exitCode }: RunView): string => `${errorCode ?? status} ${exitCode}`;

describe('a crash', () => {
  it('is tested at every failpoint', () => {
    expect(failpoints.filter((point) => proofs[point].length === 0)).toEqual([]);
  });

  it.each(cases)('at $at leaves the home as described: $so', async ({ point, nth, when, ends }) => {
    const home = createCrashHome(point, nth);
    await when(home);
    const runs = await untilStill(home);
    expect(home.crashed()).toBe(true);
    const seen = runs.map(endOf);
    expect(runs.length > 10 ? [...new Set(seen)] : seen).toEqual(ends);
    expect(await invariantsOf(home, home.told)).toEqual([]);
  });
});

describe('CLIP_FAILPOINT', () => {
  it("is passed on to no run, not even in its submitter's environment", async () => {
    const home = createHome({ env: { CLIP_FAILPOINT: 'rm.middle' } });
    const agent = await addSpeaker(home, [[{ exit: 0 }]]);
    const number = await home.submit(['--env', 'CLIP_FAILPOINT=rm.middle', '--', 'sh', '-c', 'env']);
    await home.clip(['run', '--agent', 'coder', '--wait', 'Do it.']);
    await home.clip(['task', 'add', 'Fix the parser', '--assign', 'coder']);
    await home.untilStatus(3, 'succeeded', 'failed');
    const { stdoutPath } = await home.untilStatus(number, 'succeeded');
    const printed = readFileSync(stdoutPath, 'utf8');
    expect(printed).toContain(`CLIP_HOME=${home.folder}\n`);
    expect(printed).not.toContain('CLIP_FAILPOINT');
    expect(agent.seen().length).toBeGreaterThan(1);
    expect(agent.seen().filter(({ failpoint }) => failpoint !== null)).toEqual([]);
  });

  it('has no effect when it is not set, or names no failpoint', async () => {
    for (const env of [{}, { CLIP_FAILPOINT: 'nowhere' }]) {
      const home = createHome({ env });
      expect((await home.clip(['run', '--wait', '--', 'sh', '-c', 'exit 7'])).code).toBe(7);
      const daemon = home.daemonPid();
      await home.clip(['rm', '1']);
      expect((await home.clip(['run', '--wait', '--', 'true'])).code).toBe(0);
      expect(home.daemonPid()).toBe(daemon);
      expect(readdirSync(home.folder).filter((name) => name.startsWith('crashed'))).toEqual([]);
    }
  });
});
