import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../support/home.ts';

/** Calls a hook in a process that has no file descriptor left, and prints the result. */
const script = `
import { closeSync, openSync } from 'node:fs';
import { runProgram } from '${join(root, 'src/process/run-hook.ts')}';
const held = [];
try { for (;;) held.push(openSync('/dev/null')); } catch {}
const { signal } = new AbortController();
const why = await runProgram(['true'], { input: '{}', env: {}, cwd: '/', timeoutMs: 5_000, signal });
for (const fd of held) closeSync(fd);
console.log(why);
`;

it('a hook that lacks a file descriptor says so, without an unhandled error', () => {
  const limited = ['-c', 'ulimit -n 64; exec "$0" --input-type=module -e "$1"', process.execPath, script];
  expect(execFileSync('bash', limited, { encoding: 'utf8', cwd: root }).trim()).toBe(
    'it could not be started (EMFILE)',
  );
});
