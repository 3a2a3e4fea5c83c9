/**
 * Room for records that is there even when the disk is full. It lies inside the database, so that nobody else can take
 * it: space that is given back to the disk is at once filled by the run whose log has filled it before.
 *
 *  - The log of changes (clip.db-wal) is stretched to what it needs until its changes are brought over: writing over
 *    what is there needs no space.
 *  - The database holds a long text that nobody reads. When it is given up, its pages are free for new rows, and the
 *    file need not grow.
 */
import { closeSync, fstatSync, openSync, statSync, writeSync } from 'node:fs';
import type { Sqlite } from './open.ts';

const key = 'reserve';
/** Events of some thousand changes of runs. */
const reserveBytes = 2 * 2 ** 20;
/** SQLite brings changes over when 1,000 pages have gathered; half as much again, for when a reader delays that. */
const logBytes = 1_500 * (4_096 + 24);
const zeros = Buffer.alloc(64 * 1_024);

export type Reserve = ReturnType<typeof createReserve>;

export function createReserve(sqlite: Sqlite, path: string) {
  const log = `${path}-wal`;
  const has = sqlite.prepare('SELECT 1 FROM meta WHERE key = ?');
  const put = sqlite.prepare('INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO NOTHING');
  const drop = sqlite.prepare('DELETE FROM meta WHERE key = ?');

  /** SQLite reads a log to its last whole change, and holds its locks on other files: zeros at its end mean nothing to it. */
  function stretchLog(): void {
    const fd = openSync(log, 'r+');
    try {
      for (let size = fstatSync(fd).size; size < logBytes; ) size += writeSync(fd, zeros, 0, Math.min(zeros.length, logBytes - size), size);
    } finally {
      closeSync(fd);
    }
  }

  return {
    /** Whether all of it is there. */
    isWhole: (): boolean => has.get(key) !== undefined && (statSync(log, { throwIfNoEntry: false })?.size ?? 0) >= logBytes,

    /** Makes what is missing of it; throws where there is no room. From the return on, what was recorded before stands in the database itself and not only in its log. */
    make(): void {
      stretchLog();
      if (has.get(key) === undefined) put.run(key, '0'.repeat(reserveBytes));
      try {
        sqlite.pragma('wal_checkpoint(PASSIVE)');
      } catch (error) {
        // Its pages are promised and not written: it would be no reserve.
        drop.run(key);
        throw error;
      }
    },

    /** Lets new rows have it. */
    release(): void {
      drop.run(key);
    },
  };
}
