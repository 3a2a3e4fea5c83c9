/** Translates errors of SQLite and the disk into clip's errors and exit codes. */
import { existsSync } from 'node:fs';
import { ClipError } from '#run/errors.ts';

/** What to do about a damaged database. */
export const repairHint =
  'It was left as it is; live runs go on. clip daemon stop, then clip doctor --fix: ' +
  'it makes a new one of what can be read and of the folders of the runs.';

/** Returns whether the error comes from SQLite. */
export function isOfDatabase(error: unknown): boolean {
  return String((error as { code?: unknown } | null)?.code).startsWith('SQLITE_');
}

/**
 * Returns whether something could not be written: the disk, a quota or a file size limit is full, or the disk is
 * broken.
 */
export function isDiskFull(error: unknown): boolean {
  const code = String((error as { code?: unknown } | null)?.code);
  return [
    'SQLITE_FULL',
    'SQLITE_IOERR_WRITE',
    'SQLITE_IOERR_FSYNC',
    'SQLITE_IOERR_SHMSIZE',
    'ENOSPC',
    'EDQUOT',
    'EFBIG',
    'disk_full',
  ].includes(code);
}

/** Returns the error for clients that request a run while the disk is full. */
export function noRoomError(error: unknown): ClipError {
  const code = String((error as { code?: unknown } | null)?.code);
  const isDisk = code.startsWith('SQLITE_IOERR') || code === 'EFBIG';
  const what = isDisk
    ? 'Nothing can be written to the disk of the home'
    : 'There is no space left on the disk of the home';
  const todo = isDisk ? 'Look at the disk, and at limits and quotas' : 'Free some space';
  return new ClipError(
    'disk_full',
    `${what}: no run is admitted or started.`,
    `${todo}; live runs go on, their ends are recorded, and the rest goes on by itself.`,
    error,
  );
}

/** Returns whether another program is writing to the database. */
export function isLocked(error: unknown): boolean {
  return String((error as { code?: unknown } | null)?.code).startsWith('SQLITE_BUSY');
}

/** Returns whether the data on disk is damaged. */
export function isCorrupt(error: unknown): boolean {
  const code = (error as { code?: string }).code ?? '';
  return code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB' || code === 'database_damaged';
}

/** Returns the ClipError for an error of SQLite. Throws any other error. */
export function asClipError(error: unknown, path: string): ClipError {
  if (error instanceof ClipError) return error;
  const code = (error as { code?: string }).code ?? '';
  if (code === 'SQLITE_FULL' || code === 'SQLITE_IOERR_SHMSIZE')
    return new ClipError(
      'disk_full',
      `There is no space left for the database ${path}.`,
      'Free some space; nothing recorded so far is lost.',
      error,
    );
  if (isLocked(error))
    return new ClipError(
      'database_locked',
      `Another program holds the database ${path} locked.`,
      'End it (fuser shows which), then try again.',
      error,
    );
  if (isCorrupt(error)) return new ClipError('database_damaged', `The database ${path} is damaged.`, repairHint, error);
  if (code.startsWith('SQLITE_')) {
    const detail = error instanceof Error ? error.message : code;
    const sentence = existsSync(path)
      ? `The database ${path} cannot be used: ${detail}.`
      : `The database ${path} cannot be made: ${detail}.`;
    return new ClipError('database', sentence, 'Check its folder, its owner and the space on the disk.', error);
  }
  throw error;
}

/** Returns true for temporary system errors (e.g. disk full, too many open files), which say nothing about the run. */
export function isTemporary(error: unknown): boolean {
  const { code = '' } = error as { code?: string };
  return code.startsWith('SQLITE_') || ['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE', 'EIO'].includes(code);
}
