import { describe, expect, test } from 'vitest';
import { type Account, emptyAccount } from '../../../src/run/account.ts';
import type { Failure } from '../../../src/run/reading.ts';
import { type ReportRules, reportOf, type SeenExit } from '../../../src/run/report.ts';

const rules: ReportRules = { needsResult: true, classOfExit: (code) => (code === 53 ? 'max_turns_exhausted' : null) };
const lenient: ReportRules = { ...rules, needsResult: false };
const failure = (message: string, more: Partial<Failure> = {}): Failure => ({ class: null, message, resetsAt: null, ...more });
const account = (more: Partial<Account>): Account => ({ ...emptyAccount, ...more });
const well = account({ result: { failure: null, at: 1 } });
const badly = account({ result: { failure: failure('no'), at: 1 } });
const denials = { count: 1, tools: ['Bash', 'Write'], worked: false };
const exited = (code: number): SeenExit => ({ code, signal: null });
const killed: SeenExit = { code: null, signal: 'SIGKILL' };

/** In short: what was said, or null where the exit decides. */
const told = (of: Account, exit: SeenExit, by: ReportRules = rules) => {
  const report = reportOf(of, exit, by);
  return report === null ? null : (report.failure?.message ?? 'well');
};
const refused = 'It was not allowed to use Bash, Write, and found no other way.';

describe('the end of a run', () => {
  test.each<[string, Account, SeenExit, string | null]>([
    ['a good result, exit 0', well, exited(0), 'well'],
    ['a good result stands whatever the exit', well, exited(1), 'well'],
    ['a good result, then killed for staying', well, killed, 'well'],
    ['a bad result, exit 0', badly, exited(0), 'no'],
    ['a good result after an error that it got over', account({ ...well, lastError: failure('once') }), exited(0), 'well'],
    ['an error and no result, exit 0', account({ lastError: failure('broke') }), exited(0), 'broke'],
    ['an error and no result, killed', account({ lastError: failure('broke') }), killed, 'broke'],
    ['a refusal and a good result', account({ ...well, denials }), exited(0), refused],
    ['a refusal, work after it, and a good result', account({ ...well, denials: { ...denials, worked: true } }), exited(0), 'well'],
    ['a refusal and no result', account({ denials }), exited(0), refused],
    ['a bad result tells more than a refusal', account({ ...badly, denials }), exited(0), 'no'],
    ['an error tells more than a refusal', account({ denials, lastError: failure('broke') }), exited(0), 'broke'],
    ['not a word, exit 0', emptyAccount, exited(0), 'It exited with 0, but never said that it was done.'],
    ['not a word, exit 1', emptyAccount, exited(1), null],
    ['not a word, killed', emptyAccount, killed, null],
    ['not a word, an exit code that tells', emptyAccount, exited(53), 'It exited with 53, which is its code for max_turns_exhausted.'],
  ])('%s', (_, of, exit, expected) => {
    expect(told(of, exit)).toBe(expected);
  });

  test('needs no result where none is ever given', () => {
    expect(told(emptyAccount, exited(0), lenient)).toBeNull();
  });

  test('takes its class from the exit code last', () => {
    expect(reportOf(badly, exited(53), rules)?.failure).toEqual(failure('no', { class: 'max_turns_exhausted' }));
    const classed = account({ result: { failure: failure('no', { class: 'rate_limited', resetsAt: 5 }), at: 1 } });
    expect(reportOf(classed, exited(53), rules)?.failure).toEqual(failure('no', { class: 'rate_limited', resetsAt: 5 }));
    expect(reportOf(account({ lastError: failure('broke') }), exited(53), rules)?.failure?.class).toBe('max_turns_exhausted');
    expect(reportOf(account({ denials }), exited(53), rules)?.failure?.class).toBe('permission_denied');
  });
});

describe('an end that nobody saw', () => {
  test.each<[string, Account, string | null]>([
    ['a good result', well, 'well'],
    ['a bad result', badly, 'no'],
    ['a good result after a refusal', account({ ...well, denials }), refused],
    ['a result with a task in the background', account({ ...well, background: 1 }), null],
    ['an error only', account({ lastError: failure('broke') }), null],
    ['not a word', emptyAccount, null],
  ])('%s', (_, of, expected) => {
    expect(told(of, null)).toBe(expected);
  });
});
