/**
 * Reads a whole file that may have been replaced. Opening a named pipe blocks until there is a writer, a device never
 * ends, and a huge file fills the memory. None of that may affect the supervision of runs. This module uses only
 * node:*, because the keeper loads it.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

const chunkBytes = 64 * 1024;

/**
 * Returns the content of a file. Throws errors of the system, EINVAL if it is not a regular file, and EOVERFLOW if it has
 * more than `bytesMax`.
 */
export function readRegularFile(path: string, bytesMax: number): Buffer {
  return readOpenFile(openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), bytesMax);
}

/** Like `readRegularFile`, for clip's own files. Throws ELOOP for a link, which a run may have put in its place. */
export function readOwnFile(path: string, bytesMax: number): Buffer {
  return readOpenFile(openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW), bytesMax);
}

/** Reads all of an open file and closes it. Throws like `readRegularFile`. */
export function readOpenFile(fd: number, bytesMax: number): Buffer {
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw trouble('EINVAL', 'it is no regular file');
    const chunks: Buffer[] = [];
    let total = 0;
    for (let size = Math.min(stat.size + 1, bytesMax + 1); ; size = chunkBytes) {
      const chunk = Buffer.allocUnsafe(size);
      const read = readSync(fd, chunk);
      if (read === 0) return Buffer.concat(chunks, total);
      total += read;
      // Not EFBIG, which means that something could not be written.
      if (total > bytesMax) throw trouble('EOVERFLOW', `it has more than ${bytesMax} bytes`);
      chunks.push(chunk.subarray(0, read));
    }
  } finally {
    closeSync(fd);
  }
}

function trouble(code: string, message: string): NodeJS.ErrnoException {
  return Object.assign(new Error(message), { code });
}
