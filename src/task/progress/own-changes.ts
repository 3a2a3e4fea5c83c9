/**
 * The changes that a run made itself, out of all changes in its work folder while it lived. A person or another run may
 * edit at the same time, so a change counts only when something attributes it to the run.
 */
import type { ChangedFile, Comparison } from '#run/workspace.ts';
import { readsAsFarAsSeen } from '../liveness/evidence.ts';
import { commitsIn } from './count-commits.ts';
import { buildNaming } from './name-state.ts';
import { fromRoot, type PathContext } from './paths.ts';

/** What is known of a run's activity, apart from the folder. */
export type RunActivity = {
  readonly place: PathContext;
  readonly startedAt: number;
  readonly endedAt: number;
  /** The tools according to its stream. Null for a run without such a stream. */
  readonly tools: {
    /** Files that its tools report as written, with the given path and the time. */
    readonly written: readonly { readonly path: string; readonly at: number }[];
    /** The number of written files beyond the listed ones. */
    readonly writtenMore: number;
    /** Files of tool calls that had not ended when the run did. */
    readonly underWay: readonly string[];
    readonly commands: readonly string[];
    /** Whether there were more commands than are listed. */
    readonly moreCommands: boolean;
  } | null;
  /** Whether the tree is the task's alone: a linked worktree that no other open task and no other run uses. */
  readonly alone: boolean;
  /** Whether another run lived in the same tree meanwhile. */
  readonly accompanied: boolean;
};

export type OwnChanges = {
  /** Null where commits could not be listed. */
  readonly commits: number | null;
  /** Files that it changed, as far as they can be compared. */
  readonly files: readonly ChangedFile[];
  /** The part of `files` that it changed with a tool that names them, or in a tree of its own. */
  readonly deliberate: readonly ChangedFile[];
  /**
   * The number of files that its tools report as written and that cannot be compared: outside of the folder, or ignored
   * by git.
   */
  readonly told: number;
  /** The time at which it last wrote one of them, according to its stream. Null when unknown. */
  readonly writtenAt: number | null;
};

/** The precision of commit times, which are whole seconds. */
const commitSlackMs = 1_000;

/**
 * Returns the files that its tools report as written, relative to the root of the work tree. Files outside of it are
 * left out.
 */
export function writtenIn({ tools, place }: Pick<RunActivity, 'tools' | 'place'>): readonly string[] {
  return (tools?.written ?? []).flatMap(({ path }) => fromRoot(place, place.cwd, path) ?? []);
}

/** Returns the run's own changes. `ignored`: files within the folder, relative to its root, that snapshots skip. */
export function findOwnChanges(found: Comparison | null, doing: RunActivity, ignored: ReadonlySet<string>): OwnChanges {
  const { tools, place } = doing;
  const changed = new Set((found?.changed ?? []).map(({ path }) => path));
  const isCompared = (path: string | null) =>
    found !== null && path !== null && !ignored.has(path) && (changed.has(path) || !found.uncertain);
  const written = (tools?.written ?? []).map(({ path, at }) => ({ path: fromRoot(place, place.cwd, path), at }));
  const told = written.filter(({ path }) => !isCompared(path));
  // A file that was written with the same content, or changed back, is not among the changed ones.
  const confirmed = written.flatMap(({ path, at }) =>
    path !== null && isCompared(path) && changed.has(path) ? [{ path, at }] : [],
  );
  const times = [...told, ...confirmed].map(({ at }) => at);
  return {
    commits: countOwnCommits(found, doing),
    ...findOwnFiles(found?.changed ?? [], doing, new Set(confirmed.map(({ path }) => path))),
    told: told.length + (tools?.writtenMore ?? 0),
    writtenAt: times.length === 0 ? null : Math.max(...times),
  };
}

function findOwnFiles(
  changed: readonly ChangedFile[],
  { tools, place, alone }: RunActivity,
  written: ReadonlySet<string>,
): Pick<OwnChanges, 'files' | 'deliberate'> {
  if (tools === null) {
    const files = alone ? changed : [];
    return { files, deliberate: files.filter((file) => !isByproduct(file)) };
  }
  const isNamed = namedBy(tools, place);
  // Only a tool that may write can have changed anything. Commands that are not listed may write.
  const acted = tools.written.length > 0 || tools.moreCommands || !tools.commands.every(readsAsFarAsSeen);
  const deliberate = changed.filter((file) => written.has(file.path) || (isNamed(file.path) && !isByproduct(file)));
  return {
    files: alone && acted ? changed : changed.filter((file) => written.has(file.path) || isNamed(file.path)),
    deliberate,
  };
}

/** Returns whether a file is a by-product: test reports, logs, and untracked files that only grow. */
function isByproduct({ path, tracked, grew }: ChangedFile): boolean {
  return !tracked && (grew || byproducts.test(path));
}

const byproducts =
  /(?:^|\/)(?:[^/]*\.(?:log|pid|tmp|temp|swp|bak|lcov|prof|trace)(?:\.\d+)?|nohup\.out|\.DS_Store|\.coverage|junit[^/]*\.xml|[^/]*\.tsbuildinfo|(?:coverage|htmlcov|\.nyc_output|\.pytest_cache|\.mypy_cache|\.ruff_cache|__pycache__|test-results|playwright-report)\/.*)$/i;

function countOwnCommits(
  found: Comparison | null,
  { tools, alone, accompanied, startedAt, endedAt, place }: RunActivity,
): number | null {
  if (found === null || found.commits === null) return null;
  const mine = found.commits.filter(({ at }) => at >= startedAt - commitSlackMs && at <= endedAt + commitSlackMs);
  if (tools === null) return alone ? mine.length : 0;
  const could = tools.moreCommands ? Number.POSITIVE_INFINITY : sum(tools.commands.map(commitsIn));
  if (could === 0) return 0;
  if (!accompanied && mine.length <= could) return mine.length;
  // Others committed as well. Commits then count as this run's when they hold a file that it named.
  const isNamed = namedBy(tools, place);
  const written = new Set(writtenIn({ tools, place }));
  const named = mine.filter(({ files }) => files.some((file) => written.has(file) || isNamed(file)));
  return Math.min(named.length, could);
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

/** Returns whether a file was named by a command, or in the input of a tool. */
function namedBy(
  { commands, underWay }: NonNullable<RunActivity['tools']>,
  place: PathContext,
): (path: string) => boolean {
  const isNamed = buildNaming(commands, place);
  const touched = new Set(underWay.map((path) => fromRoot(place, place.cwd, path)));
  return (path) => touched.has(path) || isNamed(path);
}
