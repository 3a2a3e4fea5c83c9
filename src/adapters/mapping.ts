/** Builds an adapter from a mapping, for a CLI without an adapter of its own. */
import type { CommandPart, Condition, Conditions, Field, Mapping, MappingRule } from '#run/agent.ts';
import type { AgentEvent, ErrorClass, Failure } from '#run/agent-event.ts';
import {
  type Adapter,
  errorOn,
  type Json,
  type Launch,
  type PreparedInvocation,
  type ReadAt,
  type Stream,
} from './adapter.ts';
import { classifyFailure as commonFailure } from './classify-failure.ts';
import { classOfStatus, classOfText } from './error-classes.ts';
import { listAt, at as valueAt } from './json.ts';

/** Returns the adapter that a mapping describes. */
export function fromMapping(mapping: Mapping): Adapter {
  const classOfExit = (code: number): ErrorClass | null => mapping.exitCodes[code] ?? null;
  return {
    prepare: (launch) => prepare(mapping, launch),
    politeSignal: mapping.politeSignal,
    tells: toldBy(mapping.rules),
    sessionFile: null,
    stream: {
      readEvent: (event, at) => mapping.rules.flatMap((rule) => readRule(rule, event, at)),
      readText: (line, stream, at) => readText(mapping, line, { stream, at }),
      needsResult: mapping.needsResult,
      toolsLeadSessions: false,
      classOfExit,
    },
  };
}

/**
 * Returns when the CLI reports its usage. A token limit needs both counts. Counts in a rule with a result are reported
 * at the end, all others while the CLI works.
 */
function toldBy(rules: readonly MappingRule[]): Adapter['tells'] {
  const counts = rules.flatMap(({ tokens }) =>
    tokens?.input !== undefined && tokens.output !== undefined ? [tokens] : [],
  );
  const told = (exists: boolean, live: boolean) => (exists ? (live ? 'live' : 'end') : 'never');
  return {
    tokens: told(
      counts.length > 0,
      rules.some(({ tokens, result }) => tokens !== undefined && (tokens.scope === 'call' || result === undefined)),
    ),
    cost: told(
      rules.some(({ cost }) => cost !== undefined),
      rules.some(({ cost, result }) => cost !== undefined && result === undefined),
    ),
  };
}

function prepare(
  { command, prompt, start, resume, model, permission, removeEnv }: Mapping,
  { agent, sessionId, newSessionId, promptPath }: Launch,
): PreparedInvocation {
  const goesOn = sessionId !== null && resume !== null;
  const parts: readonly CommandPart[] = [
    goesOn ? resume : start,
    permission[agent.permission],
    ...(agent.model === null ? [] : [model]),
  ];
  const values: Readonly<Record<string, string>> = {
    model: agent.model ?? '',
    session: sessionId ?? '',
    newSession: newSessionId,
    promptFile: promptPath,
  };
  const filled = (text: string) =>
    text.replace(/\{\{(\w+)\}\}/g, (whole, name: string) =>
      Object.hasOwn(values, name) ? (values[name] ?? whole) : whole,
    );
  const args = parts.flatMap((part) => part.args ?? []).map(filled);
  const env = parts
    .flatMap((part) => Object.entries(part.env ?? {}))
    .map(([name, value]) => [name, filled(value)] as const);
  return {
    argv: [agent.command ?? command, ...args, ...agent.args],
    env: Object.fromEntries(env),
    removeEnv,
    stdin: prompt === 'stdin' ? 'prompt' : 'none',
    ...(!goesOn && choosesSession(start) ? { newSessionId } : {}),
  };
}

function choosesSession({ args = [], env = {} }: CommandPart): boolean {
  return [...args, ...Object.values(env)].some((value) => value.includes('{{newSession}}'));
}

function readRule(rule: MappingRule, event: Json, at: ReadAt): readonly AgentEvent[] {
  if (!holds(rule.when, event)) return [];
  if (rule.each === undefined) return readFields(rule, event, at);
  return listAt(event, ...parsePath(rule.each)).flatMap((element) =>
    holds(rule.where ?? {}, element) ? readFields(rule, element, at) : [],
  );
}

function holds(conditions: Conditions, value: unknown): boolean {
  return Object.entries(conditions).every(([path, condition]) => fits(valueIn(value, path), condition));
}

function fits(value: unknown, condition: Condition): boolean {
  if (typeof condition !== 'object') return value === condition;
  if ('startsWith' in condition) return typeof value === 'string' && value.trimStart().startsWith(condition.startsWith);
  if ('present' in condition) return isThere(value) === condition.present;
  return condition.some((each) => each === value);
}

/** Applies a rule to a value: a line, or one element of a list in it. */
function readFields(rule: MappingRule, value: unknown, at: ReadAt): AgentEvent[] {
  const readers = [
    readSession,
    readMessage,
    readTool,
    readToolEnd,
    readTokens,
    readCost,
    readError,
    readRetrying,
    readResult,
  ];
  return readers.flatMap((reader) => reader(rule, value, at));
}

function readSession({ session }: MappingRule, value: unknown): AgentEvent[] {
  const id = session && textIn(value, session.id);
  if (!id) return [];
  return [
    {
      type: 'session',
      id,
      model: textIn(value, session.model),
      permission: textIn(value, session.permission),
      version: textIn(value, session.version),
    },
  ];
}

function readMessage({ message }: MappingRule, value: unknown): AgentEvent[] {
  const text = message && textIn(value, message.text);
  return text ? [{ type: 'message', text, delta: message.delta ?? false }] : [];
}

