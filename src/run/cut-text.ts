/** Cutting texts, and texts as JSON. The results consist of whole characters. */
import { segmentGraphemes } from './graphemes.ts';

/** Longer than any character that a keyboard or an emoji picker makes: the longest emoji have 35 units. */
const window = 64;

/**
 * Returns the beginning of the text, at most `most` UTF-16 units, cut at a grapheme boundary. It has no half emoji and
 * no letter without its accent. Lone surrogates become U+FFFD, whether the text is cut or not.
 */
export function cutText(text: string, most: number): string {
  if (text.length <= most) return text.toWellFormed();
  const from = Math.max(0, most - window);
  const found = segmentGraphemes(text.slice(from, most + window)).containing(most - from);
  // A grapheme that fills the whole window is not readable text. It is cut between two code points.
  const end = found === undefined || (found.index === 0 && from > 0) ? codePointBefore(text, most) : from + found.index;
  return text.slice(0, end).toWellFormed();
}

/** Returns the end of the text, at most `most` UTF-16 units, cut between two code points. */
export function cutBeginning(text: string, most: number): string {
  if (text.length <= most) return text.toWellFormed();
  const from = text.length - most;
  return text.slice(isLowSurrogate(text.charCodeAt(from)) ? from + 1 : from).toWellFormed();
}

function codePointBefore(text: string, at: number): number {
  return isLowSurrogate(text.charCodeAt(at)) ? at - 1 : at;
}

const isLowSurrogate = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff;

/**
 * Returns the value as JSON that every reader accepts. `JSON.stringify` writes lone surrogates as escapes, and strict
 * readers (jq, serde) refuse the whole document because of one. Here they become U+FFFD.
 */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value);
  return halfEscape.test(text) ? text.replace(halfEscapes, '$1\ufffd') : text;
}

/**
 * The escape of a lone surrogate. `JSON.stringify` writes complete pairs as characters, so every escaped surrogate is a
 * lone one. An escaped backslash may precede the letters.
 */
const halfEscape = /\\ud[89a-f]/;
const halfEscapes = /(?<!\\)((?:\\\\)*)\\ud[89a-f][0-9a-f]{2}/g;
