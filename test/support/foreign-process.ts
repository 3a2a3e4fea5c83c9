/** Processes that the test itself starts. They belong to no run, and the test ends them by id. */
import { spawn } from 'node:child_process';
import { onTestFinished } from 'vitest';
import { readStartTime } from '#process/process-birth.ts';
import { isAlive } from './home.ts';

export type Bystander = { readonly pid: number; readonly startTime: number; readonly isAlive: () => boolean };

/** Starts a sleep in its own session, with exactly this environment. It is ended at the end of the test. */
export function startBystander(env: Record<string, string> = {}): Bystander {
  const child = spawn('sleep', ['1000'], {
    detached: true,
    stdio: 'ignore',
    env: { PATH: process.env['PATH'] ?? '', ...env },
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('sleep could not be started.');
  onTestFinished(() => void child.kill('SIGKILL'));
  const startTime = readStartTime(pid);
  if (startTime === null) throw new Error('The bystander has no start time.');
  return { pid, startTime, isAlive: () => isAlive(pid) };
}
