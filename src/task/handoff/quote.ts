/**
 * Quotations of foreign text within a text of clip: sanitized, bounded, and marked so that they can neither end their
 * quotation nor pass for a heading. Each quoted line begins with "> ", so no line of it can be a fence or a heading.
 */
import { cutText } from '#run/cut-text.ts';

export const cutMark = '[cut]';

/** Longer runs of backticks are shortened, because the fence around them must be longer still. */
const backticksMax = 8;
/** A quotation of fewer characters would be meaningless. */
const quotationMin = 30;

/**
 * Removes escape sequences, invisible characters and those that reorder others. Lines end with \n alone, and all
 * characters are whole.
 */
export function clean(text: string): string {
  return text.replace(escapes, '').replace(lineEnds, '\n').replace(unseen, '').toWellFormed();
}

/**
 * Terminal escape sequences: control sequences, then those that carry a text, then the short ones. None extends beyond
 * its line.
 */
const escapes =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is removed
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]?|(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u009c\r\n]*(?:\u0007|\u001b\\|\u009c)?|\u001b[ -/]*[0-~]?/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: vertical tabs and form feeds end a line, too
const lineEnds = /\r\n?|[\u000b\u000c\u0085\u2028\u2029]/g;
/** Control characters, zero-width characters, direction marks, and tags that no display shows. */
const unseen =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed
  /[\u0000-\u0008\u000e-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb]|\udb40[\udc00-\udc7f]/g;

/** Returns the text on one line, with single spaces. */
export function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

/** Returns at most `most` characters. A cut text ends with a whole character and the cut mark. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const room = most - cutMark.length - 1;
  return room < 1 ? cutMark.slice(0, Math.max(0, most)) : `${whole(text, room).trimEnd()} ${cutMark}`;
}

/** Returns the beginning of a text, in whole characters. */
export function whole(text: string, most: number): string {
  return cutText(text, most);
}

/** Returns the text as inline code on one line. */
export function inlineCode(text: string, most: number): string {
  const shown = cut(withShortRuns(oneLine(text)), most);
  if (shown === '') return '``';
  const mark = '`'.repeat(longestRun(shown) + 1);
  const space = /^`|`$/.test(shown) ? ' ' : '';
  return `${mark}${space}${shown}${space}${mark}`;
}

/**
 * Returns the text quoted within a fence, as material and not as instructions. Returns an empty string when the room is
 * too small.
 */
export function fenced(text: string, room: number): string {
  const shown = withShortRuns(text);
  const fence = '`'.repeat(Math.max(2, longestRun(shown)) + 1);
  const lines = quotation(shown, room - 2 * (fence.length + 1));
  return lines === '' ? '' : `${fence}\n${lines}\n${fence}`;
}

/** Returns each line behind "> ". Returns an empty string when the room is too small. */
export function quotation(text: string, room: number): string {
  const lines = trimmed(text).split('\n');
  const all = lines.map(quote).join('\n');
  if (all.length <= room) return all;
  if (room < quotationMin) return '';
  const end = `\n${quote(cutMark)}`;
  let result = '';
  for (const line of lines) {
    const left = room - end.length - result.length - (result === '' ? 0 : 1);
    const quoted = quote(line);
    if (quoted.length <= left) {
      result += `${result === '' ? '' : '\n'}${quoted}`;
      continue;
    }
    if (left >= quotationMin / 2) result += `${result === '' ? '' : '\n'}${whole(quoted, left).trimEnd()}`;
    break;
  }
  return result === '' ? '' : result + end;
}

function quote(line: string): string {
  return `> ${line}`.trimEnd();
}

/** Removes empty lines around the text, and all but one of several in a row. */
function trimmed(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line, index, lines) => line !== '' || (index > 0 && lines[index - 1] !== ''))
    .join('\n')
    .trim();
}

function withShortRuns(text: string): string {
  return text.replace(/`{9,}/g, '`'.repeat(backticksMax));
}

function longestRun(text: string): number {
  return (text.match(/`+/g) ?? []).reduce((most, run) => Math.max(most, run.length), 0);
}
