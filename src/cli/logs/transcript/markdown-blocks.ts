/** Collects text that arrives in pieces, and releases whole Markdown blocks as soon as they are complete. */

/** Longer text is released as it is. Real paragraphs are shorter. */
const heldMax = 64 * 1024;

export type Blocks = {
  readonly add: (piece: string) => string[];
  /** Returns the held text. */
  readonly held: () => string;
  /** Returns the held text and clears it. */
  readonly take: () => string;
};

/** Creates an empty collection. */
export function createBlocks(): Blocks {
  let held = '';
  const take = () => {
    const all = held;
    held = '';
    return all;
  };
  return {
    add(piece) {
      held += piece;
      const end = held.length > heldMax ? held.length : endOfBlocks(held);
      if (end === 0) return [];
      const whole = held.slice(0, end);
      held = held.slice(end);
      return [whole];
    },
    held: () => held,
    take,
  };
}

/**
 * Returns the end of the last complete block: an empty line outside of fenced code whose next line has begun and is
 * neither indented nor a list item.
 */
function endOfBlocks(text: string): number {
  let fence: string | null = null;
  let end = 0;
  let empty = false;
  let at = 0;
  for (const line of text.split('\n')) {
    if (empty && line !== '' && fence === null && /^(?![\s>*+|-]|\d{1,9}[.)])/.test(line)) end = at;
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (mark !== undefined) fence = fence === null ? mark : line.trim().startsWith(fence) ? null : fence;
    empty = line.trim() === '';
    at += line.length + 1;
  }
  return end;
}
