/** How many commits a command could have made. In doubt it is any number, and the times and files of commits decide. */
import { words } from '#run/words.ts';
import { onlyReadsSimple } from '../shell/is-read-only.ts';
import { parseShell, type Word } from '../shell/parse-shell.ts';
import { gitVerb } from './name-state.ts';

/** Returns 0 for a command that commits nothing, and infinity for one that may make any number of commits. */
export function commitsIn(command: string): number {
  const parsed = parseShell(command);
  // Often a commit message of several lines makes the command impossible to parse.
  if (parsed === null)
    return /(?:^|[\s;&|(`"'])(?:git|gh|hub|jj|hg|svn)\s/.test(command) ? Number.POSITIVE_INFINITY : 0;
  return parsed.commands.reduce((sum, words) => sum + (onlyReadsSimple(words) ? 0 : ofSimple(words)), 0);
}

/** Git verbs that create no commit. */
const withoutCommit = new Set(
  words(`
  add restore rm mv clean apply init config fetch push remote tag branch worktree gc prune notes bisect
  update-index hash-object write-tree lfs sparse-checkout maintenance
`),
);

/** Programs that write files, test or build, and commit nothing. */
const neverCommits =
  /^(?:mkdir|touch|rm|rmdir|mv|cp|ln|chmod|chown|sed|awk|tee|dd|truncate|install|tar|zip|unzip|gzip|gunzip|curl|wget|rsync|sleep|wait|kill|pkill|cd|pushd|popd|export|unset|set|source|true|false|tsc|eslint|prettier|biome|vitest|jest|mocha|pytest|ruff|black|mypy|gofmt|rustfmt|gcc|g\+\+|clang|cc|javac|rustc|cat|echo|printf)$/;
const packageManagers = /^(?:npm|pnpm|yarn|bun)$/;
const safeScripts =
  /^(?:test|t|tst|install|i|ci|add|remove|uninstall|update|audit|outdated|ls|list|build|lint|format|check|typecheck|type-check|start|dev|exec)(?::.*)?$/;
const builders = /^(?:cargo|go|dotnet|mvn|gradle|swift|pip|pip3|uv|poetry)$/;

function ofSimple(words: readonly Word[]): number {
  const verb = gitVerb(words);
  if (verb === 'commit') return 1;
  const may = verb === null ? programMayCommit(words) : !withoutCommit.has(verb);
  return may ? Number.POSITIVE_INFINITY : 0;
}

function programMayCommit(words: readonly Word[]): boolean {
  const [program, ...args] = words.filter(({ text }) => !/^[A-Za-z_][A-Za-z0-9_]*=/.test(text));
  const name = (program?.text ?? '').replace(/^.*\//, '');
  if (name === '' || neverCommits.test(name)) return false;
  const [first, second] = args.filter(({ text }) => !text.startsWith('-')).map(({ text }) => text);
  if (packageManagers.test(name))
    return !safeScripts.test((first === 'run' || first === 'run-script' ? second : first) ?? '');
  return !(builders.test(name) && !/^(?:release|publish)$/.test(first ?? ''));
}
