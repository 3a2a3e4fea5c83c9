/** Folders without a run: a crash fell between writing the folder and recording the run, or between removing the run and its folder. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runFiles } from '../process/run-folder.ts';
import { wasLaunched } from '../process/run-records.ts';
import { ClipError } from '../run/errors.ts';
import { mendHint } from '../store/trouble.ts';
import type { Log } from './log.ts';

/** They hold an environment that nobody will use, or logs that somebody wanted gone. Any other folder in which something was launched is left alone. */
export function removeOrphanFolders(world: { runsFolder: string; isKnown: (id: string) => boolean; isRemoved: (id: string) => boolean; log: Log }): void {
  for (const id of readdirSync(world.runsFolder)) {
    const folder = join(world.runsFolder, id);
    if (world.isKnown(id)) continue;
    if (existsSync(join(folder, runFiles.launch)) && !world.isRemoved(id)) continue;
    rmSync(folder, { recursive: true, force: true });
    world.log('info', 'a folder without a run was removed', { id });
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
