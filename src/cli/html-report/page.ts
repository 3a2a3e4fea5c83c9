/** Builds a report as one HTML page without scripts and without external requests. */
import { createHash } from 'node:crypto';
import type { RunView } from '#protocol/answers.ts';
import type { CommentView, TaskShowAnswer } from '#protocol/tasks.ts';
import { cutText } from '#run/cut-text.ts';
import { plural } from '../format/format.ts';
import { type Html, html, nothing } from './html.ts';
import { ledgerSection } from './ledger.ts';
import { markdownHtml } from './markdown.ts';
import { formatTime, type PageFacts, type ShownLog } from './report-model.ts';
import { style } from './stylesheet.ts';
import { timeline } from './timeline.ts';

/** Renders the whole page, without references to other files. */
export function renderPage(facts: PageFacts): string {
  const { task, ledger, madeAt, version } = facts;
  const title = task === null ? 'Runs and tasks' : `T${task.task.number}  ${task.task.title}`;
  const hidden = ledger.hidden > 0 ? ` (${plural(ledger.hidden, 'older run')} not shown)` : '';
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy()}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${{ html: style }}</style>
</head>
<body>
<header><h1>${title}</h1>
<p class="soft">Report of ${time(madeAt)}, ${plural(ledger.runs.length, 'run')}${hidden}</p>
${task === null ? nothing : taskFacts(task)}</header>
<main>
<section><h2>Timeline</h2>${timeline(ledger.runs, madeAt)}</section>
${ledgerSection(ledger, task === null)}
${summarySection(facts)}
${task === null ? nothing : comments(task.comments)}
${logSection(facts)}
</main>
<footer>Made by clip ${version} from its own records. Words of agents are quoted as they were said.</footer>
</body>
</html>
`;
  return page.html;
}

/** Returns the content security policy. It allows only the page's own style, identified by its hash. */
function policy(): string {
  const sum = createHash('sha256').update(style).digest('base64');
  return `default-src 'none'; style-src 'sha256-${sum}'; img-src data:; base-uri 'none'; form-action 'none'`;
}

function time(at: string): Html {
  return html`<time datetime="${at}">${formatTime(at)}</time>`;
}

function taskFacts({ task }: TaskShowAnswer): Html {
  const facts: readonly (readonly [string, Html | null])[] = [
    ['Status', html`${task.status.replaceAll('_', ' ')}${task.paused === null ? null : `, ${task.paused}`}`],
    ['Blocked', task.blockedReason === null ? null : html`${task.blockedReason}`],
    ['Next', task.blockedNext === null ? null : html`${task.blockedNext}`],
    ['Assignee', html`${task.assignee ?? 'none'}`],
    ['Folder', html`<code>${task.cwd ?? task.madeIn}</code>`],
    ['Made', time(task.createdAt)],
    ['About', task.description === null ? null : markdownHtml(task.description)],
    ['Done when', task.acceptance === null ? null : markdownHtml(task.acceptance)],
  ];
  const rows = facts.flatMap(([name, value]) => (value === null ? [] : [html`<dt>${name}</dt><dd>${value}</dd>`]));
  return html`<dl class="facts">${rows}</dl>`;
}

function summarySection({ task, summary }: PageFacts): Html {
  if (task === null) return nothing;
  const body =
    summary === null
      ? html`<p class="soft">There is none yet: it is written when the first run has ended.</p>`
      : html`${summaryHead(summary)}${markdownHtml(withoutTitle(summary.body))}`;
  return html`<section><h2>Continuation summary</h2>${body}</section>`;
}

function summaryHead({ revision, updatedAt }: NonNullable<PageFacts['summary']>): Html {
  const words = html`What the next run is told of the earlier ones. Revision ${revision}, ${time(updatedAt)}.`;
  return html`<p class="soft small">${words}</p>`;
}

/** Removes the title, which the page has already. */
function withoutTitle(body: string): string {
  return body.replace(/^# Continuation summary\n+/, '');
}

function comments(all: readonly CommentView[]): Html {
  if (all.length === 0) return nothing;
  const each = all.map(
    ({ author, at, text }) =>
      html`<article class="comment"><header>${author}, ${time(at)}</header>${markdownHtml(text)}</article>`,
  );
  return html`<section><h2>Comments</h2>${each}</section>`;
}

function logSection({ ledger, logs }: PageFacts): Html {
  if (ledger.runs.length === 0) return nothing;
  return html`<section><h2>Logs</h2>${ledger.runs.map((run) => renderLog(run, logs.get(run.number) ?? []))}</section>`;
}

function renderLog(run: RunView, logs: readonly ShownLog[]): Html {
  const words = [run.agentName ?? cutText(run.command.join(' '), 120), run.status.replaceAll('_', ' ')].join(', ');
  const parts = logs.map(({ name, text, note }) => {
    const remark = note === null ? nothing : html`<p class="soft small">${note}</p>`;
    return html`<h5>${name}</h5>${remark}${text === '' ? nothing : html`<pre>${text}</pre>`}`;
  });
  const body = parts.length === 0 ? html`<p class="soft">It has said nothing.</p>` : parts;
  return html`<details id="run-${run.number}"><summary>Run ${run.number}: ${words}</summary>${body}</details>
`;
}
