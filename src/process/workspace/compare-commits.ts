/** The commits between an earlier state of a repository and the present one. */
import { join } from 'node:path';
import { limits } from '#run/limits.ts';
import type { Commit, RepositoryState } from '#run/workspace.ts';
import { splitName } from './file-names.ts';
import { askGit, readGitRecords } from './git-command.ts';
import type { WorkspacePlace } from './snapshot.ts';

/** Commits of one run that are examined one by one. */
const commitsMax = 200;

const range = (before: RepositoryState, after: RepositoryState): readonly string[] => [
  after.head ?? 'HEAD',
  ...(before.head === null ? [] : [`^${before.head}`]),
];

/** Separates commits in a listing. No file name contains it. */
const commitMark = '\u0001';

/** Returns the newest commits that HEAD has now and did not have before, at most `commitsMax`; null if git fails. */
export async function listCommits(
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

/**
 * Returns how many commits HEAD has now and did not have before; null if git fails. `listed`: the result of
 * `listCommits`.
 */
export async function countCommits(
  listed: readonly Commit[] | null,
  before: RepositoryState,
  after: RepositoryState,
  { view }: WorkspacePlace,
): Promise<number | null> {
  if (listed !== null && listed.length < commitsMax) return listed.length;
  if (before.head === after.head || after.head === null) return 0;
  const count = await askGit({ args: ['rev-list', '--count', ...range(before, after)], env: view.env });
  return count === null ? null : Number(count.trim());
}
