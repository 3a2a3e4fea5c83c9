/** What is recorded of a run's work folder. */

import type { NamedFile } from './workspace.ts';

/**
 * What changed in the work folder of a run between its start and its end, by the run or by others. Null fields are
 * unknown.
 */
export type WorkspaceRecord = {
  readonly headBefore: string | null;
  readonly headAfter: string | null;
  /** Commits that HEAD has now and did not have before. */
  readonly commits: number | null;
  readonly filesChanged: number | null;
  readonly insertions: number | null;
  readonly deletions: number | null;
  /** Whether something is uncommitted. */
  readonly dirty: boolean | null;
  /** The first of the changed files, by name. */
  readonly files: readonly NamedFile[];
  /** The name of the state that the run left. Equal names mean equal files. Null when the state is not fully known. */
  readonly state: string | null;
  /** The run's own changes. Null when they were not determined. */
  readonly own: OwnRecord | null;
  /** The difference from the beginning of the task. Null for a run without a task. */
  readonly sinceTask: SinceTaskRecord | null;
  /** The time of the snapshot, after the end. */
  readonly seenAt: number;
};

/** The changes that a run made to its work folder itself. */
export type OwnRecord = {
  /** Null when commits could not be listed. */
  readonly commits: number | null;
  /**
   * Files whose content differs from before. Where content cannot be compared, files that its tools report as changed.
   */
  readonly files: number;
  /** The time at which it last wrote one of them. Null when unknown. */
  readonly writtenAt: number | null;
  /** Whether it left a state that no run of its streak had left or found before. */
  readonly progress: boolean;
};

export type SinceTaskRecord = {
  /** The number of the task's first run in this folder. Its start is the base of the comparison. */
  readonly run: number;
  /** The root of the work tree. File names are relative to it. */
  readonly root: string;
  readonly commits: number | null;
  readonly filesChanged: number | null;
  readonly insertions: number | null;
  readonly deletions: number | null;
  readonly files: readonly NamedFile[];
};
