/** Reads the compressed log of an ended run. */
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { openRunFile } from '#process/run-file.ts';
import { ClipError } from '#run/errors.ts';

const newline = 10;
const readBytes = 256 * 1024;

/**
 * Yields the content piece by piece. With `last`, only this many lines from the end. Throws when the file is damaged.
 */
export async function* readCompressed(path: string, last: number | null): AsyncGenerator<Buffer> {
  let skip = last === null ? 0 : await startOfLastLines(path, last);
  for await (const chunk of inflated(path)) {
    const from = Math.min(skip, chunk.length);
    skip -= from;
    if (from < chunk.length) yield chunk.subarray(from);
  }
}

/**
 * Returns the offset of the last `count` lines. The file is read once from the front, and only as many offsets are
 * kept.
 */
async function startOfLastLines(path: string, count: number): Promise<number> {
  const starts: number[] = [0];
  let bytes = 0;
  for await (const chunk of inflated(path)) {
    for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, at + 1)) {
      starts.push(bytes + at + 1);
      // One more is kept than requested, because the last offset may be the end of the log, where no line begins.
      if (starts.length > 2 * (count + 1)) starts.splice(0, starts.length - (count + 1));
    }
    bytes += chunk.length;
  }
  if (starts.at(-1) === bytes) starts.pop();
  return count === 0 ? bytes : (starts.at(-count) ?? 0);
}

async function* inflated(path: string): AsyncGenerator<Buffer> {
  const fd = openRunFile(path);
  if (fd === null) return;
  const source = pipeline(createReadStream('', { fd, highWaterMark: readBytes }), createGunzip(), () => {});
  try {
    for await (const chunk of source) yield chunk as Buffer;
  } catch (error) {
    throw new ClipError(
      'failed',
      `The compressed log ${path} cannot be read: ${(error as Error).message}.`,
      'What could be read of it was shown.',
      error,
    );
  }
}
