/** Renders a Markdown table: in columns when they fit, otherwise as a short list for each row. */
import type { Tokens } from 'marked';
import { paint, type TextStyle } from '../../terminal/style.ts';
import { type Indent, span, wrap } from '../../terminal/styled-text.ts';
import { measureWidth } from '../../terminal/width.ts';
import { inlineSpans } from './inline-markdown.ts';

const plain: TextStyle = { colour: false, width: null };

/** Renders a table. */
export function tableLines({ header, rows, align }: Tokens.Table, look: TextStyle, indent: Indent): string[] {
  const texts = [header, ...rows].map((row) =>
    row.map(({ tokens }) =>
      inlineSpans(tokens, plain)
        .map(({ text }) => text)
        .join('')
        .replace(/\s+/g, ' '),
    ),
  );
  const widths = header.map((_, column) => Math.max(...texts.map((row) => measureWidth(row[column] ?? ''))));
  const whole = widths.reduce((sum, width) => sum + width, 0) + 2 * (widths.length - 1);
  if (look.width !== null && whole > look.width - indent.rest.length) return listed(texts, look, indent);
  return texts.map((row, index) => {
    const cells = row.map((cell, column) => {
      const gap = ' '.repeat(Math.max(0, (widths[column] ?? 0) - measureWidth(cell)));
      return align[column] === 'right' ? gap + cell : cell + gap;
    });
    const line = cells.join('  ').trimEnd();
    return `${index === 0 ? indent.first : indent.rest}${index === 0 ? paint(line, 'bold', look) : line}`;
  });
}

function listed(
  [titles = [], ...rows]: readonly (readonly string[])[],
  look: TextStyle,
  { first, rest }: Indent,
): string[] {
  return rows.flatMap((row, index) =>
    row.flatMap((cell, column) => {
      const before = index === 0 && column === 0 ? first : rest;
      const mark = column === 0 ? '• ' : '  ';
      return wrap([span(`${titles[column] ?? ''}: `, 'bold'), span(cell)], look, {
        first: `${before}${mark}`,
        rest: `${rest}    `,
      });
    }),
  );
}
