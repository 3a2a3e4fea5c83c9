/**
 * The end of a run's logs as text, read from their files. New bytes are read only when the end is shown, and only the
 * lines that can be scrolled to are kept.
 */
import { closeSync, fstatSync, readSync } from 'node:fs';
import { openRunFile } from '#process/run-file.ts';
import type { RunView } from '#protocol/answers.ts';
import { cutText } from '#run/cut-text.ts';
import { type GrowingFile, openGrowingFile } from '../logs/growing-file.ts';
import { readCompressed } from '../logs/gunzip.ts';
import { createRenderer, lastReadable, type Reader, type Renderer } from '../logs/transcript/renderer.ts';
import { createRedactor } from '../terminal/mask-secrets.ts';
import type { TextStyle } from '../terminal/style.ts';

const endBytes = 1024 * 1024;
const linesKept = 2_000;
/** The length at which a line is cut. */
const lineLength = 4_000;

export type LogEnd = {
  /**
   * Returns the current lines of both streams in the order in which they were read. The array stays the same as long as
   * nothing was added.
   */
  readonly lines: () => readonly string[];
  readonly close: () => void;
};

type LogTailDeps = { readonly reader: Reader; readonly look: TextStyle; readonly env: NodeJS.ProcessEnv };

/** Opens the end of a run's logs. A missing log has no lines. */
export function openLogEnd(run: RunView, given: LogTailDeps): LogEnd {
  const files = [createEnd(run, 'stdout', given), createEnd(run, 'stderr', given)].filter((file) => file !== null);
  let lines: readonly string[] = [];
  return {
    lines() {
      const fresh = files.flatMap((file) => file.fresh());
      if (fresh.length > 0) lines = [...lines, ...fresh.map((line) => cutText(line, lineLength))].slice(-linesKept);
      return lines;
    },
    close() {
      for (const file of files) file.close();
    },
  };
}

/** Reads one file, from the first line that begins within `endBytes` of its end. */
function createEnd(run: RunView, stream: 'stdout' | 'stderr', { reader, look, env }: LogTailDeps) {
  const path = stream === 'stdout' ? run.stdoutPath : run.stderrPath;
  if (path === null) return null;
  const hint = `clip logs ${run.number} --raw`;
  const renderer = createRenderer({
    reader,
    stream,
    look: { ...look, width: null },
    cwd: run.cwd,
    hint,
    hide: createRedactor(env),
  });
  if (path.endsWith('.gz')) return createKept(path, renderer);
  const buffer = Buffer.allocUnsafe(endBytes);
  let log: GrowingFile | null = null;
  /** Whether reading begins in the middle of a line, at the start or after a gap. */
  let torn = false;

  function skipTo(begin: number): void {
    log?.seek(Math.max(0, begin));
    torn = begin > 0;
  }

  function open(): void {
    log = openGrowingFile(path ?? '');
    if (log !== null) skipTo(log.size() - endBytes);
  }

  return {
    fresh(): string[] {
      if (log === null) open();
      if (log === null) return [];
      if (log.restartIfRewritten()) torn = false;
      // More was written between two reads than can be scrolled to, so the rest is skipped.
      if (log.size() - log.offset() > endBytes) skipTo(log.size() - endBytes);
      const read = log.read(buffer);
      if (read === 0) return [];
      const begin = torn ? buffer.subarray(0, read).indexOf(10) + 1 : 0;
      torn = torn && begin === 0;
      return torn ? [] : [...renderer.push(Buffer.from(buffer.subarray(begin, read))), ...renderer.pause()];
    },
    close() {
      log?.close();
      log = null;
    },
  };
}

/** Reads a compressed log once, in the background. */
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

/** Returns the last readable line of a log, or null. */
export function findLastLine(path: string, reader: Reader, env: NodeJS.ProcessEnv): string | null {
  const file = openRunFile(path);
  if (file === null) return null;
  try {
    const { size } = fstatSync(file);
    const buffer = Buffer.allocUnsafe(lastBytes);
    const read = readSync(file, buffer, 0, lastBytes, Math.max(0, size - lastBytes));
    return lastReadable(reader, buffer.subarray(0, read), { whole: size <= lastBytes, hide: createRedactor(env) });
  } finally {
    closeSync(file);
  }
}
