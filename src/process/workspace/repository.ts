/**
 * Examines a repository without letting it run anything.
 *
 * Git runs programs that the configuration of a repository names: filters, file watchers, converters, helpers that
 * fetch. An agent can write that configuration. So every command that touches content uses a *view*: a temporary
 * repository of clip's own that borrows objects and index of the real one, and takes over only settings that name no
 * program.
 */

import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { words } from '#run/words.ts';
import { isThere } from './folders.ts';
import { askGit, callGit } from './git-command.ts';

export type Repository = {
  /** The root of the work tree. */
  readonly root: string;
  readonly gitFolder: string;
  readonly commonFolder: string;
  readonly format: 'sha1' | 'sha256';
  /** The commit that is checked out; null before the first one. */
  readonly head: string | null;
  readonly settings: readonly (readonly [key: string, value: string])[];
  /** Whether a filter has a program. Files with that filter cannot be compared with their blobs. */
  readonly hasFilters: boolean;
};

/** Returns whether this is a linked worktree, which has its own folder inside that of the repository. */
export const isLinked = ({ gitFolder, commonFolder }: Repository): boolean => gitFolder !== commonFolder;

/** Returns the repository of a folder; `none` if there is none, null if git fails. */
export async function findRepository(folder: string): Promise<Repository | 'none' | null> {
  const at = (args: readonly string[]) => ({ args: ['-C', folder, ...args] });
  const { exit, text } = await callGit(
    at(['rev-parse', '--show-toplevel', '--absolute-git-dir', '--git-common-dir', '--show-object-format', 'HEAD']),
  );
  // Before the first commit git prints the name HEAD, and its exit code is the same as outside of a repository.
  const lines = text.split('\n').slice(0, -1);
  if (lines.length === 0) return exit === notThere || exit === 'missing' ? 'none' : null;
  const [root = '', gitFolder = '', common = '', format = '', head = ''] = lines;
  if (lines.length !== 5 || (exit !== 0 && exit !== notThere)) return null;
  // A repository can name any folder as its work tree. Only one that contains the repository is examined.
  if (!(await isThere(join(root, '.git')))) return 'none';
  const settings = await callGit(at(['config', '-z', '--get-regexp', wantedSettings]));
  if (settings.exit !== 0 && settings.exit !== noneSet) return null;
  const found = settingsIn(settings.text);
  return {
    root,
    gitFolder,
    commonFolder: resolve(folder, common),
    format: format === 'sha256' ? 'sha256' : 'sha1',
    head: /^[0-9a-f]{40,64}$/.test(head) ? head : null,
    settings: found.filter(([key]) => !key.startsWith('filter.')),
    hasFilters: found.some(([key, value]) => /^filter\..+\.(?:clean|process)$/.test(key) && value !== ''),
  };
}

/** Returns the branch that is checked out; null if there is none, or no repository. */
export async function readBranch(folder: string): Promise<string | null> {
  return (await askGit({ args: ['-C', folder, 'symbolic-ref', '--quiet', '--short', 'HEAD'] }))?.trim() || null;
}

/** The exit code of git for a missing object or repository. */
const notThere = 128;
/** The exit code of `git config` if none of the settings is set. */
const noneSet = 1;

/** Settings without which unchanged files would look changed. None of them names a program. */
const harmlessSettings = words(`
  core.filemode core.symlinks core.ignorecase core.precomposeunicode core.autocrlf core.eol core.trustctime
  core.checkstat core.sparsecheckout core.sparsecheckoutcone core.excludesfile core.attributesfile index.sparse
`);
const wantedSettings = `^(${harmlessSettings.map((key) => key.replace('.', '\\.')).join('|')}|filter\\..*\\.(clean|process))$`;

function settingsIn(output: string): (readonly [string, string])[] {
  return output.split('\0').flatMap((record) => {
    if (record === '') return [];
    const end = record.indexOf('\n');
    // A key without a value means true.
    return [end < 0 ? ([record, 'true'] as const) : ([record.slice(0, end), record.slice(end + 1)] as const)];
  });
}

export type View = {
  readonly repository: Repository;
  /** Variables that make git use the view, with the work tree and the index of the real repository. */
  readonly env: Readonly<Record<string, string>>;
  readonly close: () => Promise<void>;
};

/** Creates a view in `folder`, which belongs to clip alone. Throws if that fails. */
export async function openView(repository: Repository, folder: string): Promise<View> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const view = await mkdtemp(join(folder, 'git-'));
  const close = () => rm(view, { recursive: true, force: true });
  const { commonFolder, gitFolder, head } = repository;
  try {
    await Promise.all(['objects', 'refs', 'info'].map((name) => mkdir(join(view, name))));
    await Promise.all([
      writeFile(join(view, 'HEAD'), head === null ? 'ref: refs/heads/none\n' : `${head}\n`),
      writeFile(join(view, 'config'), formatConfig(repository)),
      symlink(join(commonFolder, 'info', 'exclude'), join(view, 'info', 'exclude')),
      symlink(join(commonFolder, 'info', 'attributes'), join(view, 'info', 'attributes')),
      symlink(join(gitFolder, 'info', 'sparse-checkout'), join(view, 'info', 'sparse-checkout')),
      symlink(join(commonFolder, 'shallow'), join(view, 'shallow')),
      ...(await sharedIndexes(gitFolder)).map((name) => symlink(join(gitFolder, name), join(view, name))),
    ]);
  } catch (error) {
    await close();
    throw error;
  }
  const env = {
    GIT_DIR: view,
    GIT_WORK_TREE: repository.root,
    GIT_INDEX_FILE: join(gitFolder, 'index'),
    GIT_OBJECT_DIRECTORY: join(commonFolder, 'objects'),
    // No configuration except the view's: those of the system and the user may name filters too.
    HOME: view,
    XDG_CONFIG_HOME: view,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
  };
  return { repository, env, close };
}

/** Returns the shared index files: a split index keeps most of its content in a second file. */
async function sharedIndexes(gitFolder: string): Promise<string[]> {
  try {
    return (await readdir(gitFolder)).filter((name) => name.startsWith('sharedindex.'));
  } catch {
    return [];
  }
}

function formatConfig({ format, settings }: Repository): string {
  const { HOME = '', XDG_CONFIG_HOME } = process.env;
  const standard: readonly (readonly [string, string])[] = [
    ['core.excludesfile', join(XDG_CONFIG_HOME || join(HOME, '.config'), 'git', 'ignore')],
  ];
  const lines = [...standard, ...settings].flatMap(([key, value]) => {
    // A value with a line break is left out. None of these settings needs one.
    if (/[\0\n\r]/.test(value)) return [];
    const [section = '', name = ''] = key.split('.');
    return [`[${section}]`, `\t${name} = "${fromHome(key, value).replace(/[\\"]/g, '\\$&')}"`];
  });
  const extension = format === 'sha256' ? ['[extensions]', '\tobjectFormat = sha256'] : [];
  return [
    '[core]',
    `\trepositoryFormatVersion = ${format === 'sha256' ? 1 : 0}`,
    '\tbare = false',
    ...extension,
    ...lines,
    '',
  ].join('\n');
}

/** Expands `~`, because the view has no home. */
function fromHome(key: string, value: string): string {
  const { HOME } = process.env;
  return key.endsWith('file') && HOME !== undefined && value.startsWith('~/') ? join(HOME, value.slice(2)) : value;
}
