/**
 * Violations that can be introduced after a round, in its home or in the driver's record, to test that the checks
 * detect them.
 */
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { RunView } from '#protocol/answers.ts';
import { readRecorded, type StoredRun } from '../support/stored-rows.ts';
import type { OpenHome } from './clients.ts';
import type { RoundRecord } from './record.ts';

type Round = {
  readonly home: OpenHome;
  readonly record: RoundRecord;
  /** A run that has recorded itself how it exits. */
  readonly run: StoredRun;
};

const ways = {
  'log-byte': ({ home, run }) => {
    const path = join(home.folder, 'runs', run.id, 'stdout.log');
    truncateSync(path, readFileSync(path).length - 1);
  },
  'exit-record': ({ home, run }) => {
    const path = join(home.folder, 'runs', run.id, 'exit.json');
    const exit = JSON.parse(readFileSync(path, 'utf8'));
    writeFileSync(path, JSON.stringify({ ...exit, code: exit.code + 1 }));
  },
  event: ({ home }) =>
    change(home, "delete from events where seq = (select min(seq) from events where type = 'spawned')"),
  'told-number': ({ home }) =>
    change(
      home,
      "update runs set key = key || '-other' where number = (select min(number) from runs where key is not null)",
    ),
  'second-start': ({ home, run }) => appendFileSync(join(home.base, 'starts'), `${run.id}\n`),
  // The home ends this process.
  'stray-process': ({ home }) =>
    void spawn('sleep', ['1000'], { detached: true, stdio: 'ignore', env: home.env }).unref(),
  lock: ({ home, run }) => appendFileSync(join(home.base, 'overlaps'), `${run.id} began while process 1 held a\n`),
  'followed-byte': ({ record, run }) =>
    void record.heard.push({ number: run.number, stream: 'stdout', bytes: Buffer.from('?'), whole: true }),
  'wait-code': ({ record, run }) => void record.waits.push({ numbers: [run.number], code: 99 }),
  'told-end': ({ record, run }) =>
    void record.ends.push({ number: run.number, status: 'timed_out', endedAt: new Date(0).toISOString() } as RunView),
  'lost-order': ({ record }) =>
    void record.submitted.set('n998', { args: [], keyed: true, after: null, tries: 1, number: 999 }),
  stranger: ({ record, run }) => void record.submitted.delete(run.spec.labels['chaos'] ?? ''),
} satisfies Record<string, (round: Round) => void>;

export type Falsified = keyof typeof ways;
export const falsifications = Object.keys(ways) as Falsified[];

export function falsify(home: OpenHome, record: RoundRecord, what: Falsified): void {
  ways[what]({ home, record, run: findRunWithExitRecord(home) });
}

/** Returns the last plain run that exited with a code, wrote its own account of that, and produced output. */
function findRunWithExitRecord(home: OpenHome): StoredRun {
  const run = readRecorded(home).runs.findLast(({ id, spec, state, lineage }) => {
    const log = join(home.folder, 'runs', id, 'stdout.log');
    const exited = 'outcome' in state && state.outcome.kind === 'exited' && existsSync(join(home.base, `exits-${id}`));
    return (
      exited &&
      spec.agent === null &&
      lineage.retryOfRunId === null &&
      lineage.parentRunId === null &&
      readFileSync(log).length > 0
    );
  });
  if (run === undefined)
    throw new Error(`No run of ${readdirSync(join(home.folder, 'runs')).length} can be made wrong.`);
  return run;
}

/** Changes the database directly. The daemon does not notice. */
function change(home: OpenHome, statement: string): void {
  const database = new Database(join(home.folder, 'clip.db'));
  try {
    database.pragma('busy_timeout = 5000');
    database.exec(statement);
  } finally {
    database.close();
  }
}
