/**
 * The run folder, the frozen agreement between daemon and keeper. A file that is there is whole:
 * each is written under a temporary name, flushed, put in place, and the folder flushed.
 * This module knows only node:*, because the keeper uses it.
 */
import { closeSync, fstatSync, fsyncSync, ftruncateSync, linkSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs';
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
};

export type StartedRecord = LeaderRecord & { readonly at: number };

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
  stdout: 'stdout.log',
  stderr: 'stderr.log',
} as const;

/** Big enough for any exit record, so that writing one needs no new space on a full disk. */
const exitRecordBytes = 4_096;

/** Puts a new file in place; returns false when it exists already (then nothing was changed). */
export function createWhole(folder: string, name: string, value: unknown): boolean {
  const temporary = join(folder, `.${name}.${process.pid}`);
  writeFlushed(temporary, JSON.stringify(value));
  try {
    linkSync(temporary, join(folder, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    unlinkSync(temporary);
  }
  flushFolder(folder);
  return true;
}

/** Puts a file in place, over an older one if there is one. */
export function replaceWhole(folder: string, name: string, value: unknown): void {
  const temporary = join(folder, `.${name}.${process.pid}`);
  writeFlushed(temporary, JSON.stringify(value));
  renameSync(temporary, join(folder, name));
  flushFolder(folder);
}

/** Reserves the space of exit.json before the process starts; the returned function writes the record into it. */
export function reserveExitRecord(folder: string): (record: ExitRecord) => void {
  const temporary = join(folder, '.exit.json.reserved');
  const fd = openSync(temporary, 'w', 0o600);
  writeSync(fd, Buffer.alloc(exitRecordBytes, 0x20));
  return (record) => {
    const text = Buffer.from(JSON.stringify(record));
    writeSync(fd, text, 0, text.length, 0);
    ftruncateSync(fd, text.length);
    fsyncSync(fd);
    closeSync(fd);
    renameSync(temporary, join(folder, runFiles.exit));
    flushFolder(folder);
  };
}

export function flushFolder(folder: string): void {
  const fd = openSync(folder, 'r');
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
