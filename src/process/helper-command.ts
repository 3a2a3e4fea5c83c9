/** Finds helper commands, and runs them with a timeout. */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { cutText } from '#run/cut-text.ts';

const versionMs = 10_000;

/** Returns the first line of `NAME --version`; null if the program is missing or does not answer. */
export async function toolVersion(
  name: string,
  options: { env?: Readonly<Record<string, string>>; timeoutMs?: number } = {},
): Promise<string | null> {
  // Loaded here, because it would take a tenth of the daemon's start.
  const { execa } = await import('execa');
  const { stdout, failed } = await execa(name, ['--version'], {
    timeout: options.timeoutMs ?? versionMs,
    reject: false,
    stdin: 'ignore',
    stderr: 'ignore',
    maxBuffer: 64 * 1024,
    ...(options.env ? { env: { ...options.env }, extendEnv: false } : {}),
  });
  const line = typeof stdout === 'string' ? stdout.split('\n')[0]?.trim() : undefined;
  return failed || !line ? null : cutText(line, 100);
}

/** Returns the program of a command, as a shell would find it; null if there is no executable one. */
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
