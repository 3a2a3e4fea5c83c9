/** Splits a typed command line. Pure. */

/** A line that a shell would only split at its blanks. */
const plainWords = /^[\w@%+:,./-]+(?: +[\w@%+=:,./-]+)*$/;

/** Returns the command of a line: its words, or a shell that reads the line as it was meant. */
export function splitCommand(line: string): string[] {
  return plainWords.test(line) ? line.split(/ +/) : ['sh', '-c', line];
}
