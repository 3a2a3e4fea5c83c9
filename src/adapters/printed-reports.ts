/** Finds lines that `clip report` printed, wherever a stream quotes the output of a tool. */

import type { AgentEvent } from '#run/agent-event.ts';
import { reportMarker, reportsInText, type SentReport } from '#run/agent-report.ts';

/** Returns the reports in a text, or in a JSON event of any form. A report that is quoted twice counts once. */
export function reportsIn(value: unknown): readonly AgentEvent[] {
  const found = new Map(
    textsIn(value).flatMap((text) =>
      reportsInText(text).map((report): [string, SentReport] => [`${report.token} ${report.id}`, report]),
    ),
  );
  return [...found.values()].map((report) => ({ type: 'report', ...report }));
}

/** Collects the texts iteratively, because other programs may nest JSON arbitrarily deep. */
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
