/**
 * The output of a plain command on a terminal, as a person would have seen it: with its colours, and with progress that
 * is drawn over itself. Everything else that steers a terminal is removed.
 */
import { StringDecoder } from 'node:string_decoder';
import { stripVTControlCharacters } from 'node:util';
import { cancelOpenCommands, unseenInText } from '#run/control-chars.ts';

/** A sequence that is longer than this and not complete is no sequence. */
const heldMax = 4_096;
// biome-ignore lint/suspicious/noControlCharactersInRegex: colours are escape sequences
const colourSequence = /(\u001b\[[\d;:]*m)/;
const reset = '\u001b[0m';
/** Returns to the beginning of the line and erases it, so that nothing of a longer text remains. */
const redraw = '\r\u001b[K';
/** Blinking and hidden text: the first disturbs, and the second deceives. */
const refused: ReadonlySet<number> = new Set([5, 6, 8]);
/** The length of a colour sequence. Terminals cut longer ones each in their own way. */
const sequenceMax = 64;
/** The number of colour sequences that hold at once. */
const activeMax = 32;

/** Creates the filter. `colours`: whether colours are kept, and lines may be drawn over. */
export function createTerminalOutput({ colours }: { readonly colours: boolean }) {
  const decoder = new StringDecoder('utf8');
  let held = '';
  /** The last colour sequences since the last reset. */
  let active: string[] = [];
  let isPaused = false;
  /** The next text is drawn over the line. A line that nothing is drawn over stays. */
  let isReturned = false;

  function filter(text: string): string {
    const before = active.join('');
    const filtered = text
      .split(colourSequence)
      .map((part, index) => (index % 2 === 1 ? filterColour(part) : filterText(part)))
      .join('');
    if (!isPaused || filtered === '') return filtered;
    isPaused = false;
    return `${before}${filtered}`;
  }

  function filterColour(sequence: string): string {
    const codes = sequence.slice(2, -1);
    if (!colours || !isHarmless(codes)) return '';
    active = /^0*$/.test(codes) ? [] : [...active.slice(1 - activeMax), sequence];
    return sequence;
  }

  function filterText(text: string): string {
    let shown = '';
    for (const [index, piece] of stripVTControlCharacters(cancelOpenCommands(text)).split('\r').entries()) {
      if (index > 0) isReturned = true;
      const part = piece.replace(unseenInText, '');
      if (part === '') continue;
      if (isReturned && !part.startsWith('\n')) shown += colours ? redraw : '\n';
      isReturned = false;
      shown += part;
    }
    return shown;
  }

  /** Ends the colours until more output comes, so that what others print has none. */
  function pause(): string {
    if (isPaused || active.length === 0) return '';
    isPaused = true;
    return reset;
  }

  return {
    /** Filters a chunk. An incomplete sequence at its end is held until the next one. */
    pass(bytes: Buffer): string {
      const text = held + decoder.write(bytes);
      const end = findHeld(text);
      held = text.slice(end);
      return filter(text.slice(0, end));
    },
    pause,
    /** Returns what was held, and ends the colours. */
    rest(): string {
      const last = filter(held + decoder.end());
      held = '';
      return `${last}${pause()}`;
    },
  };
}

/** Returns where the escape sequence begins that the next chunk may complete. */
function findHeld(text: string): number {
  const begin = text.lastIndexOf('\u001b');
  const isOpen = begin >= 0 && text.length - begin < heldMax && !isComplete(text.slice(begin));
  return isOpen && !text.slice(begin).includes('\n') ? begin : text.length;
}

function isComplete(sequence: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are escape sequences
  return /^\u001b\[[\d;:]*[A-Za-z]/.test(sequence);
}

/** Returns whether all codes of a colour sequence only set colours and weights. */
function isHarmless(codes: string): boolean {
  const all = codes.split(';');
  if (codes.length > sequenceMax || all.some((code) => !/^(?:\d{0,3}|[34]8:[\d:]*)$/.test(code))) return false;
  for (let at = 0; at < all.length; at += 1) {
    const code = Number.parseInt(all[at] || '0', 10);
    if (refused.has(code)) return false;
    if (all[at] === '38' || all[at] === '48') at += countColourCodes(all[at + 1]);
  }
  return true;
}

/** Returns how many codes after 38 or 48 say the colour: its number, or its parts. */
function countColourCodes(kind: string | undefined): number {
  if (kind === '5') return 2;
  return kind === '2' ? 4 : 0;
}
