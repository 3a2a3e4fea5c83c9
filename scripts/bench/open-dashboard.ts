/** The cost of an open dashboard. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { clip, createHome } from './bench-home.ts';
import { cpuMs, until } from './measure.ts';
import { type BenchRow, type Result, scaled } from './row.ts';

const runs = 200;
const seconds = scaled(30, 2);

export const dashboardRows: readonly BenchRow[] = [
  {
    name: 'dashboard',
    what: `dashboard with ${runs} quiet runs`,
    against: '–',
    target: 'daemon and client ≤ 4 % of a core',
    measure: measureOpenDashboard,
  },
];

/** Measures daemon and client while a dashboard shows 200 quiet runs. */
async function measureOpenDashboard(): Promise<Result> {
  const home = createHome(2 * runs);
  await home.run(['run', '--wait', '-q', '--', 'true']);
  const { pid } = await home.daemon();
  await home.run(['run', '--batch', '-'], `${JSON.stringify({ command: ['sleep', '1000'] })}\n`.repeat(runs));
  // `script` gives the dashboard a terminal.
  const words = `stty rows 40 cols 120; exec ${process.execPath} ${clip} status --watch`;
  const terminal = spawn('script', ['-qec', words, '/dev/null'], {
    env: { ...home.env, TERM: 'xterm-256color' },
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  let client = 0;
  await until('the dashboard runs', () => {
    client = Number(readFileSync(`/proc/${terminal.pid}/task/${terminal.pid}/children`, 'latin1').trim());
    return client > 0;
  });
  await sleep(scaled(6_000));
  const before = [cpuMs(pid), cpuMs(client)] as const;
  await sleep(seconds * 1_000);
  const [daemon, shown] = [cpuMs(pid) - before[0], cpuMs(client) - before[1]].map((ms) => ms / (seconds * 10)) as [
    number,
    number,
  ];
  terminal.stdin?.end('q');
  await home.end();
  const figure = `daemon ${daemon.toFixed(2)} %, client ${shown.toFixed(2)} % over ${seconds} s`;
  return { figure, met: daemon + shown <= 4 };
}
