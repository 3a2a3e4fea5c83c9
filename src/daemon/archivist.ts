/**
 * What becomes of the logs of ended runs: compressed after a while, and removed when they are too old or too many.
 *
 * A log is compressed beside itself, then taken away, then recorded: killed anywhere, it is there in one form or the
 * other, and whoever comes next finishes. Removed logs are recorded as removed first (retainer.ts): nobody is shown half
 * of them, and what is left of their files goes at the next start.
 */
import { join } from 'node:path';
import type { Config } from '../config/settings.ts';
import { crashPoint } from '../launch/crash-point.ts';
import { compressLog, keepCompressed, logPath, removeLogs } from '../process/log-files.ts';
import { limits } from '../run/limits.ts';
import { isEnded, type Run } from '../run/run.ts';
import type { Store } from '../store/store.ts';
import { describe, type Log } from './log.ts';
import { createRetainer } from './retainer.ts';
import type { Supervisor } from './supervisor.ts';

const minuteMs = 60_000;

export function createArchivist(world: {
  store: Store;
  supervisor: Supervisor;
  config: Config['logs'];
  runsFolder: string;
  /** The end of what an agent without a stream has said; null for all others. */
  lastWords: (run: Run) => string | null;
  now: () => number;
  log: Log;
}) {
  const { store, config, now } = world;
  const compressAfterMs = config.compress_after_min * minuteMs;
  const lookMs = Math.min(Math.max(compressAfterMs, limits.tickMs), limits.archiveLookMs);
  const closing = new AbortController();
  const retainer = createRetainer({ ...world, isClosing: () => closing.signal.aborted });
  let timer: NodeJS.Timeout | null = null;
  let retainedAt: number | null = null;

  function arm(): void {
    if (closing.signal.aborted) return;
    timer = setTimeout(() => void look(), lookMs);
    timer.unref();
  }

  async function look(): Promise<void> {
    try {
      const archived = await archiveDue();
      // Time alone makes logs too old, but not in a hurry.
      if (archived > 0 || retainedAt === null || now() - retainedAt >= limits.retainLookMs) {
        await retainer.retain();
        retainedAt = now();
      }
    } catch (error) {
      if (!closing.signal.aborted) world.log('error', 'logs of ended runs could not be looked after', { error: describe(error) });
    }
    arm();
  }

  async function archiveDue(): Promise<number> {
    let archived = 0;
    for (let after = 0; !closing.signal.aborted; ) {
      const page = store.archives.unarchived(after, limits.archiveRuns);
      const due = page.filter(({ state }) => isEnded(state) && state.endedAt + compressAfterMs <= now());
      // Ends come about in the order of numbers: what follows a page of young ones is young, or its turn comes with theirs.
      if (due.length === 0) break;
      for (const run of due) if (!closing.signal.aborted && (await tried(run))) archived += 1;
      after = page.at(-1)?.number ?? after;
    }
    return archived;
  }

  /** One that cannot be archived, for want of space say, keeps its log as it is until the next look. */
  async function tried(run: Run): Promise<boolean> {
    try {
      await archive(run);
      return true;
    } catch (error) {
      if (!closing.signal.aborted) world.log('warn', 'the logs of a run could not be compressed', { run: run.number, error: describe(error) });
      return false;
    }
  }

  async function archive(run: Run): Promise<void> {
    const { number, state } = run;
    if (!isEnded(state)) return;
    const folder = join(world.runsFolder, run.id);
    const [outPath, errPath] = [logPath(folder, 'stdout'), logPath(folder, 'stderr')];
    const out = await compressLog(outPath, limits.compressBytesMin, closing.signal);
    const err = await compressLog(errPath, limits.compressBytesMin, closing.signal);
    // Removed by somebody meanwhile: then there is nothing to record, and nothing may stay.
    if (store.runs.byNumber(number) === null) return removeLogs(folder);
    const lastWords = world.lastWords(run);
    crashPoint('archive.before-removal');
    if (out.form === 'gzip') keepCompressed(outPath);
    if (err.form === 'gzip') keepCompressed(errPath);
    crashPoint('archive.after-removal');
    store.transaction(() =>
      store.archives.put({
        ...{ run: number, endedAt: state.endedAt, lastWords, removedAt: null },
        ...{ stdoutBytes: out.bytes, stdoutForm: out.form, stderrBytes: err.bytes, stderrForm: err.form },
        ...{ lastOutputAt: newest(out.lastOutputAt, err.lastOutputAt), storedBytes: out.stored + err.stored },
      }),
    );
  }

  return {
    /** Begins to look after them, now and then. */
    start(): void {
      retainer.finish();
      arm();
    },
    close(): void {
      closing.abort();
      if (timer) clearTimeout(timer);
    },
  };
}

function newest(...times: readonly (number | null)[]): number | null {
  const known = times.filter((time) => time !== null);
  return known.length === 0 ? null : Math.max(...known);
}
