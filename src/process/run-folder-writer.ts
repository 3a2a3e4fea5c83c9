/** Creates, fills and flushes run folders before their runs exist. */
import { linkSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { limits } from '#run/limits.ts';
import { type FolderIdentity, removeEntry, withRunFolder } from './real-folder.ts';
import { readRunFile } from './run-file.ts';
import { flushFolder, runFiles, writeFlushed } from './run-folder.ts';

export type NewFolder = {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly prompt: Buffer | null;
  readonly request: Buffer | null;
};

/**
 * Creates run folders and fills them. Returns their identities. Equal environments are written once and linked,
 * because the runs of a batch have one submitter.
 */
export function writeRunFolders(runsFolder: string, folders: readonly NewFolder[]): (FolderIdentity | null)[] {
  let last = { text: '', path: '' };
  const identities = folders.map(({ folder, environment, prompt, request }) => {
    const identity = makeRunFolder(folder);
    const path = join(folder, runFiles.env);
    const text = JSON.stringify(environment);
    if (last.text === text) linkSync(last.path, path);
    else {
      writeFlushed(path, text);
      last = { text, path };
    }
    if (prompt !== null) writeFlushed(join(folder, runFiles.prompt), prompt);
    if (request !== null) writeFlushed(join(folder, runFiles.request), request);
    return identity;
  });
  // On journaling file systems (ext4, xfs) this flush includes everything created before, so one is enough for the
  // batch.
  flushFolder(runsFolder);
  return identities;
}

/** Creates an empty run folder. Returns its identity. */
export function makeRunFolder(folder: string): FolderIdentity | null {
  mkdirSync(folder, { mode: 0o700 });
  return withRunFolder(folder, (_, identity) => identity);
}

/** Links the environment of an earlier run and, with `input`, its prompt into the folder of its retry. */
export function takeOver(from: string, to: string, input: boolean): void {
  withRunFolder(from, (at) => {
    for (const name of input ? [runFiles.env, runFiles.prompt] : [runFiles.env]) {
      try {
        linkSync(join(at, name), join(to, name));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    }
  });
  flushFolder(to);
}

/** Writes the new input of a run whose environment was taken over. */
export function writeInput(folder: string, prompt: Buffer, request: Buffer | null): void {
  writeFlushed(join(folder, runFiles.prompt), prompt);
  if (request !== null) writeFlushed(join(folder, runFiles.request), request);
  flushFolder(folder);
}

/** Returns what a person asked of this run besides its task, or null. */
export function formatRead(folder: string): Buffer | null {
  return readIfThere(join(folder, runFiles.request));
}

/** Returns the original request of this run, without additions; null if it is not kept any more. */
export function readRequest(folder: string): Buffer | null {
  return readIfThere(join(folder, runFiles.request)) ?? readIfThere(join(folder, runFiles.prompt));
}

/** Returns the environment of the run; empty if it is not kept any more or cannot be read. */
export function readEnvironment(folder: string): Readonly<Record<string, string>> {
  try {
    const value = JSON.parse(
      readRunFile(join(folder, runFiles.env), limits.runFileBytesMax).toString('utf8'),
    ) as Record<string, string> | null;
    return Object.fromEntries(Object.entries(value ?? {}).filter(([, each]) => typeof each === 'string'));
  } catch {
    return {};
  }
}

function readIfThere(path: string): Buffer | null {
  try {
    return readRunFile(path, limits.runFileBytesMax);
  } catch (error) {
    // A link, or a file too large for any input, which the run has put there, counts as missing.
    if (['ENOENT', 'ELOOP', 'EOVERFLOW', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
}

/** Replaces the prompt atomically. */
export function replacePrompt(folder: string, prompt: string): void {
  const replaced = withRunFolder(folder, (at) => {
    const temporary = `.${runFiles.prompt}.new`;
    removeEntry(at, temporary);
    writeFlushed(join(at, temporary), prompt);
    renameSync(join(at, temporary), join(at, runFiles.prompt));
    return true;
  });
  if (replaced === null) throw Object.assign(new Error(`the folder ${folder} is gone`), { code: 'ENOENT' });
}
