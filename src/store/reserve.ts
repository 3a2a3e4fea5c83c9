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

export class Reserve {
  readonly #sqlite: Sqlite;
  /** The path of the write-ahead log. */
  readonly #log: string;
  readonly #prepared: ReturnType<typeof prepare>;

  /** Prepares the statements. Throws if the database cannot be used. */
  constructor(sqlite: Sqlite, path: string) {
    this.#sqlite = sqlite;
    this.#log = `${path}-wal`;
    this.#prepared = prepare(sqlite);
  }

  /** Returns whether the reserve is sufficient. */
  isThere(): boolean {
    return !this.isLow() && (statSync(this.#log, { throwIfNoEntry: false })?.size ?? 0) >= logBytes;
  }

  /** Returns whether the next change may need more pages than are free. */
  isLow(): boolean {
    return this.#freePages() < pagesMin;
  }

  /**
   * Refills the reserve. Throws if there is no space. Afterwards earlier changes are in the database file itself, not
   * only in the log.
   */
  make(): void {
    stretch(this.#log);
    this.#makePages(pagesWanted - this.#freePages());
    this.#sqlite.pragma('wal_checkpoint(PASSIVE)');
  }

  #freePages(): number {
    return this.#prepared.free.get() as number;
  }

  /** Writes a text, checkpoints it into the file, and deletes it, which leaves its pages free and on disk. */
  #makePages(missing: number): void {
    const { put, drop } = this.#prepared;
    drop.run(key);
    if (missing <= 0) return;
    try {
      put.run(key, '0'.repeat(missing * pageBytes));
      this.#sqlite.pragma('wal_checkpoint(PASSIVE)');
    } finally {
      drop.run(key);
    }
  }
}

function prepare(sqlite: Sqlite) {
  return {
    put: sqlite.prepare('INSERT INTO meta (key, value) VALUES (?, ?)'),
    drop: sqlite.prepare('DELETE FROM meta WHERE key = ?'),
    free: sqlite.prepare('PRAGMA freelist_count').pluck(),
  };
}

/**
 * Extends the log with zeros. SQLite reads a log up to its last complete change and keeps its locks on other files,
 * so zeros at the end have no effect.
 */
function stretch(log: string): void {
  const fd = openSync(log, 'r+');
  try {
    for (let size = fstatSync(fd).size; size < logBytes; )
      size += writeSync(fd, zeros, 0, Math.min(zeros.length, logBytes - size), size);
  } finally {
    closeSync(fd);
  }
}
