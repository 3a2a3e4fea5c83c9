/**
 * The agent of `clip demo`: a script that behaves like an agent CLI, without a model. It prints JSON lines that
 * mapping.ts describes. At first it only announces a plan. When told to act, it begins the work and takes its time.
 * When resumed, it finishes.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const told = readFileSync(0, 'utf8');
const session = process.argv[3] ?? 'demo-1';

say({ type: 'session', id: session });
if (process.argv[2] === 'resume' && existsSync('notes.txt')) finish();
else if (told.includes('Attempt 1 of')) begin();
else plan();

/** Prints a plan and exits with 0 without having done anything, as many agents do first. */
function plan(): void {
  say({ type: 'words', text: 'I will look at the failing test first, and then fix add().' });
  say({ type: 'done' });
}

/** Works for longer than the demo lasts. It is killed in the middle. */
function begin(): void {
  say({ type: 'words', text: 'Running the test to see how it fails.' });
  run('1', 'node test.js');
  writeFileSync('notes.txt', 'add() subtracts; the fix is one character in add.js.\n');
  say({ type: 'edit', id: '2', file: 'notes.txt' });
  say({ type: 'edited', id: '2' });
  say({ type: 'words', text: 'Found it: add() subtracts. Thinking about the best way to fix it …' });
  setTimeout(() => {}, 10 * 60_000);
}

/** Continues from the notes of the interrupted run and finishes. */
function finish(): void {
  say({ type: 'words', text: 'My notes say that add() subtracts. Fixing it.' });
  writeFileSync('add.js', readFileSync('add.js', 'utf8').replace('a - b', 'a + b'));
  say({ type: 'edit', id: '3', file: 'add.js' });
  say({ type: 'edited', id: '3' });
  run('4', 'node test.js');
  run('5', 'clip report done "add() adds; node test.js passes"');
  say({ type: 'words', text: 'add() adds now, and the test passes.' });
  say({ type: 'done' });
}

function run(id: string, command: string): void {
  say({ type: 'run', id, command });
  const { status } = spawnSync('/bin/sh', ['-c', command], { stdio: ['ignore', 'ignore', 'ignore'] });
  say({ type: 'ran', id, exit: status });
}
