/** Graphemes: the characters of a text, as a reader counts them. */

/** Created when it is first used: loading the tables of the segmenter takes as long as half a start of Node. */
let segmenter: Intl.Segmenter | null = null;

/** Returns the graphemes of a text, in order. */
export function segmentGraphemes(text: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  return segmenter.segment(text);
}
