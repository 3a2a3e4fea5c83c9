/** All rows of the database of a home, read without the code that wrote them. */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { Run } from '#run/run.ts';
import type { Wake } from '#task/wake.ts';
import type { TestHome } from './home.ts';

type Row = Record<string, string | number | null>;
export type StoredRun = Run & {
  readonly status: string;
  /** What was read from an agent's logs. */
  readonly account: {
    readonly messages: number;
    readonly commands: number;
    readonly offsets: Readonly<Record<'stdout' | 'stderr', number>>;
  } | null;
};
export type Recorded = ReturnType<typeof readRecorded>;

export function readRecorded(home: TestHome) {
  const database = new Database(join(home.folder, 'clip.db'), { readonly: true });
  try {
    const all = (query: string) => database.prepare(query).all() as Row[];
    const accounts = new Map(all('select * from accounts').map((row) => [row['run'], row]));
    const withoutLogs = new Set(
      all('select run from archived_logs where removed_at is not null').map((row) => Number(row['run'])),
    );
    const runs = all('select * from runs order by number').map((row) => runOf(row, accounts.get(row['number'] ?? 0)));
    return {
      runs,
      /** Numbers of runs whose logs were removed. */
      withoutLogs,
      ids: new Set(runs.map(({ id }) => id)),
      buried: all('select number, id from tombstones').map(({ number, id }) => ({
        number: Number(number),
        id: String(id),
      })),
      events: all('select * from events order by rowid').map((row) => ({
        seq: Number(row['seq']),
        at: Number(row['at']),
        run: row['run'],
        type: String(row['type']),
        data: JSON.parse(String(row['data'])) as Record<string, unknown>,
      })),
      wakes: all('select * from wakes').map((row) => ({
        id: String(row['id']),
        key: row['idempotency_key'] ?? null,
        reason: row['reason'] as Wake['reason'],
        status: row['status'] as Wake['status'],
        runId: row['run_id'] ?? null,
        payload: JSON.parse(String(row['payload'])) as Wake['payload'],
      })),
      tasks: all('select * from tasks').map((row) => ({
        number: Number(row['number']),
        status: String(row['status']),
        executionRunId: row['execution_run_id'] ?? null,
      })),
    };
  } finally {
    database.close();
  }
}

function runOf(row: Row, account: Row | undefined): StoredRun {
  const parsed = (name: string) => JSON.parse(String(row[name]));
  return {
    number: Number(row['number']),
    id: String(row['id']),
    key: row['key'] === null ? null : String(row['key']),
    queuedAt: Number(row['queued_at']),
    status: String(row['status']),
    spec: parsed('spec'),
    lineage: parsed('lineage'),
    state: parsed('state'),
    account: account === undefined ? null : streamStateOf(account),
  };
}

function streamStateOf(row: Row): NonNullable<StoredRun['account']> {
  const { messages, commands } = JSON.parse(String(row['account'])) as { messages: number; commands: number };
  return {
    messages,
    commands,
    offsets: { stdout: Number(row['stdout_offset']), stderr: Number(row['stderr_offset']) },
  };
}
