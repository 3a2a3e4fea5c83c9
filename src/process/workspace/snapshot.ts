/**
 * The state of a workspace: the commit that is checked out, and the content of every file that differs from it or is
 * untracked. Taking it runs nothing in the folder, writes nothing into it, and takes no git lock.
 */
import { join } from 'node:path';
import { limits } from '#run/limits.ts';
import { gone, isKnown, type OpenFile, type RepositoryState, type Snapshot, untold } from '#run/workspace.ts';
import { hashContents, type ReadBudget, readBudget } from './content-hash.ts';
import { listed } from './file-names.ts';
import { isPassedOver, listFiles } from './folder-scan.ts';
import { realFolder } from './folders.ts';
import { askGit, readGitRecords } from './git-command.ts';
import { filteredAmong, listSubmodules, parseModes, readStatus, type StatusEntry } from './git-status.ts';
import { findRepository, isLinked, openView, type Repository, type View } from './repository.ts';

/** A repository in the workspace: its path and its view. */
export type WorkspacePlace = { readonly path: string; readonly view: View };

export type WorkspaceSnapshot = {
  readonly snapshot: Snapshot;
  /** Files that only grew since the earlier snapshot, by path from the root. */
  readonly grown: ReadonlySet<string>;
  readonly places: readonly WorkspacePlace[];
};

export type LookOptions = {
  /** The home of clip. Its files do not count, and views are created in it. */
  readonly ours: string;
  /** The earlier state, to tell files that only grew from changed ones. */
  readonly earlier: Snapshot | null;
};

/** Calls `work` with the state of the folder, or with null if it is unknown. Closes the views afterwards. */
export async function withLook<T>(
  folder: string,
  options: LookOptions,
  work: (look: WorkspaceSnapshot | null) => Promise<T>,
): Promise<T> {
  const places: WorkspacePlace[] = [];
  try {
    return await work(await lookAt(folder, options, places));
  } finally {
    await Promise.all(places.map(({ view }) => view.close()));
  }
}

async function lookAt(
  folder: string,
  options: LookOptions,
  places: WorkspacePlace[],
): Promise<WorkspaceSnapshot | null> {
  const repository = await findRepository(folder);
  if (repository === null) return null;
  const grown = new Set<string>();
  const root = repository === 'none' ? await realFolder(folder) : repository.root;
  const context: Context = { ...options, root, budget: readBudget(), grown };
  if (repository === 'none') {
    const open = await openInFolder(context);
    const own: RepositoryState = { path: '', head: null, tree: null, open, filtered: [] };
    const snapshot = { root, git: false, linked: false, repositories: [own], whole: true };
    return open === null ? null : { snapshot, grown, places };
  }
  const found = await repositoriesIn(repository, context, places);
  if (found === null) return null;
  const { states, whole } = found;
  return {
    snapshot: { root, git: true, linked: isLinked(repository), repositories: states, whole },
    grown,
    places,
  };
}

type Context = LookOptions & { readonly root: string; readonly budget: ReadBudget; readonly grown: Set<string> };

/**
 * Returns the states of the repository and of those within it (submodules and nested ones). Null if git fails for the
 * outermost.
 */
async function repositoriesIn(
  outer: Repository,
  context: Context,
  places: WorkspacePlace[],
): Promise<{ states: RepositoryState[]; whole: boolean } | null> {
  const states: RepositoryState[] = [];
  let whole = true;
  const waiting: { path: string; repository: Repository }[] = [{ path: '', repository: outer }];
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const view = await openView(next.repository, join(context.ours, 'views'));
    places.push({ path: next.path, view });
    const state = await readState({ path: next.path, view }, context);
    if (state === null && next.path === '') return null;
    if (state === null) whole = false;
    else states.push(state.state);
    const inner = (state?.inner ?? []).map((path) => join(next.path, path));
    const room = limits.workspaceRepositories - states.length - waiting.length;
    if (inner.length > room) whole = false;
    const found = await Promise.all(
      inner
        .slice(0, Math.max(0, room))
        .map(async (path) => ({ path, repository: await findRepository(join(context.root, path)) })),
    );
    for (const { path, repository } of found) {
      // A submodule that was never checked out is an empty folder of the outer repository.
      if (repository !== null && repository !== 'none' && repository.root === join(context.root, path))
        waiting.push({ path, repository });
    }
  }
  return { states, whole };
}

