/** The end of a run's logs, read from their files: what is new is read when somebody looks, and no more is kept than can be read back. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { createMask, createReportMask, type Mask, secretsOf } from '../mask.ts';
import { clean } from '../words.ts';

const endBytes = 256 * 1024;
const linesKept = 2_000;
/** A line without an end is shown up to here. */
const lineLength = 4_000;

export type LogEnd = {
  /** The lines as they are now, those of both streams in the order in which they were seen; the same array as long as nothing has come. */
  readonly lines: () => readonly string[];
  readonly close: () => void;
};

/** A log that is not there (yet) has no lines. */
export function openLogEnd(paths: readonly (string | null)[], env: NodeJS.ProcessEnv): LogEnd {
  const files = paths.filter((path) => path !== null).map((path) => createEnd(path, env));
  let lines: readonly string[] = [];
  return {
    lines() {
      const fresh = files.flatMap((file) => file.fresh());
      if (fresh.length > 0) lines = [...lines, ...fresh].slice(-linesKept);
      return lines;
    },
    close() {
      for (const file of files) file.close();
    },
  };
}

/** One file, read from `endBytes` before its end. A line that is not finished is held back until it is, or until it is too long. */
function createEnd(path: string, env: NodeJS.ProcessEnv) {
  const masks = masksOf(env);
  const buffer = Buffer.allocUnsafe(endBytes);
  let file: number | null = null;
  let offset = 0;
  let held: Buffer = Buffer.alloc(0);

  function begin(): number | null {
    const opened = openLog(path);
    if (opened === null) return null;
    offset = Math.max(0, fstatSync(opened).size - endBytes);
    return opened;
  }

  return {
    fresh(): string[] {
      file ??= begin();
      if (file === null) return [];
      const { size } = fstatSync(file);
      // What was written between two looks is more than anybody can read back.
      if (size - offset > endBytes) offset = size - endBytes;
      const read = readSync(file, buffer, 0, buffer.length, offset);
      if (read === 0) return [];
      offset += read;
      const shown = masks.reduce<Buffer>((chunk, mask) => mask.pass(chunk), Buffer.from(buffer.subarray(0, read)));
      const bytes = Buffer.concat([held, shown]);
      const end = bytes.length > endBytes ? bytes.length : bytes.lastIndexOf(10) + 1;
      held = Buffer.from(bytes.subarray(end));
      return linesIn(bytes.subarray(0, end));
    },
    close() {
      if (file !== null) closeSync(file);
      file = null;
    },
  };
}

function linesIn(bytes: Buffer): string[] {
  if (bytes.length === 0) return [];
  return bytes
    .toString('utf8')
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => clean(line.slice(0, lineLength)));
}

function masksOf(env: NodeJS.ProcessEnv): Mask[] {
  return [createReportMask(), createMask(secretsOf(env))].filter((mask) => mask !== null);
}

const lastBytes = 4 * 1024;

/** The last line that says anything; null when there is none. */
export function lastLineOf(path: string, env: NodeJS.ProcessEnv): string | null {
  const file = openLog(path);
  if (file === null) return null;
  try {
    const { size } = fstatSync(file);
    const buffer = Buffer.allocUnsafe(lastBytes);
    const read = readSync(file, buffer, 0, lastBytes, Math.max(0, size - lastBytes));
    const shown = masksOf(env).reduce<Buffer>((chunk, mask) => Buffer.concat([mask.pass(chunk), mask.rest()]), buffer.subarray(0, read));
    return (
      linesIn(shown)
        .findLast((line) => line.trim() !== '')
        ?.trim() ?? null
    );
  } finally {
    closeSync(file);
  }
}

/** Whoever opens a named pipe waits for its writer; what is there instead of a log is taken for none. */
function openLog(path: string): number | null {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    if (fstatSync(file).isFile()) return file;
    closeSync(file);
    return null;
  } catch {
    return null;
  }
}
