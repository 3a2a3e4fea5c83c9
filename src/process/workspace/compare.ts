/** Compares an earlier state of a workspace with the present one. */
import { join } from 'node:path';
import { limits } from '#run/limits.ts';
import {
  type ChangedFile,
  type Commit,
  type Comparison,
  type FileVersion,
  gone,
  isKnown,
  type RepositoryState,
  type Snapshot,
  untold,
} from '#run/workspace.ts';
import { isText, splitName } from './file-names.ts';
import { askGit, readGitRecords } from './git-command.ts';
import { fileVersion, noMode, parseModes, submoduleMode } from './git-status.ts';
import type { WorkspacePlace, WorkspaceSnapshot } from './snapshot.ts';

/** Commits of one run that are examined one by one. */
const commitsMax = 200;

/** Returns the differences. Null if one of the states is missing, or if they are of different folders. */
export async function compareWith(earlier: Snapshot | null, look: WorkspaceSnapshot): Promise<Comparison | null> {
  const { snapshot: now } = look;
  if (earlier === null || earlier.root !== now.root || earlier.git !== now.git) return null;
  const parts = await Promise.all(
    now.repositories.map((state) => {
      const place = look.places.find(({ path }) => path === state.path) ?? null;
      const before = earlier.repositories.find(({ path }) => path === state.path) ?? nothingThere(state.path);
      return place === null ? inFolder(before, state, look) : inRepository(before, state, { place, look });
    }),
  );
  const lost = earlier.repositories.some(({ path }) => !now.repositories.some((state) => state.path === path));
  return summed(parts, lost || !earlier.whole || !now.whole);
}

/** The earlier state of a new repository: all its content is new. */
const nothingThere = (path: string): RepositoryState => ({
  path,
  head: null,
  tree: null,
  open: new Map(),
  filtered: [],
});

function summed(parts: readonly Comparison[], uncertain: boolean): Comparison {
  const sum = (of: (part: Comparison) => number | null) =>
    parts.reduce<number | null>((total, part) => add(total, of(part)), 0);
  const commits = parts.map((part) => part.commits);
  return {
    changed: parts.flatMap(({ changed }) => changed),
    uncertain: uncertain || parts.some((part) => part.uncertain),
    insertions: uncertain ? null : sum(({ insertions }) => insertions),
    deletions: uncertain ? null : sum(({ deletions }) => deletions),
    commits: commits.includes(null) ? null : commits.flatMap((each) => each ?? []),
    commitCount: sum(({ commitCount }) => commitCount),
  };
}

const add = (a: number | null, b: number | null): number | null => (a === null || b === null ? null : a + b);

/** Compares a folder without git, so there are no counts of lines or commits. */
function inFolder(before: RepositoryState, after: RepositoryState, { grown }: WorkspaceSnapshot): Comparison {
  const { changed, uncertain } = difference(before, after, { committed: new Map(), grown, path: '' });
  return { changed, uncertain, insertions: null, deletions: null, commits: null, commitCount: null };
}

async function inRepository(
  before: RepositoryState,
  after: RepositoryState,
  { place, look }: { place: WorkspacePlace; look: WorkspaceSnapshot },
): Promise<Comparison> {
  const [committed, commits] = await Promise.all([
    committedBetween(before, after, place),
    commitsSince(before, after, place),
  ]);
  const isAll = commits !== null && commits.length < commitsMax;
  const commitCount = isAll ? commits.length : await countSince(before, after, place);
  const found =
    committed === null
      ? { changed: [], uncertain: true }
      : difference(before, after, { committed, grown: look.grown, path: place.path });
  const lines = await countLines(before, after, { place, ...found });
  return { ...found, ...lines, commits, commitCount };
}

type Committed = ReadonlyMap<string, { readonly before: FileVersion; readonly after: FileVersion }>;

/** Returns the files that differ between the two commits; null if git fails. */
async function committedBetween(
  before: RepositoryState,
  after: RepositoryState,
  { view }: WorkspacePlace,
): Promise<Committed | null> {
  if (before.head === after.head) return new Map();
  const none = emptyTree[view.repository.format];
  return treeDifference(['diff-tree', '-r', '-z', '--no-renames', before.head ?? none, after.head ?? none], view);
}

