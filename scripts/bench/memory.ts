/** The memory of daemon and keeper: idle with a large home, and after a busy time. */
import { spawn } from 'node:child_process';
import { clip, createHome, multiplyRuns } from './bench-home.ts';
import { paired, privateMb, rssMb, timeProcess, until } from './measure.ts';
import { type BenchRow, formatMs, type Result, rounds, scaled } from './row.ts';

const node = process.execPath;

export const memoryRows: readonly BenchRow[] = [
  {
    name: 'memory',
    what: 'idle, 1,000,000 runs in the home: memory; clip runs --json',
    against: 'a bare node; a home with 100 runs',
    target: 'daemon ≤ 1.8× RSS, ≤ 24 MB private; keeper ≤ 1.2×; list ≤ 1.2×',
    measure: measureIdleMemory,
  },
  {
    name: 'memory',
    what: 'memory one minute after 20,000 short runs at full speed',
    against: 'idle before them',
    target: 'daemon and keeper ≤ 1.25×',
    measure: measureBusyMemory,
  },
];

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function measureIdleMemory(): Promise<Result> {
  const [small, large] = [createHome(2), createHome(2)];
  for (const [home, total] of [
    [small, 100],
    [large, scaled(1_000_000)],
  ] as const) {
    await home.run(['run', '--wait', '-q', '--', 'true']);
    await home.run(['daemon', 'stop']);
    multiplyRuns(home.folder, total);
    await home.run(['daemon', 'start']);
  }
  const list = (home: typeof small) => () => timeProcess(node, [clip, 'runs', '--json'], { env: home.env });
  const listed = await paired(rounds(30), list(large), list(small));
  const bare = spawn(node, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' });
  await until('a bare node is idle', () => rssMb(bare.pid ?? 0) > 30);
  // The memory of a start and of the requests is returned after 15 s.
  await pause(scaled(20_000));
  const { pid, keeper } = await large.daemon();
  const [daemonMb, keeperMb, bareMb] = [rssMb(pid), rssMb(keeper), rssMb(bare.pid ?? 0)];
  const own = privateMb(pid);
  bare.kill();
  await small.end();
  await large.end();
  const figures = [
    `daemon ${(daemonMb / bareMb).toFixed(2)}× = ${daemonMb.toFixed(0)} MB, ${own.toFixed(0)} MB private`,
    `keeper ${(keeperMb / bareMb).toFixed(2)}× = ${keeperMb.toFixed(0)} MB, bare node ${bareMb.toFixed(0)} MB`,
    `list ${listed.ratio.toFixed(2)}× (${formatMs(listed.a)}; ${formatMs(listed.b)})`,
  ];
  const met = daemonMb / bareMb <= 1.8 && own <= 24 && keeperMb / bareMb <= 1.2 && listed.ratio <= 1.2;
  return { figure: figures.join('; '), met };
}

async function measureBusyMemory(): Promise<Result> {
  const home = createHome(4);
  await home.run(['run', '--wait', '-q', '--', 'true']);
  await pause(scaled(20_000));
  const { pid, keeper } = await home.daemon();
  const [daemonBefore, keeperBefore] = [rssMb(pid), rssMb(keeper)];
  const line = `${JSON.stringify({ command: ['/bin/true'], cwd: '/', env: {} })}\n`;
  for (let left = scaled(20_000); left > 0; left -= 1_000)
    await home.run(['run', '--batch', '-', '--wait'], line.repeat(Math.min(left, 1_000)));
  const [daemonPeak, keeperPeak] = [rssMb(pid), rssMb(keeper)];
  await pause(scaled(60_000));
  const [daemonAfter, keeperAfter] = [rssMb(pid), rssMb(keeper)];
  await home.end();
  const [daemon, kept] = [daemonAfter / daemonBefore, keeperAfter / keeperBefore];
  const mb = (...values: number[]) => values.map((value) => value.toFixed(0)).join(' → ');
  return {
    figure: `daemon ${daemon.toFixed(2)}× (${mb(daemonBefore, daemonPeak, daemonAfter)} MB), keeper ${kept.toFixed(2)}× (${mb(keeperBefore, keeperPeak, keeperAfter)} MB)`,
    met: daemon <= 1.25 && kept <= 1.25,
  };
}
