/** @module-tag fuzz */
import {
  anything,
  array,
  assert,
  constantFrom,
  dictionary,
  integer,
  jsonValue,
  mixedCase,
  oneof,
  property,
  record,
  string,
} from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ZodError } from 'zod';
import { table } from '#cli/format/table.ts';
import { clean } from '#cli/terminal/clean.ts';
import { createMask } from '#cli/terminal/mask-secrets.ts';
import { measureWidth } from '#cli/terminal/width.ts';
import { parsePsBirth, parseStat } from '#process/process-birth.ts';
import { parsePsEnvironments, parsePsFacts } from '#process/process-table-darwin.ts';
import { runOfLine } from '#protocol/batch.ts';
import { runRequest } from '#protocol/requests.ts';
import { parseDuration, parseSize } from '#protocol/units.ts';
import { ClipError } from '#run/errors.ts';
import { limits } from '#run/limits.ts';
import { fuzzRuns } from '../../support/fuzz-runs.ts';

const numRuns = fuzzRuns(500);
const text = string({ unit: 'binary', maxLength: 60 });
/** Returns texts that are almost valid: parts of valid texts in any order. */
const pieces = (...some: string[]) =>
  array(oneof({ weight: 4, arbitrary: constantFrom(...some) }, text), { maxLength: 14 }).map((parts) => parts.join(''));

/** Returns the result, or null when `work` throws an error that it may throw. Any other error is a bug. */
function outcome<T>(work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    if (error instanceof ClipError || error instanceof ZodError) return null;
    throw error;
  }
}

const fields = record(
  Object.fromEntries(
    Object.keys({ ...runRequest.shape, timeout: 0, silence: 0, grace: 0, maxOutput: 0, nobody: 0 }).map((name) => [
      name,
      oneof(
        jsonValue(),
        anything({ maxDepth: 2 }),
        string(),
        integer(),
        constantFrom('/work', '1s', '5M', ['make'], { A: '1' }, null, undefined),
      ),
    ]),
  ),
  { requiredKeys: [] },
);

describe('arbitrary input of a user', () => {
  it('in a line of a batch is a request or a usage error', () => {
    assert(
      property(oneof(fields, jsonValue(), anything()), (line) => {
        const run = outcome(() => runOfLine(line, {}));
        if (run) expect(runRequest.safeParse(run).success).toBe(true);
      }),
      { numRuns },
    );
  });

  it('beside a command in a line of a batch is accepted or refused', () => {
    assert(
      property(fields, dictionary(text, text), (line, env) => {
        outcome(() => runOfLine({ ...line, command: ['make'], cwd: '/work' }, { env }));
      }),
      { numRuns },
    );
  });

  it('as a request is accepted or refused, without an exception', () => {
    assert(
      property(
        oneof(fields, anything({ withNullPrototype: true, withBigInt: true, withDate: true, withMap: true })),
        (value) => {
          const parsed = runRequest.safeParse(value);
          if (parsed.success) expect(parsed.data.command[0]).not.toBe('');
        },
      ),
      { numRuns },
    );
  });

  it('as a duration is within 365 days, or a usage error', () => {
    assert(
      property(
        oneof(
          text,
          pieces('1', '9', '0', '.', '-', 's', 'ms', 'm', 'h', 'd', '5h', '1e9', ' '),
          mixedCase(constantFrom('1d2h', '90s')),
        ),
        (written) => {
          const ms = outcome(() => parseDuration(written, 'timeout'));
          if (ms === null) return;
          expect(Number.isSafeInteger(ms) && ms >= 0 && ms <= limits.durationMsMax).toBe(true);
          expect(ms === 0).toBe(!/[1-9]/.test(written));
        },
      ),
      { numRuns },
    );
  });

  it('as a size is a number of bytes, or a usage error', () => {
    assert(
      property(oneof(text, pieces('1', '9', '0', '.', '-', 'K', 'M', 'G', 'T', 'i', 'B', '10G')), (written) => {
        const bytes = outcome(() => parseSize(written, 'max-output'));
        if (bytes !== null) expect(Number.isSafeInteger(bytes) && bytes >= 1).toBe(true);
      }),
      { numRuns },
    );
  });
});

