/** An adapter made from a mapping: for CLIs that have none of their own. */
import type { CommandPart, Condition, Conditions, Field, Mapping, MappingRule } from '../run/agent.ts';
import type { ErrorClass, Failure, Reading } from '../run/reading.ts';
import type { Adapter, Json, Launch, Prepared, ReadAt, Stream } from './adapter.ts';
import { classOfStatus, classOfText, refined } from './classes.ts';
import { listAt, at as valueAt } from './json.ts';
import { resetIn } from './resets.ts';

export function fromMapping(mapping: Mapping): Adapter {
  const classOfExit = (code: number): ErrorClass | null => mapping.exitCodes[code] ?? null;
  return {
    prepare: (launch) => prepare(mapping, launch),
    politeSignal: mapping.politeSignal,
    stream: {
      readEvent: (event, at) => mapping.rules.flatMap((rule) => readRule(rule, event, at)),
      readText: (line, stream, at) => readText(mapping, line, { stream, at }),
      needsResult: mapping.needsResult,
      toolsLeadSessions: false,
      classOfExit,
    },
  };
}

function prepare({ command, prompt, start, resume, model, permission, removeEnv }: Mapping, { agent, sessionId, promptPath }: Launch): Prepared {
  const goesOn = sessionId !== null && resume !== null;
  const parts: readonly CommandPart[] = [goesOn ? resume : start, permission[agent.permission], ...(agent.model === null ? [] : [model])];
  const values: Readonly<Record<string, string>> = { model: agent.model ?? '', session: sessionId ?? '', promptFile: promptPath };
  const filled = (text: string) => text.replace(/\{\{(\w+)\}\}/g, (whole, name: string) => (Object.hasOwn(values, name) ? (values[name] ?? whole) : whole));
  const args = parts.flatMap((part) => part.args ?? []).map(filled);
  const env = parts.flatMap((part) => Object.entries(part.env ?? {})).map(([name, value]) => [name, filled(value)] as const);
  return {
    argv: [agent.command ?? command, ...args, ...agent.args],
    env: Object.fromEntries(env),
    removeEnv,
    stdin: prompt === 'stdin' ? 'prompt' : 'none',
  };
}

