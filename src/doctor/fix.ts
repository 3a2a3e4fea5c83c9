/**
 * Implements `clip doctor --fix`: repairs the database, and small things that are certainly safe. Returns one sentence
 * for each change.
 */
import { chmodSync, existsSync, lstatSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Home } from '#config/home.ts';
import { takeLock } from '#store/lock.ts';
import { repairUsage } from '#store/usage-check.ts';
import { openToOthers } from './file-modes.ts';
import { repairDatabase } from './repair-database.ts';

/**
 * The time to wait for the lock. A daemon that fails on a damaged database, or is shutting down, holds it for a moment.
 */
const lockMs = 5_000;
const lockPauseMs = 50;
/** The age beyond which an unfinished start of the daemon is considered dead. */
const staleStartMs = 60_000;

/** Repairs a home, and returns one sentence for each change. */
export async function fix(options: {
  home: Home;
  migrations: string;
  version: string;
  daemonAnswers: boolean;
}): Promise<string[]> {
  const { home } = options;
  if (!existsSync(home.folder)) return [];
  process.umask(0o077);
  const done = closeToOthers(home);
  if (!options.daemonAnswers && (await lock(home)))
    return [...done, ...repairDatabase(options), ...repairSums(home), ...removeStale(home)];
  return [
    ...done,
    'The daemon is running, so its database was only checked. ' +
      'To repair it, stop the daemon first; its runs continue: clip daemon stop',
  ];
}

/** Takes the lock. It is held until this command ends, so that no daemon can start meanwhile. */
async function lock(home: Home): Promise<boolean> {
  for (const until = Date.now() + lockMs; ; ) {
    if (takeLock(home.lock)) return true;
    if (Date.now() > until) return false;
    await sleep(lockPauseMs);
  }
}

/** Books the use of all runs again if the sums of it are wrong. The caller holds the lock. */
function repairSums({ database }: Home): string[] {
  if ((statSync(database, { throwIfNoEntry: false })?.size ?? 0) === 0 || repairUsage(database) === null) return [];
  return ['The sums of what runs have used were wrong: all runs were summed up again.'];
}

function closeToOthers(home: Home): string[] {
  const open = openToOthers(home);
  for (const path of open) chmodSync(path, lstatSync(path).mode & 0o700);
  return open.length === 0 ? [] : [`Closed to others: ${open.join(', ')}.`];
}

/** Removes files of a dead daemon. While this command holds the lock, no daemon is running. */
function removeStale(home: Home): string[] {
  const claim = join(home.folder, 'daemon.starting');
  const age = Date.now() - (statSync(claim, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
  const stale = [
    ...(lstatSync(home.socket, { throwIfNoEntry: false })?.isSocket() ? [home.socket] : []),
    ...(age > staleStartMs ? [claim] : []),
  ];
  for (const path of stale) rmSync(path, { force: true });
  return stale.map((path) => `Removed what a dead daemon left: ${path}.`);
}
