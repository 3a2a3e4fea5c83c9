/**
 * Reading a whole file that may have become something else behind our back. Whoever opens a named pipe waits for its
 * writer, a device never ends, and a huge file fills the memory: nobody who supervises runs may get into that.
 * This module knows only node:*, because the keeper uses it.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

const chunkBytes = 64 * 1024;

/** Throws as the system does; and for what is no regular file (EINVAL), or has more bytes (EFBIG). */
export function readRegularFile(path: string, bytesMax: number): Buffer {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
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
      if (total > bytesMax) throw trouble('EFBIG', `it has more than ${bytesMax} bytes`);
      chunks.push(chunk.subarray(0, read));
    }
  } finally {
    closeSync(fd);
  }
}

function trouble(code: string, message: string): NodeJS.ErrnoException {
  return Object.assign(new Error(message), { code });
}
