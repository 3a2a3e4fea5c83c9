/** Helper commands: found, and run with a time-out. */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { execa } from 'execa';

const versionMs = 10_000;

/** First line of `NAME --version`; null when it is not there or does not answer. */
export async function toolVersion(name: string, options: { env?: Readonly<Record<string, string>>; timeoutMs?: number } = {}): Promise<string | null> {
  const { stdout, failed } = await execa(name, ['--version'], {
    timeout: options.timeoutMs ?? versionMs,
    reject: false,
    stdin: 'ignore',
    stderr: 'ignore',
    maxBuffer: 64 * 1024,
    ...(options.env ? { env: { ...options.env }, extendEnv: false } : {}),
  });
  const line = typeof stdout === 'string' ? stdout.split('\n')[0]?.trim() : undefined;
  return failed || !line ? null : line.slice(0, 100);
}

/** The program this command means, as a shell would find it; null when there is none that may be executed. */
export function findCommand(command: string, path: string, cwd: string): string | null {
  const candidates = command.includes('/')
    ? [isAbsolute(command) ? command : resolve(cwd, command)]
    : path.split(delimiter).map((folder) => join(resolve(cwd, folder), command));
  return candidates.find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
