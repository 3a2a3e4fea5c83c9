/** Showing a run's output. The logs are read from their files: not a byte of them passes through the daemon. */
import { closeSync, constants, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import type { RunView } from '../protocol/answers.ts';
import type { Client } from './client.ts';
import { readCompressed } from './compressed-log.ts';
import type { Context } from './context.ts';
import { bytesSink, renderedSink, type Sink } from './log-sinks.ts';
import type { Rendering } from './rendering.ts';
import { allReached } from './waiting.ts';

export type OutputOptions = {
  readonly stream: 'stdout' | 'stderr' | 'both';
  /** Bytes as they are: nothing cleaned, nothing masked. */
  readonly raw: boolean;
  /** Only so many lines from the end; null for all. */
  readonly last: number | null;
  /** Streams of agents as text; null for what was written. */
  readonly rendering: Rendering | null;
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
    for (const log of logs) {
      log.drain();
      log.pause();
    }
    if (failed) throw failed;
    if (over !== null) {
      for (const log of logs) await log.finish(over);
      return over;
    }
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}

/** `pause`: that is all for now. `finish` is told what is known of the run by then. */
type Log = { readonly drain: () => void; readonly pause: () => void; readonly finish: (run: RunView) => Promise<void> };

function logsOf(context: Context, run: RunView, options: OutputOptions): Log[] {
  const logs: Log[] = [];
  if (options.stream !== 'stderr') logs.push(createLog(context, run.stdoutPath, sinkOf(context, run, { stream: 'stdout', fd: 1, options })));
  // With --merge-output there is one log only, and it is stdout's.
  if (options.stream !== 'stdout' && run.stderrPath !== null)
    logs.push(createLog(context, run.stderrPath, sinkOf(context, run, { stream: 'stderr', fd: options.stream === 'stderr' ? 1 : 2, options })));
  return logs;
}

type Wanted = { readonly stream: 'stdout' | 'stderr'; readonly fd: 1 | 2; readonly options: OutputOptions };

/** Lines that are made from others are counted where they are made; the rest where the log is read. */
function sinkOf(context: Context, run: RunView, { stream, fd, options: { raw, last, rendering } }: Wanted): { sink: Sink; last: number | null } {
  if (rendering !== null) return { sink: renderedSink(fd, rendering(context, run, stream), last), last: null };
  return { sink: bytesSink(fd, { raw, env: context.env }), last };
}

function createLog(context: Context, place: string, { sink, last }: { sink: Sink; last: number | null }): Log {
  // It may be compressed by now, or be so in a moment.
  const path = place.replace(/\.gz$/, '');
  const buffer = Buffer.allocUnsafe(chunkBytes);
  let file: number | null = null;
  let offset: number | null = null;
  return {
    drain() {
      file ??= openIfThere(path);
      if (file === null) return;
      offset ??= last === null ? 0 : startOfLastLines(file, last, buffer);
      for (;;) {
        const read = readSync(file, buffer, 0, buffer.length, offset);
        if (read === 0) return;
        offset += read;
        sink.pass(buffer.subarray(0, read));
      }
    },
    pause: sink.pause,
    async finish(run) {
      if (file === null && existsSync(`${path}.gz`)) for await (const chunk of readCompressed(`${path}.gz`, last)) sink.pass(chunk);
      else if (file === null && run.startedAt !== null) context.notice(goneSentence(run, path));
      sink.rest();
      if (file !== null) closeSync(file);
    },
  };
}

/** The bytes of a log as it lies there now, piece by piece; nothing for one that is gone. */
export async function* bytesOf(place: string): AsyncGenerator<Buffer> {
  const path = place.replace(/\.gz$/, '');
  const file = openIfThere(path);
  if (file === null) {
    if (existsSync(`${path}.gz`)) yield* readCompressed(`${path}.gz`, null);
    return;
  }
  try {
    const buffer = Buffer.allocUnsafe(chunkBytes);
    for (let offset = 0; ; ) {
      const read = readSync(file, buffer, 0, buffer.length, offset);
      if (read === 0) return;
      offset += read;
      yield buffer.subarray(0, read);
    }
  } finally {
    closeSync(file);
  }
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
