/**
 * Finds the program of a command, as execvp(3) does. The keeper uses it if another program precedes the command,
 * which would report a missing command only by an exit code. This module uses only node:*, because the keeper loads
 * it.
 */
import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { findRemoteMount, type RemoteMounts } from './mounts.ts';

/** `unknown`: it may be on a remote mount, which is not examined. */
export type Lookup = 'found' | 'missing' | 'forbidden' | 'unknown';

const defaultPath = '/bin:/usr/bin';
const firstLineBytes = 256;

export type Search = { readonly path: string | undefined; readonly cwd: string; readonly mounts: RemoteMounts };

/** Returns whether the command would be found and may be executed. */
export function findExecutable(command: string, { path, cwd, mounts }: Search): Lookup {
  if (command.includes('/')) return lookAt(resolve(cwd, command), mounts);
  let forbidden = false;
  for (const folder of (path ?? defaultPath).split(delimiter)) {
    const found = lookAt(join(resolve(cwd, folder), command), mounts);
    if (found === 'found' || found === 'unknown') return found;
    if (found === 'forbidden') forbidden = true;
  }
  return forbidden ? 'forbidden' : 'missing';
}

function lookAt(path: string, mounts: RemoteMounts): Lookup {
  if (findRemoteMount(path, mounts) !== null) return 'unknown';
  try {
    if (!statSync(path).isFile()) return 'forbidden';
    accessSync(path, constants.X_OK);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? 'forbidden' : 'missing';
  }
  const interpreter = readInterpreter(path);
  return interpreter === null ? 'found' : lookAtInterpreter(interpreter, mounts);
}

/** Looks at the interpreter of a script. If it is missing, the system reports the script as missing. */
function lookAtInterpreter(path: string, mounts: RemoteMounts): Lookup {
  if (findRemoteMount(path, mounts) !== null) return 'unknown';
  try {
    accessSync(path, constants.X_OK);
    return 'found';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? 'forbidden' : 'missing';
  }
}

function readInterpreter(path: string): string | null {
  try {
    const fd = openSync(path, 'r');
    try {
      const bytes = Buffer.alloc(firstLineBytes);
      const text = bytes.toString('latin1', 0, readSync(fd, bytes, 0, bytes.length, 0));
      return /^#![ \t]*(\/[^\s]*)/.exec(text)?.[1] ?? null;
    } finally {
      closeSync(fd);
    }
  } catch {
    // The file may be executable but not readable.
    return null;
  }
}
