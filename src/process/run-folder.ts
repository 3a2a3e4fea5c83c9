/**
 * The run folder, the stable contract between daemon and keeper. Every file in it is complete: it is written under a
 * temporary name, flushed and put in place, and the folder is flushed. This module uses only node:*, because the
 * keeper loads it.
 */
import {
  close,
  closeSync,
  fstatSync,
  fsync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  open,
  openSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

export type LeaderRecord = {
  readonly pid: number;
  readonly pgid: number;
  readonly startTime: number;
  readonly bootId: string;
  /**
   * The pid namespace of the pid; null if the system has none. Like the following fields, absent in records of older
   * versions.
   */
  readonly pidNamespace?: string | null;
  /** The control group in which it was started; null for none. */
  readonly cgroup?: string | null;
  /** Whether its processes carry a kernel mark. */
  readonly kernelMark?: boolean;
  /** Inodes of its logs. `stderr` is null if both streams go to one file. */
  readonly logs?: LogInodes;
};

export type LogInodes = { readonly stdout: number; readonly stderr: number | null };

export type LaunchRecord = {
  readonly number: number;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly agent: string | null;
  readonly task: number | null;
  /** When the keeper ends the run if no daemon is connected. Milliseconds since the epoch. */
  readonly deadlineAt: number | null;
  readonly graceMs: number;
  /** Absolute path of the input file; null for /dev/null. */
  readonly stdin: string | null;
  readonly mergeOutput: boolean;
  /** Token with which the run reports; absent in records of older versions. */
  readonly token?: string;
  /** Which continuation of its task this is; null or absent for none. */
  readonly continuation?: number | null;
  /** Tells this launch from other launches of the same run; absent in records of older versions. */
  readonly attempt?: string;
};

export type ExitRecord = {
  readonly code: number | null;
  readonly signal: string | null;
  readonly at: number;
  /** True if the keeper enforced the deadline. */
  readonly byDeadline?: boolean;
  /** Present if the process never started. */
  readonly error?: { readonly code: string; readonly message: string };
  /** When the process had ended, in the unit of start times. */
  readonly tick?: number;
};

export const runFiles = {
  launch: 'launch.json',
  started: 'started.json',
  exit: 'exit.json',
  env: 'env.json',
  prompt: 'prompt.txt',
  /** The original request, if the prompt contains more than that. A resumed session gets it. */
  request: 'request.txt',
  stdout: 'stdout.log',
  stderr: 'stderr.log',
} as const;

/**
 * Returns the name of the file with which the daemon withdraws a launch. A suspended keeper may still hold the
 * request, so a keeper checks for the file right before it starts the process.
 */
export function withdrawnFile(attempt: string): string {
  return `.withdrawn.${attempt}`;
}

/** Large enough for any exit record, so that writing one needs no new space on a full disk. */
const exitRecordBytes = 4_096;

/**
 * Creates a file: writes, flushes and links it, then flushes the folder. Calls back with false if it exists already,
 * and then changes nothing. No step blocks, so several can run at the same time.
 */
export function createWhole(
  folder: string,
  name: string,
  value: unknown,
  done: (error: Error | null, created: boolean) => void,
): void {
  const temporary = join(folder, `.${name}.${process.pid}`);
  const fd = openNew(temporary);
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
 * Puts a file in place at once, so a crash of this process loses nothing. The returned function flushes the file and
 * its folder in the background, for a crash of the machine. That suits only data that such a crash makes void anyway,
 * for example a pid. `later`: the path of the folder at that time.
 */
export function placeWhole(folder: string, name: string, value: unknown, later = folder): () => void {
  const temporary = join(folder, `.${name}.${process.pid}`);
  const fd = openNew(temporary);
  try {
    writeAll(fd, Buffer.from(JSON.stringify(value)));
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, join(folder, name));
  return () => flushSoon(join(later, name), () => flushSoon(later, () => {}));
}

/** Counts the reservations of this process. A repeated request must not touch the reservation of a live process. */
let reservations = 0;

export type ReservedExit = {
  /** Flushes the record, puts it in place and calls back, then flushes the folder. No step blocks. */
  readonly write: (
    folder: string,
    record: ExitRecord,
    placed: (error: Error | null) => void,
    flushed: () => void,
  ) => void;
  /** Releases the space, because nothing was started or the folder is gone. */
  readonly release: (folder: string | null) => void;
};

/**
 * Reserves the space of exit.json before the process starts, so that writing it needs none on a full disk. Throws if
 * there is no space, and leaves nothing behind.
 */
export function reserveExitRecord(folder: string): ReservedExit {
  reservations += 1;
  const temporary = `.${runFiles.exit}.${process.pid}.${reservations}`;
  const fd = openNew(join(folder, temporary));
  const release = (at: string | null) => {
    closeSync(fd);
    if (at !== null) unlinkSync(join(at, temporary));
  };
  try {
    writeAll(fd, Buffer.alloc(exitRecordBytes, 0x20));
  } catch (error) {
    release(folder);
    throw error;
  }
  return {
    release,
    write(at, record, placed, flushed) {
      const text = Buffer.from(JSON.stringify(record));
      writeSync(fd, text, 0, text.length, 0);
      ftruncateSync(fd, text.length);
      fsync(fd, (failed) => {
        closeSync(fd);
        try {
          renameSync(join(at, temporary), join(at, runFiles.exit));
          placed(failed);
        } catch (error) {
          placed(error as Error);
        }
        flushSoon(at, flushed);
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

/** Flushes a folder, so that its entries survive a power failure. Throws errors of the system. */
export function flushFolder(folder: string): void {
  flushFile(folder);
}

/** Flushes a file, so that its content survives a power failure. Throws errors of the system. */
export function flushFile(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Creates a file with this content and flushes it. Throws errors of the system. */
export function writeFlushed(path: string, content: string | Buffer): void {
  const fd = openNew(path);
  try {
    writeAll(fd, typeof content === 'string' ? Buffer.from(content) : content);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Opens a new file. Anything that a run has put under this name, for example a link to another file, is removed. */
function openNew(path: string): number {
  try {
    return openSync(path, 'wx', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    unlinkSync(path);
    return openSync(path, 'wx', 0o600);
  }
}

function writeAll(fd: number, bytes: Buffer): void {
  // A write may be short on a nearly full disk. Only a complete one counts.
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
  if (fstatSync(fd).size !== bytes.length) throw new Error('short write');
}
