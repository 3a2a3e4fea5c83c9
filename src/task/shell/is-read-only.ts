/**
 * Whether a shell command only reads. Reading is not progress. A command counts as work unless every part of it is
 * known to be read-only.
 */

import { words } from '#run/words.ts';
import { parseShell, type Word } from './parse-shell.ts';
import { type Argument, readers } from './read-only-programs.ts';

/** Scripts within scripts. Commands that people or agents write are not nested deeper. */
const depthMax = 4;

/** Returns whether the command only reads. False in doubt. */
export function onlyReads(command: string): boolean {
  return scriptReads(command, 0);
}

/** Returns the same for one simple command of a script. Its redirections are examined separately. */
export function onlyReadsSimple(words: readonly Word[]): boolean {
  return commandReads(words, 0);
}

function scriptReads(script: string, depth: number): boolean {
  const parsed = depth > depthMax ? null : parseShell(script);
  return (
    parsed !== null &&
    parsed.commands.length > 0 &&
    !parsed.writes &&
    parsed.commands.every((words) => commandReads(words, depth))
  );
}

const openers = new Set(['if', 'then', 'else', 'elif', 'while', 'until', 'do', '!', '{', 'time']);
const closers = new Set(['done', 'fi', '}']);
const assignment = /^[A-Za-z_][A-Za-z0-9_]*\+?=/;
/** Variables that make a reader run or load something else. */
const dangerous =
  /^(?:LD_|DYLD_|GIT_(?:EXTERNAL_DIFF|SSH|CONFIG|EXEC_PATH|PROXY|ASKPASS|EDITOR)|BASH_ENV|ENV|PATH|IFS|NODE_OPTIONS|PYTHON|RUBY|PERL|LESSOPEN|RIPGREP_CONFIG)/;
const pagers = /^(?:GIT_PAGER|PAGER|MANPAGER|LESS)=(?:cat|less)?$/;

/** Examines one simple command: shell keywords, variables, then a program and its arguments. */
function commandReads(words: readonly Word[], depth: number): boolean {
  const from = words.findIndex(({ text }) => !openers.has(text));
  if (from < 0) return true;
  const rest = words.slice(from);
  const first = rest[0]?.text ?? '';
  if (first === 'for' || first === 'select') return !rest[0]?.expanded;
  if (closers.has(first)) return rest.length === 1;
  const program = rest.findIndex(({ text }) => !assignment.test(text));
  const variables = program < 0 ? rest : rest.slice(0, program);
  if (!variables.every(({ text }) => isHarmless(text))) return false;
  return program < 0 || programReads(rest.slice(program), depth);
}

function isHarmless(variable: string): boolean {
  return pagers.test(variable) || !(dangerous.test(variable) || /^(?:GIT_PAGER|PAGER|MANPAGER)=/.test(variable));
}

