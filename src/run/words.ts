/** Returns the words of a text that are separated by white space. Long lists of plain words are written that way. */
export function words(text: string): string[] {
  return text.trim().split(/\s+/);
}
