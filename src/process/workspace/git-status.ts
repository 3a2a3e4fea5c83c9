/** Reads the git status of a work tree: files that differ from the commit, untracked files, and nested repositories. */
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { limits } from '#run/limits.ts';
import { type FileVersion, gone } from '#run/workspace.ts';
import { listed, splitName } from './file-names.ts';
import { isThere } from './folders.ts';
import { readGitRecords } from './git-command.ts';
import type { View } from './repository.ts';

export type StatusEntry = {
  readonly path: string;
  readonly base: FileVersion;
  /** An untracked folder that is listed as a whole. */
  readonly isFolder: boolean;
};

/** `entries`: null if there are too many. `nested`: untracked repositories. */
export type Status = { readonly entries: readonly StatusEntry[] | null; readonly nested: readonly string[] };

/** Returns the status; null if git fails. `ours`: the home of clip, whose files do not count. */
export async function readStatus(view: View, ours: string): Promise<Status | null> {
  // A dependency tree that is not ignored is too large to list. Then untracked folders count as a whole.
  const all = await list(view, ours, 'all');
  return all === null || all.entries !== null ? all : list(view, ours, 'normal');
}

async function list(view: View, ours: string, untracked: 'all' | 'normal'): Promise<Status | null> {
  const { root } = view.repository;
  const modes = parseModes(view);
  const entries: StatusEntry[] = [];
  const folders: string[] = [];
  const how = await readGitRecords(
    { args: ['-C', root, 'status', ...statusOptions, `--untracked-files=${untracked}`], env: view.env },
    (record) => {
      const entry = parseEntry(record, modes);
      if (entry === null || isWithin(join(root, entry.path), ours)) return true;
      if (entry.isFolder) folders.push(entry.path);
      else entries.push(entry);
      return entries.length + folders.length <= limits.workspaceFiles;
    },
  );
  if (how === null) return null;
  if (how === 'stopped') return { entries: null, nested: [] };
  const nested = await nestedIn(root, folders);
  const others = folders.filter((path) => !nested.includes(path)).map((path) => ({ path, base: gone, isFolder: true }));
  return { entries: [...entries, ...others], nested: nested.map((path) => path.replace(/\/$/, '')) };
}

const statusOptions = ['--porcelain=v2', '-z', '--no-renames', '--ignore-submodules=all'];

type Modes = (mode: string) => string;

/** The mode of a file if modes are ignored. */
export const noMode = '100';

/** Returns the function that normalizes modes. They are ignored on file systems without an executable bit. */
export function parseModes({ repository }: View): Modes {
  const setting = repository.settings.findLast(([key]) => key === 'core.filemode')?.[1];
  const matter = setting === undefined || !/^(?:false|no|off|0)$/i.test(setting);
  return (mode) => (matter || !mode.startsWith('100') ? mode : noMode);
}

/** Parses an entry. Returns null for a submodule or an unknown kind of record. */
function parseEntry(line: string, modes: Modes): StatusEntry | null {
  const { text: record, named } = splitName(line);
  const kind = record.charAt(0);
  if (kind === '?') {
    const path = named(record.slice(2));
    return { path, base: gone, isFolder: path.endsWith('/') };
  }
  // 1 XY sub mH mI mW hH hI path · u XY sub m1 m2 m3 mW h1 h2 h3 path
  const fields = kind === '1' ? 8 : kind === 'u' ? 10 : 0;
  if (fields === 0) return null;
  const parts = record.split(' ');
  const path = named(parts.slice(fields).join(' '));
  const [mode = '', id = ''] = kind === '1' ? [parts[3], parts[6]] : [parts[4], parts[8]];
  if (parts[2] !== 'N...' || mode === submoduleMode) return null;
  return { path, base: fileVersion(mode, id, modes), isFolder: false };
}

export const submoduleMode = '160000';

/** The ids of the empty tree in git. */
export const emptyTree = {
  sha1: '4b825dc642cb6eb9a060e54bf8d69288fbee4904',
  sha256: '6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321',
} as const;

/** Returns the version of a file in a commit from its mode and id; `gone` if it has none. */
export function fileVersion(mode: string, id: string, modes: Modes): FileVersion {
  return mode === '' || /^0+$/.test(mode) ? gone : `${modes(mode)} ${id}`;
}

/** Returns which of these folders are repositories. */
async function nestedIn(root: string, folders: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    folders
      .slice(0, limits.workspaceRepositories)
      .map(async (path) => ((await isThere(join(root, path, '.git'))) ? [path] : [])),
  );
  return found.flat();
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

const submodulesKnown = new Map<string, { readonly stamp: string; readonly paths: readonly string[] }>();

/** Returns the paths of the submodules in the index; null if git fails. */
export async function listSubmodules(view: View): Promise<readonly string[] | null> {
  const index = view.env['GIT_INDEX_FILE'] ?? '';
  const stamp = await readStamp(index);
  const known = submodulesKnown.get(index);
  if (known !== undefined && known.stamp === stamp) return known.paths;
  const paths: string[] = [];
  const how = await readGitRecords(
    { args: ['-C', view.repository.root, 'ls-files', '-s', '-z'], env: view.env },
    (record) => {
      const { text, named } = splitName(record);
      if (text.startsWith(submoduleMode)) paths.push(named(text.slice(text.indexOf('\t') + 1)));
      return paths.length <= limits.workspaceRepositories;
    },
  );
  if (how === null) return null;
  if (submodulesKnown.size >= limits.workspaceRepositories) submodulesKnown.clear();
  submodulesKnown.set(index, { stamp, paths });
  return paths;
}

async function readStamp(path: string): Promise<string> {
  try {
    const { ino, size, mtimeNs, ctimeNs } = await lstat(path, { bigint: true });
    return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
  } catch {
    return 'gone';
  }
}

/** Returns which of these files have a filter. The filter program is not run, so such a file looks changed. */
export async function filteredAmong(view: View, paths: readonly string[]): Promise<readonly string[]> {
  if (paths.length === 0 || !view.repository.hasFilters) return [];
  const call = {
    args: ['-C', view.repository.root, 'check-attr', '-z', '--stdin', 'filter'],
    env: view.env,
    input: listed(paths),
  };
  const fields: string[] = [];
  const how = await readGitRecords(call, (record) => fields.push(record) > 0);
  // If git fails, any of them may have a filter.
  if (how !== 'all') return paths;
  const found: string[] = [];
  for (let at = 0; at + 2 < fields.length; at += 3) {
    if (!['unspecified', 'unset', 'set'].includes(fields[at + 2] ?? '')) found.push(fields[at] ?? '');
  }
  return found;
}
