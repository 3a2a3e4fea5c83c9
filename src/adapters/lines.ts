/** Cutting a log into whole lines, from bytes that come in pieces. */
import { limits } from '../run/limits.ts';

/** The unfinished line: its bytes so far, or only their number while a line that is too long is skipped. */
export type Cut = { readonly parts: readonly Uint8Array[]; readonly bytes: number; readonly skipping: boolean };

export const noCut: Cut = { parts: [], bytes: 0, skipping: false };

/**
 * The lines that this chunk completes, null for one of more than 8 MiB. `consumed`: bytes up to the last
 * line break, unfinished lines of earlier chunks included. A line break is never part of another
 * character in UTF-8, so whole lines are decoded and a split character is no matter; invalid bytes
 * become the replacement character.
 */
export function cutLines(cut: Cut, chunk: Uint8Array): { lines: (string | null)[]; consumed: number; cut: Cut } {
  const lines: (string | null)[] = [];
  let { parts, bytes, skipping } = cut;
  let consumed = 0;
  let begin = 0;
  for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, begin)) {
    const piece = chunk.subarray(begin, end);
    const tooLong = skipping || bytes + piece.length > limits.streamLineBytesMax;
    lines.push(tooLong ? null : decode([...parts, piece]));
    consumed += bytes + piece.length + 1;
    begin = end + 1;
    parts = [];
    bytes = 0;
    skipping = false;
  }
  const rest = chunk.subarray(begin);
  bytes += rest.length;
  if (skipping || bytes > limits.streamLineBytesMax) return { lines, consumed, cut: { parts: [], bytes, skipping: true } };
  // Copied: the chunk's memory is used again for the next one.
  return { lines, consumed, cut: { parts: rest.length === 0 ? parts : [...parts, rest.slice()], bytes, skipping: false } };
}

function decode(parts: readonly Uint8Array[]): string {
  const decoder = new TextDecoder();
  return parts.map((part, index) => decoder.decode(part, { stream: index < parts.length - 1 })).join('');
}
