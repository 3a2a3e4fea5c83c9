/**
 * The work folder of a run, as git sees it: before the run and after it. Git is asked without taking its
 * locks and without its watcher, a few seconds at most; where it cannot be asked, nothing is known.
 */
import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import { limits } from '../run/limits.ts';
import type { WorkspaceRecord } from '../run/run.ts';
import { scanFolder } from './folder-scan.ts';
import { readRegularFile } from './regular-file.ts';
import { writeFlushed } from './run-folder.ts';

const snapshotSchema = z.object({
  root: z.string(),
  head: z.string().nullable(),
  /** Whether it is a repository; else `open` has all its files. */
  git: z.boolean().default(true),
  /** What is not committed, by path: its state for git, its size and the time of its last change. */
  open: z.record(z.string(), z.string()),
});
export type Snapshot = z.infer<typeof snapshotSchema>;

/** Null when git does not answer in time; and for a folder that is no repository and too large to be looked through. `ours`: the home of clip, whose files are nobody's work. */
export async function lookAtWorkspace(cwd: string, ours: string): Promise<Snapshot | null> {
  const root = (await git(cwd, 'rev-parse', '--show-toplevel'))?.trim();
  if (!root) return lookAtFolder(cwd, ours);
  const ask = (untracked: string) => git(root, 'status', '--porcelain=v1', '-z', `--untracked-files=${untracked}`, '--no-renames');
  // A tree of modules that nobody ignored is too much to list: then untracked folders count as a whole.
  const status = (await ask('all')) ?? (await ask('normal'));
  if (status === null) return null;
  const head = (await git(root, 'rev-parse', '--verify', '--quiet', 'HEAD'))?.trim() || null;
  const entries = status.split('\0').filter((entry) => entry.length > 3 && !isWithin(join(root, entry.slice(3)), ours));
  const open = Object.fromEntries(
    entries.slice(0, limits.workspaceFiles).map((entry) => [entry.slice(3), `${entry.slice(0, 2)} ${signature(join(root, entry.slice(3)))}`]),
  );
  return { root, head, open, git: true };
}

async function lookAtFolder(root: string, ours: string): Promise<Snapshot | null> {
  const open = await scanFolder(root, ours, Date.now() + limits.folderScanMs);
  return open === null ? null : { root, head: null, open, git: false };
}

function signature(path: string): string {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat ? `${stat.size} ${stat.mtimeMs}` : 'gone';
}

/** The branch that is checked out; null for none, and where there is no repository. */
export async function branchOf(cwd: string): Promise<string | null> {
  const branch = (await git(cwd, 'symbolic-ref', '--quiet', '--short', 'HEAD'))?.trim();
  return branch ? branch : null;
}

/** What changed between the two looks; null when one of them is missing, or they are of different repositories. */
export async function compareWorkspace(before: Snapshot | null, after: Snapshot | null, seenAt: number): Promise<WorkspaceRecord | null> {
  if (before === null || after === null || before.root !== after.root || before.git !== after.git) return null;
  if (!after.git) return compareFolders(before, after, seenAt);
  const moved = before.head !== after.head;
  const committed =
    moved && before.head !== null ? await git(after.root, 'diff', '--name-only', '-z', '--no-ext-diff', before.head, after.head ?? 'HEAD') : moved ? null : '';
  const touched = new Set([
    ...(committed ?? '').split('\0'),
    ...[...Object.keys(before.open), ...Object.keys(after.open)].filter((path) => before.open[path] !== after.open[path]),
  ]);
  touched.delete('');
  const lines = await linesChanged(after.root, before.head, [...touched]);
  return {
    headBefore: before.head,
    headAfter: after.head,
    commits: moved ? await commitsSince(after.root, before.head) : 0,
    filesChanged: committed === null ? null : touched.size,
    ...lines,
    dirty: Object.keys(after.open).length > 0,
    treeChanged: touched.size > 0 || moved,
    seenAt,
  };
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

/** Without git there are files, and nothing is known of lines and commits. */
function compareFolders(before: Snapshot, after: Snapshot, seenAt: number): WorkspaceRecord {
  const touched = new Set([...Object.keys(before.open), ...Object.keys(after.open)].filter((path) => before.open[path] !== after.open[path]));
  const unknown = { headBefore: null, headAfter: null, commits: null, insertions: null, deletions: null, dirty: null };
  return { ...unknown, filesChanged: touched.size, treeChanged: touched.size > 0, seenAt };
}

async function commitsSince(root: string, head: string | null): Promise<number | null> {
  const count = await git(root, 'rev-list', '--count', head === null ? 'HEAD' : `${head}..HEAD`);
  return count === null ? null : Number(count.trim());
}

/** Of tracked files, against where the run began; a file that had changes before counts with all of them. */
async function linesChanged(root: string, head: string | null, paths: readonly string[]): Promise<Pick<WorkspaceRecord, 'insertions' | 'deletions'>> {
  if (paths.length === 0) return { insertions: 0, deletions: 0 };
  if (head === null || paths.length > limits.workspaceFiles) return { insertions: null, deletions: null };
  const numbers = await git(root, 'diff', '--numstat', '-z', '--no-renames', '--no-ext-diff', '--no-textconv', head);
  if (numbers === null) return { insertions: null, deletions: null };
  const wanted = new Set(paths);
  const tracked = new Set<string>();
  const rows = numbers.split('\0').flatMap((row) => {
    const [added = '', removed = '', path = ''] = row.split('\t');
    tracked.add(path);
    return wanted.has(path) ? [[Number(added) || 0, Number(removed) || 0] as const] : [];
  });
  // What git does not know yet is new from its first line on.
  const fresh = paths.filter((path) => !tracked.has(path)).reduce((sum, path) => sum + linesOf(join(root, path)), 0);
  return { insertions: fresh + rows.reduce((sum, [added]) => sum + added, 0), deletions: rows.reduce((sum, [, removed]) => sum + removed, 0) };
}

/** 0 for what is no file of a size that people write, or is gone. */
function linesOf(path: string): number {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (!stat?.isFile() || stat.size > limits.workspaceFileBytesMax) return 0;
  return readFileSync(path).reduce((lines, byte) => lines + (byte === 10 ? 1 : 0), 0);
}

/** Variables by which git would look at another repository than the one of the folder. */
const elsewhere = { GIT_DIR: undefined, GIT_WORK_TREE: undefined, GIT_INDEX_FILE: undefined, GIT_PREFIX: undefined, GIT_COMMON_DIR: undefined };

async function git(cwd: string, ...args: string[]): Promise<string | null> {
  const { stdout, failed } = await execa('git', ['-c', 'core.fsmonitor=false', '-c', 'core.quotePath=false', ...args], {
    cwd,
    // Whoever started the daemon may have been inside a hook of another repository.
    env: { GIT_OPTIONAL_LOCKS: '0', LC_ALL: 'C', ...elsewhere },
    timeout: limits.gitMs,
    reject: false,
    stdin: 'ignore',
    stderr: 'ignore',
    maxBuffer: limits.gitBytesMax,
    stripFinalNewline: false,
  });
  return failed || typeof stdout !== 'string' ? null : stdout;
}

const file = 'workspace.json';

/** Kept in the run's folder, so that whoever sees the run end knows how it began. */
export function keepSnapshot(folder: string, snapshot: Snapshot): void {
  writeFlushed(join(folder, file), JSON.stringify(snapshot));
}

export function readSnapshot(folder: string): Snapshot | null {
  try {
    return snapshotSchema.parse(JSON.parse(readRegularFile(join(folder, file), limits.runFileBytesMax).toString('utf8')));
  } catch {
    return null;
  }
}