async function treeDifference(args: readonly string[], view: WorkspacePlace['view']): Promise<Committed | null> {
  const modes = parseModes(view);
  const found = new Map<string, { before: FileVersion; after: FileVersion }>();
  let header: readonly string[] | null = null;
  const how = await readGitRecords({ args, env: view.env }, (record) => {
    if (header === null) {
      header = record.slice(1).split(' ');
      return true;
    }
    const [modeBefore = '', modeAfter = '', idBefore = '', idAfter = ''] = header;
    header = null;
    // A changed submodule is compared as a repository of its own.
    if (modeBefore !== submoduleMode && modeAfter !== submoduleMode)
      found.set(record, {
        before: fileVersion(modeBefore, idBefore, modes),
        after: fileVersion(modeAfter, idAfter, modes),
      });
    return found.size <= limits.workspaceFiles;
  });
  return how === 'all' ? found : null;
}

type Difference = { readonly changed: ChangedFile[]; readonly uncertain: boolean };
type CompareInput = { readonly committed: Committed; readonly grown: ReadonlySet<string>; readonly path: string };

function difference(
  before: RepositoryState,
  after: RepositoryState,
  { committed, grown, path }: CompareInput,
): Difference {
  const [was, is] = [before.open, after.open];
  const changed: ChangedFile[] = [];
  let uncertain = was === null || is === null;
  for (const file of new Set([...(was?.keys() ?? []), ...(is?.keys() ?? []), ...committed.keys()])) {
    const [older, newer, moved] = [was?.get(file), is?.get(file), committed.get(file)];
    // A file that is not open has the version of the commit.
    const from = older?.version ?? (was === null ? untold : (moved?.before ?? newer?.base ?? gone));
    const to = newer?.version ?? (is === null ? untold : (moved?.after ?? older?.base ?? gone));
    const filtered = before.filtered.includes(file) !== after.filtered.includes(file);
    if (isSame(from, to)) continue;
    if (filtered || !isKnown(from) || !isKnown(to)) {
      uncertain = true;
      continue;
    }
    const kind = from === gone ? 'add' : to === gone ? 'delete' : 'update';
    const tracked = [older?.base ?? gone, newer?.base ?? gone, moved?.before ?? gone, moved?.after ?? gone].some(
      (version) => version !== gone,
    );
    changed.push({
      path: join(path, file),
      kind,
      before: from,
      after: to,
      tracked,
      grew: grown.has(join(path, file)) && isKnown(from),
    });
  }
  return { changed, uncertain };
}

/** Compares versions. If a repository has changed `core.filemode` between two snapshots, only the contents are compared. */
function isSame(from: FileVersion, to: FileVersion): boolean {
  if (from === to) return from !== untold;
  const [modes, ids] = [
    [from, to].map((version) => version.split(' ')[0]),
    [from, to].map((version) => version.split(' ')[1]),
  ];
  return modes.includes(noMode) && modes.every((mode) => mode?.startsWith('100')) && ids[0] === ids[1];
}

const range = (before: RepositoryState, after: RepositoryState): readonly string[] => [
  after.head ?? 'HEAD',
  ...(before.head === null ? [] : [`^${before.head}`]),
];

async function countSince(
  before: RepositoryState,
  after: RepositoryState,
  { view }: WorkspacePlace,
): Promise<number | null> {
  if (before.head === after.head || after.head === null) return 0;
  const count = await askGit({ args: ['rev-list', '--count', ...range(before, after)], env: view.env });
  return count === null ? null : Number(count.trim());
}

/** Separates commits in a listing. No file name contains it. */
const commitMark = '\u0001';

