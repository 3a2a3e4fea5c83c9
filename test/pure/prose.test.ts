import { readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { expect, it } from 'vitest';

/** Words that make a person the subject of a technical fact, or that only a translation has (docs/STYLE.md). */
const forbidden = /\b(whoever|nobody|somebody|anew|mend(s|ed|ing)?|for ever)\b|, say[,;.)]/i;

/** Files that need such words: the patterns that find them in the texts of agents, and this file. */
const excluded = /^(src\/task\/liveness\/(blockers|blocker-patterns)\.ts|test\/pure\/prose\.test\.ts)$/;

const files = [
  '{src,test,scripts}/**/*.{ts,tsx,mjs,sh}',
  '{bin,examples}/**/*.*',
  'docs/**/*.md',
  'README.md',
  'CONTRIBUTING.md',
  'skills/**/*.md',
];

/** Inputs of tests, and outputs that repeat them. They are removed from the files in test/ before the check. */
const inputs = [
  "'nobody'",
  'no agent nobody',
  'user nobody nogroup',
  'nobody: 0',
  'nobody: 1',
  'approval from nobody',
  'changed by somebody else',
  'Mend it',
];

function readProse(path: string): string {
  const text = readFileSync(path, 'utf8');
  return path.startsWith('test/') ? inputs.reduce((rest, input) => rest.replaceAll(input, ''), text) : text;
}

it('sources, tests and documentation contain no words that the style guide forbids', async () => {
  const found: string[] = [];
  for (const pattern of files) {
    for await (const path of glob(pattern)) {
      if (excluded.test(path)) continue;
      const lines = readProse(path).split('\n');
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
