/** Reading the log of an ended run that has been compressed. */
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { ClipError } from '../run/errors.ts';

const newline = 10;
const readBytes = 256 * 1024;

/** What it holds, piece by piece; with `last`, only so many lines from its end. Throws when it is damaged. */
export async function* readCompressed(path: string, last: number | null): AsyncGenerator<Buffer> {
  let skip = last === null ? 0 : await startOfLastLines(path, last);
  for await (const chunk of inflated(path)) {
    const from = Math.min(skip, chunk.length);
    skip -= from;
    if (from < chunk.length) yield chunk.subarray(from);
  }
}

/** Where the last `count` lines begin. Read once from the front, remembering no more than so many places. */
async function startOfLastLines(path: string, count: number): Promise<number> {
  const starts: number[] = [0];
  let bytes = 0;
  for await (const chunk of inflated(path)) {
    for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, at + 1)) {
      starts.push(bytes + at + 1);
      // One more than asked for: the last of them may be the end of the log, where no line begins.
      if (starts.length > 2 * (count + 1)) starts.splice(0, starts.length - (count + 1));
    }
    bytes += chunk.length;
  }
  if (starts.at(-1) === bytes) starts.pop();
  return count === 0 ? bytes : (starts.at(-count) ?? 0);
}

async function* inflated(path: string): AsyncGenerator<Buffer> {
  const source = pipeline(createReadStream(path, { highWaterMark: readBytes }), createGunzip(), () => {});
  try {
    for await (const chunk of source) yield chunk as Buffer;
  } catch (error) {
    throw new ClipError('failed', `The compressed log ${path} cannot be read: ${(error as Error).message}.`, 'What could be read of it was shown.', error);
  }
}
