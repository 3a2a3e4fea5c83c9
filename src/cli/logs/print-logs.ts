/** Prints a run's output. The logs are read from their files and never pass through the daemon. */
import { fstatSync, readSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunFile } from '#process/run-file.ts';
import type { RunView } from '#protocol/answers.ts';
import type { Client } from '../client/client.ts';
import { allReached } from '../client/wait-for-runs.ts';
import type { Context } from '../context.ts';
import { type GrowingFile, openGrowingFile } from './growing-file.ts';
import { readCompressed } from './gunzip.ts';
import type { Rendering } from './log-format.ts';
import { bytesSink, renderedSink, type Sink } from './sinks.ts';

export type OutputOptions = {
  readonly stream: 'stdout' | 'stderr' | 'both';
  /** Whether bytes are printed unchanged: nothing cleaned, nothing masked. */
  readonly raw: boolean;
  /** The number of lines from the end. Null for all. */
  readonly last: number | null;
  /** How agents' streams are rendered as text. Null to print them unchanged. */
  readonly rendering: Rendering | null;
};

const lookMs = 80;
const chunkBytes = 256 * 1024;
/** The first piece of a log is small, so that the first screen is there at once. The next ones are twice as long each. */
const firstBytes = 8 * 1024;

/** Prints the current output. */
export async function printOutput(context: Context, run: RunView, options: OutputOptions): Promise<void> {
  for (const log of selectLogs(context, run, options)) {
    log.drain();
    await log.finish(run);
  }
}

/** Prints the output until the run has ended, and returns the ended run. */
export async function followOutput(
  context: Context,
  client: Client,
  run: RunView,
  options: OutputOptions,
): Promise<RunView> {
  const logs = selectLogs(context, run, options);
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
    // Checked before reading, so that everything written before the end is still read.
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
    await sleep(lookMs);
  }
}

/** A log that is being printed. `pause`: no more output for now. `finish` gets the run as it is known by then. */
type PrintedLog = {
  readonly drain: () => void;
  readonly pause: () => void;
  readonly finish: (run: RunView) => Promise<void>;
};

function selectLogs(context: Context, run: RunView, options: OutputOptions): PrintedLog[] {
  const logs: PrintedLog[] = [];
  if (options.stream !== 'stderr')
    logs.push(createLog(context, run.stdoutPath, createSink(context, run, { stream: 'stdout', fd: 1, options })));
  // With --merge-output there is only one log, that of stdout.
  if (options.stream !== 'stdout' && run.stderrPath !== null)
    logs.push(
      createLog(
        context,
        run.stderrPath,
        createSink(context, run, { stream: 'stderr', fd: options.stream === 'stderr' ? 1 : 2, options }),
      ),
    );
  return logs;
}

type LogRequest = { readonly stream: 'stdout' | 'stderr'; readonly fd: 1 | 2; readonly options: OutputOptions };

/** Creates the sink of a log. Rendered lines are counted by the sink, and raw lines while the log is read. */
function createSink(
  context: Context,
  run: RunView,
  { stream, fd, options: { raw, last, rendering } }: LogRequest,
): { sink: Sink; last: number | null } {
  if (rendering !== null) return { sink: renderedSink(fd, rendering(context, run, stream), last), last: null };
  return { sink: bytesSink(fd, { raw, env: context.env }), last };
}

function createLog(context: Context, place: string, { sink, last }: { sink: Sink; last: number | null }): PrintedLog {
  // The log may have been compressed meanwhile, or may be soon.
  const path = place.replace(/\.gz$/, '');
  const buffer = Buffer.allocUnsafe(chunkBytes);
  let log: GrowingFile | null = null;
  let bytes = firstBytes;
  const next = (from: NonNullable<GrowingFile>): number => from.read(buffer.subarray(0, bytes));
  const open = (): GrowingFile | null => {
    const opened = openGrowingFile(path);
    if (opened !== null && last !== null) opened.seek(startOfLastLines(opened.file, last, buffer));
    return opened;
  };
  return {
    drain() {
      log ??= open();
      if (log === null) return;
      if (log.restartIfRewritten()) context.notice(`The log ${path} was truncated; it goes on from its new beginning.`);
      for (let read = next(log); read > 0; read = next(log)) {
        sink.pass(buffer.subarray(0, read));
        bytes = Math.min(2 * bytes, chunkBytes);
      }
    },
    pause: sink.pause,
    async finish(run) {
      if (log === null && isRunFile(`${path}.gz`))
        for await (const chunk of readCompressed(`${path}.gz`, last)) sink.pass(chunk);
      else if (log === null && run.startedAt !== null) context.notice(goneSentence(run, path));
      sink.rest();
      log?.close();
    },
  };
}

/** Yields the bytes of a log as it is stored now, or nothing when it is gone. */
export async function* readLogBytes(place: string): AsyncGenerator<Buffer> {
  const path = place.replace(/\.gz$/, '');
  const log = openGrowingFile(path);
  if (log === null) {
    if (isRunFile(`${path}.gz`)) yield* readCompressed(`${path}.gz`, null);
    return;
  }
  try {
    const buffer = Buffer.allocUnsafe(chunkBytes);
    for (let read = log.read(buffer); read > 0; read = log.read(buffer)) yield buffer.subarray(0, read);
  } finally {
    log.close();
  }
}

function goneSentence({ number, logsRemovedAt }: RunView, path: string): string {
  if (logsRemovedAt === null) return `The log ${path} of run ${number} is gone.`;
  const day = logsRemovedAt.slice(0, 10);
  return `The logs of run ${number} were removed on ${day}, being too old or too many (config.toml, [logs]).`;
}

/**
 * Returns the offset of the last `count` lines. The file is read backwards, so a huge log costs no more than what is
 * shown.
 */
function startOfLastLines(file: number, count: number, buffer: Buffer): number {
  const { size } = fstatSync(file);
  let found = 0;
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - buffer.length);
    const read = readSync(file, buffer, 0, end - start, start);
    for (let at = read - 1; at >= 0; at -= 1) {
      // A line break at the very end closes the last line and begins no other.
      if (buffer[at] !== 10 || start + at === size - 1) continue;
      found += 1;
      if (found === count) return start + at + 1;
    }
    end = start;
  }
  return count === 0 ? size : 0;
}
