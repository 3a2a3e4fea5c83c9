import { describe, expect, it } from 'vitest';
import { logsToRemove } from '#run/retention.ts';

const day = 24 * 60 * 60_000;
const at = 1_000 * day;
/** Returns a run that ended this many days ago. */
const kept = (run: number, days: number, storedBytes = 100) => ({ run, endedAt: at - days * day, storedBytes });
const oldestFirst = [kept(1, 100), kept(2, 95), kept(3, 10), kept(4, 1)];
const defaults = { at, isNewestOfTask: (_run: number): boolean => false };

function removed(rule: { keepMs: number; bytesMax: number }, now = defaults) {
  const { removals, done } = logsToRemove(oldestFirst, 400, rule, now);
  return { runs: removals.map(({ run, why }) => `${run} ${why}`), done };
}

describe('the logs that retention removes', () => {
  it('are those above the age limit, and no others', () => {
    expect(removed({ keepMs: 90 * day, bytesMax: 0 })).toEqual({ runs: ['1 age', '2 age'], done: true });
  });

  it('are the oldest until the rest fits', () => {
    expect(removed({ keepMs: 0, bytesMax: 250 })).toEqual({ runs: ['1 size', '2 size'], done: true });
    expect(removed({ keepMs: 0, bytesMax: 400 })).toEqual({ runs: [], done: true });
  });

  it('are all of them when none fits, even above the limit', () => {
    expect(removed({ keepMs: 0, bytesMax: 1 })).toEqual({
      runs: ['1 size', '2 size', '3 size', '4 size'],
      done: false,
    });
  });

  it('are none without a limit', () => {
    expect(removed({ keepMs: 0, bytesMax: 0 })).toEqual({ runs: [], done: true });
  });

  it("never include the log of a task's newest run", () => {
    const now = { at, isNewestOfTask: (run: number): boolean => run === 1 };
    expect(removed({ keepMs: 90 * day, bytesMax: 0 }, now)).toEqual({ runs: ['2 age'], done: true });
    expect(removed({ keepMs: 0, bytesMax: 350 }, now)).toEqual({ runs: ['2 size'], done: true });
  });
});
