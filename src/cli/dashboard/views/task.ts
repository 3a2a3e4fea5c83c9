/** The page of a task: its facts, all its runs, the continuation summary, and the comments. */

import { plural } from '../../format/format.ts';
import { ledgerRow } from '../../format/ledger.ts';
import { taskFacts } from '../../format/task.ts';
import { markdownLines } from '../../logs/transcript/markdown.ts';
import { cleanText } from '../../terminal/clean.ts';
import { paint } from '../../terminal/style.ts';
import type { Canvas, Facts, TaskPage } from '../dashboard-model.ts';
import { markMatches } from '../search.ts';
import type { Page } from '../state.ts';
import { window, wrapped } from './lines.ts';
import type { Viewed } from './run.ts';

/** The column at which values begin, in the facts of a task and in its ledger. */
const indent = 16;

/** Builds the page of a task. */
export function taskView(page: Extract<Page, { name: 'task' }>, facts: Facts, { columns, rows, look }: Canvas): Viewed {
  const { task, trouble } = facts.opened;
  if (task === null || task.shown.task.number !== page.task) {
    return {
      lines: window(
        [paint(`T${page.task}`, 'bold', look), paint(trouble ?? 'Reading the task…', 'gray', look)],
        0,
        rows,
      ),
      room: rows,
      length: 0,
      at: 0,
      text: null,
    };
  }
  const all = formatText(task, facts.now, { columns, rows, look });
  const from = Math.min(page.scroll, Math.max(0, all.length - rows));
  const shown = window(all, from, rows);
  const text = { lines: all, starts: [...all.keys()], fromEnd: false };
  return {
    lines: page.search === null ? shown : markMatches(shown, page.search, { text, from, look }),
    room: rows,
    length: all.length,
    at: Math.min(from + rows, all.length),
    text,
  };
}

function formatText({ shown, ledger, summary }: TaskPage, now: number, { columns, look }: Canvas): string[] {
  const [head = '', ...rest] = taskFacts(look, shown).split('\n\n');
  const runs = ledger.runs.map((run) => ledgerRow(look, run, { now, withTask: false })).join('\n\n');
  const older = ledger.hidden > 0 ? [paint(`${plural(ledger.hidden, 'older run')} not shown`, 'gray', look)] : [];
  const revision = summary === null ? '' : ` (revision ${summary.revision})`;
  const first = [
    head,
    `${paint('Ledger', 'bold', look)}\n${runs === '' ? '  No run yet. clip continue starts one.' : runs}`,
    ...older,
  ];
  return [
    ...wrapped(first.join('\n\n').split('\n'), columns, indent),
    '',
    paint(`Continuation summary${revision}`, 'bold', look),
    ...(summary === null
      ? ['  None yet: it is written when a run has ended.']
      : markdownLines(cleanText(summary.body), { ...look, width: columns })),
    '',
    ...wrapped(rest.join('\n\n').split('\n'), columns, indent),
  ];
}
