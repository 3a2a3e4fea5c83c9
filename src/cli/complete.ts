/**
 * What a shell offers when somebody presses TAB: `clip completions --complete WORD…`, the last word being the one
 * under the cursor. No command tree is loaded: a table of it is made by the build. Who lives is asked of the daemon, if
 * it is there; nothing is started, and no error is shown.
 */

/** A verb as the table has it. `k`: what its arguments are, the last one for all that follow. */
export type Node = {
  readonly s: string;
  readonly o: Readonly<Record<string, { readonly s: string /** Null for a switch. */; readonly v: Kind | null }>>;
  readonly k: readonly Kind[];
  readonly c: Readonly<Record<string, Node>>;
};
/** A list of words, or one of the kinds below; empty for what nobody can know. */
export type Kind = readonly string[] | string;
export type Candidate = readonly [value: string, says: string];
/** What to offer: words, or what to ask the daemon for, or paths. */
export type Offer =
  | { readonly kind: 'words'; readonly words: readonly Candidate[]; readonly prefix: string }
  | { readonly kind: 'ask'; readonly what: string; readonly prefix: string }
  | { readonly kind: 'files' };

const nothing: Offer = { kind: 'words', words: [], prefix: '' };

/** `words`: without `clip` itself. */
export function offerFor(tree: Node, words: readonly string[]): Offer {
  let node = tree;
  let args = 0;
  let awaits: Kind | null = null;
  const current = words.at(-1) ?? '';
  for (const word of words.slice(0, -1)) {
    if (awaits !== null) awaits = null;
    // Behind it stands somebody else's command line.
    else if (word === '--') return { kind: 'files' };
    else if (word.startsWith('-')) awaits = word.includes('=') ? null : (optionOf(tree, node, word)?.v ?? null);
    else if (args === 0 && Object.hasOwn(node.c, word)) node = node.c[word] as Node;
    else args += 1;
  }
  if (awaits !== null) return ofKind(awaits, '');
  const [, option = '', begun] = /^(--[^=]+=)(.*)$/.exec(current) ?? [];
  if (begun !== undefined) return ofKind(optionOf(tree, node, option.slice(0, -1))?.v ?? '', option);
  if (current.startsWith('-')) return { kind: 'words', words: optionsOf(tree, node), prefix: '' };
  const verbs = Object.entries(node.c).map(([name, { s }]): Candidate => [name, s]);
  if (args === 0 && verbs.length > 0) return { kind: 'words', words: verbs, prefix: '' };
  return ofKind(node.k[Math.min(args, node.k.length - 1)] ?? '', '');
}

function optionOf(tree: Node, node: Node, word: string): { readonly v: Kind | null } | null {
  return Object.hasOwn(node.o, word) ? (node.o[word] ?? null) : Object.hasOwn(tree.o, word) ? (tree.o[word] ?? null) : null;
}

function optionsOf(tree: Node, node: Node): Candidate[] {
  return Object.entries({ ...tree.o, ...node.o }).map(([name, { s }]): Candidate => [name, s]);
}

function ofKind(kind: Kind, prefix: string): Offer {
  if (typeof kind !== 'string') return { kind: 'words', words: kind.map((word): Candidate => [word, '']), prefix };
  if (kind === 'file') return { kind: 'files' };
  return kind === '' ? nothing : { kind: 'ask', what: kind, prefix };
}

/** Where the daemon is asked for this kind of thing. */
export const askedAt: Readonly<Record<string, string>> = {
  run: '/v1/runs?limit=50',
  live: '/v1/runs?live=true&limit=200',
  task: '/v1/tasks?limit=100',
  agent: '/v1/agents',
  who: '/v1/agents',
  group: '/v1/groups',
};

type Answer = Readonly<Record<string, readonly Readonly<Record<string, unknown>>[] | undefined>>;

/** What it answered, as words with what there is to say of them. */
export function candidatesIn(what: string, answer: Answer): Candidate[] {
  const agents = (answer['agents'] ?? []).map(({ name, adapter }): Candidate => [String(name), String(adapter ?? '')]);
  switch (what) {
    case 'run':
    case 'live':
      return [...(answer['runs'] ?? []).flatMap(runWords), ['@last', 'the newest run']];
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

function runWords({ number, name, status, command, agentName }: Readonly<Record<string, unknown>>): Candidate[] {
  const what = typeof agentName === 'string' ? agentName : Array.isArray(command) ? command.join(' ') : '';
  const says = `${status}: ${name ?? what}`;
  return [[String(number), says], ...(typeof name === 'string' ? [[name, `${status}: run ${number}`] as const] : [])];
}

const saysChars = 60;

/** One candidate a line, with a tab before what is said of it; nothing in it that a terminal would obey. */
export function linesOf(candidates: readonly Candidate[], prefix: string, current: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not get through
  const plain = (text: string) => text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ');
  return candidates
    .map(([value, says]) => [`${prefix}${plain(value)}`, plain(says).slice(0, saysChars)] as const)
    .filter(([value]) => value.startsWith(current))
    .map(([value, says]) => `${value}\t${says}\n`)
    .join('');
}
