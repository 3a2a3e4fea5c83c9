/**
 * Compresses the logs of ended runs after a while, and removes logs that are too old or too many.
 *
 * A log is compressed next to the original, then the original is removed, then the result is recorded. After a crash
 * at any point the log exists in one of the two forms, and the next pass completes the work. Removed logs are
 * recorded as removed before their files are deleted (log-retention.ts), so no client sees half of a log. Remaining
 * files are deleted at the next start.
 */
import { join } from 'node:path';
import { failpoint } from '#launch/failpoints.ts';
import { compressLog, keepCompressed, logPath, noLog, removeLogs, type StoredLog } from '#process/log-files.ts';
import { openRunFolder, type RealFolder, ReplacedFolderError } from '#process/real-folder.ts';
import { limits } from '#run/limits.ts';
import { isEnded, type Run } from '#run/run.ts';
import type { Core } from '../core/core.ts';
import { describe } from '../core/log.ts';
import { findFolderIdentity } from '../runs/folder-identity.ts';
import { createLogRetention } from './log-retention.ts';

const minuteMs = 60_000;

/** `words.lastWords` returns the last output of an agent without a stream; null for all others. */
export function createLogArchiver(core: Core, words: { readonly lastWords: (run: Run) => string | null }) {
  const { store, supervisor, now } = core;
  const config = core.config.logs;
  const runsFolder = core.home.runs;
  const log = core.logOf('log-archiver');
  const compressAfterMs = config.compress_after_min * minuteMs;
  const lookMs = Math.min(Math.max(compressAfterMs, limits.tickMs), limits.archiveLookMs);
  const closing = new AbortController();
  const retainer = createLogRetention({
    store,
    supervisor,
    config,
    runsFolder,
    now,
    log,
    isClosing: () => closing.signal.aborted,
  });
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
      // Logs also expire by time alone, which needs no frequent check.
      if (archived > 0 || retainedAt === null || now() - retainedAt >= limits.retainLookMs) {
        await retainer.retain();
        retainedAt = now();
      }
    } catch (error) {
      if (!closing.signal.aborted) log('error', 'log archive pass failed', { error: describe(error) });
    }
    arm();
  }

  async function archiveDue(): Promise<number> {
    let archived = 0;
    for (let after = 0; !closing.signal.aborted; ) {
      const page = store.archives.unarchived(after, limits.archiveRuns);
      const due = page.filter(({ state }) => isEnded(state) && state.endedAt + compressAfterMs <= now());
      // Runs end roughly in the order of their numbers. If no run of a page is due, the following ones can wait.
      if (due.length === 0) break;
      for (const run of due) if (!closing.signal.aborted && (await tried(run))) archived += 1;
      after = page.at(-1)?.number ?? after;
    }
    return archived;
  }

  /** Archives the log of a run. If that fails (e.g. disk full), the log stays as it is until the next pass. */
  async function tried(run: Run): Promise<boolean> {
    try {
      await archive(run);
      return true;
    } catch (error) {
      if (!closing.signal.aborted)
        log('warn', 'logs of a run could not be compressed', { run: run.number, error: describe(error) });
      return false;
    }
  }

  async function archive(run: Run): Promise<void> {
    if (!isEnded(run.state)) return;
    const folder = openFolder(run);
    try {
      await archiveIn(folder?.at ?? null, run, run.state.endedAt);
    } finally {
      folder?.close();
    }
  }

  /** Opens the run folder. A folder that the run has replaced counts as gone: its contents are not read, written or removed. */
  function openFolder(run: Run): RealFolder | null {
    try {
      return openRunFolder(join(runsFolder, run.id), findFolderIdentity(store, run));
    } catch (error) {
      if (!(error instanceof ReplacedFolderError)) throw error;
      log('warn', 'run folder was replaced', { run: run.number, error: error.message });
      return null;
    }
  }

  async function archiveIn(folder: string | null, run: Run, endedAt: number): Promise<void> {
    const { number } = run;
    if (folder === null) return record(run, endedAt, { out: noLog, err: noLog });
    const [outPath, errPath] = [logPath(folder, 'stdout'), logPath(folder, 'stderr')];
    const out = await compressLog(outPath, limits.compressBytesMin, closing.signal);
    const err = await compressLog(errPath, limits.compressBytesMin, closing.signal);
    // The run was removed in the meantime: nothing is recorded, and no log may remain.
    if (store.runs.byNumber(number) === null) return removeLogs(folder);
    const lastWords = words.lastWords(run);
    failpoint('archive.before-removal');
    if (out.form === 'gzip') keepCompressed(outPath);
    if (err.form === 'gzip') keepCompressed(errPath);
    failpoint('archive.after-removal');
    record(run, endedAt, { out, err, lastWords });
  }

  type Logs = { readonly out: StoredLog; readonly err: StoredLog; readonly lastWords?: string | null };

  function record({ number }: Run, endedAt: number, { out, err, lastWords = null }: Logs): void {
    store.transaction((tx) =>
      store.archives.put(tx, {
        run: number,
        endedAt,
        lastWords,
        removedAt: null,
        stdoutBytes: out.bytes,
        stdoutForm: out.form,
        stderrBytes: err.bytes,
        stderrForm: err.form,
        lastOutputAt: newest(out.lastOutputAt, err.lastOutputAt),
        storedBytes: out.stored + err.stored,
      }),
    );
  }

  return {
    /** Starts the periodic passes. */
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
