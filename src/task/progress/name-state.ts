/**
 * The files that a run's commands name. A change of the work tree counts as the run's own only if one of its tools
 * named the file, because others may work in the same tree. A command that only reads names nothing.
 */
import { onlyReadsSimple } from '../shell/is-read-only.ts';
import { parseShell, type Word } from '../shell/parse-shell.ts';
import { absolute, fromRoot, matches, type PathContext } from './paths.ts';

/** Returns whether a file is named, by its path from the root of the work tree. */
export type Naming = (path: string) => boolean;

/** Returns a test of whether these commands name a file. */
export function buildNaming(commands: readonly string[], place: PathContext): Naming {
  const names = commands.flatMap((command) => namesIn(command, place, 0));
  const files = new Set(names.flatMap(({ kind, path }) => (kind === 'file' ? [path] : [])));
  const folders = [...new Set(names.flatMap(({ kind, path }) => (kind === 'folder' ? [`${path}/`] : [])))];
  const patterns = names.flatMap(({ kind, path }) => (kind === 'pattern' ? [path] : []));
  return (path) =>
    files.has(path) ||
    folders.some((folder) => path.startsWith(folder)) ||
    patterns.some((pattern) => matches(pattern, path));
}

type Name = { readonly kind: 'file' | 'folder' | 'pattern'; readonly path: string };

/** Scripts within scripts. Commands that people or agents write are not nested deeper. */
const depthMax = 3;
/** Names in one command. A stored command has no room for more. */
const namesMax = 200;

function namesIn(command: string, place: PathContext, depth: number): readonly Name[] {
  const parsed = depth > depthMax ? null : parseShell(command);
  // A command that cannot be parsed may do anything, so every word of it may be a file name.
  if (parsed === null) return named(loose(command), [place.cwd], { place, intoFolders: false });
  const folders = foldersIn(parsed.commands, place);
  const writing = parsed.commands.filter((words) => !onlyReadsSimple(words));
  const inner = writing.flatMap((words) => scriptsIn(words).flatMap((script) => namesIn(script, place, depth + 1)));
  // The text of a here-document is not a word of a command, but a program may read file names from it.
  const text = writing.length > 0 && command.includes('<<') ? loose(command) : [];
  const words = writing
    .filter(writesFiles)
    .flatMap((each) => named(each.flatMap(looseIn), folders, { place, intoFolders: intoFolders(each) }));
  const targets = named(parsed.targets.flatMap(looseIn), folders, { place, intoFolders: false });
  return [...inner, ...words, ...targets, ...named(text, folders, { place, intoFolders: false })].slice(0, namesMax);
}

/** Returns everything in a text that could be a path. */
function loose(text: string): readonly string[] {
  return text.split(/[\s"'`;|&()<>{}[\],:=]+/).filter((part) => part !== '' && !part.startsWith('-'));
}

/** A word that begins with a variable has an unknown value. */
const looseIn = ({ text, expanded }: Word): readonly string[] => (expanded ? [] : [text, ...loose(text)]);

type Reach = { readonly place: PathContext; readonly intoFolders: boolean };

function named(
  words: readonly string[],
  folders: readonly string[],
  { place, intoFolders: into }: Reach,
): readonly Name[] {
  return words.slice(0, namesMax).flatMap((word) =>
    folders.flatMap((folder): Name[] => {
      const path = fromRoot(place, folder, word);
      // The root itself contains everything, so it identifies nothing.
      if (path === null || path === '') return [];
      if (/[*?]/.test(path)) return [{ kind: 'pattern', path }];
      return into
        ? [
            { kind: 'file', path },
            { kind: 'folder', path },
          ]
        : [{ kind: 'file', path }];
    }),
  );
}

/** Returns the folder of the run, and the folders that its commands change to. */
function foldersIn(commands: readonly (readonly Word[])[], { cwd }: PathContext): readonly string[] {
  const folders = [cwd];
  for (const [program, ...args] of commands) {
    const goes = program?.text === 'cd' || program?.text === 'pushd';
    const to = goes
      ? args.find(({ text }) => !text.startsWith('-'))
      : args[args.findIndex(({ text }) => /^(?:-C|--prefix|--cwd|--dir|--directory)$/.test(text)) + 1];
    const told = goes || args.some(({ text }) => /^(?:-C|--prefix|--cwd|--dir|--directory)$/.test(text));
    if (told && to !== undefined && !to.expanded) folders.push(absolute(goes ? (folders.at(-1) ?? cwd) : cwd, to.text));
  }
  return [...new Set(folders)];
}

/** Returns the script that a shell gets on its command line. */
function scriptsIn([program, ...args]: readonly Word[]): readonly string[] {
  if (!/^(?:.*\/)?(?:ba|z|da)?sh$/.test(program?.text ?? '')) return [];
  const at = args.findIndex(({ text }) => /^-[a-z]*c$/.test(text));
  const script = at < 0 ? undefined : args[at + 1];
  return script === undefined || script.expanded ? [] : [script.text];
}

/** Git verbs that write files of the work tree. The others only change git's own records. */
const gitWrites = new Set([
  'checkout',
  'restore',
  'mv',
  'rm',
  'clean',
  'apply',
  'am',
  'stash',
  'reset',
  'switch',
  'merge',
  'rebase',
  'cherry-pick',
  'revert',
  'pull',
]);

function writesFiles(words: readonly Word[]): boolean {
  const verb = gitVerb(words);
  return verb === null || gitWrites.has(verb);
}

/** Returns the git verb of a command, or null for another program. */
export function gitVerb([program, ...args]: readonly Word[]): string | null {
  if (!/^(?:.*\/)?git$/.test(program?.text ?? '')) return null;
  for (let at = 0; at < args.length; at++) {
    const text = args[at]?.text ?? '';
    if (text === '-c' || text === '-C' || text === '--git-dir' || text === '--work-tree') at += 1;
    else if (!text.startsWith('-')) return text;
  }
  return '';
}

/** Programs that write into a folder that they are given. Other programs only read from it. */
const folderWriters =
  /^(?:.*\/)?(?:rm|rmdir|mv|cp|rsync|tar|unzip|ln|sed|perl|patch|prettier|eslint|biome|black|ruff|isort|gofmt|goimports|rustfmt|clang-format|shfmt|npx|git)$/;

const intoFolders = (words: readonly Word[]): boolean => folderWriters.test(words[0]?.text ?? '');
