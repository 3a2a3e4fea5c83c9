/** The lines that were added and removed since an earlier state of a repository. */
import { limits } from '#run/limits.ts';
import { type ChangedFile, type Comparison, gone, type RepositoryState } from '#run/workspace.ts';
import { isText, splitName } from './file-names.ts';
import { readGitRecords } from './git-command.ts';
import { emptyTree } from './git-status.ts';
import type { WorkspacePlace } from './snapshot.ts';

type Lines = Pick<Comparison, 'insertions' | 'deletions'>;
type CountInput = {
  readonly place: WorkspacePlace;
  readonly changed: readonly ChangedFile[];
  /** Whether some of the differences are unknown. */
  readonly uncertain: boolean;
};
const unknownLines: Lines = { insertions: null, deletions: null };

/**
 * Counts lines against the earlier commit. A file that was open then, or has a filter, has no lines to compare with.
 * If such a file has changed, the sum is unknown.
 */
export async function countLines(
  before: RepositoryState,
  after: RepositoryState,
  { place, changed, uncertain }: CountInput,
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
