/**
 * Invisible characters that change what is displayed: control characters (escape sequences begin with one, also in the
 * upper half), direction marks, zero-width fillers, and tags. The joiners U+200C and U+200D stay, because some
 * languages and many emoji need them.
 */
import { jsonText } from './cut-text.ts';

const tags = '\\u{e0000}-\\u{e007f}';
const ranges = `\\u007f-\\u009f\\u00ad\\u061c\\u180e\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb${tags}`;

export const unseen = new RegExp(`[\\u0000-\\u001f${ranges}]`, 'gu');
/** The same without tabs and line breaks. */
export const unseenInText = new RegExp(`[\\u0000-\\u0008\\u000b-\\u001f${ranges}]`, 'gu');

/** Searches without the flag `u`, which makes the search of a text with a character beyond Latin 1 slow. */
const hasUnseen = (lower: string) => new RegExp(`[${lower}${ranges.replace(tags, '')}]|\\udb40[\\udc00-\\udc7f]`);
const uncleanBeside = {
  nothing: hasUnseen('\\u0000-\\u001f'),
  lines: hasUnseen('\\u0000-\\u0009\\u000b-\\u001f'),
  colors: hasUnseen('\\u0000-\\u0008\\u000b-\\u001a\\u001c-\\u001f'),
};

/**
 * Returns whether a text has any such character. `lines`: line breaks do not count. `colors`: line breaks, tabs and the
 * beginning of an escape sequence do not count.
 */
export function isUnclean(text: string, { beside }: { readonly beside: keyof typeof uncleanBeside }): boolean {
  return uncleanBeside[beside].test(text);
}

/** The beginning of a command to the terminal (OSC), such as one that sets its title. */
const commandBegin = '\u001b]';
/** The same, begun with the character that cancels a sequence. Nothing new begins where it stands. */
const cancelled = '\u0018]';
const commandEnds = ['\u0007', '\u001b\\', '\u009c'];

/**
 * Cancels the terminal commands that have no end. `stripVTControlCharacters` searches the whole text for
 * the end of each, so without this a hostile text of 1 MB takes a minute.
 */
export function cancelOpenCommands(text: string): string {
  const end = Math.max(0, ...commandEnds.map((each) => text.lastIndexOf(each)));
  if (!text.includes(commandBegin, end)) return text;
  return text.slice(0, end) + text.slice(end).replaceAll(commandBegin, cancelled);
}

/**
 * Returns equivalent JSON that is safe to show on a terminal. JSON.stringify itself escapes only the lower control
 * characters.
 */
export function visibleJson(value: unknown): string {
  return escapeInvisible(jsonText(value));
}

/** Returns an equivalent JSON text that is safe to show on a terminal. The text must be on one line. */
export function escapeInvisible(json: string): string {
  return json.replace(unseen, (char) =>
    [...new Array(char.length).keys()].map((at) => escapeCharacter(char.charCodeAt(at))).join(''),
  );
}

function escapeCharacter(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`;
}
