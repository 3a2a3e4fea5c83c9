/** Which uses of git only read. Fetching does not, because it stores something. */
import { words } from '#run/words.ts';

type Argument = { readonly text: string };

/** Subcommands that only read with any option, except one that names an output file. */
const reading = new Set(
  words(`
  status log diff show rev-parse rev-list ls-files ls-tree ls-remote blame annotate grep describe cat-file
  shortlog name-rev merge-base for-each-ref show-ref show-branch var version help whatchanged diff-tree diff-index
  diff-files count-objects check-ignore check-attr cherry range-diff verify-commit
`),
);

const listOptions =
  /^(?:-[arvlin]+|-n\d+|--(?:list|all|remotes|show-current|verbose|column|no-column|color|no-color)|--(?:sort|format|color|contains|no-contains|merged|no-merged|points-at)=.*)$/;
const listValues = /^--(?:sort|format|contains|no-contains|merged|no-merged|points-at)$/;

/** Returns whether `git branch` or `git tag` only lists. With a name they create one, unless an option says to list. */
function lists(args: readonly string[]): boolean {
  const told = args.some((arg) =>
    /^(?:-l|--list|-[an]+|--(?:no-)?(?:contains|merged)(?:=.*)?|--points-at(?:=.*)?)$/.test(arg),
  );
  return args.every(
    (arg, index) =>
      listOptions.test(arg) ||
      listValues.test(arg) ||
      listValues.test(args[index - 1] ?? '') ||
      (told && !arg.startsWith('-')),
  );
}

const others: Readonly<Record<string, (args: readonly string[]) => boolean>> = {
  branch: lists,
  tag: lists,
  remote: (args) => args.length === 0 || args[0] === '-v' || args[0] === 'show' || args[0] === 'get-url',
  stash: (args) => args[0] === 'list' || args[0] === 'show',
  config: (args) =>
    args.some((arg) => /^(?:--get(?:-all|-regexp|-urlmatch)?|--list|-l)$/.test(arg)) ||
    /^(?:get|list)$/.test(args[0] ?? '') ||
    (args.length === 1 && /^[\w.-]+$/.test(args[0] ?? '') && !args[0]?.startsWith('-')),
  worktree: (args) => args[0] === 'list',
  submodule: (args) => args.length === 0 || args[0] === 'status' || args[0] === 'summary',
  reflog: (args) => args.length === 0 || args[0] === 'show' || args[0]?.startsWith('-') === true,
  notes: (args) => args[0] === 'show' || args[0] === 'list',
  bisect: (args) => args[0] === 'log',
  'symbolic-ref': (args) =>
    args.filter((arg) => !arg.startsWith('-')).length === 1 && !args.some((arg) => /^(?:-d|--delete|-m)$/.test(arg)),
};

const harmlessSetting =
  /^(?:core\.(?:pager=(?:cat)?|quote[pP]ath=\w+|fsmonitor=false)|color\.\w+=\w+|safe\.directory=.*|pager\.\w+=false|log\.\w+=\w+|advice\.\w+=\w+)$/;

/** Returns whether git only reads with these arguments. False in doubt. */
export function gitReads(given: readonly Argument[]): boolean {
  const words = given.map(({ text }) => text);
  let at = 0;
  for (; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '-c') {
      if (!harmlessSetting.test(words[++at] ?? '')) return false;
    } else if (word === '-C' || word === '--git-dir' || word === '--work-tree') at++;
    else if (
      !/^(?:--no-pager|-P|--git-dir=.*|--work-tree=.*|--no-optional-locks|--literal-pathspecs|--bare)$/.test(word)
    )
      break;
  }
  const [verb = '', ...args] = words.slice(at);
  if (verb === '--version' || verb === '--help') return true;
  if (
    args.some(
      (arg) =>
        /^--(?:output(?:=.*)?|ext-diff|open-files-in-pager.*)$/.test(arg) || (verb === 'grep' && arg.startsWith('-O')),
    )
  )
    return false;
  if (reading.has(verb)) return true;
  return Object.hasOwn(others, verb) && others[verb]?.(args) === true;
}
