/** The ledger of the runs as a table, newest first, with totals. */
import type { RunView } from '#protocol/answers.ts';
import type { LedgerAnswer } from '#protocol/tasks.ts';
import { cutText } from '#run/cut-text.ts';
import { formatDollars, formatElapsed, formatPart, formatTokens, plural } from '../format/format.ts';
import { formatRetry, formatStop, livenessLabel } from '../format/ledger.ts';
import { formatSum, percent } from '../format/totals.ts';
import { type Html, html } from './html.ts';
import { classifyMood, formatTime } from './report-model.ts';

/** Renders the ledger. `withTask`: each row names its task. */
export function ledgerSection({ runs, totals }: LedgerAnswer, withTask: boolean): Html {
  const share = totals.advancedShare === null ? '' : `, ${percent(totals.advancedShare)} of the judged ones advanced`;
  const sum = `${formatSum(totals)}${share}`;
  const rows = runs.map((run) => renderRow(run, withTask));
  const table = html`<table class="ledger"><thead>${renderHead(withTask)}</thead><tbody>${rows}</tbody></table>`;
  return html`<section><h2>Ledger</h2><p>${sum}</p><div class="wide">${table}</div></section>`;
}

function renderHead(withTask: boolean): Html {
  const number = (name: string) => html`<th class="num">${name}</th>`;
  const text = (name: string) => html`<th>${name}</th>`;
  return html`<tr>${[
    number('Run'),
    ...(withTask ? [text('Task')] : []),
    ...['Agent', 'Verdict', 'Ended'].map(text),
    ...['Time', 'Tokens', 'Cost'].map(number),
    text('Why, and what comes next'),
  ]}</tr>`;
}

function renderRow(run: RunView, withTask: boolean): Html {
  const number = html`<td class="num"><a href="#run-${run.number}">${run.number}</a></td>`;
  const task = withTask ? html`<td>${run.taskId === null ? '–' : `T${run.taskId}`}</td>` : null;
  const who = run.agentName ?? cutText(run.command.join(' '), 80);
  const verdict = html`<span class="verdict ${classifyMood(run)}">${livenessLabel(run)}</span>`;
  return html`<tr>${number}${task}<td>${who}</td>
<td>${verdict}</td><td class="keep">${formatEnded(run)}</td><td class="num">${elapsed(run)}</td>
<td class="num">${tokens(run)}</td><td class="num">${cost(run)}</td><td class="why">${reasons(run)}</td></tr>
`;
}

function formatEnded({ endedAt }: RunView): Html | string {
  return endedAt === null
    ? 'still running'
    : html`<time datetime="${endedAt}">${formatTime(endedAt).replace(' UTC', '')}</time>`;
}

/** Formats the elapsed time. A live run has none, because a page does not change. */
function elapsed(run: RunView): string {
  return run.endedAt === null ? '–' : formatElapsed(run, 0);
}

function tokens(run: RunView): string {
  const { usage } = run;
  const count = (value: number | null) => (value === null ? '?' : formatTokens(value));
  if (usage === null || (usage.inputTokens === null && usage.outputTokens === null))
    return run.agentName === null ? '–' : 'unknown';
  const bound = usage.partial && run.endedAt !== null ? 'at least ' : '';
  return `${bound}${count(usage.inputTokens)} in, ${count(usage.outputTokens)} out`;
}

function cost({ usage, agentName }: RunView): string {
  if (usage?.costUsd == null) return agentName === null ? '–' : 'unknown';
  return formatDollars(usage.costUsd);
}

function reasons(run: RunView): Html[] {
  const parts: readonly (readonly [string, string | null])[] = [
    ['Stop', formatStop(run)],
    ['Error', run.error],
    ['Why', run.status === 'cancelled' ? null : run.livenessReason],
    ['Next', run.nextAction],
    ['Then', run.decision === null ? null : `${run.decision.action}: ${run.decision.reason}`],
    ['Retry', formatRetry(run)],
    ['Attempt', run.continuationAttempt ? formatPart(run.continuationAttempt, run.maxContinuationAttempts) : null],
    ['Left behind', run.leaked?.length ? plural(run.leaked.length, 'process', 'processes') : null],
  ];
  return parts.flatMap(([name, value]) => (value === null ? [] : [html`<p><b>${name}</b> ${value}</p>`]));
}
