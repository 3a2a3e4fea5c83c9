/** Wraps lines, and cuts windows out of them. */
import wrapAnsi from 'wrap-ansi';
import { measureWidth } from '../../terminal/width.ts';

/** Wraps lines at words where possible. Continuation lines are indented, and lines that fit stay unchanged. */
export function wrapped(lines: readonly string[], columns: number, indent = 0): string[] {
  return lines.flatMap((line) => {
    if (measureWidth(line) <= columns) return [line];
    const lead = ' '.repeat(Math.min(indent, Math.max(0, columns - 10)));
    const [first = '', ...rest] = wrapAnsi(line, columns, { hard: true, trim: false }).split('\n');
    if (rest.length === 0 || lead === '') return [first, ...rest];
    // Without trimming, the parts join to the original line. A space between them would end up in the middle of a path.
    const behind = wrapAnsi(rest.join('').trimStart(), columns - lead.length, { hard: true }).split('\n');
    return [first, ...behind.map((each) => `${lead}${each}`)];
  });
}

/** Returns `rows` lines from `from` on, padded with empty ones. */
export function window(lines: readonly string[], from: number, rows: number): string[] {
  const shown = lines.slice(from, from + rows);
  return [...shown, ...Array.from({ length: Math.max(0, rows - shown.length) }, () => '')];
}

/** Joins as many parts as fit, from the first on. */
export function fitting(parts: readonly string[], columns: number, between = '  '): string {
  let line = '';
  for (const part of parts) {
    const next = line === '' ? part : `${line}${between}${part}`;
    if (measureWidth(next) > columns && line !== '') return line;
    line = next;
  }
  return line;
}
