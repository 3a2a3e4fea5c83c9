import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const rows = readFileSync(join(root, 'docs/RELIABILITY.md'), 'utf8')
  .split('\n')
  .flatMap((line) => {
    const match = /^\| (.+?) \| `([\w/-]+\.test\.ts)`: (.+?) \|$/.exec(line);
    return match ? [{ promise: match[1] as string, file: match[2] as string, sentence: match[3] as string }] : [];
  });

describe('the promises in docs/RELIABILITY.md', () => {
  it('are there, each with its test', () => {
    const table = readFileSync(join(root, 'docs/RELIABILITY.md'), 'utf8').split('## What is flushed when')[0] ?? '';
    expect(rows.length).toBe(table.split('\n').filter((line) => line.startsWith('| ')).length - 1);
    expect(rows.length).toBeGreaterThan(30);
  });

  it.each(rows)('$promise', ({ file, sentence }) => {
    const source = readFileSync(join(root, 'test/machine', file), 'utf8');
    expect(source.includes(`it('${sentence}'`) || source.includes(`it("${sentence}"`)).toBe(true);
  });
});
