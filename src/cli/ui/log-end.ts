/** The end of a run's logs as text, read from their files: what is new is read when somebody looks, and no more is kept than can be read back. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import type { RunView } from '../../protocol/answers.ts';
import { readCompressed } from '../compressed-log.ts';
import { hidingOf } from '../mask.ts';
import { createRenderer, lastReadable, type Reader, type Renderer } from '../rendered/renderer.ts';
import type { Look } from '../words.ts';

const endBytes = 1024 * 1024;
const linesKept = 2_000;
/** A line without an end is shown up to here. */
const lineLength = 4_000;

export type LogEnd = {
  /** The lines as they are now, those of both streams in the order in which they were seen; the same array as long as nothing has come. */
  readonly lines: () => readonly string[];
  readonly close: () => void;
};

type Given = { readonly reader: Reader; readonly look: Look; readonly env: NodeJS.ProcessEnv };

/** A log that is not there (yet) has no lines. */
export function openLogEnd(run: RunView, given: Given): LogEnd {
  const files = [createEnd(run, 'stdout', given), createEnd(run, 'stderr', given)].filter((file) => file !== null);
  let lines: readonly string[] = [];
  return {
    lines() {
      const fresh = files.flatMap((file) => file.fresh());
      if (fresh.length > 0) lines = [...lines, ...fresh.map((line) => line.slice(0, lineLength))].slice(-linesKept);
      return lines;
    },
    close() {
      for (const file of files) file.close();
    },
  };
}

/** One file, from the first line that begins within `endBytes` of its end. */
function createEnd(run: RunView, stream: 'stdout' | 'stderr', { reader, look, env }: Given) {
  const path = stream === 'stdout' ? run.stdoutPath : run.stderrPath;
  if (path === null) return null;
  const hint = `clip logs ${run.number} --raw`;
  const renderer = createRenderer({ reader, stream, look: { ...look, width: null }, cwd: run.cwd, hint, hide: hidingOf(env) });
  if (path.endsWith('.gz')) return createKept(path, renderer);
  const buffer = Buffer.allocUnsafe(endBytes);
  let file: number | null = null;
  let offset = 0;
  /** Where it begins, or goes on after a gap, is the middle of a line. */
  let torn = false;

  function skipTo(begin: number): void {
    offset = Math.max(0, begin);
    torn = offset > 0;
  }

  const open = (): number | null => {
    const opened = openLog(path);
    if (opened !== null) skipTo(fstatSync(opened).size - endBytes);
    return opened;
  };

  return {
    fresh(): string[] {
      file ??= open();
      if (file === null) return [];
      const { size } = fstatSync(file);
      // What was written between two looks is more than anybody can read back.
      if (size - offset > endBytes) skipTo(size - endBytes);
      const read = readSync(file, buffer, 0, buffer.length, offset);
      if (read === 0) return [];
      offset += read;
      const begin = torn ? buffer.subarray(0, read).indexOf(10) + 1 : 0;
      torn = torn && begin === 0;
      return torn ? [] : [...renderer.push(Buffer.from(buffer.subarray(begin, read))), ...renderer.pause()];
    },
    close() {
      if (file !== null) closeSync(file);
      file = null;
    },
  };
}

/** A log that has been compressed is read through once, in the background. */
function createKept(path: string, renderer: Renderer) {
  let read: string[] = [];
  const gather = async () => {
    for await (const chunk of readCompressed(path, linesKept)) read.push(...renderer.push(chunk));
    read.push(...renderer.rest());
  };
  gather().catch(() => {
    read.push(`The log ${path} cannot be read.`);
  });
  return {
    fresh(): string[] {
      const fresh = read;
      read = [];
      return fresh;
    },
    close() {},
  };
}

const lastBytes = 16 * 1024;

/** The last line that says anything; null when there is none. */
export function lastLineOf(path: string, reader: Reader, env: NodeJS.ProcessEnv): string | null {
  const file = openLog(path);
  if (file === null) return null;
  try {
    const { size } = fstatSync(file);
    const buffer = Buffer.allocUnsafe(lastBytes);
    const read = readSync(file, buffer, 0, lastBytes, Math.max(0, size - lastBytes));
    return lastReadable(reader, buffer.subarray(0, read), { whole: size <= lastBytes, hide: hidingOf(env) });
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
