/** Searching in the text of a page. Pure. */
import { stripVTControlCharacters } from 'node:util';
import { cancelOpenCommands } from '#run/control-chars.ts';
import { paint, type TextStyle } from '../terminal/style.ts';

/**
 * The lines of a text, and for each the first of the lines into which it was wrapped. `fromEnd`: whether the page shows
 * its end at first.
 */
export type SearchableText = {
  readonly lines: readonly string[];
  readonly starts: readonly number[];
  readonly fromEnd: boolean;
};

const known = new WeakMap<readonly string[], { readonly query: string; readonly matches: readonly number[] }>();

/** Returns the lines that contain the query. Upper and lower case count only when the query has upper case. */
export function findMatches(lines: readonly string[], query: string): readonly number[] {
  const before = known.get(lines);
  if (before?.query === query) return before.matches;
  const wanted = comparable(query, query);
  const matches = lines.flatMap((line, at) =>
    comparable(stripVTControlCharacters(cancelOpenCommands(line)), query).includes(wanted) ? [at] : [],
  );
  known.set(lines, { query, matches });
  return matches;
}

function comparable(text: string, query: string): string {
  return query === query.toLowerCase() ? text.toLowerCase() : text;
}

/**
 * Returns the line of the match that a new search shows: the newest one where a log is followed, else the first one from
 * the line `from` on. After the last match comes the first.
 */
export function firstMatch(
  { lines, starts, fromEnd }: SearchableText,
  query: string,
  { from, isEnd }: { readonly from: number; readonly isEnd: boolean },
): number | null {
  const matches = findMatches(lines, query);
  if (fromEnd && isEnd) return matches.at(-1) ?? null;
  return matches.find((line) => (starts[line] ?? 0) >= from) ?? matches[0] ?? null;
}

/** Returns the line of the next match up or down. After the last match comes the first. */
export function nextMatch(text: SearchableText, query: string, at: number | null, by: 1 | -1): number | null {
  const matches = findMatches(text.lines, query);
  const from = at ?? -1;
  return by === 1
    ? (matches.find((line) => line > from) ?? matches[0] ?? null)
    : (matches.findLast((line) => line < from) ?? matches.at(-1) ?? null);
}

/** Returns `3/17` for a search: which match is shown, of how many. */
export function formatMatch(lines: readonly string[], query: string, at: number | null): string {
  const matches = findMatches(lines, query);
  return `${at === null ? 0 : matches.indexOf(at) + 1}/${matches.length}`;
}

type Marked = { readonly query: string; readonly at: number | null };

/** Marks what a search has found in the visible lines, of which `from` is the first. The current match is marked most. */
export function markMatches(
  visible: readonly string[],
  { query, at }: Marked,
  { text, from, look }: { readonly text: SearchableText; readonly from: number; readonly look: TextStyle },
): string[] {
  const first = at === null ? -1 : (text.starts[at] ?? -1);
  const end = at === null ? -1 : (text.starts[at + 1] ?? Number.POSITIVE_INFINITY);
  return visible.map((line, index) => {
    const isCurrent = from + index >= first && from + index < end;
    return markLine(line, query, (found) => formatFound(found, isCurrent, look));
  });
}

/** Formats a match. Without colors, only the current one is marked. */
function formatFound(found: string, isCurrent: boolean, look: TextStyle): string {
  if (look.colour) return paint(found, isCurrent ? 'green' : 'yellow', look);
  return isCurrent ? `»${found}«` : found;
}

/** Marks the query in a line. Other colors of such a line are dropped. */
function markLine(line: string, query: string, mark: (found: string) => string): string {
  const bare = stripVTControlCharacters(cancelOpenCommands(line));
  const [text, wanted] = [comparable(bare, query), comparable(query, query)];
  // Lower case can have another length, for example that of a Turkish dotted I.
  if (wanted === '' || text.length !== bare.length || !text.includes(wanted)) return line;
  let marked = '';
  let from = 0;
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, from)) {
    marked += bare.slice(from, at) + mark(bare.slice(at, at + wanted.length));
    from = at + wanted.length;
  }
  return marked + bare.slice(from);
}
