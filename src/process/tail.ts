/** Reading a log that is still being written, from a place in it. */
import { constants } from 'node:fs';
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
