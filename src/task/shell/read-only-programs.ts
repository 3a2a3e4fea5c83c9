/**
 * The table of programs that only read, and of the options that make them write. A program that is not in it may write.
 */
import { gitReads } from './read-only-git.ts';

export type Argument = { readonly text: string; readonly expanded: boolean };
export type Reads = (args: readonly Argument[]) => boolean;

const always: Reads = () => true;
const without =
  (option: RegExp): Reads =>
  (args) =>
    !args.some(({ text }) => option.test(text));
const none: Reads = (args) => args.length === 0;
const positional = (args: readonly Argument[]) => args.filter(({ text }) => !text.startsWith('-'));

/** Builds the rule for programs whose first words name the action. */
function verbs(reading: RegExp, unless: RegExp = /^$/): Reads {
  return (args) => {
    const words = args.map(({ text }) => text);
    return (
      reading.test(
        words
          .filter((word) => !word.startsWith('-'))
          .slice(0, 2)
          .join(' '),
      ) && !words.some((word) => unless.test(word))
    );
  };
}

/** The rule for sed. Its script may write to a file or run a program: `w`, `e`, and the flags of `s` that do so. */
const sed: Reads = (args) => {
  const words = args.map(({ text }) => text);
  if (words.some((word) => /^(?:-[a-zA-Z]*[if]|-i.*|--in-place.*|--file.*)$/.test(word))) return false;
  const scripts = words.flatMap((word, index) =>
    words[index - 1] === '-e' || words[index - 1] === '--expression' ? [word] : [],
  );
  const first = words.find((word) => !word.startsWith('-'));
  return (scripts.length > 0 ? scripts : [first ?? '']).every(
    (script) =>
      script !== '' &&
      /^(?:[\d$,;~+!{}\spdqPDnN=]|\/[^/\n]*\/|s([/|#,:@])(?:(?!\1)[^\\\n]|\\.){0,300}\1(?:(?!\1)[^\\\n]|\\.){0,300}\1[gpiI\d]*)*$/.test(
        script,
      ),
  );
};

const awk: Reads = (args) => {
  const words = args.map(({ text }) => text);
  return (
    !words.some((word) => /^-(?:i|f|-include|-file|l)/.test(word)) &&
    !words.some((word) => /[>|]|\bsystem\b|\bgetline\b|@load/.test(word))
  );
};

const tee: Reads = (args) =>
  args.every(({ text, expanded }) => !expanded && (text.startsWith('-') || text.startsWith('/dev/')));
const listing: Reads = (args) => {
  const mode = args[0]?.text ?? '';
  return (
    /^-?[a-zA-Z]*t[a-zA-Z]*$/.test(mode) && !/[cxru]/.test(mode) && !args.some(({ text }) => text.startsWith('--'))
  );
};

/** Commands of clip whose effect is on clip's own records, where it is counted separately. */
const clip = verbs(
  /^(?:report|status|runs|show|logs|wait|ledger|handoff|events|doctor|task (?:show|list|comment|doc|done|block)|agent (?:list|show|check))\b/,
);
const gh = verbs(
  /^(?:(?:pr|issue|run|repo|release|workflow|label) (?:view|list|status|checks|diff)|auth status|search \w+|status)$/,
  /^(?:--web|-w)$/,
);

const plain = [
  [
    'cat',
    'ls',
    'dir',
    'head',
    'tail',
    'wc',
    'pwd',
    'cd',
    'pushd',
    'popd',
    'echo',
    'printf',
    'grep',
    'egrep',
    'fgrep',
    'zgrep',
    'ack',
    'stat',
    'du',
    'df',
  ],
  [
    'which',
    'whereis',
    'type',
    'hash',
    'basename',
    'dirname',
    'realpath',
    'readlink',
    'cut',
    'tr',
    'nl',
    'tac',
    'rev',
    'paste',
    'join',
    'comm',
    'cmp',
    'od',
  ],
  [
    'md5sum',
    'sha1sum',
    'sha224sum',
    'sha256sum',
    'sha384sum',
    'sha512sum',
    'shasum',
    'md5',
    'cksum',
    'b2sum',
    'hexdump',
    'strings',
    'bat',
    'batcat',
    'column',
  ],
  [
    'fold',
    'fmt',
    'expand',
    'seq',
    'cal',
    'id',
    'whoami',
    'who',
    'groups',
    'uname',
    'uptime',
    'printenv',
    'ps',
    'pgrep',
    'lsof',
    'free',
    'nproc',
    'lscpu',
  ],
  [
    'true',
    'false',
    ':',
    'test',
    '[',
    '[[',
    'sleep',
    'getconf',
    'locale',
    'tty',
    'zcat',
    'bzcat',
    'xzcat',
    'jq',
    'set',
    'export',
    'unset',
    'shopt',
    'ulimit',
  ],
  [
    'read',
    'break',
    'continue',
    'exit',
    'return',
    'wait',
    'jobs',
    'local',
    'declare',
    'readonly',
    'shift',
    'look',
    'egrep',
    'numfmt',
    'factor',
    'sw_vers',
    'arch',
    'ss',
  ],
].flat();

export const readers: Readonly<Record<string, Reads>> = {
  ...Object.fromEntries(plain.map((name) => [name, always])),
  rg: without(/^--(?:pre|hostname-bin)(?:=|$)/),
  ag: without(/^--pager/),
  tree: without(/^(?:-[a-zA-Z]*o|--output.*)$/),
  file: without(/^(?:-C|--compile)$/),
  less: without(/^(?:-[oO]|--log-file|--LOG-FILE|\+)/),
  more: without(/^\+/),
  diff: without(/^--output/),
  sort: without(/^(?:-[a-zA-Z]*o.*|-[a-zA-Z]*T.*|--output.*|--compress-program.*)$/),
  uniq: (args) => positional(args).length < 2,
  xxd: (args) => positional(args).length < 2 && without(/^-(?:[a-z]*r|revert)$/)(args),
  date: (args) =>
    without(/^(?:-s.*|--set.*)$/)(args) &&
    positional(args).every(
      ({ text }) => text.startsWith('+') || args.some((each) => /^(?:-d|-r|-f|-j|--date)$/.test(each.text)),
    ),
  hostname: none,
  history: none,
  source: (args) => args.length === 1 && /(?:^|\/)bin\/activate$/.test(args[0]?.text ?? ''),
  '.': (args) => args.length === 1 && /(?:^|\/)bin\/activate$/.test(args[0]?.text ?? ''),
  sed,
  gsed: sed,
  awk,
  gawk: awk,
  mawk: awk,
  tee,
  yq: without(/^(?:-[a-zA-Z]*i[a-zA-Z]*|--in-?place.*|-s|--split-exp.*)$/),
  tar: listing,
  unzip: (args) => /^-(?:l|v|Z1?|t)$/.test(args[0]?.text ?? ''),
  git: (args) => gitReads(args),
  clip,
  gh,
  npm: verbs(/^(?:ls|list|view|info|outdated|explain|why|root|prefix|help|config (?:get|list))\b/, /^--(?:fix|save)/),
  pnpm: verbs(/^(?:ls|list|why|outdated|root)\b/),
  yarn: verbs(/^(?:why|list|info)\b/),
  pip: verbs(/^(?:list|show|freeze|check)\b/),
  pip3: verbs(/^(?:list|show|freeze|check)\b/),
  cargo: verbs(/^(?:metadata|tree|search|pkgid)\b/),
  go: verbs(/^(?:version|list|doc)\b|^env$/, /^-(?:w|u|mod=mod)$/),
  docker: verbs(/^(?:ps|images|logs|inspect|version|info)\b/),
  kubectl: verbs(/^(?:get|describe|logs|version|explain)\b/),
  systemctl: verbs(/^(?:status|show|list-units|list-unit-files|is-active|is-enabled|is-failed)\b/),
  journalctl: without(/^--(?:vacuum|rotate|flush|sync|setup-keys|update-catalog)/),
};
