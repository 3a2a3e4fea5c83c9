import { readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { expect, it } from 'vitest';

/** Words that make a person the subject of a technical fact, or that only a translation has (docs/STYLE.md). */
const forbidden = /\b(whoever|nobody|somebody|anew|mend(s|ed|ing)?|for ever)\b|, say[,;.)]/i;

/** Patterns that must match such words in the texts of agents. */
const patterns = new Set(['src/task/liveness/blockers.ts', 'src/task/liveness/blocker-patterns.ts']);

const files = ['src/**/*.{ts,tsx}', 'docs/**/*.md', 'README.md', 'CONTRIBUTING.md', 'skills/**/*.md'];

it('sources and documentation contain no words that the style guide forbids', async () => {
  const found: string[] = [];
  for (const pattern of files) {
    for await (const path of glob(pattern)) {
      if (patterns.has(path)) continue;
      const lines = readFileSync(path, 'utf8').split('\n');
      found.push(
        ...lines.flatMap((line, index) => (forbidden.test(line) ? [`${path}:${index + 1} ${line.trim()}`] : [])),
      );
    }
  }
  expect(found).toEqual([]);
});

it('the forbidden words are found in a sentence that has one', () => {
  expect(
    ['It waits for ever.', 'Whoever waits', 'a full disk, say, ends it'].every((text) => forbidden.test(text)),
  ).toBe(true);
  expect(forbidden.test('It waits until the daemon answers.')).toBe(false);
});
