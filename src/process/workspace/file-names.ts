/**
 * File names that are not valid UTF-8. A string cannot hold them, and the system takes bytes. Such a name is stored
 * as a NUL followed by its bytes, one character each. No file name contains a NUL, so it cannot be mistaken for
 * another one.
 */
const mark = '\0';

/** Returns the name for these bytes. */
export function encodeName(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  return text.includes('\ufffd') && !Buffer.from(text).equals(bytes) ? `${mark}${bytes.toString('latin1')}` : text;
}

export const isText = (name: string): boolean => !name.includes(mark);

/** Returns the bytes of a name, or of a path that ends with one. */
export function decodeName(path: string): Buffer {
  const at = path.indexOf(mark);
  return at < 0
    ? Buffer.from(path)
    : Buffer.concat([Buffer.from(path.slice(0, at)), Buffer.from(path.slice(at + 1), 'latin1')]);
}

/** Returns a readable form of a path. */
export const shownName = (path: string): string => (isText(path) ? path : decodeName(path).toString('utf8'));

/** Splits a git record that contains a name into its text and a function that turns a part of it into a name. */
export function splitName(record: string): { readonly text: string; readonly named: (part: string) => string } {
  if (!record.startsWith(mark)) return { text: record, named: (part) => part };
  return {
    text: record.slice(1),
    named: (part) => ([...part].some((char) => char > '\x7f') ? `${mark}${part}` : part),
  };
}

/** Returns names in the format that git reads from its input. */
export function listed(names: readonly string[]): Buffer {
  return Buffer.concat(names.flatMap((name) => [decodeName(name), Buffer.from([0])]));
}
