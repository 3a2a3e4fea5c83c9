/** @module-tag fuzz */
import { array, assert, constantFrom, oneof, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { onlyReads } from '#task/shell/is-read-only.ts';
import { fuzzRuns } from '../../../support/fuzz-runs.ts';
import { reading, working } from './command-lists.ts';

const cases = (list: string) =>
  list
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replaceAll('⏎', '\n'));

describe('a command', () => {
  it.each(cases(reading))('only reads: %s', (command) => expect(onlyReads(command)).toBe(true));
});

describe('a command', () => {
  it.each(cases(working))('may write: %s', (command) => expect(onlyReads(command)).toBe(false));
  it.each(['', '  ', '# only a comment'])('is not known to only read: %j', (command) =>
    expect(onlyReads(command)).toBe(false),
  );
});

describe('an arbitrary command', () => {
  const piece = constantFrom(
    'ls',
    'rm',
    ' ',
    ';',
    '|',
    '&',
    '&&',
    '$(',
    ')',
    '`',
    '"',
    "'",
    '>',
    '<',
    '<<',
    '\n',
    '/dev/null',
    '\\',
    '{',
    '}',
    'bash -c ',
    'xargs ',
    'sudo ',
    '$x',
  );

  it('gets an answer', () => {
    assert(
      property(
        oneof(
          string({ unit: 'binary', maxLength: 80 }),
          array(piece, { maxLength: 30 }).map((parts) => parts.join('')),
        ),
        (command) => typeof onlyReads(command) === 'boolean',
      ),
      { numRuns: fuzzRuns(2_000) },
    );
  });

  it('is never read-only with a writing part', () => {
    const around = array(constantFrom('ls', 'cat a', 'git status', 'cd x', 'echo "$(pwd)"', "bash -lc 'ls'"), {
      maxLength: 5,
    });
    const glue = constantFrom(' && ', '; ', ' | ', ' || ', '\n', ' & ');
    const wrap = constantFrom(
      ...[
        (x: string) => x,
        (x: string) => `(${x})`,
        (x: string) => `sudo ${x}`,
        (x: string) => `bash -lc '${x}'`,
        (x: string) => `echo $(${x})`,
        (x: string) => `A=1 ${x}`,
      ],
    );
    const writes = constantFrom('rm a', 'touch b', 'echo x > y', 'git commit -m z', 'npm test');
    assert(
      property(around, glue, wrap, writes, around, (before, sign, wrapped, write, behind) => {
        expect(onlyReads([...before, wrapped(write), ...behind].join(sign))).toBe(false);
        if (before.length > 0) expect(onlyReads(before.join(sign))).toBe(true);
      }),
      { numRuns: fuzzRuns(1_000) },
    );
  });

  it.each([
    '$('.repeat(5_000),
    '('.repeat(5_000),
    '"'.repeat(9_999),
    'ls;'.repeat(3_000),
    "bash -c '".repeat(1_000),
    '`'.repeat(9_999),
    '\\'.repeat(9_999),
    `sed -n '${'s/a/'.repeat(3_000)}'`,
    `sed -n '${'1,'.repeat(5_000)}x'`,
  ])('is judged quickly: %#', (command) => {
    const began = performance.now();
    onlyReads(command);
    // A pattern that backtracks takes minutes. The bound holds on a busy machine.
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});