function readRule(rule: MappingRule, event: Json, at: ReadAt): readonly Reading[] {
  if (!holds(rule.when, event)) return [];
  if (rule.each === undefined) return readFields(rule, event, at);
  return listAt(event, ...stepsOf(rule.each)).flatMap((element) => (holds(rule.where ?? {}, element) ? readFields(rule, element, at) : []));
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

/** All that this rule says of a value: a line, or one element of a list in it. */
function readFields(rule: MappingRule, value: unknown, at: ReadAt): Reading[] {
  const readers = [readSession, readMessage, readTool, readToolEnd, readTokens, readCost, readError, readRetrying, readResult];
  return readers.flatMap((reader) => reader(rule, value, at));
}

function readSession({ session }: MappingRule, value: unknown): Reading[] {
  const id = session && textIn(value, session.id);
  if (!id) return [];
  return [{ type: 'session', id, model: textIn(value, session.model), permission: textIn(value, session.permission), version: textIn(value, session.version) }];
}

function readMessage({ message }: MappingRule, value: unknown): Reading[] {
  const text = message && textIn(value, message.text);
  return text ? [{ type: 'message', text, delta: message.delta ?? false }] : [];
}

function readTool({ tool }: MappingRule, value: unknown): Reading[] {
  const id = tool && nameIn(value, tool.id);
  if (!id) return [];
  const name = textIn(value, tool.name);
  const named = name !== null && tool.kinds && Object.hasOwn(tool.kinds, name) ? tool.kinds[name] : undefined;
  const kind = named ?? tool.kind ?? 'other';
  const file = textIn(value, tool.file);
  return [{ type: 'tool-started', id, tool: name ?? kind, kind, command: textIn(value, tool.command), paths: file === null ? [] : [file] }];
}

function readToolEnd({ toolEnd }: MappingRule, value: unknown): Reading[] {
  const id = toolEnd && nameIn(value, toolEnd.id);
  if (!id) return [];
  const exitCode = numberIn(value, toolEnd.exitCode);
  const denied = says(toolEnd.denied, value);
  const failed = denied || says(toolEnd.failed, value) || (exitCode !== null && exitCode !== 0);
  return [{ type: 'tool-ended', id, exitCode, failed, denied, files: null }];
}

function readTokens({ tokens }: MappingRule, value: unknown): Reading[] {
  if (tokens === undefined) return [];
  const counts = { input: sumIn(value, tokens.input), cached: sumIn(value, tokens.cached), output: sumIn(value, tokens.output) };
  if (counts.input === null && counts.output === null) return [];
  return [{ type: 'tokens', scope: tokens.scope, tokens: counts, model: textIn(value, tokens.model) }];
}

function readCost({ cost }: MappingRule, value: unknown): Reading[] {
  const usd = cost ? numberIn(value, cost.usd) : null;
  return cost === undefined || usd === null ? [] : [{ type: 'cost', scope: cost.scope, usd }];
}

function readError({ error }: MappingRule, value: unknown, at: ReadAt): Reading[] {
  return error === undefined ? [] : [{ type: 'error', failure: failureOf(error, value, at) }];
}

function readRetrying({ retrying }: MappingRule, value: unknown): Reading[] {
  if (retrying === undefined) return [];
  const message = textIn(value, retrying.message) ?? 'It tries again.';
  return [{ type: 'retrying', attempt: numberIn(value, retrying.attempt), of: numberIn(value, retrying.of), message }];
}

function readResult({ result }: MappingRule, value: unknown, at: ReadAt): Reading[] {
  if (result === undefined) return [];
  return [{ type: 'result', failure: says(result.failed, value) ? failureOf(result, value, at) : null }];
}

function failureOf({ message: field, status }: { message?: Field | undefined; status?: Field | undefined }, value: unknown, at: ReadAt): Failure {
  const message = textIn(value, field) ?? 'It failed, and did not say why.';
  return { class: refined(classOfStatus(numberIn(value, status)), message), message, resetsAt: resetIn(message, at) };
}

/**
 * A line that is no JSON. Errors are told by how they begin; and of a CLI that always says when it has
 * ended well, also by what they say on stderr: should it end well all the same, its result says so.
 */
function readText({ text, errorPrefixes, needsResult }: Mapping, line: string, { stream, at }: { stream: Stream; at: ReadAt }): readonly Reading[] {
  const isError = errorPrefixes.some((prefix) => line.startsWith(prefix)) || (needsResult && stream === 'stderr' && classOfText(line) !== null);
  // Where the exit code decides, the two logs are read one after the other: which came last, nobody knows.
  const type = !needsResult && stream === 'stderr' ? 'complaint' : 'error';
  if (isError) return [{ type, failure: { class: classOfText(line), message: line, resetsAt: resetIn(line, at) } }];
  return text === 'words' && stream === 'stdout' ? [{ type: 'message', text: `${line}\n`, delta: true }] : [];
}

const stepsOf = (path: string): string[] => path.split('.');
const valueIn = (value: unknown, path: string): unknown => valueAt(value, ...stepsOf(path));
const pathsOf = (field: Field | undefined): readonly string[] => (field === undefined ? [] : typeof field === 'string' ? [field] : field);

function isThere(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false && value !== 0 && value !== '' && !(Array.isArray(value) && value.length === 0);
}

function says(field: Field | true | undefined, value: unknown): boolean {
  return field === true || pathsOf(field).some((path) => isThere(valueIn(value, path)));
}

function textIn(value: unknown, field: Field | undefined): string | null {
  const found = pathsOf(field).map((path) => valueIn(value, path));
  return (found.find((each) => typeof each === 'string' && each !== '') as string | undefined) ?? null;
}

/** An id may be a number. */
function nameIn(value: unknown, field: Field): string | null {
  const id = textIn(value, field) ?? numberIn(value, field);
  return id === null ? null : String(id);
}

function numbersIn(value: unknown, field: Field | undefined): number[] {
  return pathsOf(field).flatMap((path) => {
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
