/** The columns of text on a terminal. */
import stringWidth from 'string-width';
import { segmentGraphemes } from '#run/graphemes.ts';

/** Returns the columns of a text. Escape sequences and combining marks count zero, and wide characters two. */
export function measureWidth(text: string): number {
  return isOneColumnEach(text) ? text.length : stringWidth(text);
}

/** Returns whether each character of a text surely has one column. The only blank in such a text is the space. */
export function isOneColumnEach(text: string): boolean {
  return oneColumnEach.test(text);
}

/**
 * A text of which each character has one column: ASCII, Latin letters, dashes and quotes, arrows, lines and blocks, and
 * the marks of clip's own output. Most cells of a table are such a text, and need no segmenter.
 */
const oneColumnEach = /^[ -~\u00a1-\u00ac\u00ae-\u02ff\u2010-\u2027\u2190-\u21ff\u2500-\u259f\u25a0-\u25fc✓✗]*$/;

/** Returns the characters of a text, as a reader counts them, with their columns. */
export function* listGraphemes(text: string): Generator<{ readonly segment: string; readonly width: number }> {
  for (const { segment } of segmentGraphemes(text)) yield { segment, width: measureWidth(segment) };
}

/** Returns the text, or as much of it as fits before an ellipsis. Without a width, everything fits. */
export function cutToWidth(text: string, width: number | null): string {
  if (width === null || measureWidth(text) <= width) return text;
  let kept = '';
  let used = 0;
  for (const { segment, width: wide } of listGraphemes(text)) {
    used += wide;
    if (used > width - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}
