/** The columns of text on a terminal. */
import stringWidth from 'string-width';

/** Returns the columns of a text. Escape sequences and combining marks count zero, and wide characters two. */
export function measureWidth(text: string): number {
  // Most text is plain ASCII, and tables measure many cells.
  return /^[ -~]*$/.test(text) ? text.length : stringWidth(text);
}

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Returns the characters of a text, as a reader counts them, with their columns. */
export function* listGraphemes(text: string): Generator<{ readonly segment: string; readonly width: number }> {
  for (const { segment } of segmenter.segment(text)) yield { segment, width: measureWidth(segment) };
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
