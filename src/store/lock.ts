/**
 * The one daemon of a home. A tiny SQLite file is held with BEGIN EXCLUSIVE for the daemon's life, and
 * the kernel frees it however the daemon dies. Nothing else in this process may open the file, not even
 * to read it: closing any descriptor of it would drop the lock.
 */
import Database from 'better-sqlite3';

/** False when another daemon holds it. Throws when the file cannot be made. */
export function takeLock(path: string): boolean {
  // SQLite makes the file with the mode that the umask leaves.
  const umask = process.umask(0o077);
  const database = new Database(path, { timeout: 0 });
  try {
    // Its journal would be a file, and need space on a full disk.
    database.pragma('journal_mode = MEMORY');
    database.exec('BEGIN EXCLUSIVE');
    // The listener keeps the handle from being collected, which would free the lock.
    process.on('exit', () => database.close());
    return true;
  } catch (error) {
    database.close();
    if ((error as { code?: string }).code === 'SQLITE_BUSY') return false;
    throw error;
  } finally {
    process.umask(umask);
  }
}
