/** Cleans external text before it reaches a terminal. */
import { stripVTControlCharacters } from 'node:util';
import { cancelOpenCommands, isUnclean, unseen, unseenInText } from '#run/control-chars.ts';
import { keepLinks } from './hyperlinks.ts';

/** Removes escape sequences and other control characters. Line breaks become visible. */
export function clean(text: string): string {
  // Most texts are clean. Escape sequences and the other line breaks begin with a character that is not.
  if (!isUnclean(text, { beside: 'nothing' })) return text;
  return stripVTControlCharacters(cancelOpenCommands(text))
    .replace(/\r?\n|[\u2028\u2029]/g, '⏎')
    .replace(unseen, '');
}

/** Cleans a text of several lines, whose line breaks stay. */
export function cleanText(text: string): string {
  if (!isUnclean(text, { beside: 'lines' })) return text;
  return text.split('\n').map(clean).join('\n');
}

/**
 * The last filter before a terminal. Of unsanitized text, only the colors of `paint`, the links of `link`, tabs and
 * line breaks pass.
 */
export function forTerminal(text: string): string {
  return keepLinks(text, colouredText);
}

/** The beginning of an escape sequence that is not a color of `paint`. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the colors that clip sets itself
const foreignSequence = /\u001b(?!\[(?:0|1|3[1-6]|90)m)/;

function colouredText(text: string): string {
  if (!isUnclean(text, { beside: 'colors' }) && !foreignSequence.test(text)) return text;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the colors that clip sets itself
  const parts = text.split(/(\u001b\[(?:0|1|3[1-6]|90)m)/);
  return parts
    .map((part, index) =>
      index % 2 === 1 ? part : stripVTControlCharacters(cancelOpenCommands(part)).replace(unseenInText, ''),
    )
    .join('');
}
