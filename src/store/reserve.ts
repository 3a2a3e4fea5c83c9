/**
 * Space for records that remains available on a full disk. It lies inside the database, so no other program can use
 * it up. Space returned to the disk would be filled at once by the run whose log has filled the disk.
 *
 *  - The write-ahead log (clip.db-wal) is stretched to the size it needs between checkpoints. Overwriting it needs no
 *   space.
 *  - The database always holds free pages that are already on disk. New rows use those first, so a checkpoint never
 *   grows the file.
 */
import { closeSync, fstatSync, openSync, statSync, writeSync } from 'node:fs';
import type { Sqlite } from './sqlite.ts';

const key = 'reserve';
const pageBytes = 4_096;
/** Number of free pages to keep: 4 MiB, enough for the events of some thousand changes of runs. */
const pagesWanted = 1_024;
/** With fewer free pages, the reserve is refilled. The largest changes (a batch of runs, a document) need this many. */
const pagesMin = 512;
/** SQLite checkpoints at 1,000 pages. Half as many more cover a checkpoint that a reader delays. */
const logBytes = 1_500 * (4_096 + 24);
const zeros = Buffer.alloc(64 * 1_024);

export type Reserve = ReturnType<typeof createReserve>;

export function createReserve(sqlite: Sqlite, path: string) {
  const log = `${path}-wal`;
  const put = sqlite.prepare('INSERT INTO meta (key, value) VALUES (?, ?)');
  const drop = sqlite.prepare('DELETE FROM meta WHERE key = ?');
  const free = sqlite.prepare('PRAGMA freelist_count').pluck();

  /**
   * Extends the log with zeros. SQLite reads a log up to its last complete change and keeps its locks on other files,
   * so zeros at the end have no effect.
   */
  function stretchLog(): void {
    const fd = openSync(log, 'r+');
    try {
      for (let size = fstatSync(fd).size; size < logBytes; )
        size += writeSync(fd, zeros, 0, Math.min(zeros.length, logBytes - size), size);
    } finally {
      closeSync(fd);
    }
  }

  /** Writes a text, checkpoints it into the file, and deletes it, which leaves its pages free and on disk. */
  function makePages(missing: number): void {
    drop.run(key);
    if (missing <= 0) return;
    try {
      put.run(key, '0'.repeat(missing * pageBytes));
      sqlite.pragma('wal_checkpoint(PASSIVE)');
    } finally {
      drop.run(key);
    }
  }

  return {
    /** Returns whether the reserve is sufficient. */
    isThere: (): boolean =>
      (free.get() as number) >= pagesMin && (statSync(log, { throwIfNoEntry: false })?.size ?? 0) >= logBytes,

    /** Refills the reserve. Throws if there is no space. Afterwards earlier changes are in the database file itself, not only in the log. */
    make(): void {
      stretchLog();
      makePages(pagesWanted - (free.get() as number));
      sqlite.pragma('wal_checkpoint(PASSIVE)');
    },

    /** Returns whether the next change may need more pages than are free. */
    isLow: (): boolean => (free.get() as number) < pagesMin,
  };
}
