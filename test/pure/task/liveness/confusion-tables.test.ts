import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { livenessStates } from '#run/run.ts';
import { confusionWords, judged } from '../../../support/confusion-tables.ts';
import { all } from './cases.ts';

const path = join(import.meta.dirname, '../../../../docs/LIVENESS.md');
const between =
  /(?<=<!-- confusion: written by test\/pure\/task\/liveness\/confusion-tables\.test\.ts -->\n\n).*?(?=\n\n<!-- \/confusion -->)/s;
const results = judged(all);

describe('the tables in docs/LIVENESS.md', () => {
  it('are those of the labeled cases', () => {
    const docs = readFileSync(path, 'utf8');
    // Rewrites the tables with: CLIP_WRITE_DOCS=1 vitest run --project pure confusion
    if (process.env['CLIP_WRITE_DOCS'] === '1')
      writeFileSync(
        path,
        docs.replace(between, () => confusionWords(results)),
      );
    expect(between.exec(readFileSync(path, 'utf8'))?.[0]).toBe(confusionWords(results));
  });

  it('cover many cases of every state, each with its own name', () => {
    expect(all.length).toBeGreaterThan(180);
    for (const state of livenessStates)
      expect(results.filter(({ expected }) => expected === state).length).toBeGreaterThan(7);
    const texts = all.map(({ name, input }) => `${name}\n${input.text}`);
    expect(texts.filter((text, index) => texts.indexOf(text) !== index)).toEqual([]);
  });

  it('show only a known needs_followup as a wrong verdict', () => {
    const misses = results.filter(({ expected, got }) => expected !== got);
    expect(misses.filter(({ got }) => got !== 'needs_followup')).toEqual([]);
    const known = all.filter((each) => each.known !== undefined);
    expect(misses.map(({ name }) => name)).toEqual(known.map(({ name }) => name));
  });
});
