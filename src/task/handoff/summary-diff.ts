/** The difference between two revisions of a summary, line by line. */

/** Unchanged lines that are shown around changed ones. */
const context = 2;
/** A longer middle is shown as all removed and all added. Comparing each line with each would take too long. */
const comparedMax = 500;
/** Two whole summaries and their marks. */
const linesMax = 1_000;
const lengthMax = 20_000;

type Line = { readonly mark: ' ' | '-' | '+'; readonly text: string };

/** Returns the difference, or an empty string when nothing changed. `before`: null for the first revision. */
export function summaryDiff(before: string | null, after: string): string {
  if (before === after) return '';
  const lines = compare(before === null ? [] : splitLines(before), splitLines(after));
  return bounded(inContext(lines));
}

function splitLines(text: string): readonly string[] {
  return (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n');
}

function compare(before: readonly string[], after: readonly string[]): readonly Line[] {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start++;
  let end = 0;
  while (end < shorter - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end++;
  return [
    ...before.slice(0, start).map(same),
    ...middle(before.slice(start, before.length - end), after.slice(start, after.length - end)),
    ...before.slice(before.length - end).map(same),
  ];
}

function same(text: string): Line {
  return { mark: ' ', text };
}

function middle(before: readonly string[], after: readonly string[]): readonly Line[] {
  const gone = (text: string): Line => ({ mark: '-', text });
  const come = (text: string): Line => ({ mark: '+', text });
  if (before.length > comparedMax || after.length > comparedMax) return [...before.map(gone), ...after.map(come)];
  const common = commonLengths(before, after);
  const lines: Line[] = [];
  let [a, b] = [0, 0];
  while (a < before.length && b < after.length) {
    const [old = '', fresh = ''] = [before[a], after[b]];
    const isSame = old === fresh;
    const isGone = !isSame && (common[a + 1]?.[b] ?? 0) >= (common[a]?.[b + 1] ?? 0);
    lines.push(isSame ? same(old) : isGone ? gone(old) : come(fresh));
    if (isSame || isGone) a++;
    if (isSame || !isGone) b++;
  }
  return [...lines, ...before.slice(a).map(gone), ...after.slice(b).map(come)];
}

/** Returns, for each pair of positions, how many lines the remainders have in common. */
function commonLengths(before: readonly string[], after: readonly string[]): readonly Uint16Array[] {
  const rows = Array.from({ length: before.length + 1 }, () => new Uint16Array(after.length + 1));
  for (let a = before.length - 1; a >= 0; a--) {
    for (let b = after.length - 1; b >= 0; b--) {
      const [row, below] = [rows[a], rows[a + 1]];
      if (row && below)
        row[b] = before[a] === after[b] ? (below[b + 1] ?? 0) + 1 : Math.max(below[b] ?? 0, row[b + 1] ?? 0);
    }
  }
  return rows;
}

/** Returns the lines near a change. "…" stands for the others. */
function inContext(lines: readonly Line[]): readonly string[] {
  const near = new Set<number>();
  for (const [index, { mark }] of lines.entries()) {
    if (mark === ' ') continue;
    for (let each = index - context; each <= index + context; each++) near.add(each);
  }
  return lines.flatMap(({ mark, text }, index) => {
    if (near.has(index)) return [`${mark} ${text}`];
    return index === 0 || near.has(index - 1) ? ['…'] : [];
  });
}

function bounded(lines: readonly string[]): string {
  let length = 0;
  const shown = lines.slice(0, linesMax).filter((line) => {
    length += line.length + 1;
    return length <= lengthMax;
  });
  const more = lines.length - shown.length;
  return [...shown, ...(more > 0 ? [`… and ${more} more ${more === 1 ? 'line' : 'lines'}`] : []), ''].join('\n');
}
