/** Why a file that a person named cannot be read, without the system's own shorthand. */
const words: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  EACCES: 'it may not be read',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is no folder',
  ELOOP: 'its links go round in a circle',
};

export function whyUnreadable(error: unknown): string {
  return words[(error as NodeJS.ErrnoException).code ?? ''] ?? (error as Error).message;
}
