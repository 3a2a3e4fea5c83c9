/**
 * Guards against a full disk. While the disk is full, no run is admitted or started. What happens to live runs is
 * still recorded, out of the reserve (store/reserve.ts). When space is free again, the reserve is rebuilt and work
 * resumes.
 */
import { statfsSync } from 'node:fs';
import { ClipError } from '#run/errors.ts';
import { limits } from '#run/limits.ts';
import { isCorrupt, isDiskFull, noRoomError } from '#store/errors.ts';
import type { Reserve } from '#store/reserve.ts';
import { describe, type LogFunction } from './log.ts';

export type DiskGuard = ReturnType<typeof createDiskGuard>;

export function createDiskGuard(deps: {
  folder: string;
  log: LogFunction;
  /** Called when a full disk has space again. */
  freed: () => void;
}) {
  const { log } = deps;
  let full: ClipError | null = null;
  let damaged: ClipError | null = null;
  let timer: NodeJS.Timeout | null = null;
  /** The reserve of the database, from the first check on. */
  let reserve: Reserve | null = null;

  /** Reports a write error. Only disk-full and corruption errors change the state. */
  function note(error: unknown): void {
    if (isDiskFull(error)) enter(error);
    if (isCorrupt(error)) {
      damaged ??= new ClipError(
        'database_damaged',
        'The database is damaged.',
        'The runs live on. clip daemon stop, then clip doctor --fix',
        error,
      );
    }
  }

  function enter(cause: unknown): void {
    if (full !== null) return;
    full = noRoomError(cause);
    log('warn', 'disk full; no new runs are started', { cause: describe(cause) });
  }

  /** Called before every change, because a large change must not use up the last of the reserve. */
  function prepare(): void {
    if (reserve === null || full !== null || !reserve.isLow()) return;
    try {
      makeReserve(reserve);
    } catch (error) {
      note(error);
    }
  }

  /** Requires extra free space: a half-written reserve would use up the space that it is meant to keep. */
  function makeReserve(reserve: Reserve): void {
    const { bytes } = measureSpace(deps.folder);
    if (bytes < limits.freeBytesAgain) enter(`free: ${bytes} bytes, too few for the reserve`);
    else reserve.make();
  }

  function look(reserve: Reserve): void {
    try {
      const space = measureSpace(deps.folder);
      if (space.bytes < limits.freeBytesMin || space.files < limits.freeFilesMin)
        enter(`free: ${space.bytes} bytes, ${space.files} files`);
      else if (full === null ? !reserve.isThere() : space.bytes >= limits.freeBytesAgain) leave(reserve);
    } catch (error) {
      if (full === null || !isDiskFull(error))
        log('warn', 'disk reserve could not be created', { error: describe(error) });
      note(error);
    }
    timer = setTimeout(() => look(reserve), limits.roomLookMs);
    timer.unref();
  }

  function leave(reserve: Reserve): void {
    const wasFull = full !== null;
    makeReserve(reserve);
    if (!wasFull) return;
    full = null;
    log('info', 'disk space is free again');
    deps.freed();
  }

  return {
    note,
    prepare,
    /** Starts the checks. The first one is delayed, so the first request does not wait for it. */
    watch(ofStore: Reserve): void {
      if (measureSpace(deps.folder).bytes < limits.freeBytesMin) enter('at the start');
      timer = setTimeout(() => {
        reserve = ofStore;
        look(reserve);
      }, limits.roomLookMs);
      timer.unref();
    },
    close: () => timer && clearTimeout(timer),
    isFull: (): boolean => full !== null,
    /** Throws while the disk is full. */
    refuseIfFull(): void {
      if (full !== null) throw full;
    },
    trouble: (): { code: string; message: string; hint: string | null } | null => {
      const it = damaged ?? full;
      return it === null ? null : { code: it.code, message: it.message, hint: it.hint };
    },
  };
}

/** Returns the free space of the file system. Some file systems report no number of files: then it is unlimited. */
function measureSpace(folder: string): { bytes: number; files: number } {
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
