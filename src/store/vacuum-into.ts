/** Copies the whole database as it is at one moment. */
import { openReadOnly } from './open.ts';
import { RunStore } from './runs.ts';

/** Copies the database to `into`, which must not exist. Returns the number of runs in the copy. */
export function vacuumInto(path: string, into: string): number {
  const opened = openReadOnly(path);
  try {
    opened.sqlite.pragma('busy_timeout = 5000');
    opened.sqlite.prepare('VACUUM INTO ?').run(into);
  } finally {
    opened.close();
  }
  const copy = openReadOnly(into);
  try {
    return new RunStore(copy.db).total();
  } finally {
    copy.close();
  }
}
