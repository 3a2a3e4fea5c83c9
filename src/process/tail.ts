/** Reads a log that is still being written, from an offset. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/**
 * Flags for logs and session files, which may have been replaced. Links are not followed, and named pipes do not block.
 */
const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;

/** A file that is open for reading. See `readTail` for its errors. */
export type OpenTail = {
  /** Inode of the file. Another file in its place has a different one while this one is open. */
  readonly inode: number;
  readonly size: () => Promise<number>;
  /** Returns up to `length` bytes from `offset`; fewer at the end of the file. */
  readonly bytesAt: (offset: number, length: number) => Promise<Buffer>;
  /**
   * Passes the content from `offset` to `take`, chunk by chunk. The chunks share one buffer, so `take` must copy what
   * it keeps.
   */
  readonly read: (range: TailRange, take: (chunk: Uint8Array) => void) => Promise<void>;
  readonly close: () => Promise<void>;
};

export type TailRange = { readonly offset: number; readonly bytesMax: number; readonly chunkBytes: number };

/**
 * Opens a file. Returns null if it does not exist. Throws if it is not a regular file (EINVAL, ELOOP for a symbolic
 * link).
 */
export async function openTail(path: string): Promise<OpenTail | null> {
  let file: FileHandle;
  try {
    file = await open(path, flags);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw notRegular();
    return openTailAt(file, stat.ino);
  } catch (error) {
    await file.close();
    throw error;
  }
}

function openTailAt(file: FileHandle, inode: number): OpenTail {
  return {
    inode,
    size: async () => (await file.stat()).size,
    async bytesAt(offset, length) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
      return buffer.subarray(0, bytesRead);
    },
    async read(range, take) {
      const buffer = new Uint8Array(range.chunkBytes);
      for (let done = 0; done < range.bytesMax; ) {
        const { bytesRead } = await file.read(
          buffer,
          0,
          Math.min(buffer.length, range.bytesMax - done),
          range.offset + done,
        );
        if (bytesRead === 0) break;
        done += bytesRead;
        take(buffer.subarray(0, bytesRead));
      }
    },
    close: () => file.close(),
  };
}

/**
 * Passes the content from `offset` to `take`, chunk by chunk, until its end or `bytesMax`. The chunks share one
 * buffer, so `take` must copy what it keeps. Returns the size of the file at the end; null if it does not exist.
 * Throws if it is not a regular file (EINVAL, ELOOP for a symbolic link).
 */
export async function readTail(
  path: string,
  range: TailRange,
  take: (chunk: Uint8Array) => void,
): Promise<number | null> {
  const tail = await openTail(path);
  if (tail === null) return null;
  try {
    await tail.read(range, take);
    return await tail.size();
  } finally {
    await tail.close();
  }
}

/**
 * Returns at most the last `bytesMax` bytes of a file as text; empty if it does not exist or is no regular file any
 * more.
 */
export function readEnd(path: string, bytesMax: number): string {
  let file: number | null = null;
  try {
    file = openSync(path, flags);
    const stat = fstatSync(file);
    if (!stat.isFile()) throw notRegular();
    const { size } = stat;
    const buffer = Buffer.alloc(Math.min(size, bytesMax));
    const read = readSync(file, buffer, 0, buffer.length, size - buffer.length);
    // A cut in the middle of a character leaves invalid bytes at the beginning.
    return buffer.toString('utf8', 0, read).replace(/^\uFFFD+/, '');
  } catch (error) {
    if (isLasting(error)) return '';
    throw error;
  } finally {
    if (file !== null) closeSync(file);
  }
}

/** Returns whether a read error is permanent: the file is not regular, does not exist, or was replaced. */
export function isLasting(error: unknown): boolean {
  return ['EINVAL', 'ELOOP', 'EISDIR', 'ENOENT', 'ENOTDIR', 'ENXIO', 'EREPLACED'].includes(
    String((error as NodeJS.ErrnoException | null)?.code),
  );
}

function notRegular(): NodeJS.ErrnoException {
  return Object.assign(new Error('it is no regular file'), { code: 'EINVAL' });
}
