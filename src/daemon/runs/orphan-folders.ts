/** Folders without a run: a crash occurred between writing the folder and recording the run, or between removing the run and its folder. */
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { findForgotten, type RunIds } from '#process/forgotten-folders.ts';
import { removeRunFolder } from '#process/real-folder.ts';
import { wasLaunched } from '#process/run-folder-reader.ts';
import { ClipError } from '#run/errors.ts';
import { isRunId } from '#run/run-id.ts';
import { repairHint } from '#store/database-errors.ts';
import { describe, type LogFunction } from '../core/log.ts';

/** Folders checked per turn of the event loop: a home may have a million. */
const foldersInATurn = 500;

/**
 * Removes orphan folders, which hold an unused environment or unwanted logs. Keeps a folder in which an unknown run
 * was launched, and anything that is not named like a run. A run and its folder are created in one turn of the event
 * loop, so no folder of a new run is an orphan.
 */
export async function removeOrphanFolders(deps: {
  runsFolder: string;
  isKnown: (id: string) => boolean;
  isRemoved: (id: string) => boolean;
  log: LogFunction;
}): Promise<void> {
  const ids = readdirSync(deps.runsFolder).filter(isRunId);
  for (let from = 0; from < ids.length; from += foldersInATurn) {
    for (const id of ids.slice(from, from + foldersInATurn)) removeIfOrphan(deps, id);
    await new Promise((resume) => setImmediate(resume));
  }
}

function removeIfOrphan(
  { runsFolder, isKnown, isRemoved, log }: Parameters<typeof removeOrphanFolders>[0],
  id: string,
): void {
  const folder = join(runsFolder, id);
  if (isKnown(id)) return;
  // A link itself is removed, since its target is not a run folder.
  if (isFolder(folder) && wasLaunched(folder) && !isRemoved(id)) return;
  try {
    removeRunFolder(folder);
    log('info', 'orphan folder removed', { id });
  } catch (error) {
    log('warn', 'orphan folder could not be removed', { id, error: describe(error) });
  }
}

function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/**
 * Throws if the database has lost its newest records, because run numbers would be reused. A run is recorded before
 * it is launched, so a launched run that is unknown was lost (for example, clip.db-wal was deleted after a crash).
 */
export function refuseForgotten(runsFolder: string, runs: RunIds): void {
  const forgotten = findForgotten(runsFolder, readdirSync(runsFolder).filter(isRunId), runs);
  if (forgotten.length === 0) return;
  const which =
    forgotten.length === 1
      ? `a run that was started (${forgotten[0]})`
      : `${forgotten.length} runs that were started (for example ${forgotten[0]})`;
  throw new ClipError(
    'database_damaged',
    `The database has lost its newest records: it knows nothing of ${which}.`,
    repairHint,
  );
}
