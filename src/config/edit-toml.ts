/** Sets or removes one key of config.toml. Comments, order and everything else stay unchanged. */
import { isDeepStrictEqual } from 'node:util';
import { parse, stringify } from 'smol-toml';
import { findComment, parseKey, parseStatements, type Statement } from './toml-statements.ts';

/**
 * Returns the changed text. `value`: undefined removes the key. Returns null when no single line can be changed; a
 * person then has to edit the file.
 */
export function edited(text: string, key: string, value: unknown): string | null {
  const lines = text.split('\n');
  const path = key.split('.');
  const statements = parseStatements(lines);
  const there = statements.find((each) => each.kind === 'value' && isDeepStrictEqual(each.path, path));
  if (there === undefined && value === undefined) return text;
  const next = there === undefined ? inserted(lines, statements, { path, value }) : replaced(lines, there, value);
  return saysOnlyThat(text, next, { path, value }) ? next : null;
}

function replaced(lines: readonly string[], { from, to }: Statement, value: unknown): string {
  const old = lines.slice(from, to);
  const end = (old.at(-1) ?? '').endsWith('\r') ? '\r' : '';
  const fresh =
    value === undefined ? [] : [`${parseKey(old[0] ?? '').written}= ${formatToml(value)}${findComment(old)}${end}`];
  return [...lines.slice(0, from), ...fresh, ...lines.slice(to)].join('\n');
}

type Edit = { readonly path: readonly string[]; readonly value: unknown };

/** Inserts a key after the others of its table. A new table is added at the end. */
function inserted(lines: readonly string[], statements: readonly Statement[], { path, value }: Edit): string {
  const [first = '', second] = path;
  const header = statements.findIndex(({ kind }) => kind === 'header');
  const top = header < 0 ? statements : statements.slice(0, header);
  if (second === undefined)
    return insertedAt(lines, top.at(-1)?.to ?? headLines(lines, statements), `${first} = ${formatToml(value)}`);
  const dotted = top.findLast(({ path: [name], path }) => name === first && path.length === 2);
  if (dotted !== undefined) return insertedAt(lines, dotted.to, `${first}.${second} = ${formatToml(value)}`);
  const inTable = statements.findLast(
    ({ kind, path: [name], path }) => name === first && (kind === 'header' || path.length === 2),
  );
  const assignment = `${second} = ${formatToml(value)}`;
  if (inTable !== undefined) return insertedAt(lines, inTable.to, assignment);
  const before = lines.join('\n').trimEnd();
  return `${before}${before === '' ? '' : '\n\n'}[${first}]\n${assignment}\n`;
}

/**
 * Returns the line for the first key in a file with only tables or comments: before the first table and its comments.
 */
function headLines(lines: readonly string[], statements: readonly Statement[]): number {
  let at = statements[0]?.from ?? lines.findLastIndex((line) => line.trim() !== '') + 1;
  if (statements.length > 0) while (at > 0 && (lines[at - 1] ?? '').trim().startsWith('#')) at -= 1;
  return at;
}

function insertedAt(lines: readonly string[], at: number, line: string): string {
  const rest = lines.slice(at);
  const gap = (rest[0] ?? '').trim().startsWith('[') || (rest[0] ?? '').trim().startsWith('#') ? [''] : [];
  return [...lines.slice(0, at), line, ...(rest.length === 0 ? [''] : gap), ...rest].join('\n');
}

function formatToml(value: unknown): string {
  return stringify({ v: value }).trim().slice('v = '.length);
}

/**
 * Returns whether the new text, parsed again, equals the old one with only this change. Otherwise it is not written.
 */
function saysOnlyThat(before: string, after: string, { path, value }: Edit): boolean {
  try {
    const wanted = parse(before) as Record<string, unknown>;
    const [first = '', second] = path;
    if (second === undefined) set(wanted, first, value);
    else {
      wanted[first] ??= {};
      set(wanted[first] as Record<string, unknown>, second, value);
    }
    return isDeepStrictEqual(plain(wanted), plain(parse(after)));
  } catch {
    return false;
  }
}

function set(table: Record<string, unknown>, key: string, value: unknown): void {
  if (value === undefined) delete table[key];
  else table[key] = value;
}

/** Returns the value without empty tables, which have no meaning. */
function plain(value: Record<string, unknown>): unknown {
  return JSON.parse(JSON.stringify(value, (_, each) => (isEmptyTable(each) ? undefined : each)) ?? '{}');
}

function isEmptyTable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;
}
