/**
 * Markdown code fences, line by line. No quoted text may leave one open, because it would swallow the text after it.
 */

/**
 * Returns the fence that is open after this line. A closing fence has at least as many marks and nothing after them.
 */
export function fenceAfter(open: string | null, line: string): string | null {
  const [, mark = null, rest = ''] = /^ {0,3}(`{3,}|~{3,})(.*)$/s.exec(line) ?? [];
  if (mark === null) return open;
  if (open === null) return mark.startsWith('`') && rest.includes('`') ? null : mark;
  return mark.startsWith(open) && /^[ \t]*$/.test(rest) ? null : open;
}

/** Returns the text with an open fence closed. */
export function closed(text: string): string {
  const fence = text.split('\n').reduce<string | null>(fenceAfter, null);
  return fence === null ? text : `${text}${text.endsWith('\n') ? '' : '\n'}${fence}`;
}

/** Returns the text for embedding in another one: headings two levels deeper, fences closed. */
export function nested(text: string): string {
  let fence: string | null = null;
  const lines = text.replace(/\r\n?/g, '\n').split('\n');
  const deeper = lines.map((line) => {
    const before = fence;
    fence = fenceAfter(fence, line);
    // A heading has at most six marks.
    return before === null && fence === null
      ? line.replace(
          /^( {0,3})(#{1,6})(?=[ \t]|$)/,
          (_, space: string, marks: string) => `${space}${`##${marks}`.slice(0, 6)}`,
        )
      : line;
  });
  return closed(deeper.join('\n'));
}
