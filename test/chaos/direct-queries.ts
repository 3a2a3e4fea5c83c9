/** What the driver reads in the database itself, beside the daemon, whether there is one or not. */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { OpenHome } from './clients.ts';

/** The events of a run with which nothing happens any more; null of any other. */
export function seqsOfSettled(home: OpenHome, number: number): number[] | null {
  return beside(home, (all) => {
    const [run] = all(
      "select 1 from runs where number = ? and unsettled = 0 and status in ('succeeded', 'failed', 'cancelled', 'timed_out')",
      number,
    );
    return run === undefined ? null : all('select seq from events where run = ?', number).map(({ seq }) => Number(seq));
  });
}

/** Numbers of runs that have not ended, the oldest first. */
export function livingRuns(home: OpenHome): number[] {
  const living = "status in ('queued', 'starting', 'running', 'stopping')";
  return (
    beside(home, (all) =>
      all(`select number from runs where ${living} order by number`).map(({ number }) => Number(number)),
    ) ?? []
  );
}

/** Numbers of runs that have ended and followed from no other, the oldest first: of these, one can go without leaving others unexplained. */
export function endedRuns(home: OpenHome): number[] {
  const ended = "status in ('succeeded', 'failed', 'cancelled', 'timed_out')";
  const first = 'retry_of_run_id is null and parent_run_id is null and task_id is null';
  return (
    beside(home, (all) =>
      all(`select number from runs where ${ended} and ${first} order by number`).map(({ number }) => Number(number)),
    ) ?? []
  );
}

type All = (query: string, ...values: readonly number[]) => Record<string, unknown>[];

/** Null when it cannot be read just now: on a full disk there is no room for the index of a journal, and a daemon may be stopped in the middle of mending one. */
function beside<T>(home: OpenHome, read: (all: All) => T): T | null {
  const database = new Database(join(home.folder, 'clip.db'), { readonly: true });
  try {
    return read((query, ...values) => database.prepare(query).all(...values) as Record<string, unknown>[]);
  } catch (error) {
    if (/^SQLITE_(IOERR|BUSY)/.test((error as { code?: string }).code ?? '')) return null;
    throw error;
  } finally {
    database.close();
  }
}
