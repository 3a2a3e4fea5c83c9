/** Fences of Markdown, line by line: whatever text it is, none may stay open and swallow what comes after it. */

/** The fence that is open after this line: a closing one has at least as many marks, and nothing behind them. */
export function fenceAfter(open: string | null, line: string): string | null {
  const [, mark = null, rest = ''] = /^ {0,3}(`{3,}|~{3,})(.*)$/s.exec(line) ?? [];
  if (mark === null) return open;
  if (open === null) return mark.startsWith('`') && rest.includes('`') ? null : mark;
  return mark.startsWith(open) && /^[ \t]*$/.test(rest) ? null : open;
}

/** The text, with its fence closed if it leaves one open. */
export function closed(text: string): string {
  const fence = text.split('\n').reduce<string | null>(fenceAfter, null);
  return fence === null ? text : `${text}${text.endsWith('\n') ? '' : '\n'}${fence}`;
}

/** The text as a part of another: its headings two levels deeper, its fences closed. */
export function nested(text: string): string {
  let fence: string | null = null;
  const lines = text.replace(/\r\n?/g, '\n').split('\n');
  const deeper = lines.map((line) => {
    const before = fence;
    fence = fenceAfter(fence, line);
    // No heading has more than six marks.
    return before === null && fence === null
      ? line.replace(/^( {0,3})(#{1,6})(?=[ \t]|$)/, (_, space: string, marks: string) => `${space}${`##${marks}`.slice(0, 6)}`)
      : line;
  });
  return closed(deeper.join('\n'));
}
