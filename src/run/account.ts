/**
 * The account of a run: what its stream has shown so far, bounded, and a plain value. It is stored
 * together with the place in the logs up to which it was read, so nothing is counted twice or missed.
 */
import { limits } from './limits.ts';
import type { Failure, FileChange, Reading, Tokens, ToolKind } from './reading.ts';

export type OpenTool = {
  readonly tool: string;
  readonly kind: ToolKind;
  readonly command: string | null;
  readonly paths: readonly string[];
  readonly at: number;
};
export type CommandRecord = { readonly command: string; readonly exitCode: number | null; readonly failed: boolean; readonly at: number };
export type FileRecord = { readonly kind: FileChange['kind']; readonly times: number; readonly at: number };
export type Retrying = { readonly attempt: number | null; readonly of: number | null; readonly message: string; readonly at: number };

/** What was used so far: parts added up, and the session's own running totals as last said. */
export type Meter = {
  readonly part: Tokens | null;
  readonly session: Tokens | null;
  readonly partCostUsd: number | null;
  readonly sessionCostUsd: number | null;
};

export type Account = {
  readonly sessionId: string | null;
  readonly model: string | null;
  /** How much it may do by itself, in the words of the agent CLI. */
  readonly permission: string | null;
  readonly version: string | null;
  readonly toolCalls: number;
  readonly commands: number;
  readonly commandsFailed: number;
  readonly messages: number;
  /** The last words, the beginning of them if they are long. */
  readonly text: string;
  /** The last words may still grow by deltas. */
  readonly speaking: boolean;
  readonly openTools: Readonly<Record<string, OpenTool>>;
  readonly recentCommands: readonly CommandRecord[];
  readonly files: Readonly<Record<string, FileRecord>>;
  /** Changed files beyond the ones that are listed. */
  readonly filesMore: number;
  readonly background: number;
  readonly meter: Meter;
  readonly lastError: Failure | null;
  /** What may explain a bad end; no sign of life takes it back. */
  readonly complaint: Failure | null;
  readonly retrying: Retrying | null;
  readonly limitResetsAt: number | null;
  /** Refused tools; `worked`: some command or change succeeded all the same. */
  readonly denials: { readonly count: number; readonly tools: readonly string[]; readonly worked: boolean };
  readonly result: { readonly failure: Failure | null; readonly at: number } | null;
  /** When it last did something that may have changed something: ran a command or changed a file. */
  readonly lastActionAt: number | null;
};

export const emptyAccount: Account = {
  sessionId: null,
  model: null,
  permission: null,
  version: null,
  toolCalls: 0,
  commands: 0,
  commandsFailed: 0,
  messages: 0,
  text: '',
  speaking: false,
  openTools: {},
  recentCommands: [],
  files: {},
  filesMore: 0,
  background: 0,
  meter: { part: null, session: null, partCostUsd: null, sessionCostUsd: null },
  lastError: null,
  complaint: null,
  retrying: null,
  limitResetsAt: null,
  denials: { count: 0, tools: [], worked: false },
  result: null,
  lastActionAt: null,
};

/** The account after these readings. `at`: when they were read, milliseconds since the epoch. */
export function fold(account: Account, readings: readonly Reading[], at: number): Account {
  return readings.reduce((sum, reading) => take(sum, reading, at), account);
}

function take(account: Account, reading: Reading, at: number): Account {
  switch (reading.type) {
    case 'session':
      return {
        ...account,
        // One that begins again takes its result back: claude does so when a background task has ended.
        result: null,
        // One that is longer than any id could not be given back whole: then better none.
        sessionId: reading.id.length > limits.sessionIdLength ? null : reading.id,
        model: named(reading.model) ?? account.model,
        permission: named(reading.permission) ?? account.permission,
        version: named(reading.version) ?? account.version,
      };
    case 'message':
      return said(goingOn(account), reading);
    case 'tool-started':
      return toolStarted(goingOn(account), reading, at);
    case 'tool-ended':
      return toolEnded(account, reading, at);
    case 'refused':
      // It may stand in another log than the rest and be read late, so it is no sign of life.
      return denied(account, clip(reading.tool, limits.nameLength));
    case 'background':
      return { ...account, background: Math.max(0, whole(reading.tasks) ?? 0) };
    case 'tokens':
      return { ...account, model: named(reading.model) ?? account.model, meter: metered(account.meter, reading) };
    case 'cost': {
      const { meter } = account;
      const change = reading.scope === 'session' ? { sessionCostUsd: reading.usd } : { partCostUsd: (meter.partCostUsd ?? 0) + reading.usd };
      return { ...account, meter: { ...meter, ...change } };
    }
    case 'limit':
      return { ...account, limitResetsAt: instant(reading.resetsAt) ?? account.limitResetsAt };
    case 'error':
      return { ...account, lastError: clipped(reading.failure), limitResetsAt: instant(reading.failure.resetsAt) ?? account.limitResetsAt };
    case 'report':
      // It is no part of the account: reports are kept by themselves.
      return account;
    case 'complaint':
      return { ...account, complaint: clipped(reading.failure) };
    case 'retrying':
      // The other log may be read later than the result that came after this.
      if (account.result !== null) return account;
      return { ...account, retrying: { attempt: whole(reading.attempt), of: whole(reading.of), message: clip(reading.message, limits.errorLength), at } };
    case 'result':
      return {
        ...account,
        speaking: false,
        retrying: null,
        result: { failure: reading.failure === null ? null : told(reading.failure, account.lastError), at },
        limitResetsAt: instant(reading.failure?.resetsAt ?? null) ?? account.limitResetsAt,
      };
  }
}

