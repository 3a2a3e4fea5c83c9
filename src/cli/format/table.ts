/** Formats tables. */
import { paint, type TextStyle } from '../terminal/style.ts';
import { cutToWidth, measureWidth } from '../terminal/width.ts';

export type Column<T> = {
  readonly title: string;
  readonly cell: (row: T) => string;
  readonly right?: boolean;
  /** The terminal width below which the column is dropped. */
  readonly from?: number;
  /** Whether the column is narrowed when the table does not fit. */
  readonly flexible?: boolean;
};

const flexibleMin = 4;

/** Formats a table that fits the terminal. Without a terminal, nothing is cut or left out. */
export function table<T>(rows: readonly T[], columns: readonly Column<T>[], look: TextStyle): string {
  const { width } = look;
  const shown = columns.filter(({ from }) => width === null || from === undefined || width >= from);
  const cells = [shown.map(({ title }) => title), ...rows.map((row) => shown.map(({ cell }) => cell(row)))];
  const widths = shown.map((_, column) =>
    cells.reduce((most, line) => Math.max(most, measureWidth(line[column] ?? '')), 0),
  );
  if (width !== null) shrink(widths, shown, width - 2 * (shown.length - 1));
  const [title = '', ...lines] = cells.map((line) =>
    line
      .map((cell, column) => pad(cell, widths[column] ?? 0, shown[column] as Column<T>, column === shown.length - 1))
      .join('  ')
      .trimEnd(),
  );
  return [paint(title, 'bold', look), ...lines].join('\n');
}

/** Narrows the widest flexible column until all columns fit. */
function shrink<T>(widths: number[], columns: readonly Column<T>[], room: number): void {
  for (let excess = widths.reduce((sum, each) => sum + each, 0) - room; excess > 0; excess -= 1) {
    const widest = Math.max(...widths.filter((_, column) => columns[column]?.flexible));
    if (widest <= flexibleMin) return;
    widths[widths.findIndex((each, column) => each === widest && columns[column]?.flexible)] = widest - 1;
  }
}

function pad<T>(cell: string, width: number, column: Column<T>, last: boolean): string {
  const text = column.flexible ? cutToWidth(cell, width) : cell;
  const gap = ' '.repeat(Math.max(0, width - measureWidth(text)));
  return column.right ? gap + text : last ? text : text + gap;
}
