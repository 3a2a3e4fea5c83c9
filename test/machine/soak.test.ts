/** @module-tag deep */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { resultOf, root } from '../support/home.ts';

/** The columns of the output of `npm run soak`. */
const columns = ['hour', 'runs', 'daemonMb', 'keeperMb', 'daemonFiles', 'keeperFiles', 'timers', 'bytesARow'] as const;
type Row = Record<(typeof columns)[number], number>;

describe('a daemon after much work', () => {
  it('has no more files and timers, and its database only its rows', {
    timeout: 180_000,
  }, async () => {
    const args = [join(root, 'scripts/soak.ts'), '--runs', '400', '--samples', '4'];
    // Showing that memory does not grow needs more runs than there is time for here.
    const { stdout } = await resultOf(spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] }));
    const rows = stdout.split('\n').flatMap((line): Row[] => {
      const cells = line.trim().split(/\s+/).map(Number);
      return cells.length === columns.length && !cells.some(Number.isNaN)
        ? [Object.fromEntries(columns.map((name, at) => [name, cells[at]])) as Row]
        : [];
    });
    const [, first] = rows;
    const last = rows.at(-1);
    expect(rows).toHaveLength(5);
    expect(last?.runs).toBeGreaterThan(400);
    expect(last?.daemonFiles).toBeLessThanOrEqual(first?.daemonFiles ?? 0);
    expect(last?.keeperFiles).toBeLessThanOrEqual(first?.keeperFiles ?? 0);
    expect(last?.timers).toBeLessThanOrEqual(first?.timers ?? 0);
    expect(last?.bytesARow).toBeLessThan(first?.bytesARow ?? 0);
  });
});
