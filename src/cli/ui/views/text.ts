/** Lines and windows on them. */
import wrapAnsi from 'wrap-ansi';
import { widthOf } from '../../words.ts';

/** At words where possible; what follows is indented, and lines that fit stay as they are. */
export function wrapped(lines: readonly string[], columns: number, indent = 0): string[] {
  return lines.flatMap((line) => {
    if (widthOf(line) <= columns) return [line];
    const lead = ' '.repeat(Math.min(indent, Math.max(0, columns - 10)));
    const [first = '', ...rest] = wrapAnsi(line, columns, { hard: true, trim: false }).split('\n');
    if (rest.length === 0 || lead === '') return [first, ...rest];
    // With nothing trimmed the parts are the line as it was: a blank between them would stand in the middle of a path.
    const behind = wrapAnsi(rest.join('').trimStart(), columns - lead.length, { hard: true }).split('\n');
    return [first, ...behind.map((each) => `${lead}${each}`)];
  });
}

/** So many lines from `from` on; empty ones where there are no more. */
export function window(lines: readonly string[], from: number, rows: number): string[] {
  const shown = lines.slice(from, from + rows);
  return [...shown, ...Array.from({ length: Math.max(0, rows - shown.length) }, () => '')];
}

/** As many parts as fit, the first ones first. */
export function fitting(parts: readonly string[], columns: number, between = '  '): string {
  let line = '';
  for (const part of parts) {
    const next = line === '' ? part : `${line}${between}${part}`;
    if (widthOf(next) > columns && line !== '') return line;
    line = next;
  }
  return line;
}
