/**
 * Measures the cost of each durability level on this disk: `npm run bench:durability`. Figures are medians of 300, in
 * milliseconds.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { createWhole, flushFolder, placeWhole, reserveExitRecord, writeFlushed } from '#process/run-folder.ts';
import { median } from './measure.ts';

const folder = mkdtempSync(join(tmpdir(), 'clip-durability-'));
const rounds = 300;

function time(what: string, work: (round: number) => void): void {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const from = performance.now();
    work(round);
    times.push(performance.now() - from);
  }
  console.log(`${what.padEnd(60)} ${median(times).toFixed(3)}`);
}

for (const synchronous of ['OFF', 'NORMAL', 'FULL']) {
  const database = new Database(join(folder, `${synchronous}.db`));
  database.pragma('journal_mode = WAL');
  database.pragma(`synchronous = ${synchronous}`);
  database.exec(
    'CREATE TABLE runs (number INTEGER PRIMARY KEY, state TEXT); CREATE TABLE events (seq INTEGER PRIMARY KEY, data TEXT)',
  );
  const state = 'x'.repeat(600);
  const insert = database.prepare('INSERT OR REPLACE INTO runs VALUES (?, ?)');
  const event = database.prepare('INSERT INTO events (data) VALUES (?)');
  const commit = database.transaction((round: number) => {
    insert.run(round % 10, state);
    event.run(state);
  });
  time(`commit of state and event, synchronous=${synchronous}`, (round) => commit(round));
  database.close();
}

const record = { pid: 1, pgid: 1, startTime: 1, bootId: 'b', at: 1, argv: ['x'.repeat(200)] };
time('a file written and flushed', (round) => writeFlushed(join(folder, `flushed-${round}`), JSON.stringify(record)));
time('a folder flushed after a new file', (round) => {
  placeWhole(folder, `placed-${round}`, record);
  flushFolder(folder);
});
time('started.json in place, not flushed', (round) => void placeWhole(folder, `started-${round}`, record));
time('the space of exit.json reserved', () => void reserveExitRecord(folder));

const launches: number[] = [];
for (let round = 0; round < rounds; round += 1) {
  const from = performance.now();
  await new Promise<void>((resolve, reject) =>
    createWhole(folder, `launch-${round}`, record, (error) => (error ? reject(error) : resolve())),
  );
  launches.push(performance.now() - from);
}
console.log(`${'launch.json: written, flushed, linked, folder flushed'.padEnd(60)} ${median(launches).toFixed(3)}`);
rmSync(folder, { recursive: true, force: true });
