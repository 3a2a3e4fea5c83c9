/** Folders without a run: a crash fell between writing the folder and recording the run, or between removing the run and its folder. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runFiles } from '../process/run-folder.ts';
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
