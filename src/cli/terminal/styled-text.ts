/** Styled text in spans, wrapped at words to the width of a terminal. */
import { link } from './hyperlinks.ts';
import { type Colour, findColour, paint, type TextStyle } from './style.ts';
import { listGraphemes, measureWidth } from './width.ts';

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
  const roomBeside = (indent: string) => Math.max(roomMin, (width ?? 0) - measureWidth(indent));
  return splitLines(spans).flatMap((line, index) => {
    const rooms = { first: roomBeside(index === 0 ? first : rest), rest: roomBeside(rest) };
    const whole = toWord(line);
    const fits = width === null || whole.width <= Math.min(rooms.first, rooms.rest);
    const rows = fits ? [line] : wrapLine(unbroken ? [whole] : formatSplit(line), rooms);
    return rows.map((row, at) =>
      `${index === 0 && at === 0 ? first : rest}${joined(row)
        .map((piece) => shown(piece, look))
        .join('')}`.trimEnd(),
    );
  });
}

function shown({ text, colours, target }: Span, look: TextStyle): string {
  const painted = text === '' ? '' : colours.reduce((inner, colour) => paint(inner, colour, look), text);
  return target === null ? painted : link(painted, target, look);
}

/** Joins neighboring spans of the same style, and removes the space at the end of a row. */
function joined(row: readonly Span[]): Span[] {
  const all: Span[] = [];
  for (const piece of row) {
    const last = all.at(-1);
    if (last !== undefined && last.target === piece.target && String(last.colours) === String(piece.colours))
      all[all.length - 1] = { ...last, text: last.text + piece.text };
    else all.push(piece);
  }
  const end = all.at(-1);
  if (end !== undefined) all[all.length - 1] = { ...end, text: end.text.trimEnd() };
  return all;
}

function splitLines(spans: readonly Span[]): Span[][] {
  const lines: Span[][] = [[]];
  for (const each of spans) {
    each.text.split('\n').forEach((text, index) => {
      if (index > 0) lines.push([]);
      if (text !== '') lines.at(-1)?.push({ ...each, text });
    });
  }
  return lines;
}

type Word = { readonly pieces: readonly Span[]; readonly width: number };

function wrapLine(words: readonly Word[], rooms: { readonly first: number; readonly rest: number }): Span[][] {
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

function toWord(line: readonly Span[]): Word {
  return { pieces: line, width: line.reduce((sum, { text }) => sum + measureWidth(text), 0) };
}

/** Splits a line into words and the spaces between them. Each has one piece per style. */
function formatSplit(line: readonly Span[]): Word[] {
  const words: { pieces: Span[]; width: number; blank: boolean }[] = [];
  for (const each of line) {
    for (const [text] of each.text.matchAll(/\s+|\S+/g)) {
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