/** A sign of life: it is not retrying any more, what went wrong was got over, and what it said to be its result was not the last word. */
function goingOn(account: Account): Account {
  if (account.retrying === null && account.lastError === null && account.result === null) return account;
  return { ...account, retrying: null, lastError: null, result: null };
}

function said(account: Account, { text, delta }: Extract<Reading, { type: 'message' }>): Account {
  if (text.trim() === '' && !(delta && account.speaking)) return account;
  const more = delta && account.speaking;
  return {
    ...account,
    speaking: delta,
    messages: account.messages + (more ? 0 : 1),
    text: clip(more ? account.text + text : text, limits.accountTextLength),
  };
}

function toolStarted(account: Account, reading: Extract<Reading, { type: 'tool-started' }>, at: number): Account {
  const { id, tool, kind, command, paths } = reading;
  const key = clip(id, limits.keyLength);
  // Said twice (as it starts and as it ends) it is still one call.
  if (Object.hasOwn(account.openTools, key)) return account;
  const open: OpenTool = {
    tool: clip(tool, limits.nameLength),
    kind,
    command: command === null ? null : clip(command, limits.accountCommandLength),
    paths: paths.slice(0, limits.accountPathsPerTool).map((path) => clip(path, limits.accountPathLength)),
    at,
  };
  const others = Object.entries(account.openTools).slice(-(limits.accountOpenTools - 1));
  return { ...account, speaking: false, toolCalls: account.toolCalls + 1, openTools: Object.fromEntries([...others, [key, open]]) };
}

function toolEnded(account: Account, reading: Extract<Reading, { type: 'tool-ended' }>, at: number): Account {
  const key = clip(reading.id, limits.keyLength);
  if (!Object.hasOwn(account.openTools, key)) return account;
  const { [key]: tool, ...openTools } = account.openTools;
  if (tool === undefined) return account;
  const ended: Account = { ...goingOn(account), openTools };
  // To be refused a look somewhere keeps nobody from the work.
  if (reading.denied) return tool.kind === 'read' ? ended : denied(ended, tool.tool);
  const worked = !reading.failed && (tool.kind === 'command' || tool.kind === 'write');
  const acted = tool.kind === 'command' || worked;
  const counted: Account = {
    ...ended,
    denials: worked ? { ...ended.denials, worked: true } : ended.denials,
    lastActionAt: acted ? at : ended.lastActionAt,
  };
  const withCommand = tool.kind === 'command' ? withRecord(counted, tool, reading, at) : counted;
  const files = reading.files ?? (worked && tool.kind === 'write' ? tool.paths.map((path) => ({ path, kind: null })) : []);
  return withFiles(withCommand, files, at);
}

function denied(account: Account, tool: string): Account {
  const { count, tools } = account.denials;
  const known = tools.includes(tool) || tools.length >= limits.accountDeniedTools;
  return { ...account, denials: { ...account.denials, count: count + 1, tools: known ? tools : [...tools, tool] } };
}

function withRecord(account: Account, tool: OpenTool, { exitCode, failed }: { exitCode: number | null; failed: boolean }, at: number): Account {
  const record: CommandRecord = { command: tool.command ?? tool.tool, exitCode: whole(exitCode), failed, at };
  return {
    ...account,
    commands: account.commands + 1,
    commandsFailed: account.commandsFailed + (failed ? 1 : 0),
    recentCommands: [...account.recentCommands, record].slice(-limits.accountCommands),
  };
}

/** All at once: one change of a hundred thousand files is one copy of the list, not as many. */
function withFiles(account: Account, changes: readonly FileChange[], at: number): Account {
  if (changes.length === 0) return account;
  const files = new Map(Object.entries(account.files));
  let more = account.filesMore;
  for (const change of changes) {
    const path = clip(change.path, limits.accountPathLength);
    const before = files.get(path);
    if (before === undefined && files.size >= limits.accountFiles) {
      more += 1;
      continue;
    }
    // A file that was added and then changed is still a new one.
    const kind = before?.kind === 'add' && change.kind !== 'delete' ? 'add' : change.kind;
    files.set(path, { kind, times: (before?.times ?? 0) + 1, at });
  }
  return { ...account, files: Object.fromEntries(files), filesMore: more };
}

function metered(meter: Meter, { scope, tokens }: Extract<Reading, { type: 'tokens' }>): Meter {
  if (scope === 'session') return { ...meter, session: tokens };
  const add = (a: number | null | undefined, b: number | null) => (a == null ? b : b === null ? a : a + b);
  const { part } = meter;
  return { ...meter, part: { input: add(part?.input, tokens.input), cached: add(part?.cached, tokens.cached), output: add(part?.output, tokens.output) } };
}

/** A result that does not say what went wrong means the error just before it. */
function told(failure: Failure, before: Failure | null): Failure {
  const message = failure.message || before?.message || 'It said that it failed, but not why.';
  return clipped({ class: failure.class ?? before?.class ?? null, message, resetsAt: failure.resetsAt ?? before?.resetsAt ?? null });
}

function named<T extends string | null>(text: T): T | string {
  return text === null ? text : clip(text, limits.nameLength);
}

function clipped(failure: Failure): Failure {
  return { ...failure, message: clip(failure.message, limits.errorLength), resetsAt: instant(failure.resetsAt) };
}

/** Null for what is no whole number: the streams of others are taken at no word. */
function whole(value: number | null): number | null {
  return value !== null && Number.isSafeInteger(value) ? value : null;
}

/** Null for what is no time: the largest that a date can be is 100 million days from 1970. */
function instant(ms: number | null): number | null {
  return ms !== null && Math.abs(ms) <= 8.64e15 ? Math.round(ms) : null;
}

/** Never through the middle of a character that takes two units. */
function clip(text: string, most: number): string {
  if (text.length <= most) return text;
  const last = text.charCodeAt(most - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? most - 1 : most);
}
