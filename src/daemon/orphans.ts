/** Folders without a run: a crash fell between writing the folder and recording the run, or between removing the run and its folder. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runFiles } from '../process/run-folder.ts';
import { wasLaunched } from '../process/run-records.ts';
import { ClipError } from '../run/errors.ts';
import { mendHint } from '../store/trouble.ts';
import { describe, type Log } from './log.ts';

/** Looked at in one turn of the loop: a home may have a million. */
const foldersInATurn = 500;

/**
 * They hold an environment that nobody will use, or logs that somebody wanted gone. Any other folder in which something
 * was launched is left alone. A run and its folder come to be in one turn, so whatever is there has its run.
 */
export async function removeOrphanFolders(world: {
  runsFolder: string;
  isKnown: (id: string) => boolean;
  isRemoved: (id: string) => boolean;
  log: Log;
}): Promise<void> {
  const ids = readdirSync(world.runsFolder);
  for (let from = 0; from < ids.length; from += foldersInATurn) {
    for (const id of ids.slice(from, from + foldersInATurn)) removeIfOrphan(world, id);
    await new Promise((resume) => setImmediate(resume));
  }
}

function removeIfOrphan({ runsFolder, isKnown, isRemoved, log }: Parameters<typeof removeOrphanFolders>[0], id: string): void {
  const folder = join(runsFolder, id);
  if (isKnown(id)) return;
  if (existsSync(join(folder, runFiles.launch)) && !isRemoved(id)) return;
  try {
    rmSync(folder, { recursive: true, force: true });
    log('info', 'a folder without a run was removed', { id });
  } catch (error) {
    log('warn', 'a folder without a run could not be removed', { id, error: describe(error) });
  }
}

/**
 * A run is recorded before it is launched. One that was launched and is not known was forgotten: the newest records are
 * gone (somebody deleted clip.db-wal after a crash, say), and the numbers of runs would be given again.
 */
export function refuseForgotten(world: { runsFolder: string; isKnown: (id: string) => boolean }): void {
  const forgotten = readdirSync(world.runsFolder).filter((id) => !world.isKnown(id) && wasLaunched(join(world.runsFolder, id)));
  if (forgotten.length === 0) return;
  const which = forgotten.length === 1 ? `a run that was started (${forgotten[0]})` : `${forgotten.length} runs that were started (${forgotten[0]}, say)`;
  throw new ClipError('database_damaged', `The database has lost its newest records: it knows nothing of ${which}.`, mendHint);
}
