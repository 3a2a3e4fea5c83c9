/** Showing a run's output. The logs are read from their files: not a byte of them passes through the daemon. */
import { closeSync, constants, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { isatty } from 'node:tty';
import { stripVTControlCharacters } from 'node:util';
import type { RunView } from '../protocol/answers.ts';
import { unseenInText } from '../run/unseen.ts';
import type { Client } from './client.ts';
import { readCompressed } from './compressed-log.ts';
import { type Context, writeText } from './context.ts';
import { createMask, createReportMask, secretsOf } from './mask.ts';
import { allReached } from './waiting.ts';

export type OutputOptions = {
  readonly stream: 'stdout' | 'stderr' | 'both';
  /** Bytes as they are: nothing cleaned, nothing masked. */
  readonly raw: boolean;
  /** Only so many lines from the end; null for all. */
  readonly last: number | null;
};

const lookMs = 80;
const chunkBytes = 256 * 1024;

/** What is there now. */
export async function printOutput(context: Context, run: RunView, options: OutputOptions): Promise<void> {
  for (const log of logsOf(context, run, options)) {
    log.drain();
    await log.finish(run);
  }
}

/** What is there and what comes, until the run has ended; gives the ended run. */
export async function followOutput(context: Context, client: Client, run: RunView, options: OutputOptions): Promise<RunView> {
  const logs = logsOf(context, run, options);
  let ended: RunView | null = null;
  let failed: unknown = null;
  allReached(client, [run.number], 'ended').then(
    ([last]) => {
      ended = last ?? run;
    },
    (error) => {
      failed = error;
    },
  );
  for (;;) {
    // Looked at before reading: whatever was written before the end is still read.
    const over = ended as RunView | null;
    for (const log of logs) log.drain();
    if (failed) throw failed;
    if (over !== null) {
      for (const log of logs) await log.finish(over);
      return over;
    }
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}

/** `finish` is told what is known of the run by then. */
type Log = { readonly drain: () => void; readonly finish: (run: RunView) => Promise<void> };

function logsOf(context: Context, run: RunView, options: OutputOptions): Log[] {
  const logs: Log[] = [];
  if (options.stream !== 'stderr') logs.push(createLog(context, run.stdoutPath, 1, options));
  // With --merge-output there is one log only, and it is stdout's.
  if (options.stream !== 'stdout' && run.stderrPath !== null) logs.push(createLog(context, run.stderrPath, options.stream === 'stderr' ? 1 : 2, options));
  return logs;
}

function createLog(context: Context, place: string, fd: 1 | 2, options: OutputOptions): Log {
  // It may be compressed by now, or be so in a moment.
  const path = place.replace(/\.gz$/, '');
  const terminal = isatty(fd);
  const masks = options.raw ? [] : [createReportMask(), createMask(secretsOf(context.env))].filter((mask) => mask !== null);
  const cleaner = terminal && !options.raw ? createCleaner() : null;
  const buffer = Buffer.allocUnsafe(chunkBytes);
  let file: number | null = null;
  let offset: number | null = null;

  const show = (bytes: Buffer) => {
    if (bytes.length > 0) writeText(fd, cleaner ? cleaner.clean(bytes) : bytes);
  };

  const pass = (bytes: Buffer) => show(masks.reduce<Buffer>((chunk, mask) => mask.pass(chunk), bytes));

  return {
    drain() {
      file ??= openIfThere(path);
      if (file === null) return;
      offset ??= options.last === null ? 0 : startOfLastLines(file, options.last, buffer);
      for (;;) {
        const read = readSync(file, buffer, 0, buffer.length, offset);
        if (read === 0) return;
        offset += read;
        pass(buffer.subarray(0, read));
      }
    },
    async finish(run) {
      if (file === null && existsSync(`${path}.gz`)) for await (const chunk of readCompressed(`${path}.gz`, options.last)) pass(chunk);
      else if (file === null && run.startedAt !== null) context.notice(goneSentence(run, path));
      // What one of them held back goes through those that follow.
      show(masks.reduce<Buffer>((last, mask) => Buffer.concat([mask.pass(last), mask.rest()]), Buffer.alloc(0)));
      if (cleaner) writeText(fd, cleaner.rest());
      if (file !== null) closeSync(file);
    },
  };
}

function goneSentence({ number, logsRemovedAt }: RunView, path: string): string {
  if (logsRemovedAt === null) return `The log ${path} of run ${number} is gone.`;
  return `The logs of run ${number} were removed on ${logsRemovedAt.slice(0, 10)}, being too old or too many (config.toml, [logs]).`;
}

function openIfThere(path: string): number | null {
  try {
    // Whoever opens a named pipe waits for its writer; what is there instead of the log is shown as one that is gone.
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    if (fstatSync(file).isFile()) return file;
    closeSync(file);
    return null;
  } catch (error) {
    if (['ENOENT', 'ELOOP', 'ENXIO'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
}

/** Where the last `count` lines begin, read backwards: a huge log costs no more than what is shown. */
function startOfLastLines(file: number, count: number, buffer: Buffer): number {
  const { size } = fstatSync(file);
  let found = 0;
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - buffer.length);
    const read = readSync(file, buffer, 0, end - start, start);
    for (let at = read - 1; at >= 0; at -= 1) {
      // The line break at the very end closes the last line, it does not begin another.
      if (buffer[at] !== 10 || start + at === size - 1) continue;
      found += 1;
      if (found === count) return start + at + 1;
    }
    end = start;
  }
  return count === 0 ? size : 0;
}

/** Takes control sequences out of a stream for a terminal; a sequence cut in two is held back until it is whole. */
function createCleaner() {
  const decoder = new StringDecoder('utf8');
  let held = '';
  const heldMax = 4_096;
  const strip = (text: string) => stripVTControlCharacters(text).replace(/\r\n/g, '\n').replace(unseenInText, '');
  return {
    clean(bytes: Buffer): string {
      const text = held + decoder.write(bytes);
      const begin = text.lastIndexOf('\u001b');
      const open = begin >= 0 && text.length - begin < heldMax && !text.slice(begin).includes('\n') ? begin : text.length;
      held = text.slice(open);
      return strip(text.slice(0, open));
    },
    rest: (): string => strip(held + decoder.end()),
  };
}
