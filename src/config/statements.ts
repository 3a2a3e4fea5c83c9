/** The lines of a TOML file, statement by statement: what an editor must know that keeps comments and order. */
import { parse } from 'smol-toml';

/** Lines `from` up to, and not with, `to`; `path` names the key with its table. A header has no value of its own. */
export type Statement = { readonly kind: 'value' | 'header'; readonly path: readonly string[]; readonly from: number; readonly to: number };

/** Of text that is TOML. */
export function statementsOf(lines: readonly string[]): Statement[] {
  const found: Statement[] = [];
  let table: readonly string[] = [];
  for (let from = 0; from < lines.length; ) {
    const line = (lines[from] ?? '').trim();
    if (line === '' || line.startsWith('#')) {
      from += 1;
    } else if (line.startsWith('[')) {
      table = pathIn(tableOf(line));
      found.push({ kind: 'header', path: table, from, to: from + 1 });
      from += 1;
    } else {
      const to = endOf(lines, from);
      found.push({ kind: 'value', path: [...table, ...keyOf(lines[from] ?? '').path], from, to });
      from = to;
    }
  }
  return found;
}

/** Its key as it is written, with the path that this means. */
export function keyOf(line: string): { readonly path: readonly string[]; readonly written: string } {
  for (let at = line.indexOf('='); at >= 0; at = line.indexOf('=', at + 1)) {
    const named = tableOf(`${line.slice(0, at)}= 0`);
    if (named !== null) return { path: pathIn(named), written: line.slice(0, at) };
  }
  return { path: [], written: line };
}

/** The comment behind the value in the last line of a statement, with the space before it; empty when there is none. */
export function commentOf(statement: readonly string[]): string {
  const text = statement.join('\n');
  const begin = text.length - (statement.at(-1) ?? '').length;
  for (let at = text.indexOf('#', begin); at >= 0; at = text.indexOf('#', at + 1)) {
    if (tableOf(text.slice(0, at)) !== null) return text.slice(text.slice(0, at).trimEnd().length).trimEnd();
  }
  return '';
}

/** A list or a text may go over many lines: as far as it takes until it can be read. */
function endOf(lines: readonly string[], from: number): number {
  for (let to = from + 1; to <= lines.length; to += 1) if (tableOf(lines.slice(from, to).join('\n')) !== null) return to;
  return lines.length;
}

function tableOf(text: string): Record<string, unknown> | null {
  try {
    return parse(text);
  } catch {
    return null;
  }
}

/** `{ a: { b: 0 } }` is a.b. */
function pathIn(value: unknown): string[] {
  if (Array.isArray(value)) return pathIn(value[0]);
  if (typeof value !== 'object' || value === null) return [];
  const [key] = Object.keys(value);
  return key === undefined ? [] : [key, ...pathIn((value as Record<string, unknown>)[key])];
}