async function readState(
  { path, view }: WorkspacePlace,
  context: Context,
): Promise<{ state: RepositoryState; inner: readonly string[] } | null> {
  const { head } = view.repository;
  const [status, submodules, tree] = await Promise.all([
    readStatus(view, context.ours),
    listSubmodules(view),
    head === null ? null : readTree(head, view),
  ]);
  if (status === null || submodules === null) return null;
  const state = { path, head, tree };
  const inner = [...submodules, ...status.nested];
  if (status.entries === null) return { state: { ...state, open: null, filtered: [] }, inner };
  const open = await openFiles({ path, view }, status.entries, context);
  const tracked = status.entries.flatMap((entry) => (entry.base === gone ? [] : [entry.path]));
  return { state: { ...state, open, filtered: await filteredAmong(view, tracked) }, inner };
}

/** Cache: the tree of a commit never changes. */
const treesKnown = new Map<string, string>();

async function readTree(head: string, { env }: View): Promise<string | null> {
  const known = treesKnown.get(head);
  if (known !== undefined) return known;
  const tree = (await askGit({ args: ['rev-parse', '--verify', '--quiet', `${head}^{tree}`], env }))?.trim() || null;
  if (treesKnown.size >= limits.workspaceContentsKept) treesKnown.clear();
  if (tree !== null) treesKnown.set(head, tree);
  return tree;
}

async function openFiles(
  { path, view }: WorkspacePlace,
  entries: readonly StatusEntry[],
  context: Context,
): Promise<ReadonlyMap<string, OpenFile>> {
  const files = entries.filter(({ isFolder }) => !isFolder);
  const before = context.earlier?.repositories.find((each) => each.path === path)?.open ?? null;
  const wanted = files.map((entry) => ({
    path: join(context.root, path, entry.path),
    earlier: findEarlier(before?.get(entry.path)),
  }));
  const contents = await hashContents(
    wanted,
    { algorithm: view.repository.format, modes: parseModes(view) },
    context.budget,
  );
  const open: [string, OpenFile][] = files.map((entry, index) => {
    const { version = untold, size = null, lines = null, grew = false } = contents[index] ?? {};
    if (grew) context.grown.add(join(path, entry.path));
    return [entry.path, { base: entry.base, version, size, lines: entry.base === gone ? lines : null }];
  });
  const folders = entries.flatMap((entry): [string, OpenFile][] =>
    entry.isFolder ? [[entry.path, { base: gone, version: untold, size: null, lines: null }]] : [],
  );
  return new Map([...open, ...folders]);
}

async function openInFolder(context: Context): Promise<ReadonlyMap<string, OpenFile> | null> {
  const files = await listFiles(context.root, context.ours, Date.now() + limits.folderScanMs);
  if (files === null) return null;
  const before = context.earlier?.repositories[0]?.open ?? null;
  const wanted = files.map((path) => ({ path: join(context.root, path), earlier: findEarlier(before?.get(path)) }));
  const contents = await hashContents(wanted, { algorithm: 'sha1', modes: (mode) => mode }, context.budget);
  return new Map(
    files.map((path, index): [string, OpenFile] => {
      const { version = untold, size = null, lines = null, grew = false } = contents[index] ?? {};
      if (grew) context.grown.add(path);
      return [path, { base: gone, version, size, lines }];
    }),
  );
}

function findEarlier(file: OpenFile | undefined): { id: string; size: number } | null {
  if (file === undefined || file.size === null || !isKnown(file.version)) return null;
  return { id: file.version.slice(file.version.indexOf(' ') + 1), size: file.size };
}

/** Returns which of these paths, relative to the root, a snapshot skips. */
export async function ignoredAmong(
  { snapshot, places }: WorkspaceSnapshot,
  paths: readonly string[],
): Promise<ReadonlySet<string>> {
  const [outer] = places;
  if (paths.length === 0) return new Set();
  if (outer === undefined) return new Set(paths.filter(isPassedOver));
  const args = ['-C', snapshot.root, 'check-ignore', '-z', '--stdin'];
  const ignored = new Set<string>();
  // Git exits with 1 if none is ignored.
  const call = { args, env: outer.view.env, input: listed(paths), alsoGood: 1 };
  const how = await readGitRecords(call, (record) => ignored.add(record) !== null);
  // If git fails, any of them may be ignored.
  return how === 'all' ? ignored : new Set(paths);
}
