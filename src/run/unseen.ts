/**
 * Characters that nobody sees and that change what is seen: controls (escape sequences begin with one, also in the upper
 * half), marks that turn the direction of text, fillers without width, tags. The joiners U+200C and U+200D stay: words of
 * some languages and many emoji are written with them.
 */
const ranges = '\\u007f-\\u009f\\u00ad\\u061c\\u180e\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\u{e0000}-\\u{e007f}';

export const unseen = new RegExp(`[\\u0000-\\u001f${ranges}]`, 'gu');
/** The same but for tabs and line breaks. */
export const unseenInText = new RegExp(`[\\u0000-\\u0008\\u000b-\\u001f${ranges}]`, 'gu');

/** JSON that means the same and may be shown on a terminal: JSON.stringify itself escapes only the lower half. */
export function visibleJson(value: unknown): string {
  return JSON.stringify(value).replace(unseen, (char) => [...new Array(char.length).keys()].map((at) => escapeOf(char.charCodeAt(at))).join(''));
}

function escapeOf(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`;
}
