/** What `clip doctor --fix` does: the database, and small things that are certain to be safe. In sentences, one for each thing done. */
import { chmodSync, existsSync, lstatSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Home } from '../config/home.ts';
import { takeLock } from '../store/lock.ts';
import { mendDatabase } from './mend.ts';
import { openToOthers } from './modes.ts';

/** A daemon that starts on a damaged database, or leaves, holds the lock for a moment. */
const lockMs = 5_000;
const lockPauseMs = 50;
/** A start that has not come to anything for so long never will. */
const staleStartMs = 60_000;

export async function fix(options: { home: Home; migrations: string; version: string; daemonAnswers: boolean }): Promise<string[]> {
  const { home } = options;
  if (!existsSync(home.folder)) return [];
  process.umask(0o077);
  const done = closeToOthers(home);
  if (!options.daemonAnswers && (await lock(home))) return [...done, ...mendDatabase(options), ...removeStale(home)];
  return [...done, 'The daemon runs, so its database was only looked at. To have it mended, stop the daemon first; the runs live on: clip daemon stop'];
}

/** Held until this command ends: nobody starts a daemon meanwhile. */
async function lock(home: Home): Promise<boolean> {
  for (const until = Date.now() + lockMs; ; ) {
    if (takeLock(home.lock)) return true;
    if (Date.now() > until) return false;
    await new Promise((resolve) => setTimeout(resolve, lockPauseMs));
  }
}

function closeToOthers(home: Home): string[] {
  const open = openToOthers(home);
  for (const path of open) chmodSync(path, lstatSync(path).mode & 0o700);
  return open.length === 0 ? [] : [`Closed to others: ${open.join(', ')}.`];
}

/** With the lock in hand no daemon lives: whatever says so is left over from one that died. */
function removeStale(home: Home): string[] {
  const claim = join(home.folder, 'daemon.starting');
  const age = Date.now() - (statSync(claim, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
  const stale = [...(lstatSync(home.socket, { throwIfNoEntry: false })?.isSocket() ? [home.socket] : []), ...(age > staleStartMs ? [claim] : [])];
  for (const path of stale) rmSync(path, { force: true });
  return stale.map((path) => `Removed what a dead daemon left: ${path}.`);
}
