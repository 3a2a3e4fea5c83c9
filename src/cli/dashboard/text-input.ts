/** An input of one line: its text, and the edits that keys make. Pure. */
import { cutBeginning, cutText } from '#run/cut-text.ts';
import { segmentGraphemes } from '#run/graphemes.ts';
import { cleanText } from '../terminal/clean.ts';
import { listGraphemes, measureWidth } from '../terminal/width.ts';
import type { Key } from './keys.ts';

/** `cursor`: the index in the text before which typed text is inserted, between two characters as a reader counts. */
export type TextInput = { readonly text: string; readonly cursor: number };

/** What an input accepts. `lines`: whether pasted line breaks stay. Else they become spaces. */
type Accepted = { readonly max: number; readonly lines: boolean };

/** Returns an input with this text and the cursor at its end. */
export function startInput(text = ''): TextInput {
  return { text, cursor: text.length };
}

/** Returns the input after a key. A key that edits nothing leaves it as it is. */
export function editInput(input: TextInput, key: Key, accepted: Accepted): TextInput {
  const { text, cursor } = input;
  switch (key.name) {
    case 'text':
    case 'paste':
      return inserted(input, key.text, accepted);
    case 'backspace':
      return without(input, characterBefore(input), cursor);
    case 'delete':
      return without(input, cursor, characterAfter(input));
    case 'left':
      return { text, cursor: characterBefore(input) };
    case 'right':
      return { text, cursor: characterAfter(input) };
    case 'home':
      return { text, cursor: 0 };
    case 'end':
      return { text, cursor: text.length };
    case 'ctrl':
      return afterCtrl(input, key.text);
    default:
      return input;
  }
}

/** Applies the keys that a shell's line editor has, too. */
function afterCtrl(input: TextInput, letter: string): TextInput {
  const { text, cursor } = input;
  switch (letter) {
    case 'u':
      return without(input, 0, cursor);
    case 'k':
      return without(input, cursor, text.length);
    case 'w':
      return without(input, text.slice(0, cursor).replace(/\S*\s*$/, '').length, cursor);
    case 'a':
      return { text, cursor: 0 };
    case 'e':
      return { text, cursor: text.length };
    default:
      return input;
  }
}

function inserted({ text, cursor }: TextInput, more: string, { max, lines }: Accepted): TextInput {
  const tidy = cleanText(more.replaceAll(/\r\n?|[\u2028\u2029]/g, '\n').replaceAll('\t', ' '));
  const fresh = cutText(lines ? tidy : tidy.replaceAll('\n', ' '), Math.max(0, max - text.length));
  return { text: `${text.slice(0, cursor)}${fresh}${text.slice(cursor)}`, cursor: cursor + fresh.length };
}

function without({ text }: TextInput, from: number, to: number): TextInput {
  return { text: `${text.slice(0, from)}${text.slice(to)}`, cursor: from };
}

function characterBefore({ text, cursor }: TextInput): number {
  return cursor === 0 ? 0 : (segmentGraphemes(text).containing(cursor - 1)?.index ?? 0);
}

function characterAfter({ text, cursor }: TextInput): number {
  const next = segmentGraphemes(text).containing(cursor);
  return next === undefined ? text.length : next.index + next.segment.length;
}

/** More units than a line of a terminal holds. The rest of a long text is not measured. */
const unitsShown = 2_000;

/** Returns the part of the text around the cursor that fits, before and after the cursor. The cursor takes a column. */
export function visibleInput({ text, cursor }: TextInput, columns: number): { before: string; after: string } {
  const shown = (part: string) => part.replaceAll('\n', '⏎');
  const before = shown(cutBeginning(text.slice(0, cursor), unitsShown));
  const after = shown(cutText(text.slice(cursor), unitsShown));
  const room = Math.max(4, columns - 1);
  const behind = Math.min(measureWidth(after), Math.floor(room / 4));
  const head = fittingEnd(before, room - behind);
  return { before: head, after: fittingBeginning(after, room - measureWidth(head)) };
}

function fittingBeginning(text: string, columns: number): string {
  if (measureWidth(text) <= columns) return text;
  return `${take([...listGraphemes(text)], columns - 1).join('')}…`;
}

function fittingEnd(text: string, columns: number): string {
  if (measureWidth(text) <= columns) return text;
  return `…${take([...listGraphemes(text)].reverse(), columns - 1)
    .reverse()
    .join('')}`;
}

function take(characters: readonly { readonly segment: string; readonly width: number }[], columns: number): string[] {
  let used = 0;
  return characters
    .slice(
      0,
      characters.findIndex(({ width }) => {
        used += width;
        return used > columns;
      }),
    )
    .map(({ segment }) => segment);
}
