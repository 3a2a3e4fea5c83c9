/** Folders in `runs/` without a run in the database: those of lost runs, and copies made by a person. */
import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runFiles } from './run-folder.ts';
import { readLaunch, wasLaunched } from './run-folder-reader.ts';

export type RunIds = {
  /** Returns whether a run has this id, or had it and was removed. */
  readonly isKnown: (id: string) => boolean;
  readonly idOf: (runNumber: number) => string | null;
};

/**
 * Returns those of `ids` whose run was launched and is unknown. A run is recorded before it is launched, so the
 * database has lost it.
 */
export function findForgotten(runsFolder: string, ids: readonly string[], runs: RunIds): string[] {
  const unknown = ids.filter(
    (id) => !runs.isKnown(id) && isFolder(join(runsFolder, id)) && wasLaunched(join(runsFolder, id)),
  );
  const copies = findFolderCopies(runsFolder, unknown, (number) => runs.idOf(number));
  return unknown.filter((id) => !copies.has(id));
}

/**
 * Returns those of `ids` that are copies of another folder: that of the run that `idOf` knows by its number, or an
 * older one of `ids`. Every launch has its own attempt, so of two folders with the same launch.json one is a copy.
 */
export function findFolderCopies(runsFolder: string, ids: readonly string[], idOf: RunIds['idOf']): Set<string> {
  const launches = ids.flatMap((id) => readLaunchFile(runsFolder, id) ?? []).sort((a, b) => a.at - b.at);
  const originals = new Set<string>();
  const copies = new Set<string>();
  for (const { id, number, text } of launches) {
    const known = idOf(number);
    if (originals.has(text) || (known !== null && known !== id && readLaunchFile(runsFolder, known)?.text === text))
      copies.add(id);
    originals.add(text);
  }
  return copies;
}

type Launch = { readonly id: string; readonly number: number; readonly text: string; readonly at: number };

/**
 * Returns the launch in a folder; null without a launch.json that has an attempt. `at`: when the file was placed there.
 * A copy is always newer.
 */
function readLaunchFile(runsFolder: string, id: string): Launch | null {
  const folder = join(runsFolder, id);
  if (!isFolder(folder)) return null;
  const launch = readLaunch(folder)?.launch;
  if (launch?.attempt === undefined) return null;
  const path = join(folder, runFiles.launch);
  return { id, number: launch.number, text: readFileSync(path, 'utf8'), at: lstatSync(path).ctimeMs };
}

function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
