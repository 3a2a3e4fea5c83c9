/** The state of a work folder, and what changed between two states: plain values. */

/**
 * The version of a file: `<mode> <id of its content>`, or `gone` for a missing file. A version that begins with `?`
 * does not identify the content: two equal ones mean the same file untouched, and two different ones mean nothing.
 */
export type FileVersion = string;

export const gone: FileVersion = 'gone';

/** The version of a file of which nothing is known. Not even two of them are equal. */
export const untold: FileVersion = '?';

/** Returns whether the version identifies the content, so that two of them can be compared. */
export const isKnown = (version: FileVersion): boolean => !version.startsWith('?');

/** A file that differs from the checked-out commit, or that git does not track. */
export type OpenFile = {
  /** The version in the commit. */
  readonly base: FileVersion;
  readonly version: FileVersion;
  /** The size in bytes. Null when unknown. */
  readonly size: number | null;
  /** The number of lines of an untracked text. Null for everything else. */
  readonly lines: number | null;
};

export type RepositoryState = {
  /** The path in the work folder. Empty for the folder's own repository. */
  readonly path: string;
  readonly head: string | null;
  /** The tree of that commit. Two commits of the same tree hold the same files. */
  readonly tree: string | null;
  /** Open files by path in the repository. Null when there are too many to be compared. */
  readonly open: ReadonlyMap<string, OpenFile> | null;
  /** Open files with a filter whose program was not run. Whether they differ from the commit is unknown. */
  readonly filtered: readonly string[];
};

/** A snapshot of a work folder. A folder without git is one repository without commits, whose files are all open. */
export type Snapshot = {
  readonly root: string;
  readonly git: boolean;
  /** Whether it is a linked worktree, not the main checkout of its repository. */
  readonly linked: boolean;
  /** The folder's own repository first, then submodules and nested repositories. */
  readonly repositories: readonly RepositoryState[];
  /** False when some repository in it was not examined. */
  readonly whole: boolean;
};

export type FileChange = 'add' | 'update' | 'delete';

export type ChangedFile = {
  /** The path from the root of the work folder. */
  readonly path: string;
  readonly kind: FileChange;
  readonly before: FileVersion;
  readonly after: FileVersion;
  /** Whether git has it in a commit, before or after. */
  readonly tracked: boolean;
  /** Whether it only became longer: its former content is now its beginning. */
  readonly grew: boolean;
};

export type Commit = {
  /** The commit time, in milliseconds since the epoch. */
  readonly at: number;
  /** Paths from the root of the work folder. */
  readonly files: readonly string[];
};

/** The difference between two states of the same folder. */
export type Comparison = {
  /** Files whose content, mode or presence certainly differs. */
  readonly changed: readonly ChangedFile[];
  /** Whether some other file may differ as well, because its content could not be compared. */
  readonly uncertain: boolean;
  /** Inserted lines of all changed files. Null when some could not be counted. */
  readonly insertions: number | null;
  readonly deletions: number | null;
  /** The newest commits. Null when they could not be listed. */
  readonly commits: readonly Commit[] | null;
  /** The number of all commits. */
  readonly commitCount: number | null;
};

/** A changed file as it is displayed. */
export type NamedFile = { readonly path: string; readonly kind: FileChange };
