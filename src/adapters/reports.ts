/** Lines that `clip report` has printed, wherever a stream quotes the output of a tool. */
import { reportMarker, reportsInText, type SentReport } from '../run/agent-report.ts';
import type { Reading } from '../run/reading.ts';

/** `value`: a text, or a JSON event of any shape. What is quoted twice in it is one report. */
export function reportsIn(value: unknown): readonly Reading[] {
  const found = new Map(textsIn(value).flatMap((text) => reportsInText(text).map((report): [string, SentReport] => [`${report.token} ${report.id}`, report])));
  return [...found.values()].map((report) => ({ type: 'report', ...report }));
}

/** Without recursion: other programs may nest as deep as they like. */
function textsIn(value: unknown): string[] {
  const texts: string[] = [];
  const open: unknown[] = [value];
  while (open.length > 0) {
    const next = open.pop();
    if (typeof next === 'string' && next.includes(reportMarker)) texts.push(next);
    else if (typeof next === 'object' && next !== null) for (const inner of Object.values(next)) open.push(inner);
  }
  return texts.reverse();
}
