/** Compares an earlier state of a workspace with the present one. */
import { join } from 'node:path';
import { limits } from '#run/limits.ts';
import {
  type ChangedFile,
  type Comparison,
  type FileVersion,
  gone,
  isKnown,
  type RepositoryState,
  type Snapshot,
  untold,
} from '#run/workspace.ts';
import { countCommits, listCommits } from './compare-commits.ts';
import { countLines } from './compare-lines.ts';
import { readGitRecords } from './git-command.ts';
import { emptyTree, fileVersion, noMode, parseModes, submoduleMode } from './git-status.ts';
import type { WorkspacePlace, WorkspaceSnapshot } from './snapshot.ts';

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
    listCommits(before, after, place),
  ]);
  const commitCount = await countCommits(commits, before, after, place);
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

/**
 * Compares versions. If a repository has changed `core.filemode` between two snapshots, only the contents are compared.
 */
function isSame(from: FileVersion, to: FileVersion): boolean {
  if (from === to) return from !== untold;
  const [modes, ids] = [
    [from, to].map((version) => version.split(' ')[0]),
    [from, to].map((version) => version.split(' ')[1]),
  ];
  return modes.includes(noMode) && modes.every((mode) => mode?.startsWith('100')) && ids[0] === ids[1];
}
