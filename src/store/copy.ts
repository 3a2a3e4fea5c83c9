/** A copy of the whole database as it is at one moment. */
import { openReadOnly } from './open.ts';
import { createRunStore } from './runs.ts';

/** `into` must not be there. Gives the number of runs in it. */
export function copyInto(path: string, into: string): number {
  const opened = openReadOnly(path);
  try {
    opened.sqlite.pragma('busy_timeout = 5000');
    opened.sqlite.prepare('VACUUM INTO ?').run(into);
  } finally {
    opened.close();
  }
  const copy = openReadOnly(into);
  try {
    return createRunStore(copy.db).total();
  } finally {
    copy.close();
  }
}
