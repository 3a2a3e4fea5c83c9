import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.ts';

/**
 * Four kinds of tests: pure (no outside world), ui (frames for given props), daemon (the daemon in the test's own process,
 * with a fake keeper and a clock that the test moves), machine (real processes, files and sockets).
 */
export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    tags: [
      { name: 'deep', description: 'left to npm run test:deep' },
      { name: 'fuzz', description: 'with a quarter of its inputs in npm test, and all of them in npm run test:deep' },
    ],
    projects: [
      // Thousands of made-up inputs take their time on a busy machine.
      {
        test: { name: 'pure', include: ['test/pure/**/*.test.ts'], testTimeout: 60_000, isolate: false, maxWorkers: 2 },
      },
      { test: { name: 'ui', include: ['test/ui/**/*.test.ts', 'test/ui/**/*.test.tsx'], maxWorkers: 2 } },
      // The modules of the daemon are loaded once for all files: they hold no state of a home.
      {
        test: {
          name: 'daemon',
          include: ['test/daemon/**/*.test.ts'],
          testTimeout: 30_000,
          isolate: false,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'machine',
          include: ['test/machine/**/*.test.ts'],
          // Real processes on few cores: a wait is for a condition, and this is only its upper bound.
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
          // A file's tests share nothing but the machine; one at a time keeps the load honest.
          fileParallelism: true,
        },
      },
    ],
  },
});
