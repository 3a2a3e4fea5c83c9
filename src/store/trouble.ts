/** What SQLite and the disk say when something is wrong, in the words and exit codes of clip. */
import { existsSync } from 'node:fs';
import { ClipError } from '../run/errors.ts';

export const mendHint =
  'It was left as it is; live runs go on. clip daemon stop, then clip doctor --fix: it makes a new one of what can be read and of the folders of the runs.';

/** Whether it was SQLite that refused. */
export function isOfDatabase(error: unknown): boolean {
  return String((error as { code?: unknown } | null)?.code).startsWith('SQLITE_');
}

/** Whether this error says that something could not be written: the disk, a quota or a limit on files is full, or the disk is broken. */
export function isNoRoom(error: unknown): boolean {
  const code = String((error as { code?: unknown } | null)?.code);
  return ['SQLITE_FULL', 'SQLITE_IOERR_WRITE', 'SQLITE_IOERR_FSYNC', 'SQLITE_IOERR_SHMSIZE', 'ENOSPC', 'EDQUOT', 'EFBIG', 'disk_full'].includes(code);
}

/** What such an error means for whoever wants a run. */
export function noRoomError(error: unknown): ClipError {
  const code = String((error as { code?: unknown } | null)?.code);
  const isDisk = code.startsWith('SQLITE_IOERR') || code === 'EFBIG';
  const what = isDisk ? 'Nothing can be written to the disk of the home' : 'There is no space left on the disk of the home';
  const todo = isDisk ? 'Look at the disk, and at limits and quotas' : 'Free some space';
  return new ClipError(
    'disk_full',
    `${what}: no run is admitted or started.`,
    `${todo}; live runs go on, their ends are recorded, and the rest goes on by itself.`,
    error,
  );
}

/** Whether this error says that what is on disk is not what was written. */
export function isDamage(error: unknown): boolean {
  const code = (error as { code?: string }).code ?? '';
  return code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB' || code === 'database_damaged';
}

/** What SQLite says, in the words and exit codes of clip. */
export function asClipError(error: unknown, path: string): ClipError {
  if (error instanceof ClipError) return error;
  const code = (error as { code?: string }).code ?? '';
  if (code === 'SQLITE_FULL' || code === 'SQLITE_IOERR_SHMSIZE')
    return new ClipError('disk_full', `There is no space left for the database ${path}.`, 'Free some space; nothing recorded so far is lost.', error);
  if (isDamage(error)) return new ClipError('database_damaged', `The database ${path} is damaged.`, mendHint, error);
  if (code.startsWith('SQLITE_')) {
    const detail = error instanceof Error ? error.message : code;
    const sentence = existsSync(path) ? `The database ${path} cannot be used: ${detail}.` : `The database ${path} cannot be made: ${detail}.`;
    return new ClipError('database', sentence, 'Check its folder, its owner and the space on the disk.', error);
  }
  throw error;
}
