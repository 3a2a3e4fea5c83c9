/** Measures whole processes, in pairs, as medians. The speed of a machine drifts, but ratios do not. */
import { type SpawnOptions, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

export type Row = {
  readonly what: string;
  readonly against: string;
  readonly target: string;
  readonly figure: string;
  readonly met: boolean | null;
};

/** Measures a row and prints it, if it is wanted. */
export type MeasureRow = (
  name: string,
  what: string,
  against: string,
  target: string,
  measure: () => Promise<{ figure: string; met: boolean | null }>,
) => Promise<void>;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

export const least = (values: readonly number[]): number => Math.min(...values);

/** Runs a program to its end and returns the milliseconds from spawn to exit. Throws unless it ends with `expected`. */
export function timeProcess(
  command: string,
  args: readonly string[],
  options: SpawnOptions = {},
  expected = 0,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const from = performance.now();
    const child = spawn(command, args, { stdio: 'ignore', ...options });
    child.on('error', reject);
    child.on('exit', (code, signal) =>
      code === expected
        ? resolve(performance.now() - from)
        : reject(new Error(`${command} ${args.join(' ')} ended with ${code ?? signal}`)),
    );
  });
}

/** Runs A and B alternately after one unrecorded round. `ratio` is the median of the ratios of all pairs. */
export async function paired(
  rounds: number,
  a: () => Promise<number>,
  b: () => Promise<number>,
): Promise<{ a: number[]; b: number[]; ratio: number }> {
  await a();
  await b();
  const pairs: [number, number][] = [];
  for (let round = 0; round < rounds; round += 1) pairs.push([await a(), await b()]);
  return { a: pairs.map(([x]) => x), b: pairs.map(([, y]) => y), ratio: median(pairs.map(([x, y]) => x / y)) };
}

/** Returns the CPU time of a process so far in milliseconds, in steps of 10 ms. */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

export function rssMb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) / 1_024;
}

/** Returns the path of a program, or null. Peers are measured only where they are installed. */
export function which(name: string): string | null {
  for (const folder of (process.env['PATH'] ?? '').split(':'))
    if (existsSync(`${folder}/${name}`)) return `${folder}/${name}`;
  return null;
}

export async function until(what: string, condition: () => boolean | Promise<boolean>, ms = 120_000): Promise<void> {
  for (const end = Date.now() + ms; Date.now() < end; ) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`It did not happen: ${what}`);
}
