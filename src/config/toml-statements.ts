/** Splits a TOML file into statements, for an editor that preserves comments and order. */
import { parse } from 'smol-toml';

/**
 * A statement in the lines from `from` up to but excluding `to`. `path` is the key with its table. A header has no
 * value of its own.
 */
export type Statement = {
  readonly kind: 'value' | 'header';
  readonly path: readonly string[];
  readonly from: number;
  readonly to: number;
};

/** Returns the statements of valid TOML. */
export function parseStatements(lines: readonly string[]): Statement[] {
  const found: Statement[] = [];
  let table: readonly string[] = [];
  for (let from = 0; from < lines.length; ) {
    const line = (lines[from] ?? '').trim();
    if (line === '' || line.startsWith('#')) {
      from += 1;
    } else if (line.startsWith('[')) {
      table = pathIn(findTable(line));
      found.push({ kind: 'header', path: table, from, to: from + 1 });
      from += 1;
    } else {
      const to = findEnd(lines, from);
      found.push({ kind: 'value', path: [...table, ...parseKey(lines[from] ?? '').path], from, to });
      from = to;
    }
  }
  return found;
}

/** Returns the key as written, and the path that it means. */
export function parseKey(line: string): { readonly path: readonly string[]; readonly written: string } {
  for (let at = line.indexOf('='); at >= 0; at = line.indexOf('=', at + 1)) {
    const named = findTable(`${line.slice(0, at)}= 0`);
    if (named !== null) return { path: pathIn(named), written: line.slice(0, at) };
  }
  return { path: [], written: line };
}

/**
 * Returns the comment after the value in the last line of a statement, with the space before it. Empty when there is
 * none.
 */
export function findComment(statement: readonly string[]): string {
  const text = statement.join('\n');
  const begin = text.length - (statement.at(-1) ?? '').length;
  for (let at = text.indexOf('#', begin); at >= 0; at = text.indexOf('#', at + 1)) {
    if (findTable(text.slice(0, at)) !== null) return text.slice(text.slice(0, at).trimEnd().length).trimEnd();
  }
  return '';
}

/**
 * Returns the end of a value. A list or a text may span several lines, so lines are added until the value can be
 * parsed.
 */
function findEnd(lines: readonly string[], from: number): number {
  for (let to = from + 1; to <= lines.length; to += 1)
    if (findTable(lines.slice(from, to).join('\n')) !== null) return to;
  return lines.length;
}

function findTable(text: string): Record<string, unknown> | null {
  try {
    return parse(text);
  } catch {
    return null;
  }
}

/** Returns the path of a nested table: `{ a: { b: 0 } }` is a.b. */
function pathIn(value: unknown): string[] {
  if (Array.isArray(value)) return pathIn(value[0]);
  if (typeof value !== 'object' || value === null) return [];
  const [key] = Object.keys(value);
  return key === undefined ? [] : [key, ...pathIn((value as Record<string, unknown>)[key])];
}
