/**
 * Opens files in the folder of a run. The run can write to its folder, so a file may have been replaced: a symbolic
 * link would show another file as output, and a named pipe would block. This module uses only node:*.
 */
import { closeSync, constants, existsSync, fstatSync, lstatSync, openSync, readSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { readOpenFile } from './read-regular-file.ts';

/**
 * Opens a regular file for reading, without following a link in its name or in that of its folder. Returns null if it
 * does not exist or is something else, which counts as gone. Throws any other error.
 */
export function openRunFile(path: string): number | null {
  try {
    return openBelow(path);
  } catch (error) {
    if (notThere.has((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
}

/**
 * Reads a whole file in a run's folder. Throws ENOENT if `openRunFile` returns null, EOVERFLOW if the file is too large.
 */
export function readRunFile(path: string, bytesMax: number): Buffer {
  const fd = openRunFile(path);
  if (fd === null) throw Object.assign(new Error(`${path} is not there, or is no file`), { code: 'ENOENT' });
  return readOpenFile(fd, bytesMax);
}

/**
 * Reads the first bytes of a file in a run's folder as text, without a character that was cut in the middle. Returns
 * null if it does not exist or cannot be read.
 */
export function readBeginning(path: string, bytesMax: number): string | null {
  try {
    const file = openRunFile(path);
    if (file === null) return null;
    try {
      const bytes = Buffer.alloc(Math.min(bytesMax, fstatSync(file).size));
      const text = bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, 0));
      return text.replace(/\ufffd+$/, '');
    } finally {
      closeSync(file);
    }
  } catch {
    return null;
  }
}

/** Missing file, symbolic link, socket, or a path that is not a folder. */
const notThere: ReadonlySet<string> = new Set(['ENOENT', 'ELOOP', 'ENXIO', 'ENOTDIR']);

const fileFlags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;

function openBelow(path: string): number | null {
  const folder = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const file = openSync(join(fileName(folder, dirname(path)), basename(path)), fileFlags);
    if (fstatSync(file).isFile()) return file;
    closeSync(file);
    return null;
  } finally {
    closeSync(folder);
  }
}

/** Names the folder by its descriptor if the system can, so it cannot be replaced in between. */
function fileName(fd: number, path: string): string {
  const name = `/proc/self/fd/${fd}`;
  return existsSync(name) ? name : path;
}

/** Returns whether there is a regular file that `openRunFile` would open. */
export function isRunFile(path: string): boolean {
  return isRealFolder(dirname(path)) && (lstatSync(path, { throwIfNoEntry: false })?.isFile() ?? false);
}

/** Returns whether a path is a folder and not a link to one. */
export function isRealFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
