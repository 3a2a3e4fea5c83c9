/** What a daemon and a keeper cost while nothing happens. */
import { createHome } from './bench-home.ts';
import { cpuMs, rssMb, until } from './measure.ts';
import { type BenchRow, type Result, scaled } from './row.ts';

export const idleRows: readonly BenchRow[] = [
  {
    name: 'idle',
    what: 'idle with 50 quiet runs; memory per live run',
    against: '–',
    target: '≤ 0.1 % of a core; ≤ 0.05 MB',
    measure: measureIdle,
  },
];

async function measureIdle(): Promise<Result> {
  const home = createHome(64);
  await home.run(['run', '--wait', '-q', '--', 'true']);
  const { pid, keeper } = await home.daemon();
  // Fifty runs end first and are listed once, so that lazily loaded code is not measured as the cost of a run.
  await home.run(['run', '--wait', '--batch', '-'], `${JSON.stringify({ command: ['sleep', '0.1'] })}\n`.repeat(50));
  await home.run(['status', '--json']);
  const before = rssMb(pid) + rssMb(keeper);
  await home.run(['run', '--batch', '-'], `${JSON.stringify({ command: ['sleep', '1000'] })}\n`.repeat(50));
  await until('50 runs are live', async () => (await home.running()) === 50);
  // Both processes return their memory 15 s after the last event. That happens once and is no cost of being idle.
  await new Promise((resolve) => setTimeout(resolve, scaled(20, 3) * 1_000));
  const seconds = scaled(30, 2);
  const from = cpuMs(pid) + cpuMs(keeper);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  const percent = (cpuMs(pid) + cpuMs(keeper) - from) / (seconds * 10);
  const perRun = (rssMb(pid) + rssMb(keeper) - before) / 50;
  await home.end();
  return {
    figure: `${percent.toFixed(2)} % over ${seconds} s; ${perRun.toFixed(2)} MB`,
    met: percent <= 0.1 && perRun <= 0.05,
  };
}
