/**
 * Access to run folders that a run may have changed. A run can replace its own folder, or a file in it, by a symbolic
 * link or another folder. clip must never remove, write or read the target of such a link.
 *
 * A folder is opened without following a link, and everything in it is reached through the open folder
 * (`/proc/self/fd/<n>/name`), so nothing can change between check and use. On systems without /proc it is checked
 * right before each use. This module uses only node:*, because the keeper loads it.
 */
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Device and inode as `dev:ino`, which tell a folder from another one of the same name. */
export type FolderIdentity = string;

export type RealFolder = {
  /** Path through which its files are reached, valid until it is closed. */
  readonly at: string;
  readonly identity: FolderIdentity;
  readonly close: () => void;
};

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
const openedFolders = '/proc/self/fd';
const hasOpenedFolders = existsSync(openedFolders);
/** Attempts to empty a folder in which a program still creates files. */
const emptyTriesMax = 3;

/** The folder is not the one that clip created: a link, a file, or another folder is in its place. */
export class ReplacedFolderError extends Error {
  override readonly name = 'ReplacedFolderError';
  readonly code = 'EREPLACED';
}

/**
 * Opens the folder of a run, `<home>/runs/<id>`, of which no step may be a link. With `made`, it must be the folder
 * that was created for the run. Returns null if it does not exist. Throws ReplacedFolderError if something else is
 * there.
 */
export function openRunFolder(path: string, made: FolderIdentity | null = null): RealFolder | null {
  const runs = openStep(dirname(dirname(path)), basename(dirname(path)));
  if (runs === null) return null;
  try {
    const folder = openEntry(runs.at, basename(path), path);
    if (folder === null || made === null || isSame(folder.identity, made)) return folder;
    folder.close();
    throw new ReplacedFolderError(`${path} is another folder than the one that was made for the run.`);
  } finally {
    runs.close();
  }
}

/** Calls `work` with the path of the opened folder. Returns null if the folder does not exist. */
export function withRunFolder<T>(
  path: string,
  work: (at: string, identity: FolderIdentity) => T,
  made: FolderIdentity | null = null,
): T | null {
  const folder = openRunFolder(path, made);
  if (folder === null) return null;
  try {
    return work(folder.at, folder.identity);
  } finally {
    folder.close();
  }
}

/**
 * Removes the folder of a run with its content. A link or a file in its place is removed itself, not its target.
 * Another folder in its place is left alone, and ReplacedFolderError is thrown.
 */
export function removeRunFolder(path: string, made: FolderIdentity | null = null): void {
  const runs = openStep(dirname(dirname(path)), basename(dirname(path)));
  if (runs === null) return;
  const name = basename(path);
  try {
    const stat = lstatSync(join(runs.at, name), { throwIfNoEntry: false });
    if (stat === undefined) return;
    if (!stat.isDirectory()) return unlinkSync(join(runs.at, name));
    const folder = openEntry(runs.at, name, path);
    if (folder === null) return;
    try {
      if (made !== null && !isSame(folder.identity, made))
        throw new ReplacedFolderError(`${path} is another folder than the one that was made for the run.`);
      empty(folder.at, folder.at);
    } finally {
      folder.close();
    }
    rmdirSync(join(runs.at, name));
  } finally {
    runs.close();
  }
}

/** Removes one entry of an open folder, of any kind: a folder with its content, a link without its target. */
export function removeEntry(at: string, name: string): void {
  const path = join(at, name);
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isDirectory()) return unlinkIfThere(path);
  const folder = openEntry(at, name, path);
  if (folder === null) return;
  try {
    empty(folder.at, at);
  } finally {
    folder.close();
  }
  rmdirSync(path);
}

/**
 * Empties an open folder. Folders in it are first moved to `top` and emptied there one by one, so two descriptors and
 * short paths suffice at any depth.
 */
function empty(at: string, top: string): void {
  for (let tries = 1; tries <= emptyTriesMax; tries += 1) {
    const moved: string[] = [];
    for (const name of readdirSync(at)) {
      const path = join(at, name);
      const stat = lstatSync(path, { throwIfNoEntry: false });
      if (stat === undefined) continue;
      if (stat.isDirectory()) moved.push(moveTo(top, path));
      else unlinkIfThere(path);
    }
    for (let name = moved.pop(); name !== undefined; name = moved.pop()) moved.push(...emptyMoved(top, name));
    if (readdirSync(at).length === 0) return;
  }
}

/**
 * Removes a folder that was moved to `top`. Returns the new names of its subfolders, which were moved to `top` as well.
 */
function emptyMoved(top: string, name: string): string[] {
  const folder = openEntry(top, name, join(top, name));
  if (folder === null) return [];
  const moved: string[] = [];
  try {
    for (const entry of readdirSync(folder.at)) {
      const path = join(folder.at, entry);
      const stat = lstatSync(path, { throwIfNoEntry: false });
      if (stat?.isDirectory()) moved.push(moveTo(top, path));
      else if (stat !== undefined) unlinkIfThere(path);
    }
  } finally {
    folder.close();
  }
  rmdirSync(join(top, name));
  return moved;
}

let moves = 0;

function moveTo(top: string, path: string): string {
  moves += 1;
  const name = `.removing.${process.pid}.${moves}`;
  renameSync(path, join(top, name));
  return name;
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** Opens `<parent>/<name>`, neither of which may be a link. */
function openStep(parent: string, name: string): RealFolder | null {
  const above = openEntry(dirname(parent), basename(parent), parent);
  if (above === null) return null;
  try {
    return openEntry(above.at, name, join(parent, name));
  } finally {
    above.close();
  }
}

function openEntry(at: string, name: string, shown: string): RealFolder | null {
  let fd: number;
  try {
    fd = openSync(join(at, name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    if (code === 'ELOOP' || code === 'ENOTDIR')
      throw new ReplacedFolderError(`${shown} is no folder any more: something else stands in its place.`);
    throw error;
  }
  const { dev, ino } = fstatSync(fd, { bigint: true });
  return {
    at: hasOpenedFolders ? join(openedFolders, String(fd)) : join(at, name),
    identity: `${dev}:${ino}`,
    close: () => closeSync(fd),
  };
}

/**
 * Returns whether two identities match. A home that was moved to another disk has new inodes, so there only the check
 * for a real folder applies.
 */
function isSame(identity: FolderIdentity, made: FolderIdentity): boolean {
  const [dev] = identity.split(':');
  return identity === made || dev !== made.split(':')[0];
}
