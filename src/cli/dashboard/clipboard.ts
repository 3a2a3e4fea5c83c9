/** The clipboard of the terminal. */

/** Returns the sequence (OSC 52) with which a terminal takes a text into its clipboard. It never says whether it did. */
export function copySequence(text: string): string {
  return `\u001b]52;c;${Buffer.from(text).toString('base64')}\u0007`;
}
