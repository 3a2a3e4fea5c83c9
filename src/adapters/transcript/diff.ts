/** Added and removed lines, as far as a stream reports changes. */
import { listAt, textAt } from '../json.ts';

export type Lines = { readonly added: number | null; readonly removed: number | null };

export const unknownLines: Lines = { added: null, removed: null };

/** Returns the number of lines of a text. A final line end begins no line. */
export function lineCount(text: string): number {
  if (text === '') return 0;
  return text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
}

/** Counts the lines of a unified diff. Returns null when the text does not look like one. */
export function linesOfDiff(diff: string | null): Lines | null {
  if (diff === null || !/^@@ /m.test(diff)) return null;
  let inside = false;
  let [added, removed] = [0, 0];
  for (const line of diff.split('\n')) {
    if (line.startsWith('@@ ')) inside = true;
    // The header of the next file.
    else if (line.startsWith('--- ') && !inside) continue;
    else if (/^(diff |Index: )/.test(line)) inside = false;
    else if (inside && line.startsWith('+')) added += 1;
    else if (inside && line.startsWith('-')) removed += 1;
  }
  return { added, removed };
}

/** Counts the lines of claude's hunks. Returns null when there are none. */
export function linesOfHunks(hunks: readonly unknown[]): Lines | null {
  if (hunks.length === 0) return null;
  const lines = hunks.flatMap((hunk) => listAt(hunk, 'lines'));
  const beginning = (sign: string) => lines.filter((line) => typeof line === 'string' && line.startsWith(sign)).length;
  return { added: beginning('+'), removed: beginning('-') };
}

/** Counts the lines of a replaced text. The common beginning and end did not change. */
export function linesOfReplacement(before: string, after: string): Lines {
  const [old, fresh] = [splitLines(before), splitLines(after)];
  let head = 0;
  while (head < Math.min(old.length, fresh.length) && old[head] === fresh[head]) head += 1;
  let tail = 0;
  while (
    tail < Math.min(old.length, fresh.length) - head &&
    old[old.length - 1 - tail] === fresh[fresh.length - 1 - tail]
  )
    tail += 1;
  return { added: fresh.length - head - tail, removed: old.length - head - tail };
}

function splitLines(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

/** Counts the lines of an edit tool's input. Returns null when it may apply to several places, or has other fields. */
export function linesOfEdit(input: unknown): Lines | null {
  const [before, after] = [
    textAt(input, 'old_string') ?? textAt(input, 'oldString'),
    textAt(input, 'new_string') ?? textAt(input, 'newString'),
  ];
  const many = (input as { replace_all?: unknown; replaceAll?: unknown; expected_replacements?: unknown } | null) ?? {};
  if (
    before === null ||
    after === null ||
    many.replace_all === true ||
    many.replaceAll === true ||
    many.expected_replacements !== undefined
  )
    return null;
  return linesOfReplacement(before, after);
}
