/** The output of a run, beside the redirect of a shell. */
import { closeSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createHome } from './bench-home.ts';
import { cpuMs, median, paired, timeProcess } from './measure.ts';
import { type BenchRow, formatMs, type Result, rounds } from './row.ts';

export const outputRows: readonly BenchRow[] = [
  {
    name: 'output',
    what: '1 GB of output',
    against: 'shell redirect',
    target: '≤ 1.05×, own CPU ≤ 0.1 s',
    measure: measureOutput,
  },
];

async function measureOutput(): Promise<Result> {
  const home = createHome(2);
  await home.run(['run', '--wait', '-q', '--', 'true']);
  const { pid, keeper } = await home.daemon();
  const target = join(home.base, 'raw.log');
  const cpu: number[] = [];
  const supervised = async () => {
    const before = cpuMs(pid) + cpuMs(keeper);
    const answer = JSON.parse(await home.run(['run', '--wait', '--json', '--', 'head', '-c', '1G', '/dev/zero'])) as {
      run: { number: number; startedAt: string; endedAt: string; stdoutBytes: number };
    };
    if (answer.run.stdoutBytes !== 2 ** 30) throw new Error('the output is not complete');
    cpu.push(cpuMs(pid) + cpuMs(keeper) - before);
    await home.run(['rm', String(answer.run.number)]);
    return Date.parse(answer.run.endedAt) - Date.parse(answer.run.startedAt);
  };
  const redirected = async () => {
    // Each round writes a new file, as a run does. Writing into the cached pages of an old file is faster.
    const file = openSync(target, 'a');
    try {
      return await timeProcess('head', ['-c', '1G', '/dev/zero'], { stdio: ['ignore', file, 'ignore'] });
    } finally {
      closeSync(file);
      rmSync(target);
    }
  };
  const result = await paired(rounds(9), supervised, redirected);
  await home.end();
  return {
    figure: `${result.ratio.toFixed(2)}× (${formatMs(result.a)}; floor ${formatMs(result.b)}), own CPU median ${median(cpu)} ms`,
    met: result.ratio <= 1.05 && median(cpu) <= 100,
  };
}
