/** Why a given file cannot be read, in words instead of the system's error codes. */
const words: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  EACCES: 'it may not be read',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is no folder',
  ELOOP: 'its links go round in a circle',
};

/** Returns the reason in words. Unknown error codes keep the message of the system. */
export function whyUnreadable(error: unknown): string {
  return words[(error as NodeJS.ErrnoException).code ?? ''] ?? (error as Error).message;
}

/** Returns why a file cannot be written. Unknown error codes keep the message of the system. */
export function whyUnwritable(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: 'its folder does not exist',
    EACCES: 'you may not write there',
    EROFS: 'the file system is read-only',
    ENOSPC: 'the disk is full',
    EISDIR: 'it is a folder',
    ENOTDIR: 'a part of its path is not a folder',
  };
  return reasons[code] ?? message;
}
