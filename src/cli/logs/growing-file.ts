/** Reads a log that is still being written, and detects when it was rewritten. */
import { closeSync, fstatSync, readSync } from 'node:fs';
import { openRunFile } from '#process/run-file.ts';

/** The number of bytes before the read position that are remembered. */
const guardBytes = 64;

export type GrowingFile = ReturnType<typeof openGrowingFile>;

/** Opens a log. Returns null when it does not exist (yet), or is not a file. */
export function openGrowingFile(path: string) {
  const file = openRunFile(path);
  if (file === null) return null;
  let offset = 0;
  /** The bytes right before `offset`. Other bytes there mean that the file was truncated and has grown again. */
  let guard = Buffer.alloc(0);

  function keepGuard(chunk: Buffer): void {
    guard = Buffer.from(Buffer.concat([guard, chunk.subarray(-guardBytes)]).subarray(-guardBytes));
  }

  function isRewritten(): boolean {
    const { size } = fstatSync(file as number);
    if (size < offset) return true;
    if (size === offset || guard.length === 0) return false;
    const now = Buffer.alloc(guard.length);
    const read = readSync(file as number, now, 0, now.length, offset - guard.length);
    return read !== guard.length || !now.equals(guard);
  }

  return {
    file,
    size: (): number => fstatSync(file).size,
    offset: (): number => offset,
    seek(to: number): void {
      offset = to;
      guard = Buffer.alloc(0);
    },
    /** Returns true once when the content read before is gone. Reading then restarts at the beginning. */
    restartIfRewritten(): boolean {
      if (!isRewritten()) return false;
      this.seek(0);
      return true;
    },
    /** Reads the next bytes into the buffer and returns their number, 0 at the end of the file. */
    read(buffer: Buffer): number {
      const read = readSync(file, buffer, 0, buffer.length, offset);
      if (read === 0) return 0;
      offset += read;
      keepGuard(buffer.subarray(0, read));
      return read;
    },
    close: (): void => closeSync(file),
  };
}
