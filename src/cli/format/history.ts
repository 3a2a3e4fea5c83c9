/** Formats the history of a run or a task, one line per event. */
import type { EventView, ReportView } from '#protocol/answers.ts';
import { cutText } from '#run/cut-text.ts';
import { clean } from '../terminal/clean.ts';
import { paint, type TextStyle } from '../terminal/style.ts';
import { formatDuration, formatMoment } from './format.ts';

/** Returns the history. `withRuns`: each line also names its run. */
export function historyText(look: TextStyle, events: readonly EventView[], withRuns: boolean): string {
  const rows = events
    .filter((event) => !withRuns || isOfTasks(event))
    .map(({ at, type, data, run }) => {
      const which = withRuns ? (run === null ? '' : `run ${run}`).padEnd(10) : '';
      const when = formatMoment(at);
      return `  ${when}  ${which}${type.padEnd(16)} ${clean(formatDetail(type, data))}`.trimEnd();
    });
  return `${paint('History', 'bold', look)}\n${rows.join('\n')}`;
}

/**
 * Returns whether a run's event belongs in a task's history: its start and its end do. The run's own history has the
 * rest.
 */
function isOfTasks({ type, data }: EventView): boolean {
  return (
    type !== 'slot-granted' &&
    type !== 'session' &&
    type !== 'result' &&
    (type !== 'step-done' || data['step'] === 'wake')
  );
}

/** Formats the important fields of an event on one line. */
function formatDetail(type: string, data: EventView['data']): string {
  if (type === 'signalled') {
    const targets = data['targets'] as { pid: number; signal: string; proof: string; sent: boolean }[];
    return (
      targets
        .map(({ pid, signal, proof, sent }) => `${signal} to ${pid} (${proof}${sent ? '' : ', gone or not proved'})`)
        .join(', ') || 'no process left'
    );
  }
  if (type === 'spawned' || type === 'found-again') return formatLeader(data);
  if (type === 'exited') return data['signal'] ? String(data['signal']) : `code ${data['code']}`;
  if (type === 'step-done') return formatStep(data);
  if (type === 'wake') return `${data['reason']}, ${data['status']}`;
  if (type.startsWith('task-') || type === 'document-put') return formatTask(type, data);
  if (type === 'stop-requested') return `${data['order']}${data['now'] ? ', now' : ''}`;
  if (type === 'session')
    return [data['sessionId'], data['model'], data['permission']].filter((part) => typeof part === 'string').join(', ');
  if (type === 'result') return data['message'] === null ? 'well' : `${data['class'] ?? 'failed'}: ${data['message']}`;
  if (type === 'report') return formatReport(data as Pick<ReportView, 'kind' | 'text' | 'who'>);
  if (type === 'clock-jumped') return formatSlept(Number(data['gapMs']), data['limitsMs']);
  return typeof data['message'] === 'string' ? data['message'] : '';
}

function formatSlept(gapMs: number, limitsMs: unknown): string {
  if (gapMs < 0) return `the clock was set back by ${formatDuration(-gapMs)}`;
  return `${formatDuration(gapMs)}${limitsMs === 0 ? ', in which the run went on' : ''}`;
}

function formatLeader(data: EventView['data']): string {
  const { pid } = data['leader'] as { pid: number };
  return `pid ${pid}${data['held'] === false ? ', without its keeper' : ''}${formatLacking(data)}`;
}

/** Formats the submitter's limits that no keeper could give. */
function formatLacking(data: EventView['data']): string {
  const lacking = data['lacking'];
  return Array.isArray(lacking) && lacking.length > 0 ? `, without ${lacking.join(', ')}` : '';
}

function formatStep(data: EventView['data']): string {
  const decision = data['decision'] as { action: string; reason: string } | undefined;
  return decision === undefined ? String(data['step']) : `${data['step']}: ${decision.action}, ${decision.reason}`;
}

function formatTask(type: string, data: EventView['data']): string {
  const what =
    type === 'document-put'
      ? `${data['key']}, revision ${data['revision']}`
      : [data['status'], data['reason'] ?? data['text'] ?? data['title'] ?? data['why']]
          .filter((part) => typeof part === 'string')
          .join(': ');
  return typeof data['by'] === 'string' ? `${what === '' ? '' : `${what}, `}by ${data['by']}` : what;
}

/** The JSON output has the whole text. */
const reportShownLength = 200;

/** Formats `blocked (who: ops): no key for the registry`, cut to its beginning. */
export function formatReport({ kind, text, who }: Pick<ReportView, 'kind' | 'text' | 'who'>): string {
  const words = clean(text);
  const short = words.length > reportShownLength ? `${cutText(words, reportShownLength - 1)}…` : words;
  return `${kind}${who === null ? '' : ` (who: ${clean(who)})`}: ${short}`;
}
