/** Changes the records of a run in its folder and in the database. No daemon may be running. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { RunView } from '#protocol/answers.ts';
import { isAlive, type TestHome } from './home.ts';
import { until } from './until.ts';

type Leader = { pid: number; pgid: number; startTime: number; bootId: string };

/** Puts these fields into started.json and into the run's row. */
export function rewriteLeader(home: TestHome, run: RunView, change: Partial<Leader>): void {
  if (home.pidsOf('daemon').length > 0) throw new Error('The daemon must be stopped before its database is changed.');
  const path = join(home.folder, 'runs', run.id, 'started.json');
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...change }));
  const database = new Database(join(home.folder, 'clip.db'));
  try {
    const { state: text } = database.prepare('select state from runs where number = ?').get(run.number) as {
      state: string;
    };
    const state = JSON.parse(text) as { leader: Leader };
    const next = JSON.stringify({ ...state, leader: { ...state.leader, ...change } });
    database.prepare('update runs set state = ? where number = ?').run(next, run.number);
  } finally {
    database.close();
  }
}

/** Stops the daemon and ends the keeper and the process without a record of the end. */
export async function endWithoutRecord(home: TestHome, run: RunView): Promise<void> {
  await home.clip(['daemon', 'stop']);
  for (const pid of home.pidsOf('keeper')) await home.kill(pid);
  const { processPid } = run;
  if (processPid === null) throw new Error(`Run ${run.number} has no process.`);
  process.kill(-processPid, 'SIGKILL');
  await until(`run ${run.number} is dead`, () => !isAlive(processPid));
}

/** Simulates a reboot: all processes are gone, and the records belong to an earlier boot. */
export async function reboot(home: TestHome, run: RunView): Promise<void> {
  await endWithoutRecord(home, run);
  rewriteLeader(home, run, { bootId: '00000000-0000-4000-8000-000000000000' });
}
