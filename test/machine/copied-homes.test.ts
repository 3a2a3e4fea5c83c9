import { cpSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { deep } from '../support/deep.ts';
import { createHome, isAlive, type TestHome } from '../support/home.ts';

const inHome = (folder: string) => ({ env: { CLIP_HOME: folder } });

/** Copies a home while one of its runs is live. The daemon of the copy is stopped at the end of the test. */
async function copyOf(home: TestHome): Promise<string> {
  const copy = join(home.base, 'copy');
  cpSync(home.folder, copy, { recursive: true, filter: (path) => !path.endsWith('.sock') });
  onTestFinished(async () => void (await home.clip(['daemon', 'stop', '--cancel-runs'], inHome(copy))));
  return copy;
}

describe('A copy of a home', () => {
  it('ends and repeats no run of the original, and starts none queued in both', deep, async () => {
    const home = createHome();
    const script = 'setsid sleep 1001 & exec sleep 1000';
    const number = await home.submit(['--on-loss', 'retry', '--', 'sh', '-c', script]);
    const { processPid } = await home.untilStatus(number, 'running');
    await home.submit(['--after', String(number), '--', 'true']);
    const copy = await copyOf(home);
    const { stdout } = await home.clip(['runs', '--json'], inHome(copy));
    const { runs } = JSON.parse(stdout) as {
      runs: { number: number; status: string; errorCode: string | null; error: string | null; leaked: unknown }[];
    };
    expect(runs.map((run) => run.number)).toEqual([2, 1]);
    expect(runs[1]).toMatchObject({
      status: 'failed',
      errorCode: 'process_lost',
      error: expect.stringContaining(`a copy of ${home.folder}`),
      leaked: null,
    });
    const status = JSON.parse((await home.clip(['status', '--json'], inHome(copy))).stdout) as { queue: object };
    expect(status.queue).toMatchObject({ held: true });
    expect((await home.clip(['daemon', 'stop', '--cancel-runs'], inHome(copy))).code).toBe(0);
    expect((await home.clip(['runs', '--json'], inHome(copy))).code).toBe(0);
    expect(isAlive(processPid ?? 0)).toBe(true);
    expect(await home.show(number)).toMatchObject({ status: 'running', processPid });
  });
});

describe('A home that was moved', () => {
  it('is not a copy: its runs are found again and can be stopped', async () => {
    const home = createHome();
    const number = await home.submit(['--', 'sleep', '1000']);
    const { processPid } = await home.untilStatus(number, 'running');
    for (const pid of [...home.pidsOf('keeper'), ...home.pidsOf('daemon')]) await home.kill(pid);
    const moved = join(home.base, 'moved');
    renameSync(home.folder, moved);
    onTestFinished(async () => void (await home.clip(['daemon', 'stop', '--cancel-runs'], inHome(moved))));
    expect((await home.clip(['cancel', String(number)], inHome(moved))).code).toBe(0);
    expect(isAlive(processPid ?? 0)).toBe(false);
  });
});
