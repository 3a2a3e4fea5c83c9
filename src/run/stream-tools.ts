/**
 * The tools, commands and files that a stream has shown so far. The functions keep the other fields of a stream state.
 */
import type { AgentEvent, FileChange, ToolKind } from './agent-event.ts';
import { cutText } from './cut-text.ts';
import { limits } from './limits.ts';
import { toWhole } from './stream-values.ts';

export type OpenTool = {
  readonly tool: string;
  readonly kind: ToolKind;
  readonly command: string | null;
  readonly paths: readonly string[];
  readonly at: number;
};
export type CommandRecord = {
  readonly command: string;
  readonly exitCode: number | null;
  readonly failed: boolean;
  readonly at: number;
  /** The last lines that it printed. Only the last failed commands have it. */
  readonly output?: string;
};
export type FileRecord = { readonly kind: FileChange['kind']; readonly times: number; readonly at: number };

export type ToolState = {
  readonly toolCalls: number;
  readonly commands: number;
  readonly commandsFailed: number;
  readonly openTools: Readonly<Record<string, OpenTool>>;
  readonly recentCommands: readonly CommandRecord[];
  readonly files: Readonly<Record<string, FileRecord>>;
  /** The number of changed files beyond the listed ones. */
  readonly filesMore: number;
  /** Refused tools. `worked`: some command or change succeeded all the same. */
  readonly denials: { readonly count: number; readonly tools: readonly string[]; readonly worked: boolean };
  /** The time of its last command or file change. */
  readonly lastActionAt: number | null;
};

type ToolStarted = Extract<AgentEvent, { type: 'tool-started' }>;
type ToolEnded = Extract<AgentEvent, { type: 'tool-ended' }>;

/** Returns the state with an open tool more. A tool that is reported at its start and at its end is still one call. */
export function startTool<S extends ToolState>(state: S, reading: ToolStarted, at: number): S {
  const { id, tool, kind, command, paths } = reading;
  const key = cutText(id, limits.keyLength);
  if (Object.hasOwn(state.openTools, key)) return state;
  const open: OpenTool = {
    tool: cutText(tool, limits.nameLength),
    kind,
    command: command === null ? null : cutText(command, limits.accountCommandLength),
    paths: paths.slice(0, limits.accountPathsPerTool).map((path) => cutText(path, limits.accountPathLength)),
    at,
  };
  const others = Object.entries(state.openTools).slice(-(limits.accountOpenTools - 1));
  return {
    ...state,
    toolCalls: state.toolCalls + 1,
    openTools: Object.fromEntries([...others, [key, open]]),
  };
}

/** Returns the open tool with this id, or null. */
export function findOpenTool({ openTools }: ToolState, id: string): OpenTool | null {
  const key = cutText(id, limits.keyLength);
  return Object.hasOwn(openTools, key) ? (openTools[key] ?? null) : null;
}

/** Returns the state without this open tool, and with what it did. A tool that is not open changes nothing. */
export function endTool<S extends ToolState>(state: S, reading: ToolEnded, at: number): S {
  const tool = findOpenTool(state, reading.id);
  if (tool === null) return state;
  const { [cutText(reading.id, limits.keyLength)]: _, ...openTools } = state.openTools;
  const ended: S = { ...state, openTools };
  // A refused read does not keep the agent from its work.
  if (reading.denied) return tool.kind === 'read' ? ended : countRefusal(ended, tool.tool);
  const worked = !reading.failed && (tool.kind === 'command' || tool.kind === 'write');
  const acted = tool.kind === 'command' || worked;
  const counted: S = {
    ...ended,
    denials: worked ? { ...ended.denials, worked: true } : ended.denials,
    lastActionAt: acted ? at : ended.lastActionAt,
  };
  const withCommand = tool.kind === 'command' ? addCommand(counted, tool, reading, at) : counted;
  const written = worked && tool.kind === 'write' ? tool.paths.map((path) => ({ path, kind: null })) : [];
  return addFiles(withCommand, reading.files ?? written, at);
}

/** Returns the state with a refusal of this tool more. Only the first names are kept. */
export function countRefusal<S extends ToolState>(state: S, tool: string): S {
  const { count, tools, worked } = state.denials;
  const known = tools.includes(tool) || tools.length >= limits.accountDeniedTools;
  return { ...state, denials: { count: count + 1, tools: known ? tools : [...tools, tool], worked } };
}

function addCommand<S extends ToolState>(state: S, tool: OpenTool, reading: ToolEnded, at: number): S {
  const { exitCode, failed } = reading;
  const output = failed ? lastLines(reading.output ?? '') : '';
  const record: CommandRecord = {
    ...{ command: tool.command ?? tool.tool, exitCode: toWhole(exitCode), failed, at },
    ...(output === '' ? {} : { output }),
  };
  return {
    ...state,
    commands: state.commands + 1,
    commandsFailed: state.commandsFailed + (failed ? 1 : 0),
    recentCommands: withFewOutputs([...state.recentCommands, record].slice(-limits.accountCommands)),
  };
}

/** Returns the end of an output, from the beginning of a line where one is near. */
function lastLines(output: string): string {
  const text = output.slice(-20 * limits.accountOutputLength).trimEnd();
  if (text.length <= limits.accountOutputLength) return text.toWellFormed();
  const end = text.slice(-limits.accountOutputLength);
  const line = end.indexOf('\n');
  return (line < 0 || line > end.length / 2 ? end : end.slice(line + 1)).toWellFormed();
}

/** Returns the records with the newest outputs alone. */
function withFewOutputs(records: readonly CommandRecord[]): readonly CommandRecord[] {
  const [oldest, ...more] = records.filter(({ output }) => output !== undefined);
  if (oldest === undefined || more.length < limits.accountOutputs) return records;
  return records.map((record) => {
    if (record !== oldest) return record;
    const { output: _, ...rest } = record;
    return rest;
  });
}

/** Adds all changes at once. One event with a hundred thousand files then copies the list once. */
function addFiles<S extends ToolState>(state: S, changes: readonly FileChange[], at: number): S {
  if (changes.length === 0) return state;
  const files = new Map(Object.entries(state.files));
  let more = state.filesMore;
  for (const change of changes) {
    const path = cutText(change.path, limits.accountPathLength);
    const before = files.get(path);
    if (before === undefined && files.size >= limits.accountFiles) {
      more += 1;
      continue;
    }
    // A file that was added and then changed is still a new one.
    const kind = before?.kind === 'add' && change.kind !== 'delete' ? 'add' : change.kind;
    files.set(path, { kind, times: (before?.times ?? 0) + 1, at });
  }
  return { ...state, files: Object.fromEntries(files), filesMore: more };
}
