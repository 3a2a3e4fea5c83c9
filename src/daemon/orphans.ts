/** Folders of runs that never came to be: a crash fell between writing the folder and recording the run. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runFiles } from '../process/run-folder.ts';
import type { Log } from './log.ts';

/** They hold an environment that nobody will use. A folder in which something was launched is left alone, known or not. */
export function removeOrphanFolders(world: { runsFolder: string; isKnown: (id: string) => boolean; log: Log }): void {
  for (const id of readdirSync(world.runsFolder)) {
    const folder = join(world.runsFolder, id);
    if (world.isKnown(id) || existsSync(join(folder, runFiles.launch))) continue;
    rmSync(folder, { recursive: true, force: true });
    world.log('info', 'a folder without a run was removed', { id });
  }
}