describe('arbitrary text of the system', () => {
  it('in a stat line gives a complete record, or null', () => {
    assert(
      property(oneof(text, pieces('42 (', ') ', 'S ', '1 ', '0 0 0 0 0 0 0 0 0 0 0 0 0 ', '(', ')', '7\n')), (line) => {
        const stat = parseStat(line);
        if (stat) expect(Number.isSafeInteger(stat.startTime) && stat.state !== '').toBe(true);
      }),
      { numRuns },
    );
  });

  it('as a process name is read back from a stat line', () => {
    assert(
      property(text, (name) => {
        const rest = Array.from({ length: 20 }, (_, n) => n + 3).join(' ');
        expect(parseStat(`42 (${name}) S ${rest}`)).toEqual({
          state: 'S',
          ppid: 3,
          pgid: 4,
          session: 5,
          startTime: 21,
          command: name,
        });
      }),
      { numRuns },
    );
  });

  it('in the lists of ps gives processes with numbers, or fewer', () => {
    const list = pieces(
      '  501 ',
      '1 ',
      '0 ',
      'Ss ',
      'Z ',
      'Sun Nov 22 19:09:35 2026 ',
      'Nov ',
      'node',
      '\n',
      'CLIP_RUN_ID=',
      ' CLIP_ROLE=daemon',
      'r0123 ',
    );
    assert(
      property(oneof(text, list), (output) => {
        for (const row of parsePsFacts(output))
          expect([row.pid, row.ppid, row.pgid, row.startTime].every(Number.isSafeInteger)).toBe(true);
        for (const [pid, { mark }] of parsePsEnvironments(output, output))
          expect(Number.isInteger(pid) && mark !== '').toBe(true);
        parsePsBirth(output);
      }),
      { numRuns },
    );
  });
});

describe('arbitrary text for the terminal', () => {
  it('is printed without control characters or reversed text', () => {
    assert(
      property(
        oneof(text, pieces('\u001b', '[', '31m', ']0;', '\u0007', '\u009b', '\r', '\n', '\u202e', 'x')),
        (outside) => {
          // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
          expect(clean(outside)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
        },
      ),
      { numRuns },
    );
  });

  it('in a table fits if the flexible column may shrink', () => {
    assert(
      property(
        array(string({ unit: 'grapheme' }), { minLength: 1, maxLength: 8 }),
        integer({ min: 16, max: 130 }),
        (cells, width) => {
          const drawn = table(
            cells,
            [
              { title: 'N', cell: () => '1234' },
              { title: 'TEXT', cell: clean, flexible: true },
            ],
            { colour: false, width },
          );
          for (const line of drawn.split('\n')) expect(measureWidth(line)).toBeLessThanOrEqual(width);
        },
      ),
      { numRuns: fuzzRuns(300) },
    );
  });

  it('with a secret is masked the same, wherever it is cut', () => {
    const secret = string({ unit: constantFrom('a', 'b', '-'), minLength: 8, maxLength: 12 });
    assert(
      property(
        array(secret, { minLength: 1, maxLength: 3 }),
        array(oneof(secret, text, constantFrom('a', 'ab')), { maxLength: 8 }),
        array(integer({ min: 1, max: 9 })),
        (secrets, parts, cuts) => {
          const values = secrets.toSorted((a, b) => b.length - a.length).map((value) => Buffer.from(value));
          const all = Buffer.from([...parts, ...secrets].join(''));
          const whole = createMask(values);
          const pieced = createMask(values);
          const expected = Buffer.concat([whole?.pass(all) ?? all, whole?.rest() ?? all]);
          const shown: Buffer[] = [];
          let from = 0;
          for (const size of cuts) {
            shown.push(pieced?.pass(all.subarray(from, from + size)) ?? all);
            from += size;
          }
          shown.push(pieced?.pass(all.subarray(from)) ?? all, pieced?.rest() ?? all);
          expect(Buffer.concat(shown).toString()).toBe(expected.toString());
          for (const value of secrets) expect(expected.toString()).not.toContain(value);
        },
      ),
      {
        numRuns: fuzzRuns(300),
        examples: [
          [
            ['--b-aaaaaaaa', 'abab--b-'],
            ['aaaaaaab', 'ab'],
            [5, 9],
          ],
        ],
      },
    );
  });
});
