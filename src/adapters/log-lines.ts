/** Splits a log into whole lines, from bytes that arrive in pieces. */
import { limits } from '#run/limits.ts';

/** An unfinished line. While a line that is too long is skipped, only its length and its type are kept. */
export type LineCut = {
  readonly last: LinePiece | null;
  readonly bytes: number;
  readonly skipping: TooLong['tooLong'] | null;
};

/** The type of a line that is too long: a JSON event or text. */
export type TooLong = { readonly tooLong: 'event' | 'text' };

/** A list of pieces, the last one first. Appending a piece takes constant time. */
type LinePiece = { readonly bytes: Uint8Array; readonly before: LinePiece | null };

export const noCut: LineCut = { last: null, bytes: 0, skipping: null };

/**
 * Returns the lines that this chunk completes. Of a line above 8 MiB only its type is returned. `consumed`: the bytes
 * up to the last line break, including unfinished lines of earlier chunks. In UTF-8 a line break is never part of
 * another character, so whole lines are decoded and a split character does no harm. Invalid bytes become the
 * replacement character.
 */
export function cutLines(
  cut: LineCut,
  chunk: Uint8Array,
): { lines: (string | TooLong)[]; consumed: number; cut: LineCut } {
  const lines: (string | TooLong)[] = [];
  let { last, bytes, skipping } = cut;
  let consumed = 0;
  let begin = 0;
  for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, begin)) {
    const piece = chunk.subarray(begin, end);
    const line: LinePiece = { bytes: piece, before: last };
    const tooLong = skipping ?? (bytes + piece.length > limits.streamLineBytesMax ? classifyLine(line) : null);
    lines.push(tooLong === null ? decode(line, bytes + piece.length) : { tooLong });
    consumed += bytes + piece.length + 1;
    begin = end + 1;
    last = null;
    bytes = 0;
    skipping = null;
  }
  const rest = chunk.subarray(begin);
  bytes += rest.length;
  if (skipping !== null || bytes > limits.streamLineBytesMax) {
    return {
      lines,
      consumed,
      cut: { last: null, bytes, skipping: skipping ?? classifyLine({ bytes: rest, before: last }) },
    };
  }
  // The bytes are copied, because the memory of the chunk is reused. `slice` of a Buffer would not copy them.
  return {
    lines,
    consumed,
    cut: { last: rest.length === 0 ? last : { bytes: new Uint8Array(rest), before: last }, bytes, skipping: null },
  };
}

/** Classifies a line by its first byte that is not blank. */
function classifyLine(last: LinePiece): 'event' | 'text' {
  let first: number | null = null;
  for (let piece: LinePiece | null = last; piece !== null; piece = piece.before) {
    const found: number | undefined = piece.bytes.find((byte) => byte > 0x20);
    if (found !== undefined) first = found;
  }
  return first === 0x7b || first === 0x5b ? 'event' : 'text';
}

const decoder = new TextDecoder();

function decode(last: LinePiece, length: number): string {
  if (last.before === null) return decoder.decode(last.bytes);
  const line = new Uint8Array(length);
  let end = length;
  for (let piece: LinePiece | null = last; piece !== null; piece = piece.before) {
    end -= piece.bytes.length;
    line.set(piece.bytes, end);
  }
  return decoder.decode(line);
}
