import { describe, expect, it } from 'vitest';
import { Batch } from '#daemon/runs/batch.ts';
import type { ResolvedRequest } from '#daemon/runs/build-spec.ts';
import type { PreparedRun } from '#daemon/runs/prepare-run.ts';

const prepared = {} as PreparedRun;

/** Returns the code with which the second of two lines of one batch is refused; null if it is placed. */
function refusalOfSecond(...names: readonly [string | null, string | null]): string | null {
  const batch = new Batch();
  const place = (name: string | null) =>
    batch.place({ request: { key: null, name }, launch: null } as unknown as ResolvedRequest, () => prepared);
  expect(place(names[0])).toEqual({ index: 0, existing: false });
  try {
    expect(place(names[1])).toEqual({ index: 1, existing: false });
    return null;
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('two lines of one batch', () => {
  it('cannot give the same name to two runs', () => {
    expect(refusalOfSecond('build', 'build')).toBe('name_taken');
  });

  it('may give different names, or none', () => {
    expect([refusalOfSecond('build', 'test'), refusalOfSecond(null, null)]).toEqual([null, null]);
  });
});
