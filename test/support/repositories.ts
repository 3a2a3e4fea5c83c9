/** Repositories for tests. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestHome } from './home.ts';

export type TestRepository = ReturnType<typeof addRepository>;

/** Creates a repository with one commit in the folder of a home. */
export function addRepository(home: Pick<TestHome, 'base' | 'env'>, name = 'repo') {
  const folder = join(home.base, name);
  const git = gitIn(home, folder);
  mkdirSync(folder);
  git('init', '-q', '-b', 'main');
  writeFileSync(join(folder, 'a.txt'), 'one\ntwo\n');
  git('add', '.');
  git('commit', '-q', '-m', 'first');
  return { folder, git };
}

/** Creates a linked worktree on a branch of its own. */
export function addWorktree(
  home: Pick<TestHome, 'base' | 'env'>,
  { git }: Pick<TestRepository, 'git'>,
  name = 'linked',
) {
  const folder = join(home.base, name);
  git('worktree', 'add', '-q', '-b', name, folder);
  return { folder, git: gitIn(home, folder) };
}

/** Returns a function that runs git in this folder and returns its output. */
export function gitIn(home: Pick<TestHome, 'base' | 'env'>, folder: string) {
  const settings = ['user.name=T', 'user.email=t@example.invalid', 'protocol.file.allow=always'].flatMap((setting) => [
    '-c',
    setting,
  ]);
  const env = { PATH: home.env['PATH'], HOME: home.base };
  return (...args: string[]): string =>
    execFileSync('git', [...settings, ...args], { cwd: folder, env, stdio: 'pipe' })
      .toString()
      .trim();
}
