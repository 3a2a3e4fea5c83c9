/** The log files of an ended run: compresses, reads and removes them. */
import {
  constants,
  createReadStream,
  createWriteStream,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  type Stats,
  utimesSync,
} from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { removeEntry } from './real-folder.ts';
import { isRealFolder } from './run-file.ts';
import { runFiles } from './run-folder.ts';

export type LogName = 'stdout' | 'stderr';

const readBytes = 256 * 1024;

/** Returns the path of a log in a run's folder. */
export function logPath(folder: string, stream: LogName): string {
  return join(folder, stream === 'stdout' ? runFiles.stdout : runFiles.stderr);
}

/** Returns the path of the compressed log. */
export function compressedPath(path: string): string {
  return `${path}.gz`;
}

/**
 * The form of a log on disk: as written, compressed, or absent. Sizes in bytes: `bytes` was written, `stored` is used
 * on disk.
 */
export type StoredLog = {
  readonly form: 'plain' | 'gzip' | 'none';
  readonly bytes: number | null;
  readonly stored: number;
  readonly lastOutputAt: number | null;
};

/** A log that does not exist. */
export const noLog: StoredLog = { form: 'none', bytes: null, stored: 0, lastOutputAt: null };

/**
 * Writes a compressed copy next to a log, unless the log is smaller than `bytesMin` or would not shrink. The original
 * stays until `keepCompressed`. The copy is complete and flushed before it gets its name. Throws if there is no
 * space.
 */
export async function compressLog(path: string, bytesMin: number, signal: AbortSignal): Promise<StoredLog> {
  const plain = fileAt(path);
  if (plain === null) return laidCompressed(path, signal);
  const asItIs: StoredLog = { form: 'plain', bytes: plain.size, stored: plain.size, lastOutputAt: writtenAt(plain) };
  if (plain.size < bytesMin) return asItIs;
  const stored = await writeCopy(path, plain, signal);
  return stored === null ? asItIs : { ...asItIs, form: 'gzip', stored };
}

/** Returns the form of a log that was compressed but not recorded because of a crash. */
async function laidCompressed(path: string, signal: AbortSignal): Promise<StoredLog> {
  const copy = fileAt(compressedPath(path));
  if (copy === null) return noLog;
  return {
    form: 'gzip',
    bytes: await bytesInside(compressedPath(path), signal),
    stored: copy.size,
    lastOutputAt: writtenAt(copy),
  };
}

/** Returns null for anything but a regular file: links, named pipes and folders are not read as logs. */
function fileAt(path: string): Stats | null {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat?.isFile() ? stat : null;
}

function writtenAt({ size, mtimeMs }: Stats): number | null {
  return size === 0 ? null : Math.floor(mtimeMs);
}

async function writeCopy(path: string, before: Stats, signal: AbortSignal): Promise<number | null> {
  const temporary = `${compressedPath(path)}.new`;
  try {
    rmSync(temporary, { force: true });
    await pipeline(
      readLogFile(path),
      createGzip(),
      createWriteStream(temporary, { mode: 0o600, flags: 'wx', flush: true }),
      { signal },
    );
    const { size } = lstatSync(temporary);
    if (size >= before.size) {
      rmSync(temporary);
      return null;
    }
    // The time of the file tells when the last output was written.
    utimesSync(temporary, before.atime, before.mtime);
    renameSync(temporary, compressedPath(path));
    return size;
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Opens a log for reading. Throws if a link has replaced the file since it was examined. */
function readLogFile(path: string): NodeJS.ReadableStream {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  return createReadStream('', { fd, highWaterMark: readBytes });
}

/** Returns the uncompressed size by reading it all, because the size field of gzip ends at 4 GiB. */
async function bytesInside(path: string, signal: AbortSignal): Promise<number> {
  let bytes = 0;
  const count = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      done();
    },
  });
  count.resume();
  await pipeline(readLogFile(path), createGunzip(), count, { signal });
  return bytes;
}

/** Removes the original, so only the compressed copy remains. */
export function keepCompressed(path: string): void {
  rmSync(path, { force: true });
}

/**
 * Opens an uncompressed log. Returns null if there is none, or if it is not a regular file: opening a named pipe
 * would block one of the few threads that open files.
 */
export async function openPlainLog(path: string): Promise<FileHandle | null> {
  try {
    if (!isRealFolder(dirname(path))) return null;
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    if ((await file.stat()).isFile()) return file;
    await file.close();
    return null;
  } catch (error) {
    if (nothingToRead.has((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
}

/** Missing file, symbolic link, socket. */
const nothingToRead: ReadonlySet<string> = new Set(['ENOENT', 'ELOOP', 'ENXIO']);

/** Returns the bytes of a log from `offset`, compressed or not; null if there is none. */
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

/** Removes both logs in both forms, and remains of an interrupted compression. Missing files are ignored. */
export function removeLogs(at: string): void {
  for (const name of [runFiles.stdout, runFiles.stderr]) {
    for (const each of [name, compressedPath(name), `${compressedPath(name)}.new`]) removeEntry(at, each);
  }
}
