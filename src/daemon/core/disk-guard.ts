/**
 * Guards against a full disk. While the disk is full, no run is admitted or started. What happens to live runs is
 * still recorded, out of the reserve (store/reserve.ts). When space is free again, the reserve is rebuilt and work
 * resumes.
 */
import { statfsSync } from 'node:fs';
import { ClipError } from '#run/errors.ts';
import { limits } from '#run/limits.ts';
import { isCorrupt, isDiskFull, noRoomError } from '#store/database-errors.ts';
import type { Reserve } from '#store/reserve.ts';
import { describe, type LogFunction } from './log.ts';

type Deps = {
  readonly folder: string;
  readonly log: LogFunction;
  /** Called when a full disk has space again. */
  readonly freed: () => void;
};

export class DiskGuard {
  readonly #deps: Deps;
  #full: ClipError | null = null;
  #damaged: ClipError | null = null;
  #timer: NodeJS.Timeout | null = null;
  /** The reserve of the database, from the first check on. */
  #reserve: Reserve | null = null;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Reports a write error. Only disk-full and corruption errors change the state. */
  note(error: unknown): void {
    if (isDiskFull(error)) this.#enter(error);
    if (isCorrupt(error)) {
      this.#damaged ??= new ClipError(
        'database_damaged',
        'The database is damaged.',
        'The runs live on. clip daemon stop, then clip doctor --fix',
        error,
      );
    }
  }

  /** Called before every change, because a large change must not use up the last of the reserve. */
  prepare(): void {
    if (this.#reserve === null || this.#full !== null || !this.#reserve.isLow()) return;
    try {
      this.#makeReserve(this.#reserve);
    } catch (error) {
      this.note(error);
    }
  }

  /** Starts the checks. The first one is delayed, so the first request does not wait for it. */
  watch(ofStore: Reserve): void {
    if (measureSpace(this.#deps.folder).bytes < limits.freeBytesMin) this.#enter('at the start');
    this.#timer = setTimeout(() => {
      this.#reserve = ofStore;
      this.#look(this.#reserve);
    }, limits.diskLookMs);
    this.#timer.unref();
  }

  /** Ends the checks. */
  close(): void {
    if (this.#timer) clearTimeout(this.#timer);
  }

  /** Returns whether the disk is full. */
  isFull(): boolean {
    return this.#full !== null;
  }

  /** Throws while the disk is full. */
  refuseIfFull(): void {
    if (this.#full !== null) throw this.#full;
  }

  /** Returns what is wrong with the disk or the database, or null. */
  trouble(): { code: string; message: string; hint: string | null } | null {
    const it = this.#damaged ?? this.#full;
    return it === null ? null : { code: it.code, message: it.message, hint: it.hint };
  }

  #enter(cause: unknown): void {
    if (this.#full !== null) return;
    this.#full = noRoomError(cause);
    this.#deps.log('warn', 'disk full; no new runs are started', { cause: describe(cause) });
  }

  /** Requires extra free space: a half-written reserve would use up the space that it is meant to keep. */
  #makeReserve(reserve: Reserve): void {
    const { bytes } = measureSpace(this.#deps.folder);
    if (bytes < limits.freeBytesAgain) this.#enter(`free: ${bytes} bytes, too few for the reserve`);
    else reserve.make();
  }

  #look(reserve: Reserve): void {
    let delayMs = limits.diskLookMs;
    try {
      const space = measureSpace(this.#deps.folder);
      delayMs = untilFullMs(space);
      if (space.bytes < limits.freeBytesMin || space.files < limits.freeFilesMin)
        this.#enter(`free: ${space.bytes} bytes, ${space.files} files`);
      else if (this.#full === null ? !reserve.isThere() : space.bytes >= limits.freeBytesAgain) this.#leave(reserve);
    } catch (error) {
      if (this.#full === null || !isDiskFull(error))
        this.#deps.log('warn', 'disk reserve could not be created', { error: describe(error) });
      this.note(error);
    }
    this.#timer = setTimeout(() => this.#look(reserve), delayMs);
    this.#timer.unref();
  }

  #leave(reserve: Reserve): void {
    const wasFull = this.#full !== null;
    this.#makeReserve(reserve);
    if (!wasFull) return;
    this.#full = null;
    this.#deps.log('info', 'disk space is free again');
    this.#deps.freed();
  }
}

type Space = { readonly bytes: number; readonly files: number };

/** Returns the delay until the next check, in ms: the disk cannot be full before, and the check is at most 10 s away. */
function untilFullMs({ bytes, files }: Space): number {
  const untilWritten = (bytes - limits.freeBytesMin) / limits.writtenBytesPerMsMax;
  const untilCreated = (files - limits.freeFilesMin) / limits.createdFilesPerMsMax;
  return Math.min(Math.max(Math.min(untilWritten, untilCreated), limits.diskLookMs), limits.emptyDiskLookMs);
}

/** Returns the free space of the file system. Some file systems report no number of files: then it is unlimited. */
function measureSpace(folder: string): Space {
  const { bavail, bsize, files, ffree } = statfsSync(folder);
  return { bytes: bavail * bsize, files: files > 0 ? ffree : Number.POSITIVE_INFINITY };
}

/** Runs a write that is useful but optional. A full disk is logged, not thrown. */
export function ignoreDiskFull(
  { diskGuard, log }: { diskGuard: Pick<DiskGuard, 'note'>; log: LogFunction },
  what: string,
  write: () => void,
): void {
  try {
    write();
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    log('warn', 'disk full; record not written', { what, error: describe(error) });
    diskGuard.note(error);
  }
}