async function commitsSince(
  before: RepositoryState,
  after: RepositoryState,
  { path, view }: WorkspacePlace,
): Promise<readonly Commit[] | null> {
  if (before.head === after.head || after.head === null) return [];
  const format = [
    '-z',
    '--name-only',
    '--no-renames',
    '--diff-merges=off',
    `--format=${commitMark}%ct`,
    `--max-count=${commitsMax}`,
  ];
  const commits: { at: number; files: string[] }[] = [];
  let files = 0;
  const how = await readGitRecords({ args: ['log', ...format, ...range(before, after)], env: view.env }, (record) => {
    // The first name follows the line of its commit.
    const { text, named } = splitName(record);
    for (const part of text.split('\n').filter((each) => each !== '')) {
      if (part.startsWith(commitMark)) commits.push({ at: Number(part.slice(1)) * 1_000, files: [] });
      else {
        commits.at(-1)?.files.push(join(path, named(part)));
        files += 1;
      }
    }
    return files <= limits.workspaceFiles;
  });
  return how === null ? null : commits;
}

type Lines = Pick<Comparison, 'insertions' | 'deletions'>;
const unknownLines: Lines = { insertions: null, deletions: null };

/**
 * Counts lines against the earlier commit. A file that was open then, or has a filter, has no lines to compare with.
 * If such a file has changed, the sum is unknown.
 */
async function countLines(
  before: RepositoryState,
  after: RepositoryState,
  { place, changed, uncertain }: { place: WorkspacePlace } & Difference,
): Promise<Lines> {
  if (uncertain) return unknownLines;
  if (changed.length === 0) return { insertions: 0, deletions: 0 };
  const own = new Map(
    changed.map((file) => [place.path === '' ? file.path : file.path.slice(place.path.length + 1), file]),
  );
  let [insertions, deletions] = [0, 0];
  const counted = new Set<string>();
  for (const [path, file] of own) {
    const [older, newer] = [before.open?.get(path), after.open?.get(path)];
    if (after.filtered.includes(path)) return unknownLines;
    if (older !== undefined) {
      // All lines of a deleted untracked file count as deleted.
      if (file.after !== gone || older.base !== gone) return unknownLines;
      deletions += older.lines ?? 0;
      counted.add(path);
    } else if (newer !== undefined && newer.base === gone && file.before === gone) {
      // All lines of an untracked file are new. A binary file has none.
      insertions += newer.lines ?? 0;
      counted.add(path);
    }
  }
  const rest = [...own.keys()].filter((path) => !counted.has(path));
  const numbers =
    rest.length === 0 ? new Map<string, readonly [number, number]>() : await readNumstat(before, rest, place);
  if (numbers === null) return unknownLines;
  for (const path of rest) {
    const [added, removed] = numbers.get(path) ?? [0, 0];
    insertions += added;
    deletions += removed;
  }
  return { insertions, deletions };
}

/** Maximum number of names on a command line. With more, git is asked for all files. */
const pathsMax = 200;

/** Returns the lines added and removed in each tracked file since the earlier commit, committed or not. */
async function readNumstat(
  { head }: RepositoryState,
  paths: readonly string[],
  { view }: WorkspacePlace,
): Promise<Map<string, readonly [number, number]> | null> {
  const { root, format } = view.repository;
  const from = head ?? emptyTree[format];
  const some = paths.length <= pathsMax && paths.every(isText) ? ['--', ...paths] : [];
  const numbers = new Map<string, readonly [number, number]>();
  const args = [
    '-C',
    root,
    'diff-index',
    '--numstat',
    '-z',
    '--no-renames',
    '--no-ext-diff',
    '--no-textconv',
    '--ignore-submodules=all',
    from,
    ...some,
  ];
  // The names are literal, not patterns.
  const how = await readGitRecords({ args, env: { ...view.env, GIT_LITERAL_PATHSPECS: '1' } }, (record) => {
    const { text, named } = splitName(record);
    const [added = '', removed = '', ...path] = text.split('\t');
    numbers.set(named(path.join('\t')), [Number(added) || 0, Number(removed) || 0]);
    return numbers.size <= limits.workspaceFiles;
  });
  return how === 'all' ? numbers : null;
}

/** The ids of the empty tree in git. */
const emptyTree = {
  sha1: '4b825dc642cb6eb9a060e54bf8d69288fbee4904',
  sha256: '6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321',
} as const;
