import { array, assert, constantFrom, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { summaryDiff } from '#task/handoff/summary-diff.ts';

describe('the difference of two summaries', () => {
  it('is empty for equal ones, and complete for a first one', () => {
    expect(summaryDiff('a\nb\n', 'a\nb\n')).toBe('');
    expect(summaryDiff(null, 'a\nb\n')).toBe('+ a\n+ b\n');
  });

  it('shows removed and new lines, with two lines around them', () => {
    const before = ['1', '2', '3', '4', 'old', '5', '6', '7', '8', '9', 'last'].join('\n');
    const after = ['1', '2', '3', '4', 'new', '5', '6', '7', '8', '9', 'last', 'more'].join('\n');
    expect(summaryDiff(before, after)).toBe('…\n  3\n  4\n- old\n+ new\n  5\n  6\n…\n  9\n  last\n+ more\n');
  });

  it('keeps unchanged lines between changed ones', () => {
    expect(summaryDiff('a\nx\nb\ny\n', 'a\nX\nb\nY\n')).toBe('  a\n- x\n+ X\n  b\n- y\n+ Y\n');
  });

  it('is bounded and fast, whatever the summaries', () => {
    const lines = (word: string) => `${word}\n`.repeat(100_000);
    const started = performance.now();
    const diff = summaryDiff(lines('before'), lines('after'));
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(diff.length).toBeLessThan(21_000);
    expect(diff).toMatch(/\n… and \d+ more lines\n$/);
  });

  it('has all lines of both if all changed or are near a change', () => {
    const text = array(constantFrom('a', 'b', 'c', ''), { minLength: 1, maxLength: 5 }).map((lines) =>
      lines.map((line) => `${line}\n`).join(''),
    );
    assert(
      property(text, text, (before, after) => {
        const shown = summaryDiff(before, after).split('\n').slice(0, -1);
        const of = (marks: string) =>
          shown
            .filter((line) => marks.includes(line.charAt(0)))
            .map((line) => `${line.slice(2)}\n`)
            .join('');
        if (before !== after && !shown.includes('…')) expect([of(' -'), of(' +')]).toEqual([before, after]);
      }),
    );
  });
});
