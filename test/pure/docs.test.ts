import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { failpoints } from '#launch/failpoints.ts';
import { proofs } from '../support/crash-proofs.ts';

const root = join(import.meta.dirname, '../..');
const rows = readFileSync(join(root, 'docs/RELIABILITY.md'), 'utf8')
  .split('\n')
  .flatMap((line) => {
    const match = /^\| (.+?) \| `([\w/.-]+\.test\.ts)`: (.+?) \|$/.exec(line);
    return match ? [{ promise: match[1] as string, file: match[2] as string, sentence: match[3] as string }] : [];
  });

describe('the promises in docs/RELIABILITY.md', () => {
  it('are in rows, each with its test', () => {
    const tables = (
      readFileSync(join(root, 'docs/RELIABILITY.md'), 'utf8').split('## What is flushed when')[0] ?? ''
    ).split('\n');
    expect(rows.length).toBe(
      tables.filter((line) => line.startsWith('| ') && line !== '| promise | proved by |').length,
    );
    expect(rows.length).toBeGreaterThan(100);
  });

  it.each(rows)('$promise', ({ file, sentence }) => {
    const source = readFileSync(join(root, 'test/machine', file), 'utf8').replaceAll(/\(\s+/g, '(');
    // The sentence follows `it`, or the list of an `it.each`.
    expect(source.includes(`('${sentence}'`) || source.includes(`("${sentence}"`)).toBe(true);
  });
});

describe('the crash points in docs/RELIABILITY.md', () => {
  const text =
    readFileSync(join(root, 'docs/RELIABILITY.md'), 'utf8').split('## Crash points')[1]?.split('\n## ')[0] ?? '';
  const lines = text.split('\n').filter((line) => /^\d+\. /.test(line));

  it('are the failpoints of the code, in their order', () => {
    expect(lines.map((line) => /^\d+\. `(.+?)` /.exec(line)?.[0])).toEqual(
      failpoints.map((point, index) => `${index + 1}. \`${point}\` `),
    );
  });

  it.each(failpoints.map((point, index) => ({ point, line: lines[index] ?? '' })))(
    '$point lists what its tests prove',
    ({ point, line }) => {
      const said = line.slice(line.indexOf('): ') + 3).toLowerCase();
      expect(said).toBe(`${proofs[point].map(({ so }) => so.toLowerCase()).join('; ')}.`);
      expect(said.length).toBeGreaterThan(1);
    },
  );
});

describe('the README', () => {
  it('has fewer than 1,200 words, and every page that it names exists', () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    expect(readme.split(/\s+/).length).toBeLessThan(1_200);
    const pages = [...readme.matchAll(/\]\(([\w./-]+)(?:#[\w-]+)?\)/g)].map(([, page]) => page ?? '');
    expect(pages.filter((page) => !existsSync(join(root, page)))).toEqual([]);
  });
});
