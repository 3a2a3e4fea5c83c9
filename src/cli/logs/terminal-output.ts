/**
 * The output of a plain command on a terminal, as a person would have seen it: with its colours, and with progress that
 * is drawn over itself. Everything else that steers a terminal is removed.
 */
import { StringDecoder } from 'node:string_decoder';
import { stripVTControlCharacters } from 'node:util';
import { unseenInText } from '#run/control-chars.ts';

/** A sequence that is longer than this and not complete is no sequence. */
const heldMax = 4_096;
// biome-ignore lint/suspicious/noControlCharactersInRegex: colours are escape sequences
const colourSequence = /(\u001b\[[\d;:]*m)/;
const reset = '\u001b[0m';
/** Returns to the beginning of the line and erases it, so that nothing of a longer text remains. */
const redraw = '\r\u001b[K';
/** Blinking and hidden text: the first disturbs, and the second deceives. */
const refused: ReadonlySet<string> = new Set(['5', '6', '8']);

/** Creates the filter. `colours`: whether colours are kept, and lines may be drawn over. */
export function createTerminalOutput({ colours }: { readonly colours: boolean }) {
  const decoder = new StringDecoder('utf8');
  let held = '';
  let isColoured = false;

  function filter(text: string): string {
    return text
      .split(colourSequence)
      .map((part, index) => (index % 2 === 1 ? filterColour(part) : filterText(part)))
      .join('');
  }

  function filterColour(sequence: string): string {
    if (!colours || !isHarmless(sequence.slice(2, -1))) return '';
    isColoured = sequence !== reset && sequence !== '\u001b[m';
    return sequence;
  }

  function filterText(text: string): string {
    return stripVTControlCharacters(text)
      .replaceAll('\r\n', '\n')
      .split('\r')
      .map((part) => part.replace(unseenInText, ''))
      .join(colours ? redraw : '\n');
  }

  return {
    /** Filters a chunk. An incomplete sequence at its end is held until the next one. */
    pass(bytes: Buffer): string {
      const text = held + decoder.write(bytes);
      const end = findHeld(text);
      held = text.slice(end);
      return filter(text.slice(0, end));
    },
    /** Returns what was held, and ends the colours. */
    rest(): string {
      const last = filter(held + decoder.end());
      held = '';
      return isColoured ? `${last}${reset}` : last;
    },
  };
}

/** Returns where the part begins that the next chunk may complete: an escape sequence, or a line break. */
function findHeld(text: string): number {
  const begin = text.lastIndexOf('\u001b');
  const isOpen = begin >= 0 && text.length - begin < heldMax && !isComplete(text.slice(begin));
  if (isOpen && !text.slice(begin).includes('\n')) return begin;
  return text.endsWith('\r') ? text.length - 1 : text.length;
}

function isComplete(sequence: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are escape sequences
  return /^\u001b\[[\d;:]*[A-Za-z]/.test(sequence);
}

/** Returns whether all codes of a colour sequence only set colours and weights. */
function isHarmless(codes: string): boolean {
  const all = codes.split(/[;:]/);
  // After 38 and 48, codes are numbers of colours.
  const at = all.findIndex((code) => code === '38' || code === '48');
  return (at === -1 ? all : all.slice(0, at)).every((code) => !refused.has(code));
}
