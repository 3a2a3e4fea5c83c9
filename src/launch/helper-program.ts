/** Small programs of the system that do what Node cannot. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';

const helperMs = 5_000;
const usualFolders = ['/usr/bin', '/bin', '/usr/local/bin', '/run/current-system/sw/bin'];

/** Returns the path of a small system program, or null when it does not exist. */
export function findHelper(name: string, path: string): string | null {
  const folders = [...usualFolders, ...path.split(delimiter).filter(isAbsolute)];
  return folders.map((folder) => join(folder, name)).find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Sets limits of this process. Returns whether the system accepted them. */
export function setOwnLimits(prlimit: string, args: readonly string[]): boolean {
  return (
    spawnSync(prlimit, ['--pid', String(process.pid), ...args], { stdio: 'ignore', timeout: helperMs }).status === 0
  );
}
