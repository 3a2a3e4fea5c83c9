/**
 * Room for records that is there even when the disk is full. It lies inside the database, so that nobody else can take
 * it: space that is given back to the disk is at once filled by the run whose log has filled it before.
 *
 *  - The log of changes (clip.db-wal) is stretched to what it needs until its changes are brought over: writing over
 *    what is there needs no space.
 *  - The database always holds free pages that are on disk already. New rows take those first, so that bringing
 *    changes over never needs the file to grow.
 */
import { closeSync, fstatSync, openSync, statSync, writeSync } from 'node:fs';
import type { Sqlite } from './sqlite.ts';

const key = 'reserve';
const pageBytes = 4_096;
/** Free pages that there shall be, 4 MiB: for the events of some thousand changes of runs. */
const pagesWanted = 1_024;
/** With fewer they are made anew: as many as the largest changes take, a batch of runs or a document. */
const pagesMin = 512;
/** SQLite brings changes over when 1,000 pages have gathered; half as much again, for when a reader delays that. */
const logBytes = 1_500 * (4_096 + 24);
const zeros = Buffer.alloc(64 * 1_024);

export type Reserve = ReturnType<typeof createReserve>;

export function createReserve(sqlite: Sqlite, path: string) {
  const log = `${path}-wal`;
  const put = sqlite.prepare('INSERT INTO meta (key, value) VALUES (?, ?)');
  const drop = sqlite.prepare('DELETE FROM meta WHERE key = ?');
  const free = sqlite.prepare('PRAGMA freelist_count').pluck();

  /** SQLite reads a log to its last whole change, and holds its locks on other files: zeros at its end mean nothing to it. */
  function stretchLog(): void {
    const fd = openSync(log, 'r+');
    try {
      for (let size = fstatSync(fd).size; size < logBytes; ) size += writeSync(fd, zeros, 0, Math.min(zeros.length, logBytes - size), size);
    } finally {
      closeSync(fd);
    }
  }

  /** A text that is written, brought over to the file, and deleted: its pages are free, and on disk. */
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
    /** Whether there is enough of it. */
    isThere: (): boolean => (free.get() as number) >= pagesMin && (statSync(log, { throwIfNoEntry: false })?.size ?? 0) >= logBytes,

    /** Makes what is missing of it; throws where there is no room. From the return on, what was recorded before stands in the database itself and not only in its log. */
    make(): void {
      stretchLog();
      makePages(pagesWanted - (free.get() as number));
      sqlite.pragma('wal_checkpoint(PASSIVE)');
    },

    /** Before a change: whether it may take more pages than are free. */
    isLow: (): boolean => (free.get() as number) < pagesMin,
  };
}
