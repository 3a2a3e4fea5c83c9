import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { agent, createHome } from '../support/home.ts';

describe('the exit of a run', () => {
  it('is reported exactly: 0, 7, 137 as an exit code, and death by SIGKILL', async () => {
    const home = createHome();
    const codes = await Promise.all(
      [['true'], ['sh', '-c', 'exit 7'], ['sh', '-c', 'exit 137'], ['sh', '-c', 'kill -9 $$']].map(async (command) => {
        const { code, stdout } = await home.clip(['run', '--wait', '--json', '--', ...command]);
        const { run } = JSON.parse(stdout);
        return [code, run.status, run.exitCode, run.signal, run.stopReason];
      }),
    );
    expect(codes).toEqual([
      [0, 'succeeded', 0, null, 'completed'],
      [7, 'failed', 7, null, 'exit_nonzero'],
      [137, 'failed', 137, null, 'exit_nonzero'],
      [137, 'failed', null, 'SIGKILL', 'signalled'],
    ]);
  });

  it('names why a command could not start: missing, not executable', async () => {
    const home = createHome();
    const missing = await home.clip(['run', '--wait', '--', '/no/such/command']);
    const notExecutable = await home.clip(['run', '--wait', '--', '/etc/passwd']);
    expect([missing.code, notExecutable.code]).toEqual([127, 126]);
    const runs = [await home.show(1), await home.show(2)].map(({ status, stopReason, errorCode, exitKnown }) => [
      status,
      stopReason,
      errorCode,
      exitKnown,
    ]);
    expect(runs).toEqual([
      ['failed', 'not_started', 'command_not_found', false],
      ['failed', 'not_started', 'not_executable', false],
    ]);
  });

  it('waits for no grandchild that holds the output, which is ended', async () => {
    const home = createHome();
    const result = await home.clip(['run', '--wait', '--', agent('holds-output-open.sh')]);
    expect(result.code).toBe(5);
    const run = await home.show(1);
    expect(run.leaked).toEqual([expect.objectContaining({ command: 'sleep', ended: true })]);
  });
});

describe('a request that would block the keeper', () => {
  it('is refused: an input pipe, or too long a command', async () => {
    const home = createHome();
    execFileSync('mkfifo', [join(home.base, 'pipe')]);
    const pipe = await home.clip(['run', '--stdin', 'pipe', '--', 'cat']);
    expect([pipe.code, pipe.stderr]).toEqual([2, expect.stringContaining('is no regular file')]);
    const controls = { command: ['echo', ...Array.from({ length: 8 }, () => '\u0001'.repeat(100_000))] };
    const batch = await home.clip(['run', '--batch', '-'], { input: `${JSON.stringify(controls)}\n` });
    expect([batch.code, JSON.parse(batch.stdout).error.code]).toEqual([1, 'too_large']);
    expect((await home.clip(['run', '--wait', '--', 'true'])).code).toBe(0);
  });
});
