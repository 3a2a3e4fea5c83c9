/** Reading a log that is still being written, from a place in it. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/**
 * Hands over what the file holds from `offset` on, piece by piece, until its end or until `bytesMax`.
 * The pieces share one buffer: whoever keeps one copies it. Returns the size of the file as it was at the
 * end, null for a file that is not there.
 */
export async function readTail(
  path: string,
  range: { readonly offset: number; readonly bytesMax: number; readonly chunkBytes: number },
  take: (chunk: Uint8Array) => void,
): Promise<number | null> {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    const buffer = new Uint8Array(range.chunkBytes);
    for (let done = 0; done < range.bytesMax; ) {
      const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, range.bytesMax - done), range.offset + done);
      if (bytesRead === 0) break;
      done += bytesRead;
      take(buffer.subarray(0, bytesRead));
    }
    return (await file.stat()).size;
  } finally {
    await file.close();
  }
}

/** The end of a file as text, at most so many bytes of it; empty for one that is not there. */
export function readEnd(path: string, bytesMax: number): string {
  let file: number | null = null;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const { size } = fstatSync(file);
    const buffer = Buffer.alloc(Math.min(size, bytesMax));
    const read = readSync(file, buffer, 0, buffer.length, size - buffer.length);
    // What was cut in the middle of a character begins with what is none.
    return buffer.toString('utf8', 0, read).replace(/^\uFFFD+/, '');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  } finally {
    if (file !== null) closeSync(file);
  }
}
