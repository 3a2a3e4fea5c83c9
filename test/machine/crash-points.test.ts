import { describe, expect, it } from 'vitest';
import { crashPoints } from '../../src/launch/crash-point.ts';
import type { RunView } from '../../src/protocol/answers.ts';
import { createCrashHome, untilStill } from '../support/crash.ts';
import { proofs } from '../support/crash-proofs.ts';
import { invariantsOf } from '../support/invariants.ts';

const cases = crashPoints.flatMap((point) =>
  proofs[point].map(({ nth = 1, ...proof }) => ({ point, nth, at: nth === 1 ? point : `${point}@${nth}`, ...proof })),
);

const endOf = ({ errorCode, status, exitCode }: RunView): string => `${errorCode ?? status} ${exitCode}`;

describe('a crash', () => {
  it('is tried at every point there is', () => {
    expect(crashPoints.filter((point) => proofs[point].length === 0)).toEqual([]);
  });

  it.each(cases)('at $at: $so', async ({ point, nth, when, ends }) => {
    const home = createCrashHome(point, nth);
    await when(home);
    const runs = await untilStill(home);
    expect(home.crashed()).toBe(true);
    const seen = runs.map(endOf);
    expect(runs.length > 10 ? [...new Set(seen)] : seen).toEqual(ends);
    expect(await invariantsOf(home, home.told)).toEqual([]);
  });
});
