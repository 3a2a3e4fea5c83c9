/**
 * The run folder, the frozen agreement between daemon and keeper. A file that is there is whole:
 * each is written under a temporary name, flushed, put in place, and the folder flushed.
 * This module knows only node:*, because the keeper uses it.
 */
import { close, closeSync, fstatSync, fsync, fsyncSync, ftruncateSync, linkSync, open, openSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';

export type LeaderRecord = { readonly pid: number; readonly pgid: number; readonly startTime: number; readonly bootId: string };

export type LaunchRecord = {
  readonly number: number;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly agent: string | null;
  readonly task: number | null;
  /** With no daemon connected at this time, the keeper itself ends the run. Milliseconds since the epoch. */
  readonly deadlineAt: number | null;
  readonly graceMs: number;
  /** Absolute path of the file to read from; null for /dev/null. */
  readonly stdin: string | null;
  readonly mergeOutput: boolean;
  /** With what the run may report; absent from records of older versions. */
  readonly token?: string;
  /** Which continuation of its task it is; null or absent for none. */
  readonly continuation?: number | null;
};

export type ExitRecord = {
  readonly code: number | null;
  readonly signal: string | null;
  readonly at: number;
  /** Present when the keeper enforced the deadline. */
  readonly byDeadline?: boolean;
  /** Present when the process never started. */
  readonly error?: { readonly code: string; readonly message: string };
};

export const runFiles = {
  launch: 'launch.json',
  started: 'started.json',
  exit: 'exit.json',
  env: 'env.json',
  prompt: 'prompt.txt',
  /** What was asked first, when the prompt is more than that: a session that is gone on with is told so. */
  request: 'request.txt',
  stdout: 'stdout.log',
  stderr: 'stderr.log',
} as const;

/** Big enough for any exit record, so that writing one needs no new space on a full disk. */
const exitRecordBytes = 4_096;

/**
 * Puts a new file in place: written, flushed, linked, the folder flushed. Calls back with false when it
 * exists already (then nothing was changed). Nothing of it blocks, so several go on at the same time.
 */
export function createWhole(folder: string, name: string, value: unknown, done: (error: Error | null, created: boolean) => void): void {
  const temporary = join(folder, `.${name}.${process.pid}`);
  const fd = openSync(temporary, 'w', 0o600);
  try {
    writeAll(fd, Buffer.from(JSON.stringify(value)));
  } catch (error) {
    closeSync(fd);
    unlinkSync(temporary);
    throw error;
  }
  fsync(fd, (failed) => {
    closeSync(fd);
    try {
      if (failed) throw failed;
      linkSync(temporary, join(folder, name));
    } catch (error) {
      const exists = (error as NodeJS.ErrnoException).code === 'EEXIST';
      return done(exists ? null : (error as Error), false);
    } finally {
      unlinkSync(temporary);
    }
    flushSoon(folder, () => done(null, true));
  });
}

/**
 * Puts a file in place at once, so that the death of this process can lose nothing. The returned
 * function flushes it and its folder in the background, for the death of the machine: only for what
 * such a death makes void anyway, like the pid of a process.
 */
export function placeWhole(folder: string, name: string, value: unknown): () => void {
  const temporary = join(folder, `.${name}.${process.pid}`);
  const fd = openSync(temporary, 'w', 0o600);
  try {
    writeAll(fd, Buffer.from(JSON.stringify(value)));
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, join(folder, name));
  return () => flushSoon(join(folder, name), () => flushSoon(folder, () => {}));
}

/** Reservations of this process, counted: a request that is repeated must not touch the one of a process that lives. */
let reservations = 0;

export type ReservedExit = {
  /** Flushes the record, puts it in place and calls back; then flushes the folder. Nothing of it blocks. */
  readonly write: (record: ExitRecord, placed: (error: Error | null) => void, flushed: () => void) => void;
  /** Nothing was started: the space is given back. */
  readonly release: () => void;
};

/** Reserves the space of exit.json before the process starts, so that writing it needs none on a full disk. Throws when there is none, and leaves nothing. */
export function reserveExitRecord(folder: string): ReservedExit {
  reservations += 1;
  const temporary = join(folder, `.${runFiles.exit}.${process.pid}.${reservations}`);
  const fd = openSync(temporary, 'w', 0o600);
  const release = () => {
    closeSync(fd);
    unlinkSync(temporary);
  };
  try {
    writeAll(fd, Buffer.alloc(exitRecordBytes, 0x20));
  } catch (error) {
    release();
    throw error;
  }
  return {
    release,
    write(record, placed, flushed) {
      const text = Buffer.from(JSON.stringify(record));
      writeSync(fd, text, 0, text.length, 0);
      ftruncateSync(fd, text.length);
      fsync(fd, (failed) => {
        closeSync(fd);
        try {
          renameSync(temporary, join(folder, runFiles.exit));
          placed(failed);
        } catch (error) {
          placed(error as Error);
        }
        flushSoon(folder, flushed);
      });
    },
  };
}

function flushSoon(path: string, flushed: () => void): void {
  open(path, 'r', (missing, fd) => {
    if (missing) return flushed();
    fsync(fd, () => close(fd, flushed));
  });
}

export function flushFolder(folder: string): void {
  flushFile(folder);
}

export function flushFile(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

export function writeFlushed(path: string, content: string | Buffer): void {
  const fd = openSync(path, 'w', 0o600);
  try {
    writeAll(fd, typeof content === 'string' ? Buffer.from(content) : content);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function writeAll(fd: number, bytes: Buffer): void {
  // A write may be short on a nearly full disk; only what is all there counts as written.
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
  if (fstatSync(fd).size !== bytes.length) throw new Error('short write');
}
