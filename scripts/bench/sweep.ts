/** The search for the processes of a run. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { findRunProcesses } from '#process/run-processes.ts';
import { median } from './measure.ts';
import { type BenchRow, formatMs, type Result } from './row.ts';

export const sweepRows: readonly BenchRow[] = [
  { name: 'sweep', what: 'sweep by mark over 2,000 processes', against: '–', target: '≤ 30 ms', measure: measureSweep },
];

async function measureSweep(): Promise<Result> {
  const crowd = Array.from({ length: 2_000 }, () => spawn('sleep', ['1000'], { stdio: 'ignore' }));
  await Promise.all(crowd.map((child) => once(child, 'spawn')));
  const times: number[] = [];
  let seen = 0;
  for (let i = 0; i < 15; i += 1) {
    const from = performance.now();
    seen = findRunProcesses([{ runId: 'none', leader: null }]).processes;
    times.push(performance.now() - from);
  }
  await Promise.all(
    crowd.map((child) => {
      child.kill();
      return once(child, 'exit');
    }),
  );
  return { figure: `${formatMs(times)} over ${seen} processes, every environment read`, met: median(times) <= 30 };
}
