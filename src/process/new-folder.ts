/** Run folders before the run exists: made, filled and flushed. */
import { linkSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { flushFolder, runFiles, writeFlushed } from './run-folder.ts';

export type NewFolder = { readonly folder: string; readonly environment: Readonly<Record<string, string>>; readonly prompt: Buffer | null };

/** Equal environments are written once and linked: the runs of a batch have one sender. */
export function writeRunFolders(runsFolder: string, folders: readonly NewFolder[]): void {
  let last = { text: '', path: '' };
  for (const { folder, environment, prompt } of folders) {
    mkdirSync(folder, { mode: 0o700 });
    const path = join(folder, runFiles.env);
    const text = JSON.stringify(environment);
    if (last.text === text) linkSync(last.path, path);
    else {
      writeFlushed(path, text);
      last = { text, path };
    }
    if (prompt !== null) writeFlushed(join(folder, runFiles.prompt), prompt);
  }
  // Journaling file systems (ext4, xfs) carry what was made before along with this flush: one for the whole batch.
  flushFolder(runsFolder);
}

/** A run that repeats another gets its environment and its input, which are deleted with the first one. */
export function takeOverEnvironment(from: string, to: string): void {
  for (const name of [runFiles.env, runFiles.prompt]) {
    try {
      linkSync(join(from, name), join(to, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  flushFolder(to);
}
