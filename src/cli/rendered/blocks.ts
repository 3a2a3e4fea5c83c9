/** Words that come in pieces, given out in whole blocks of Markdown as soon as one has ended. */

/** More is given out as it is: nobody writes a paragraph so long. */
const heldMax = 64 * 1024;

export type Blocks = {
  readonly add: (piece: string) => string[];
  /** What is held back. */
  readonly held: () => string;
  /** … and now nothing is any more. */
  readonly take: () => string;
};

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
 * Where the last block ends that surely goes on no more: at an empty line outside of fenced code, when the
 * line after it has begun and is neither indented nor another item of a list.
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
