/**
 * Whether a run made progress: it leaves a state of the files that no run of this streak has left or found before.
 * Content decides, not times. The same bytes again, alternating states and a reverted change are not progress.
 */
import type { ChangedFile, Snapshot } from '#run/workspace.ts';
import type { OwnChanges } from './own-changes.ts';

/** How states and file versions are named. `root`: of the work folder, because a task may change its folder. */
export type PathNaming = { readonly short: (text: string) => string; readonly root: string };

/** The names of both versions of a changed file. */
export type StateMarks = { readonly found: string; readonly left: string };

/** Returns the names of the version that the run found and of the one that it left. */
export function marksOfFile({ path, before, after }: ChangedFile, { short, root }: PathNaming): StateMarks {
  const of = (version: string) => short(`file\0${root}\0${path}\0${version}`);
  return { found: of(before), left: of(after) };
}

/** Returns the name of the whole state, or null when a part of it is unknown. */
export function wholeMark(state: Snapshot | null, { short, root }: PathNaming): string | null {
  if (state === null || !state.whole) return null;
  const parts: string[] = [];
  for (const { path, tree, head, open } of state.repositories) {
    if (open === null || (tree === null) !== (head === null)) return null;
    const files = [...open].map(([file, { version }]) => `${file}\0${version}`).sort();
    if (files.some((file) => file.includes('\0?'))) return null;
    parts.push(`${path}\0${tree ?? ''}\0${files.join('\0')}`);
  }
  return short(`state\0${root}\0${parts.sort().join('\0')}`);
}

/** Returns the names of the checked-out trees. Two commits of the same tree hold the same files. */
export function treeMarks(state: Snapshot | null, { short, root }: PathNaming): readonly string[] {
  return (state?.repositories ?? []).flatMap(({ path, tree }) =>
    tree === null ? [] : [short(`tree\0${root}\0${path}\0${tree}`)],
  );
}

/** The names of the state that a run left. */
export type LeftState = {
  /** Null when the state is not fully known. */
  readonly whole: string | null;
  readonly trees: readonly string[];
  /** File versions by path. */
  readonly files: ReadonlyMap<string, StateMarks>;
};

/**
 * Returns whether a file of the run's own has a new version, or a commit of its own has a new tree. Unknown states
 * never count, and a whole state that existed before is not progress.
 */
export function isProgress(own: OwnChanges, { whole, trees, files }: LeftState, seen: ReadonlySet<string>): boolean {
  if (whole !== null && seen.has(whole)) return false;
  const isNew = ({ path }: ChangedFile) => {
    const marks = files.get(path);
    return marks !== undefined && !seen.has(marks.left);
  };
  return own.deliberate.some(isNew) || ((own.commits ?? 0) > 0 && trees.some((tree) => !seen.has(tree)));
}
