/**
 * Computes what a shell offers on TAB: `clip completions --complete WORD…`, where the last word is the one under the
 * cursor. The command tree is not loaded, because the build generates a table of it. Live runs come from the daemon, if
 * it is running. Nothing is started, and no error is shown.
 */
import { cutText } from '#run/cut-text.ts';

/**
 * A command in the table. `s`: summary. `o`: options; `v` is null for a switch. `k`: kinds of its arguments, the last
 * one for all that follow. `c`: subcommands.
 */
export type Node = {
  readonly s: string;
  readonly o: Readonly<Record<string, { readonly s: string; readonly v: Kind | null }>>;
  readonly k: readonly Kind[];
  readonly c: Readonly<Record<string, Node>>;
};
/** A list of words, or one of the kinds below. Empty for values that cannot be completed. */
export type Kind = readonly string[] | string;
export type Candidate = readonly [value: string, says: string];
/** What to offer: words, values from the daemon, or paths. */
export type Offer =
  | { readonly kind: 'words'; readonly words: readonly Candidate[]; readonly prefix: string }
  | { readonly kind: 'ask'; readonly what: string; readonly prefix: string }
  | { readonly kind: 'files' };

const nothing: Offer = { kind: 'words', words: [], prefix: '' };

/** Returns what to offer. `words`: the words after `clip`. */
export function offerFor(tree: Node, words: readonly string[]): Offer {
  let node = tree;
  let args = 0;
  let awaits: Kind | null = null;
  const current = words.at(-1) ?? '';
  for (const word of words.slice(0, -1)) {
    if (awaits !== null) awaits = null;
    // The words after it are another command line.
    else if (word === '--') return { kind: 'files' };
    else if (word.startsWith('-')) awaits = word.includes('=') ? null : (findOption(tree, node, word)?.v ?? null);
    else if (args === 0 && Object.hasOwn(node.c, word)) node = node.c[word] as Node;
    else args += 1;
  }
  if (awaits !== null) return ofKind(awaits, '');
  const [, option = '', begun] = /^(--[^=]+=)(.*)$/.exec(current) ?? [];
  if (begun !== undefined) return ofKind(findOption(tree, node, option.slice(0, -1))?.v ?? '', option);
  if (current.startsWith('-')) return { kind: 'words', words: listOptions(tree, node), prefix: '' };
  const verbs = Object.entries(node.c).map(([name, { s }]): Candidate => [name, s]);
  if (args === 0 && verbs.length > 0) return { kind: 'words', words: verbs, prefix: '' };
  return ofKind(node.k[Math.min(args, node.k.length - 1)] ?? '', '');
}

function findOption(tree: Node, node: Node, word: string): { readonly v: Kind | null } | null {
  return Object.hasOwn(node.o, word)
    ? (node.o[word] ?? null)
    : Object.hasOwn(tree.o, word)
      ? (tree.o[word] ?? null)
      : null;
}

function listOptions(tree: Node, node: Node): Candidate[] {
  return Object.entries({ ...tree.o, ...node.o }).map(([name, { s }]): Candidate => [name, s]);
}

function ofKind(kind: Kind, prefix: string): Offer {
  if (typeof kind !== 'string') return { kind: 'words', words: kind.map((word): Candidate => [word, '']), prefix };
  if (kind === 'file') return { kind: 'files' };
  return kind === '' ? nothing : { kind: 'ask', what: kind, prefix };
}

/** The request that returns the values of each kind. */
export const askedAt: Readonly<Record<string, string>> = {
  run: '/v1/runs?limit=50',
  live: '/v1/runs?live=true&limit=200',
  task: '/v1/tasks?limit=100',
  agent: '/v1/agents',
  who: '/v1/agents',
  group: '/v1/groups',
};

type CompletionReply = Readonly<Record<string, readonly Readonly<Record<string, unknown>>[] | undefined>>;

/** Returns the daemon's answer as words with descriptions. */
export function candidatesIn(what: string, answer: CompletionReply): Candidate[] {
  const agents = (answer['agents'] ?? []).map(({ name, adapter }): Candidate => [String(name), String(adapter ?? '')]);
  switch (what) {
    case 'run':
    case 'live':
      return [...(answer['runs'] ?? []).flatMap(formatRun), ['@last', 'the newest run']];
    case 'task':
      return (answer['tasks'] ?? []).map(({ number, status, title }) => [`T${number}`, `${status}: ${title}`]);
    case 'who':
      return [...agents, ['me', 'yourself']];
    case 'agent':
      return agents;
    default:
      return (answer['groups'] ?? []).map(({ name, paused }) => [String(name), paused === true ? 'paused' : '']);
  }
}

function formatRun({
  number,
  name,
  status,
  title,
  command,
  agentName,
}: Readonly<Record<string, unknown>>): Candidate[] {
  const asked = typeof title === 'string' ? `${agentName}: ${title}` : null;
  const what = asked ?? (typeof agentName === 'string' ? agentName : Array.isArray(command) ? command.join(' ') : '');
  const says = `${status}: ${name ?? what}`;
  return [[String(number), says], ...(typeof name === 'string' ? [[name, `${status}: run ${number}`] as const] : [])];
}

const saysChars = 60;

/** Formats one candidate per line, with a tab before its description. Control characters are removed. */
export function formatCandidates(candidates: readonly Candidate[], prefix: string, current: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to remove
  const plain = (text: string) => text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ');
  return candidates
    .map(([value, says]) => [`${prefix}${plain(value)}`, cutText(plain(says), saysChars)] as const)
    .filter(([value]) => value.startsWith(current))
    .map(([value, says]) => `${value}\t${says}\n`)
    .join('');
}
