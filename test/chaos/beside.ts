/** What the driver reads in the database itself, beside the daemon, whether there is one or not. */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { OpenHome } from './clients.ts';

/** The events of a run with which nothing happens any more; null of any other. */
export function seqsOfSettled(home: OpenHome, number: number): number[] | null {
  return beside(home, (all) => {
    const [run] = all("select 1 from runs where number = ? and unsettled = 0 and status in ('succeeded', 'failed', 'cancelled', 'timed_out')", number);
    return run === undefined ? null : all('select seq from events where run = ?', number).map(({ seq }) => Number(seq));
  });
}

/** Numbers of runs that have not ended, the oldest first. */
export function livingRuns(home: OpenHome): number[] {
  return beside(home, (all) =>
    all("select number from runs where status in ('queued', 'starting', 'running', 'stopping') order by number").map(({ number }) => Number(number)),
  );
}

/** Numbers of runs that have ended and followed from no other, the oldest first: of these, one can go without leaving others unexplained. */
export function endedRuns(home: OpenHome): number[] {
  const first = 'retry_of_run_id is null and parent_run_id is null and task_id is null';
  return beside(home, (all) =>
    all(`select number from runs where status in ('succeeded', 'failed', 'cancelled', 'timed_out') and ${first} order by number`).map(({ number }) =>
      Number(number),
    ),
  );
}

type All = (query: string, ...values: readonly number[]) => Record<string, unknown>[];

function beside<T>(home: OpenHome, read: (all: All) => T): T {
  const database = new Database(join(home.folder, 'clip.db'), { readonly: true });
  try {
    return read((query, ...values) => database.prepare(query).all(...values) as Record<string, unknown>[]);
  } finally {
    database.close();
  }
}
