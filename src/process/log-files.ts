/** The log files of a run that has ended: compressed beside themselves, read whichever way they lie, removed. */
import { constants, createReadStream, createWriteStream, renameSync, rmSync, type Stats, statSync, utimesSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { runFiles } from './run-folder.ts';

export type LogName = 'stdout' | 'stderr';

const readBytes = 256 * 1024;

export function logPath(folder: string, stream: LogName): string {
  return join(folder, stream === 'stdout' ? runFiles.stdout : runFiles.stderr);
}

/** What a compressed log is called. */
export function compressedPath(path: string): string {
  return `${path}.gz`;
}

/** How a log lies: as it was written, compressed, or not there. Sizes in bytes; `bytes` is what was written, `stored` what it takes. */
export type Laid = {
  readonly form: 'plain' | 'gzip' | 'none';
  readonly bytes: number | null;
  readonly stored: number;
  readonly lastOutputAt: number | null;
};

/**
 * Writes a compressed copy of a log beside it, unless it is smaller than `bytesMin` or would not get smaller; the log
 * itself stays until `keepCompressed`. Whole and flushed before it has its name. Throws when there is no room for it.
 */
export async function compressLog(path: string, bytesMin: number, signal: AbortSignal): Promise<Laid> {
  const plain = fileAt(path);
  if (plain === null) return laidCompressed(path, signal);
  const asItIs: Laid = { form: 'plain', bytes: plain.size, stored: plain.size, lastOutputAt: writtenAt(plain) };
  if (plain.size < bytesMin) return asItIs;
  const stored = await writeCopy(path, plain, signal);
  return stored === null ? asItIs : { ...asItIs, form: 'gzip', stored };
}

/** Compressed by somebody who died before he could say so. */
async function laidCompressed(path: string, signal: AbortSignal): Promise<Laid> {
  const copy = fileAt(compressedPath(path));
  if (copy === null) return { form: 'none', bytes: null, stored: 0, lastOutputAt: null };
  return { form: 'gzip', bytes: await bytesInside(compressedPath(path), signal), stored: copy.size, lastOutputAt: writtenAt(copy) };
}

/** Null for what is no file: nobody reads a named pipe, or a folder, as a log. */
function fileAt(path: string): Stats | null {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isFile() ? stat : null;
}

function writtenAt({ size, mtimeMs }: Stats): number | null {
  return size === 0 ? null : Math.floor(mtimeMs);
}

async function writeCopy(path: string, before: Stats, signal: AbortSignal): Promise<number | null> {
  const temporary = `${compressedPath(path)}.new`;
  try {
    await pipeline(createReadStream(path, { highWaterMark: readBytes }), createGzip(), createWriteStream(temporary, { mode: 0o600, flush: true }), { signal });
    const { size } = statSync(temporary);
    if (size >= before.size) {
      rmSync(temporary);
      return null;
    }
    // When something was said last is seen by the time of the file.
    utimesSync(temporary, before.atime, before.mtime);
    renameSync(temporary, compressedPath(path));
    return size;
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Read through, for a compressed file's own count ends at 4 GiB. */
async function bytesInside(path: string, signal: AbortSignal): Promise<number> {
  let bytes = 0;
  const count = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      done();
    },
  });
  count.resume();
  await pipeline(createReadStream(path, { highWaterMark: readBytes }), createGunzip(), count, { signal });
  return bytes;
}

/** The compressed copy takes the place of the log. */
export function keepCompressed(path: string): void {
  rmSync(path, { force: true });
}

/** A log as it was written. Null when there is none, or something else in its place: whoever opens a named pipe waits for its writer, and few threads open files for all of us. */
export async function openPlainLog(path: string): Promise<FileHandle | null> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    if ((await file.stat()).isFile()) return file;
    await file.close();
    return null;
  } catch (error) {
    if (noLog.has((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
}

/** Nothing there; a link in circles; a socket. */
const noLog: ReadonlySet<string> = new Set(['ENOENT', 'ELOOP', 'ENXIO']);

/** The bytes of a log from `offset` on, whichever way it lies; null when there is none. */
export async function readLog(path: string, offset: number): Promise<NodeJS.ReadableStream | null> {
  const plain = await openPlainLog(path);
  if (plain !== null) return plain.createReadStream({ start: offset });
  const compressed = await openPlainLog(compressedPath(path));
  if (compressed === null) return null;
  const source = compressed.createReadStream({ highWaterMark: readBytes });
  const inflated = createGunzip();
  const rest = skip(offset);
  source.on('error', (error) => inflated.destroy(error));
  inflated.on('error', (error) => rest.destroy(error));
  rest.on('close', () => source.destroy());
  return source.pipe(inflated).pipe(rest);
}

function skip(bytes: number): Transform {
  let left = bytes;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const from = Math.min(left, chunk.length);
      left -= from;
      done(null, from === chunk.length ? undefined : chunk.subarray(from));
    },
  });
}

/** Both logs in both forms, and what a compression that was cut short has left. Nothing happens where they are gone. */
export function removeLogs(folder: string): void {
  for (const stream of ['stdout', 'stderr'] as const) {
    const path = logPath(folder, stream);
    for (const each of [path, compressedPath(path), `${compressedPath(path)}.new`]) rmSync(each, { force: true });
  }
}
