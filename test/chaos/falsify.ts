/** What can be made wrong on purpose in a home whose round is over, so that a test sees the checks fail. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { OpenHome } from './clients.ts';

export const falsifications = ['log-byte', 'exit-record', 'event', 'stray-process', 'second-start', 'told-number'] as const;
export type Falsified = (typeof falsifications)[number];

export function falsify(home: OpenHome, what: Falsified): void {
  switch (what) {
    case 'log-byte': {
      const path = fileOfRun(home, 'stdout.log', ({ length }) => length > 0);
      return truncateSync(path, readFileSync(path).length - 1);
    }
    case 'exit-record': {
      const path = fileOfRun(home, 'exit.json', (text) => JSON.parse(text).code !== null);
      const record = JSON.parse(readFileSync(path, 'utf8'));
      return writeFileSync(path, JSON.stringify({ ...record, code: record.code + 1 }));
    }
    case 'event':
      return change(home, "delete from events where seq = (select min(seq) from events where type = 'spawned')");
    case 'told-number':
      return change(home, "update runs set key = key || '-other' where number = (select min(number) from runs where key is not null)");
    case 'second-start':
      return writeFileSync(join(home.base, 'starts'), `${readFileSync(join(home.base, 'starts'), 'utf8').split('\n')[0]}\n`, { flag: 'a' });
    case 'stray-process':
      // Ended with the home.
      return spawn('sleep', ['1000'], { detached: true, stdio: 'ignore', env: home.env }).unref();
  }
}

/** That of a run of which the program itself has said how it exits. */
function fileOfRun(home: OpenHome, name: string, fits: (text: string) => boolean): string {
  const runs = join(home.folder, 'runs');
  const paths = readdirSync(runs).flatMap((id) => (existsSync(join(home.base, `exits-${id}`)) ? [join(runs, id, name)] : []));
  const path = paths.find((each) => existsSync(each) && fits(readFileSync(each, 'utf8')));
  if (path === undefined) throw new Error(`No run has a ${name} that could be made wrong.`);
  return path;
}

/** Beside the daemon, which does not notice. */
function change(home: OpenHome, statement: string): void {
  const database = new Database(join(home.folder, 'clip.db'));
  try {
    database.pragma('busy_timeout = 5000');
    database.exec(statement);
  } finally {
    database.close();
  }
}
