import { defineConfig } from 'vitest/config';

/** The real agent CLIs under clip, against a model on loopback. Not a part of `npm test`: their installation takes more than a gigabyte. */
export default defineConfig({
  test: {
    name: 'agents',
    include: ['test/agents/**/*.test.ts'],
    globalSetup: ['test/agents/setup.ts'],
    // Real CLIs on few cores: every wait is for a condition, and this is only its upper bound.
    testTimeout: 240_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});
