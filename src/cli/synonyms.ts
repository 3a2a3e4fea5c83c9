/** Words of other tools for what clip has under another name. They are looked up when a verb is unknown. */

/** The command that a word means, without `clip`. What follows the word on the command line is appended. */
const meanings: Readonly<Record<string, string>> = {
  accept: 'task done',
  add: 'task add',
  approve: 'task done',
  assign: 'task assign',
  attach: 'logs -f',
  block: 'task block',
  comment: 'task comment',
  cost: 'ledger',
  delete: 'rm',
  dashboard: 'status --watch',
  describe: 'show',
  done: 'task done',
  exec: 'run --',
  follow: 'logs -f',
  history: 'ledger',
  hold: 'queue hold',
  info: 'show',
  inspect: 'show',
  jobs: 'runs --live',
  kill: 'cancel --now',
  list: 'runs',
  log: 'logs',
  new: 'task add',
  output: 'logs',
  ps: 'runs --live',
  remove: 'rm',
  reopen: 'task reopen',
  rerun: 'retry',
  restart: 'retry',
  say: 'continue',
  send: 'continue',
  start: 'run --',
  stop: 'cancel',
  submit: 'run --',
  tail: 'logs -f',
  tasks: 'task list',
  tell: 'continue',
  top: 'status --watch',
  ui: 'status --watch',
  unpause: 'resume',
  version: '--version',
  view: 'show',
  watch: 'status --watch',
};

/** Verbs that delete something. They are not suggested for a word that is merely spelled like them. */
export const destructiveVerbs: ReadonlySet<string> = new Set(['prune', 'rm']);

/** Returns the command line for a word of another tool and what follows it, or null for a word that is not known. */
export function findMeaning(word: string, rest: readonly string[]): string | null {
  if (/^(t?[1-9]\d*|@last)$/i.test(word)) return `clip show ${word}`;
  if (word === 'start' && /^t[1-9]/i.test(rest[0] ?? '')) return `clip task start ${rest.join(' ')}`;
  const meaning = Object.hasOwn(meanings, word) ? meanings[word] : undefined;
  if (meaning === undefined) return null;
  return ['clip', meaning, ...rest.filter((each) => /^[\w@=./:-]+$/.test(each))].join(' ');
}
