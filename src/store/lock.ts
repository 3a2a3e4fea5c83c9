/**
 * The lock that allows one daemon per home. A tiny SQLite file is held with BEGIN EXCLUSIVE for the daemon's life,
 * and the kernel frees it however the daemon dies. Nothing else in this process may open the file, not even for
 * reading: closing any descriptor of it would release the lock.
 */
import Database from 'better-sqlite3';

/** Takes the lock. Returns false if another daemon holds it. Throws if the file cannot be created. */
export function takeLock(path: string): boolean {
  // SQLite creates the file with the mode that the umask leaves.
  const umask = process.umask(0o077);
  const database = new Database(path, { timeout: 0 });
  try {
    // A journal file would need space on a full disk.
    database.pragma('journal_mode = MEMORY');
    database.exec('BEGIN EXCLUSIVE');
    // The listener keeps the handle from being garbage-collected, which would release the lock.
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
