/**
 * Renders a terminal screen as SVG. Each run of characters with one style is placed at its column, as wide as its
 * cells.
 */

const cell = { width: 8.4, height: 18 };
const margin = 16;
const bar = 28;
const colors: Readonly<Record<number, string>> = {
  31: '#ff7b72',
  32: '#7ee787',
  33: '#e3b341',
  34: '#79c0ff',
  35: '#d2a8ff',
  36: '#76e3ea',
  90: '#8b949e',
};

type Part = { readonly text: string; readonly color: string; readonly bold: boolean; readonly column: number };

/** Returns the SVG. `screen`: lines with the colors that clip sets. Every character is one cell wide. */
export function svgOf(screen: string, { columns, rows }: { columns: number; rows: number }): string {
  const lines = screen.replace(/\n$/, '').split('\n').slice(0, rows);
  const width = columns * cell.width + 2 * margin;
  const height = rows * cell.height + 2 * margin + bar;
  const text = lines.flatMap((line, row) =>
    partsOf(line).map((part) => textOf(part, margin + bar + (row + 0.75) * cell.height)),
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${Math.round(width)} ${Math.round(height)}" role="img" aria-label="The dashboard of clip in a terminal" font-family="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14">
<rect width="100%" height="100%" rx="10" fill="#0d1117"/>
<circle cx="20" cy="18" r="6" fill="#ff5f57"/><circle cx="40" cy="18" r="6" fill="#febc2e"/><circle cx="60" cy="18" r="6" fill="#28c840"/>
${text.join('\n')}
</svg>
`;
}

function partsOf(line: string): Part[] {
  const parts: Part[] = [];
  let [color, bold, column] = ['#e6edf3', false, 0];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the sequences that are read here
  for (const piece of line.split(/(\u001b\[[\d;]*m)/)) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the sequences that are read here
    const codes = /^\u001b\[([\d;]*)m$/.exec(piece)?.[1]?.split(';').map(Number);
    for (const code of codes ?? []) {
      if (code === 0) [color, bold] = ['#e6edf3', false];
      else if (code === 1) bold = true;
      else if (code === 22) bold = false;
      else color = colors[code] ?? '#e6edf3';
    }
    if (codes !== undefined) continue;
    // Spaces between words are not drawn. The next part has its own column.
    for (const { 0: text, index } of piece.matchAll(/\S+(?: \S+)*/g))
      parts.push({ text, color, bold, column: column + [...piece.slice(0, index)].length });
    column += [...piece].length;
  }
  return parts;
}

function textOf({ text, color, bold, column }: Part, y: number): string {
  const length = [...text].length * cell.width;
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return `<text x="${(margin + column * cell.width).toFixed(1)}" y="${y.toFixed(1)}" fill="${color}"${bold ? ' font-weight="bold"' : ''} textLength="${length.toFixed(1)}" lengthAdjust="spacingAndGlyphs" xml:space="preserve">${escaped}</text>`;
}
