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
import { findFolderIdentity } from '../core/folder-identity.ts';
import { describe, type LogFunction } from '../core/log.ts';
import { createLogRetention } from './log-retention.ts';

const minuteMs = 60_000;

type LastWords = { readonly lastWords: (run: Run) => string | null };
type Logs = { readonly out: StoredLog; readonly err: StoredLog; readonly lastWords?: string | null };

export class LogArchiver {
  readonly #core: Core;
  readonly #words: LastWords;
  readonly #log: LogFunction;
  readonly #compressAfterMs: number;
  readonly #lookMs: number;
  readonly #closing = new AbortController();
  readonly #retainer: ReturnType<typeof createLogRetention>;
  #timer: NodeJS.Timeout | null = null;
  #retainedAt: number | null = null;

  /** `words.lastWords` returns the last output of an agent without a stream; null for all others. */
  constructor(core: Core, words: LastWords) {
    this.#core = core;
    this.#words = words;
    this.#log = core.logOf('log-archiver');
    this.#compressAfterMs = core.config.logs.compress_after_min * minuteMs;
    this.#lookMs = Math.min(Math.max(this.#compressAfterMs, limits.tickMs), limits.archiveLookMs);
    this.#retainer = createLogRetention({
      store: core.store,
      supervisor: core.supervisor,
      config: core.config.logs,
      runsFolder: core.home.runs,
      now: core.now,
      log: this.#log,
      isClosing: () => this.#closing.signal.aborted,
    });
  }

  /** Starts the periodic passes. */
  start(): void {
    this.#retainer.finish();
    this.#arm();
  }

  /** Ends the passes, also one that is under way. */
  close(): void {
    this.#closing.abort();
    if (this.#timer) clearTimeout(this.#timer);
  }

  #arm(): void {
    if (this.#closing.signal.aborted) return;
    this.#timer = setTimeout(() => void this.#look(), this.#lookMs);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    const { now } = this.#core;
    try {
      const archived = await this.#archiveDue();
      // Logs also expire by time alone, which needs no frequent check.
      if (archived > 0 || this.#retainedAt === null || now() - this.#retainedAt >= limits.retainLookMs) {
        await this.#retainer.retain();
        this.#retainedAt = now();
      }
    } catch (error) {
      if (!this.#closing.signal.aborted) this.#log('error', 'log archive pass failed', { error: describe(error) });
    }
    this.#arm();
  }

  async #archiveDue(): Promise<number> {
    const { store, now } = this.#core;
    let archived = 0;
    for (let after = 0; !this.#closing.signal.aborted; ) {
      const page = store.archives.unarchived(after, limits.archiveRuns);
      const due = page.filter(({ state }) => isEnded(state) && state.endedAt + this.#compressAfterMs <= now());
      // Runs end roughly in the order of their numbers. If no run of a page is due, the following ones can wait.
      if (due.length === 0) break;
      for (const run of due) if (!this.#closing.signal.aborted && (await this.#tried(run))) archived += 1;
      after = page.at(-1)?.number ?? after;
    }
    return archived;
  }

  /** Archives the log of a run. If that fails (e.g. disk full), the log stays as it is until the next pass. */
  async #tried(run: Run): Promise<boolean> {
    try {
      await this.#archive(run);
      return true;
    } catch (error) {
      if (!this.#closing.signal.aborted)
        this.#log('warn', 'logs of a run could not be compressed', { run: run.number, error: describe(error) });
      return false;
    }
  }

  async #archive(run: Run): Promise<void> {
    if (!isEnded(run.state)) return;
    const folder = this.#openFolder(run);
    try {
      await this.#archiveIn(folder?.at ?? null, run, run.state.endedAt);
    } finally {
      folder?.close();
    }
  }

  /**
   * Opens the run folder. A folder that the run has replaced counts as gone: its contents are not read, written or
   * removed.
   */
  #openFolder(run: Run): RealFolder | null {
    const { store, home } = this.#core;
    try {
      return openRunFolder(join(home.runs, run.id), findFolderIdentity(store, run));
    } catch (error) {
      if (!(error instanceof ReplacedFolderError)) throw error;
      this.#log('warn', 'run folder was replaced', { run: run.number, error: error.message });
      return null;
    }
  }

  async #archiveIn(folder: string | null, run: Run, endedAt: number): Promise<void> {
    const { store } = this.#core;
    const { number } = run;
    if (folder === null) return this.#record(run, endedAt, { out: noLog, err: noLog });
    const [outPath, errPath] = [logPath(folder, 'stdout'), logPath(folder, 'stderr')];
    const out = await compressLog(outPath, limits.compressBytesMin, this.#closing.signal);
    const err = await compressLog(errPath, limits.compressBytesMin, this.#closing.signal);
    // The run was removed in the meantime: nothing is recorded, and no log may remain.
    if (store.runs.byNumber(number) === null) return removeLogs(folder);
    const lastWords = this.#words.lastWords(run);
    failpoint('archive.before-removal');
    if (out.form === 'gzip') keepCompressed(outPath);
    if (err.form === 'gzip') keepCompressed(errPath);
    failpoint('archive.after-removal');
    this.#record(run, endedAt, { out, err, lastWords });
  }

  #record({ number }: Run, endedAt: number, { out, err, lastWords = null }: Logs): void {
    const { store } = this.#core;
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
}

function newest(...times: readonly (number | null)[]): number | null {
  const known = times.filter((time) => time !== null);
  return known.length === 0 ? null : Math.max(...known);
}