function programReads([program, ...given]: readonly Word[], depth: number): boolean {
  if (program === undefined || program.expanded) return false;
  // A path names a known program only in the system's own folders.
  const name = program.text.replace(/^(?:\/usr(?:\/local)?)?\/s?bin\//, '');
  if (name.includes('/')) return false;
  const args: readonly Argument[] = given.map(({ text, expanded }) => ({ text, expanded }));
  if (args.length === 1 && (args[0]?.text === '--version' || args[0]?.text === '--help')) return true;
  if (Object.hasOwn(wrappers, name)) return wrappers[name]?.(given, depth) ?? false;
  return Object.hasOwn(readers, name) ? (readers[name]?.(args) ?? false) : false;
}

type Wrapper = (args: readonly Word[], depth: number) => boolean;

/**
 * Returns the command that a wrapper starts: the words after its options. `valued`: options that take the next word.
 */
function after(args: readonly Word[], flags: RegExp, valued: RegExp = /^$/): readonly Word[] | null {
  let at = 0;
  while (at < args.length) {
    const text = args[at]?.text ?? '';
    if (text === '--') return args.slice(at + 1);
    if (!text.startsWith('-')) return args.slice(at);
    if (valued.test(text)) at += 2;
    else if (flags.test(text)) at++;
    else return null;
  }
  return [];
}

/** Returns the rule for prefixes like `sudo` that run the rest unchanged, including variables before it. */
function prefix(flags: RegExp, valued?: RegExp): Wrapper {
  return (args, depth) => {
    const rest = after(args, flags, valued);
    return rest !== null && rest.length > 0 && commandReads(rest, depth + 1) && depth < depthMax;
  };
}

const shell: Wrapper = (args, depth) => {
  const at = args.findIndex(({ text }) => /^-[a-z]*c$/.test(text));
  const script = args[at + 1];
  const before = args
    .slice(0, Math.max(0, at))
    .every(({ text }) => /^(?:-[elu]+|--login|--norc|--noprofile)$/.test(text));
  // A script with expansions is not the one that runs, and a script without -c is in a file.
  return (
    at >= 0 &&
    before &&
    /^-[elux]*c$/.test(args[at]?.text ?? '') &&
    script !== undefined &&
    !script.expanded &&
    scriptReads(script.text, depth + 1)
  );
};

const timeLimit: Wrapper = (args, depth) => {
  const rest = after(args, /^(?:--foreground|--preserve-status|-v|--\w[\w-]*=\S+)$/, /^(?:-k|-s)$/);
  return rest !== null && rest.length > 1 && depth < depthMax && programReads(rest.slice(1), depth + 1);
};

const xargs: Wrapper = (args, depth) => {
  const rest = after(
    args,
    /^(?:-[0rtx]+|--null|--no-run-if-empty|-[InPLds].+|--max-(?:args|procs|lines)=\d+)$/,
    /^-[InPLdsE]$/,
  );
  if (rest === null || depth >= depthMax) return false;
  // The appended arguments are unknown and may be options. Only programs without a writing option are safe.
  return rest.length === 0 || (safeBehindXargs.has(rest[0]?.text ?? '') && programReads(rest, depth + 1));
};
const safeBehindXargs = new Set(
  words(`
  cat ls head tail wc grep egrep fgrep rg sed stat du basename dirname realpath readlink echo printf md5sum
  sha1sum sha256sum cut nl file git test jq sh bash diff
`),
);

const find: Wrapper = (args, depth) => {
  for (let at = 0; at < args.length; at++) {
    const text = args[at]?.text ?? '';
    if (/^-(?:delete|fprint|fprint0|fprintf|fls|ok|okdir)$/.test(text)) return false;
    if (text !== '-exec' && text !== '-execdir') continue;
    const end = args.findIndex((word, index) => index > at && (word.text === ';' || word.text === '+'));
    if (end < 0 || depth >= depthMax || !programReads(args.slice(at + 1, end), depth + 1)) return false;
    at = end;
  }
  return true;
};

const fd: Wrapper = (args) => !args.some(({ text }) => /^(?:-[a-zA-Z]*[xX]|--exec(?:-batch)?(?:=.*)?)$/.test(text));

const wrappers: Readonly<Record<string, Wrapper>> = {
  sudo: prefix(/^-[EHnSk]+$/, /^-[ugC]$/),
  doas: prefix(/^-n$/, /^-u$/),
  env: (args, depth) =>
    args.every(({ text }) => assignment.test(text)) || prefix(/^(?:-i|--ignore-environment)$/, /^-u$/)(args, depth),
  command: (args, depth) => /^-[vV]$/.test(args[0]?.text ?? '') || prefix(/^-p$/)(args, depth),
  builtin: prefix(/^$/),
  exec: prefix(/^$/),
  nice: prefix(/^-\d+$/, /^-n$/),
  ionice: prefix(/^-c\d$/, /^-[cn]$/),
  nohup: prefix(/^$/),
  setsid: prefix(/^-[wf]$/),
  stdbuf: prefix(/^-[ioe].+$/, /^-[ioe]$/),
  timeout: timeLimit,
  gtimeout: timeLimit,
  bash: shell,
  sh: shell,
  zsh: shell,
  dash: shell,
  xargs,
  find,
  fd,
  fdfind: fd,
};