function readTool({ tool }: MappingRule, value: unknown): AgentEvent[] {
  const id = tool && nameIn(value, tool.id);
  if (!id) return [];
  const name = textIn(value, tool.name);
  const named = name !== null && tool.kinds && Object.hasOwn(tool.kinds, name) ? tool.kinds[name] : undefined;
  const kind = named ?? tool.kind ?? 'other';
  const file = textIn(value, tool.file);
  return [
    {
      type: 'tool-started',
      id,
      tool: name ?? kind,
      kind,
      command: textIn(value, tool.command),
      paths: file === null ? [] : [file],
    },
  ];
}

function readToolEnd({ toolEnd }: MappingRule, value: unknown): AgentEvent[] {
  const id = toolEnd && nameIn(value, toolEnd.id);
  if (!id) return [];
  const exitCode = numberIn(value, toolEnd.exitCode);
  const denied = says(toolEnd.denied, value);
  const failed = denied || says(toolEnd.failed, value) || (exitCode !== null && exitCode !== 0);
  return [{ type: 'tool-ended', id, exitCode, failed, denied, files: null }];
}

function readTokens({ tokens }: MappingRule, value: unknown): AgentEvent[] {
  if (tokens === undefined) return [];
  const counts = {
    input: sumIn(value, tokens.input),
    cached: sumIn(value, tokens.cached),
    output: sumIn(value, tokens.output),
  };
  if (counts.input === null && counts.output === null) return [];
  const { scope } = tokens;
  const model = textIn(value, tokens.model);
  if (scope !== 'call') return [{ type: 'tokens', scope, tokens: counts, model }];
  const id = tokens.id === undefined ? null : nameIn(value, tokens.id);
  return id === null ? [] : [{ type: 'tokens', scope, id, tokens: counts, model }];
}

function readCost({ cost }: MappingRule, value: unknown): AgentEvent[] {
  const usd = cost ? numberIn(value, cost.usd) : null;
  return cost === undefined || usd === null ? [] : [{ type: 'cost', scope: cost.scope, usd }];
}

function readError({ error }: MappingRule, value: unknown, at: ReadAt): AgentEvent[] {
  if (error === undefined) return [];
  const failure = parseFailure(error, value, at);
  return [
    {
      type: 'error',
      failure:
        failure.message === '' ? { ...failure, message: 'It failed, and did not say why.', by: 'clip' } : failure,
    },
  ];
}

function readRetrying({ retrying }: MappingRule, value: unknown): AgentEvent[] {
  if (retrying === undefined) return [];
  const message = textIn(value, retrying.message) ?? 'It tries again.';
  return [{ type: 'retrying', attempt: numberIn(value, retrying.attempt), of: numberIn(value, retrying.of), message }];
}

function readResult({ result }: MappingRule, value: unknown, at: ReadAt): AgentEvent[] {
  if (result === undefined) return [];
  return [{ type: 'result', failure: says(result.failed, value) ? parseFailure(result, value, at) : null }];
}

function parseFailure(
  { message: field, status }: { message?: Field | undefined; status?: Field | undefined },
  value: unknown,
  at: ReadAt,
): Failure {
  const message = textIn(value, field) ?? '';
  return commonFailure(message, at, { structured: classOfStatus(numberIn(value, status)) });
}

/** Reads a line that is not JSON. Errors are recognized by their prefix, and on standard error also by their text. */
function readText(
  { text, errorPrefixes }: Mapping,
  line: string,
  { stream, at }: { stream: Stream; at: ReadAt },
): readonly AgentEvent[] {
  const isError =
    errorPrefixes.some((prefix) => line.startsWith(prefix)) || (stream === 'stderr' && classOfText(line) !== null);
  if (isError) return [{ type: errorOn(stream), failure: commonFailure(line, at) }];
  return text === 'words' && stream === 'stdout' ? [{ type: 'message', text: `${line}\n`, delta: true }] : [];
}

const parsePath = (path: string): string[] => path.split('.');
const valueIn = (value: unknown, path: string): unknown => valueAt(value, ...parsePath(path));
const collectPaths = (field: Field | undefined): readonly string[] =>
  field === undefined ? [] : typeof field === 'string' ? [field] : field;

function isThere(value: unknown): boolean {
  return (
    value !== undefined &&
    value !== null &&
    value !== false &&
    value !== 0 &&
    value !== '' &&
    !(Array.isArray(value) && value.length === 0)
  );
}

function says(field: Field | true | undefined, value: unknown): boolean {
  return field === true || collectPaths(field).some((path) => isThere(valueIn(value, path)));
}

function textIn(value: unknown, field: Field | undefined): string | null {
  const found = collectPaths(field).map((path) => valueIn(value, path));
  return (found.find((each) => typeof each === 'string' && each !== '') as string | undefined) ?? null;
}

/** Returns an id, which may be a number. */
function nameIn(value: unknown, field: Field): string | null {
  const id = textIn(value, field) ?? numberIn(value, field);
  return id === null ? null : String(id);
}

function numbersIn(value: unknown, field: Field | undefined): number[] {
  return collectPaths(field).flatMap((path) => {
    const found = valueIn(value, path);
    return typeof found === 'number' && Number.isFinite(found) ? [found] : [];
  });
}

function numberIn(value: unknown, field: Field | undefined): number | null {
  return numbersIn(value, field)[0] ?? null;
}

function sumIn(value: unknown, field: Field | undefined): number | null {
  const found = numbersIn(value, field);
  return found.length === 0 ? null : found.reduce((a, b) => a + b, 0);
}
