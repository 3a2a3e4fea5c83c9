/** Styled text in spans, wrapped at words to the width of a terminal. */
import { link } from './hyperlinks.ts';
import { type Colour, findColour, paint, type TextStyle } from './style.ts';
import { isOneColumnEach, listGraphemes, measureWidth } from './width.ts';

export type Span = { readonly text: string; readonly colours: readonly Colour[]; readonly target: string | null };

/** Returns a text as a span without a link. */
export function span(text: string, ...colours: readonly Colour[]): Span {
  return { text, colours, target: null };
}

/** Splits a text that `paint` has colored back into spans. */
export function spansIn(painted: string): Span[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the colors that clip sets itself
  return painted.split(/(\u001b\[\d+m[^\u001b]*\u001b\[0m)/).flatMap((part) => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the same
    const [, code, text] = /^\u001b\[(\d+)m([^\u001b]*)/.exec(part) ?? [];
    const colour = findColour(Number(code));
    if (text !== undefined && colour !== null) return [span(text, colour)];
    return part === '' ? [] : [span(part)];
  });
}

/**
 * The text before the first line and before the others, for example a bullet and its indent. `unbroken`: lines break
 * only at the edge, not at words.
 */
export type Indent = { readonly first: string; readonly rest: string; readonly unbroken?: boolean };

/** Lines without an indent. */
export const noIndent: Indent = { first: '', rest: '' };
/** The minimum width of the text. Under a bullet on the narrowest terminal it still holds a word. */
const roomMin = 8;

/** Wraps spans. Line breaks in the text stay. Without a width there are no others. */
export function wrap(
  spans: readonly Span[],
  look: TextStyle,
  { first, rest, unbroken = false }: Indent = noIndent,
): string[] {
  const { width } = look;
  const rows: string[] = [];
  const firstRoom = roomBeside(first, width);
  const restRoom = first === rest ? firstRoom : roomBeside(rest, width);
  for (const line of splitLines(spans)) {
    const isFirst = rows.length === 0;
    const rooms = { first: isFirst ? firstRoom : restRoom, rest: restRoom };
    if (width === null || measureLine(line) <= Math.min(rooms.first, rooms.rest))
      rows.push(rowText(isFirst ? first : rest, line, look));
    else
      for (const row of (unbroken ? null : wrapColumns(line, rooms)) ?? wrapLine(toWords(line, unbroken), rooms))
        rows.push(rowText(rows.length === 0 ? first : rest, row, look));
  }
  return rows;
}

/** Returns the columns beside an indent. */
function roomBeside(indent: string, width: number | null): number {
  return width === null ? Number.POSITIVE_INFINITY : Math.max(roomMin, width - measureWidth(indent));
}

function rowText(indent: string, row: readonly Span[], look: TextStyle): string {
  let text = indent;
  for (const piece of joined(row)) text += shown(piece, look);
  return text.trimEnd();
}

function shown({ text, colours, target }: Span, look: TextStyle): string {
  let painted = text;
  if (text !== '') for (const colour of colours) painted = paint(painted, colour, look);
  return target === null ? painted : link(painted, target, look);
}

/** Joins neighboring spans of the same style, and removes the space at the end of a row. */
function joined(row: readonly Span[]): readonly Span[] {
  const all: Span[] = [];
  for (const piece of row) {
    const last = all.at(-1);
    if (last !== undefined && last.target === piece.target && isSame(last.colours, piece.colours))
      all[all.length - 1] = { ...last, text: last.text + piece.text };
    else all.push(piece);
  }
  const end = all.at(-1);
  const text = end?.text.trimEnd();
  if (end !== undefined && text !== undefined && text !== end.text) all[all.length - 1] = { ...end, text };
  return all;
}

function isSame(some: readonly Colour[], others: readonly Colour[]): boolean {
  return some.length === others.length && some.every((colour, index) => colour === others[index]);
}

function splitLines(spans: readonly Span[]): Span[][] {
  let line: Span[] = [];
  const lines = [line];
  for (const each of spans) {
    if (!each.text.includes('\n')) {
      if (each.text !== '') line.push(each);
      continue;
    }
    for (const [index, text] of each.text.split('\n').entries()) {
      if (index > 0) {
        line = [];
        lines.push(line);
      }
      if (text !== '') line.push({ ...each, text });
    }
  }
  return lines;
}

type Rooms = { readonly first: number; readonly rest: number };

/** Wraps a line of which each character has one column. Returns null for another line, or a word that must be cut. */
function wrapColumns(line: readonly Span[], rooms: Rooms): Span[][] | null {
  const [only] = line;
  const text = line.length === 1 && only !== undefined ? only.text : line.map((each) => each.text).join('');
  if (!isOneColumnEach(text)) return null;
  const places = findBreaks(text, rooms);
  return places?.map(({ from, to }) => slicePieces(line, from, to)) ?? null;
}

type Place = { readonly from: number; readonly to: number };

/** Returns the places of the rows in a text whose only blanks are spaces. */
function findBreaks(text: string, rooms: Rooms): Place[] | null {
  const places: Place[] = [];
  const widest = Math.min(rooms.first, rooms.rest);
  let from = 0;
  for (let at = 0, end = 0; at < text.length; at = end) {
    const blank = text[at] === ' ';
    end = blank ? endOfSpaces(text, at) : text.indexOf(' ', at);
    if (end < 0) end = text.length;
    if (end - at > widest) return null;
    if (end - from <= (places.length === 0 ? rooms.first : rooms.rest) || at === from) continue;
    places.push({ from, to: at });
    // The line break replaces the space.
    from = blank ? end : at;
  }
  places.push({ from, to: text.length });
  return places;
}

function endOfSpaces(text: string, from: number): number {
  let at = from;
  while (text[at] === ' ') at += 1;
  return at;
}

function slicePieces(line: readonly Span[], from: number, to: number): Span[] {
  const pieces: Span[] = [];
  let at = 0;
  for (const each of line) {
    const text = each.text.slice(Math.max(0, from - at), Math.max(0, to - at));
    if (text !== '') pieces.push(text.length === each.text.length ? each : { ...each, text });
    at += each.text.length;
  }
  return pieces;
}

type Word = { readonly pieces: readonly Span[]; readonly width: number };

function wrapLine(words: readonly Word[], rooms: Rooms): Span[][] {
  const rows: Span[][] = [[]];
  const widest = Math.min(rooms.first, rooms.rest);
  let used = 0;
  for (const { pieces, width } of words.flatMap((word) => (word.width > widest ? cut(word, widest) : [word]))) {
    const blank = pieces.every(({ text }) => text.trim() === '');
    if (used + width > (rows.length === 1 ? rooms.first : rooms.rest) && used > 0) {
      rows.push([]);
      used = 0;
      // The line break replaces the space.
      if (blank) continue;
    }
    rows.at(-1)?.push(...pieces);
    used += width;
  }
  return rows;
}

/** Returns the words of a line and the spaces between them. An unbroken line is one word. */
function toWords(line: readonly Span[], unbroken: boolean): Word[] {
  return unbroken ? [toWord(line)] : splitWords(line);
}

function toWord(line: readonly Span[]): Word {
  return { pieces: line, width: measureLine(line) };
}

function measureLine(line: readonly Span[]): number {
  let width = 0;
  for (const { text } of line) width += measureWidth(text);
  return width;
}

/** Splits a line into words and the spaces between them. Each has one piece per style. */
function splitWords(line: readonly Span[]): Word[] {
  const words: { pieces: Span[]; width: number; blank: boolean }[] = [];
  for (const each of line) {
    for (const text of each.text.match(/\s+|\S+/g) ?? []) {
      const blank = text.trim() === '';
      const last = words.at(-1);
      const word = last && last.blank === blank ? last : { pieces: [], width: 0, blank };
      if (word !== last) words.push(word);
      word.pieces.push({ ...each, text });
      word.width += measureWidth(text);
    }
  }
  return words;
}

/** Splits a word that is wider than the line. */
function cut({ pieces }: Word, room: number): Word[] {
  const words: Word[] = [];
  for (const piece of pieces) {
    let text = '';
    let width = 0;
    for (const { segment, width: wide } of listGraphemes(piece.text)) {
      if (width + wide > room && text !== '') {
        words.push({ pieces: [{ ...piece, text }], width });
        text = '';
        width = 0;
      }
      text += segment;
      width += wide;
    }
    words.push({ pieces: [{ ...piece, text }], width });
  }
  return words;
}
