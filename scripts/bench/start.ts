/** The start of the daemon, and what a first command waits for. */
import { spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { clip, clipd, createHome, multiplyRuns } from './bench-home.ts';
import { paired, timeProcess, until } from './measure.ts';
import { type BenchRow, formatMs, type Result, ratioResult, rounds, scaled } from './row.ts';

const node = process.execPath;
type Home = ReturnType<typeof createHome>;

export const startRows: readonly BenchRow[] = [
  {
    name: 'start',
    what: 'daemon: from its spawn until it answers, empty home',
    against: 'node -e 0',
    target: '≤ 5×',
    measure: () => measureStart(0, 5),
  },
  {
    name: 'start',
    what: 'daemon: from its spawn until it answers, 1,000,000 runs',
    against: 'node -e 0',
    target: '≤ 6×',
    measure: () => measureStart(scaled(1_000_000), 6),
  },
  {
    name: 'start',
    what: 'first command of a cold home, until the program of its run executes',
    against: 'node -e 0',
    target: '≤ 10×',
    measure: measureFirstCommand,
  },
  {
    name: 'restart',
    what: 'restart with 300 live runs until all are adopted',
    against: 'restart of an empty daemon',
    target: '≤ 2×',
    measure: measureRestart,
  },
];

const bareNode = (home: Home) => () => timeProcess(node, ['-e', '0'], { env: home.env });

async function measureStart(runs: number, most: number): Promise<Result> {
  const home = createHome(2);
  await home.run(['run', '--wait', '-q', '--', 'true']);
  await home.run(['daemon', 'stop']);
  if (runs > 0) multiplyRuns(home.folder, runs);
  const result = await paired(rounds(11), () => timeStart(home), bareNode(home));
  await home.end();
  return ratioResult(result.ratio, most, `${formatMs(result.a)}; floor ${formatMs(result.b)}`);
}

/** Starts the daemon as a command would, and returns the milliseconds until it says that it answers. */
async function timeStart(home: Home): Promise<number> {
  const [program = '', ...args] = clipd;
  const from = performance.now();
  const child = spawn(program, [...args, '--home', home.folder], {
    env: { ...home.env, CLIP_ROLE: 'daemon' },
    cwd: home.folder,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const line = await new Promise<string>((resolve) => child.stdio[3]?.once('data', (data) => resolve(String(data))));
  const took = performance.now() - from;
  if (!line.includes('ready')) throw new Error(`The daemon did not start: ${line}`);
  await home.run(['daemon', 'stop']);
  return took;
}

async function measureFirstCommand(): Promise<Result> {
  const first = createHome(2);
  const stamp = join(first.base, 'stamp');
  const cold = async () => {
    rmSync(stamp, { force: true });
    const from = performance.now();
    const command = spawn(node, [clip, 'run', '-q', '--', 'touch', stamp], { env: first.env, cwd: first.base });
    await until('the program executes', () => existsSync(stamp));
    const took = performance.now() - from;
    if (command.exitCode === null) await new Promise((resolve) => command.once('exit', resolve));
    await first.run(['daemon', 'stop', '--cancel-runs']);
    rmSync(first.folder, { recursive: true });
    return took;
  };
  const result = await paired(rounds(11), cold, bareNode(first));
  await first.end();
  return ratioResult(result.ratio, 10, `${formatMs(result.a)}; floor ${formatMs(result.b)}`);
}

async function measureRestart(): Promise<Result> {
  const [full, empty] = [createHome(400), createHome(2)];
  const wanted = scaled(300);
  await full.run(['run', '--batch', '-'], `${JSON.stringify({ command: ['sleep', '1000'] })}\n`.repeat(wanted));
  await until('all runs are live', async () => (await full.running()) === wanted);
  await empty.run(['run', '--wait', '--', 'true']);
  const restart = (home: Home) => async () => {
    await home.run(['daemon', 'stop', '--json']);
    return timeProcess(node, [clip, 'daemon', 'start'], { env: home.env });
  };
  const result = await paired(rounds(7), restart(full), restart(empty));
  const adopted = await full.running();
  await full.end();
  await empty.end();
  const detail = `${formatMs(result.a)}; ${formatMs(result.b)}), ${adopted} of ${wanted} adopted`;
  return { figure: `${result.ratio.toFixed(2)}× (${detail}`, met: result.ratio <= 2 && adopted === wanted };
}
