/** Queries that the driver runs on the database directly, whether a daemon is running or not. */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { OpenHome } from './clients.ts';

/** Returns the event numbers of a run that has settled, or null for any other run. */
export function seqsOfSettled(home: OpenHome, number: number): number[] | null {
  return queryDirectly(home, (all) => {
    const [run] = all(
      "select 1 from runs where number = ? and unsettled = 0 and status in ('succeeded', 'failed', 'cancelled', 'timed_out')",
      number,
    );
    return run === undefined ? null : all('select seq from events where run = ?', number).map(({ seq }) => Number(seq));
  });
}

/** Returns the numbers of runs that have not ended, the oldest first. */
export function livingRuns(home: OpenHome): number[] {
  const living = "status in ('queued', 'starting', 'running', 'stopping')";
  return (
    queryDirectly(home, (all) =>
      all(`select number from runs where ${living} order by number`).map(({ number }) => Number(number)),
    ) ?? []
  );
}

/**
 * Returns the numbers of ended runs that were not started by another run or by a task, the oldest first. Such a run can
 * be removed without leaving a reference to it unexplained.
 */
export function endedRuns(home: OpenHome): number[] {
  const ended = "status in ('succeeded', 'failed', 'cancelled', 'timed_out')";
  const first = 'retry_of_run_id is null and parent_run_id is null and task_id is null';
  return (
    queryDirectly(home, (all) =>
      all(`select number from runs where ${ended} and ${first} order by number`).map(({ number }) => Number(number)),
    ) ?? []
  );
}

type All = (query: string, ...values: readonly number[]) => Record<string, unknown>[];

/**
 * Returns null when the database cannot be read at the moment: a full disk has no room for the index of a journal, or a
 * daemon was stopped while it repaired the database.
 */
function queryDirectly<T>(home: OpenHome, read: (all: All) => T): T | null {
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
