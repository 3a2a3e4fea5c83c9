/** Cutting a log into whole lines, from bytes that come in pieces. */
import { limits } from '../run/limits.ts';

/** The unfinished line: its bytes so far, or only their number while a line that is too long is skipped. */
export type Cut = { readonly last: Piece | null; readonly bytes: number; readonly skipping: boolean };

/** A list from its end: a line in many small pieces costs no more than one in few. */
type Piece = { readonly bytes: Uint8Array; readonly before: Piece | null };

export const noCut: Cut = { last: null, bytes: 0, skipping: false };

/**
 * The lines that this chunk completes, null for one of more than 8 MiB. `consumed`: bytes up to the last
 * line break, unfinished lines of earlier chunks included. A line break is never part of another
 * character in UTF-8, so whole lines are decoded and a split character is no matter; invalid bytes
 * become the replacement character.
 */
export function cutLines(cut: Cut, chunk: Uint8Array): { lines: (string | null)[]; consumed: number; cut: Cut } {
  const lines: (string | null)[] = [];
  let { last, bytes, skipping } = cut;
  let consumed = 0;
  let begin = 0;
  for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, begin)) {
    const piece = chunk.subarray(begin, end);
    const tooLong = skipping || bytes + piece.length > limits.streamLineBytesMax;
    lines.push(tooLong ? null : decode({ bytes: piece, before: last }, bytes + piece.length));
    consumed += bytes + piece.length + 1;
    begin = end + 1;
    last = null;
    bytes = 0;
    skipping = false;
  }
  const rest = chunk.subarray(begin);
  bytes += rest.length;
  if (skipping || bytes > limits.streamLineBytesMax) return { lines, consumed, cut: { last: null, bytes, skipping: true } };
  // Copied: the chunk's memory is used again for the next one.
  return { lines, consumed, cut: { last: rest.length === 0 ? last : { bytes: rest.slice(), before: last }, bytes, skipping: false } };
}

function decode(last: Piece, length: number): string {
  const line = new Uint8Array(length);
  let end = length;
  for (let piece: Piece | null = last; piece !== null; piece = piece.before) {
    end -= piece.bytes.length;
    line.set(piece.bytes, end);
  }
  return new TextDecoder().decode(line);
}
