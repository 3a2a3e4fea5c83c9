/**
 * Invisible characters that change what is displayed: control characters (escape sequences begin with one, also in the
 * upper half), direction marks, zero-width fillers, and tags. The joiners U+200C and U+200D stay, because some
 * languages and many emoji need them.
 */
import { jsonText } from './cut-text.ts';

const ranges =
  '\\u007f-\\u009f\\u00ad\\u061c\\u180e\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\u{e0000}-\\u{e007f}';

export const unseen = new RegExp(`[\\u0000-\\u001f${ranges}]`, 'gu');
/** The same without tabs and line breaks. */
export const unseenInText = new RegExp(`[\\u0000-\\u0008\\u000b-\\u001f${ranges}]`, 'gu');

const hasUnseen = new RegExp(unseen.source, 'u');
const hasUnseenInLines = new RegExp(`[\\u0000-\\u0009\\u000b-\\u001f${ranges}]`, 'u');

/** Returns whether a text has any such character. `lines`: line breaks do not count. */
export function isUnclean(text: string, { lines }: { readonly lines: boolean }): boolean {
  return (lines ? hasUnseenInLines : hasUnseen).test(text);
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
