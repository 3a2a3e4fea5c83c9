/** @module-tag fuzz */
import { assert, constantFrom, option, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cleanReport, reportKinds, reportLine, reportsInText, type SentReport } from '#run/agent-report.ts';
import { limits } from '#run/limits.ts';
import { fuzzRuns } from '../../support/fuzz-runs.ts';

const sent: SentReport = { token: 'tok_en-1', id: 'r1', kind: 'next', text: 'write the tests', who: null };

describe('the printed line of a report', () => {
  it('is read as it was written, whatever its text', () => {
    const words = string({ unit: 'grapheme', minLength: 1, maxLength: 200 }).filter(
      (text) => text.length <= limits.reportTextLength,
    );
    const name = string({ minLength: 1, maxLength: limits.nameLength });
    const same = property(constantFrom(...reportKinds), words, option(name), (kind, text, who) => {
      const report = { ...sent, kind, text, who };
      expect(reportLine(report)).not.toContain('\n');
      expect(reportsInText(`before\n${reportLine(report)}\nafter`)).toEqual([report]);
    });
    assert(same, { numRuns: fuzzRuns(300) });
  });

  it('is one line despite a Unicode line separator in its JSON', () => {
    const report = { ...sent, text: 'one\u2028two\u2029three' };
    expect(reportsInText(reportLine(report))).toEqual([report]);
  });

  it('is found after other text, before \\r, and beside others', () => {
    const other = { ...sent, id: 'r2', kind: 'done' as const };
    expect(reportsInText(`Output: ${reportLine(sent)}\r\n  ${reportLine(other)}  `)).toEqual([sent, other]);
  });

  it.each([
    ['no token', '::clip-report {"id":"a","kind":"next","text":"x"}'],
    ['a place for one', '::clip-report <token> {"id":"a","kind":"next","text":"x"}'],
    ['a variable that no shell has filled in', '::clip-report $CLIP_RUN_TOKEN {"id":"a","kind":"next","text":"x"}'],
    ['half of its JSON', '::clip-report tok {"id":"a","kind":"next","te'],
    ['words behind it', '::clip-report tok {"id":"a","kind":"next","text":"x"} and more'],
    ['a kind that there is not', '::clip-report tok {"id":"a","kind":"wish","text":"x"}'],
    ['no id', '::clip-report tok {"kind":"next","text":"x"}'],
    ['a number for a text', '::clip-report tok {"id":"a","kind":"next","text":7}'],
    ['no text', '::clip-report tok {"id":"a","kind":"next","text":""}'],
    [
      'a text that is too long',
      `::clip-report tok {"id":"a","kind":"next","text":"${'x'.repeat(limits.reportTextLength + 1)}"}`,
    ],
    ['a name that is none', '::clip-report tok {"id":"a","kind":"blocked","text":"x","who":{}}'],
  ])('with %s is no report', (_, line) => {
    expect(reportsInText(line)).toEqual([]);
  });

  it('needs no named person', () => {
    expect(reportsInText('::clip-report tok {"id":"a","kind":"next","text":"x"}')).toEqual([
      { token: 'tok', id: 'a', kind: 'next', text: 'x', who: null },
    ]);
  });
});

describe('a stored report', () => {
  it('has no control characters except line breaks', () => {
    const text = ' \u001b[31mred\u001b[0m\r\nand \u001b]0;title\u0007a\u0000bell\u0007\ttab\u202e\n';
    expect(cleanReport({ kind: 'progress', text, who: null }).text).toBe('red\nand abell\ttab');
  });

  it('names a person only for a blocker', () => {
    expect(cleanReport({ kind: 'blocked', text: 'x', who: ' the\nops \u0007team ' }).who).toBe('the ops team');
    expect(cleanReport({ kind: 'blocked', text: 'x', who: '\u0007' }).who).toBeNull();
    expect(cleanReport({ kind: 'done', text: 'x', who: 'ops' }).who).toBeNull();
  });
});
