/** Run folders before the run exists: made, filled and flushed. */
import { linkSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { limits } from '../run/limits.ts';
import { readRegularFile } from './regular-file.ts';
import { flushFolder, runFiles, writeFlushed } from './run-folder.ts';

export type NewFolder = {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly prompt: Buffer | null;
  readonly request: Buffer | null;
};

/** Equal environments are written once and linked: the runs of a batch have one sender. */
export function writeRunFolders(runsFolder: string, folders: readonly NewFolder[]): void {
  let last = { text: '', path: '' };
  for (const { folder, environment, prompt, request } of folders) {
    mkdirSync(folder, { mode: 0o700 });
    const path = join(folder, runFiles.env);
    const text = JSON.stringify(environment);
    if (last.text === text) linkSync(last.path, path);
    else {
      writeFlushed(path, text);
      last = { text, path };
    }
    if (prompt !== null) writeFlushed(join(folder, runFiles.prompt), prompt);
    if (request !== null) writeFlushed(join(folder, runFiles.request), request);
  }
  // Journaling file systems (ext4, xfs) carry what was made before along with this flush: one for the whole batch.
  flushFolder(runsFolder);
}

/** A run that repeats another gets its environment and, with `input`, what it read; both are deleted with the first one. */
export function takeOver(from: string, to: string, input: boolean): void {
  for (const name of input ? [runFiles.env, runFiles.prompt] : [runFiles.env]) {
    try {
      linkSync(join(from, name), join(to, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  flushFolder(to);
}

/** The new input of a run whose environment was taken over. */
export function writeInput(folder: string, prompt: Buffer, request: Buffer | null): void {
  writeFlushed(join(folder, runFiles.prompt), prompt);
  if (request !== null) writeFlushed(join(folder, runFiles.request), request);
  flushFolder(folder);
}

/** What a person asked this run for, beside its task; null when there was nothing. */
export function readWords(folder: string): Buffer | null {
  return readIfThere(join(folder, runFiles.request));
}

/** What this run was asked, before anything was added to it; null when it is not kept any more. */
export function readRequest(folder: string): Buffer | null {
  return readIfThere(join(folder, runFiles.request)) ?? readIfThere(join(folder, runFiles.prompt));
}

/** What the run was given, as long as it is kept; empty when it is not, or cannot be read. */
export function readEnvironment(folder: string): Readonly<Record<string, string>> {
  try {
    const value = JSON.parse(readRegularFile(join(folder, runFiles.env), limits.runFileBytesMax).toString('utf8')) as Record<string, string> | null;
    return Object.fromEntries(Object.entries(value ?? {}).filter(([, each]) => typeof each === 'string'));
  } catch {
    return {};
  }
}

function readIfThere(path: string): Buffer | null {
  try {
    return readRegularFile(path, limits.runFileBytesMax);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Puts another prompt in the place of the one that is there: there is never a moment without. */
export function replacePrompt(folder: string, prompt: string): void {
  const temporary = join(folder, `.${runFiles.prompt}.new`);
  rmSync(temporary, { force: true });
  writeFlushed(temporary, prompt);
  renameSync(temporary, join(folder, runFiles.prompt));
}
