/** @module-tag fuzz */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lastWordsIn } from '#adapters/stderr-reason.ts';
import { fuzzRuns } from '../../support/fuzz-runs.ts';

const node = `/srv/app/cli.js:12
throw new Error('the index is broken');
^

Error: the index is broken
    at Object.<anonymous> (/srv/app/cli.js:12:7)
    at Module._compile (node:internal/modules/cjs/loader:1554:14)

Node.js v24.21.0
`;
const outOfMemory = `
<--- Last few GCs --->

[4242:0x2f1a000]    61234 ms: Mark-Compact 4036.3 (4138.7) -> 4021.4 (4139.4) MB, 2145.21 / 0.00 ms  (average mu = 0.131)

<--- JS stacktrace --->

FATAL ERROR: Ineffective mark-compacts near heap limit Allocation failed - JavaScript heap out of memory
----- Native stack trace -----

 1: 0xb7a3c0 node::OOMErrorHandler(char const*, v8::OOMDetails const&) [node]
 2: 0xee7e10 v8::Utils::ReportOOMFailure(v8::internal::Isolate*, char const*, v8::OOMDetails const&) [node]
`;
const rust = `
thread 'main' panicked at core/src/config.rs:118:14:
config should load: unknown variant \`xhigh\`, expected one of \`low\`, \`medium\`, \`high\`
note: run with \`RUST_BACKTRACE=1\` environment variable to display a backtrace
`;
const python = `Traceback (most recent call last):
  File "/usr/lib/tool.py", line 8, in <module>
    main()
ValueError: boom
`;
const npm = `npm error code ENOENT
npm error syscall open
npm error path /work/package.json
npm error enoent Could not read package.json: Error: ENOENT: no such file or directory, open '/work/package.json'
npm notice
npm notice New major version of npm available! 10.9.2 -> 11.4.1
npm error A complete log of this run can be found in: /root/.npm/_logs/debug-0.log
`;

describe('the reason on standard error', () => {
  test.each([
    ['one line', 'boom: config not found\n', 'boom: config not found'],
    ['an exception of Node', node, 'Error: the index is broken'],
    [
      'a full heap of Node',
      outOfMemory,
      'FATAL ERROR: Ineffective mark-compacts near heap limit Allocation failed - JavaScript heap out of memory',
    ],
    ['a panic of Rust', rust, 'config should load: unknown variant `xhigh`, expected one of `low`, `medium`, `high`'],
    [
      'a panic whose reason has no word for it',
      "thread 'main' panicked at a.rs:1:2:\nthe sky fell\nnote: run with `RUST_BACKTRACE=1`\n",
      "thread 'main' panicked at a.rs:1:2: the sky fell",
    ],
    ['an exception of Python', python, 'ValueError: boom'],
    [
      'npm',
      npm,
      "npm error enoent Could not read package.json: Error: ENOENT: no such file or directory, open '/work/package.json'",
    ],
    ['colors', '\u001b[31mError: it is red\u001b[0m\r\n', 'Error: it is red'],
    ['an error, then words', 'Error: no such model\nBye.\n', 'Error: no such model'],
    ['words, then a hint', 'boom: it is not accepted\nnote: run with -v for more\n', 'boom: it is not accepted'],
    ['a hint alone', 'note: run with -v for more\n', null],
    ['words alone', 'I give up.\n', 'I give up.'],
    [
      'an update banner',
      '╭──────────────╮\n│ Update 2.0 available │\n╰──────────────╯\nsegmentation fault\n',
      'segmentation fault',
    ],
    [
      'a hint behind it',
      "error: unknown option '--foo'\nFor more information, try '--help'.\n",
      "error: unknown option '--foo'",
    ],
    [
      'what a log has copied there',
      `the build failed\n{"type":"turn.failed","error":{"message":"401"}}\n`,
      'the build failed',
    ],
    ['progress that was written over', 'step 1\rstep 2\rerror: disk full\r', 'error: disk full'],
    ['nothing', '', null],
    ['blanks and rules', '\n   \n=====\n-----\n', null],
    ['JSON alone', '{"a":1}\n', null],
  ])('is found in: %s', (_, text, expected) => {
    expect(lastWordsIn(text)).toBe(expected);
  });

  test('is found in a bounded time in any text, without an exception', () => {
    const begun = performance.now();
    for (const line of [
      'at '.repeat(200_000),
      '<'.repeat(200_000),
      `panicked at ${':'.repeat(200_000)}`,
      'error '.repeat(100_000),
    ])
      lastWordsIn(line);
    lastWordsIn('error: x\n'.repeat(50_000));
    expect(performance.now() - begun).toBeLessThan(2_000);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => void lastWordsIn(text)),
      { seed: 3, numRuns: fuzzRuns(1_000) },
    );
  });
});
