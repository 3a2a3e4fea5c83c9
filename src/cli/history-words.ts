/** The history of a run or a task, a line for each event. */
import type { EventView, ReportView } from '../protocol/answers.ts';
import { clean, durationWords, type Look, paint } from './words.ts';

/** `withRuns`: also of which run each line speaks. */
export function historyText(look: Look, events: readonly EventView[], withRuns: boolean): string {
  const rows = events
    .filter((event) => !withRuns || isOfTasks(event))
    .map(({ at, type, data, run }) => {
      const which = withRuns ? (run === null ? '' : `run ${run}`).padEnd(10) : '';
      return `  ${at.slice(0, 10)} ${at.slice(11, 23)}  ${which}${type.padEnd(16)} ${clean(detailOf(type, data))}`.trimEnd();
    });
  return `${paint('History (UTC)', 1, look)}\n${rows.join('\n')}`;
}

/** Of a run, what a task's history needs: that it came and how it ended. The rest is in the run's own. */
function isOfTasks({ type, data }: EventView): boolean {
  return type !== 'slot-granted' && type !== 'session' && type !== 'result' && (type !== 'step-done' || data['step'] === 'wake');
}

/** What matters of an event, on one line. */
function detailOf(type: string, data: EventView['data']): string {
  if (type === 'signalled') {
    const targets = data['targets'] as { pid: number; signal: string; proof: string; sent: boolean }[];
    return targets.map(({ pid, signal, proof, sent }) => `${signal} to ${pid} (${proof}${sent ? '' : ', gone or not proved'})`).join(', ') || 'nobody left';
  }
  if (type === 'spawned' || type === 'found-again')
    return `pid ${(data['leader'] as { pid: number }).pid}${data['held'] === false ? ', without its keeper' : ''}`;
  if (type === 'exited') return data['signal'] ? String(data['signal']) : `code ${data['code']}`;
  if (type === 'step-done') return stepWords(data);
  if (type === 'wake') return `${data['reason']}, ${data['status']}`;
  if (type.startsWith('task-') || type === 'document-put') return taskWords(type, data);
  if (type === 'stop-requested') return `${data['order']}${data['now'] ? ', now' : ''}`;
  if (type === 'session') return [data['sessionId'], data['model'], data['permission']].filter((part) => typeof part === 'string').join(', ');
  if (type === 'result') return data['message'] === null ? 'well' : `${data['class'] ?? 'failed'}: ${data['message']}`;
  if (type === 'report') return reportWords(data as Pick<ReportView, 'kind' | 'text' | 'who'>);
  if (type === 'slept') return sleptWords(Number(data['gapMs']));
  return typeof data['message'] === 'string' ? data['message'] : '';
}

function sleptWords(gapMs: number): string {
  return gapMs >= 0 ? durationWords(gapMs) : `the clock was set back by ${durationWords(-gapMs)}`;
}

function stepWords(data: EventView['data']): string {
  const decision = data['decision'] as { action: string; reason: string } | undefined;
  return decision === undefined ? String(data['step']) : `${data['step']}: ${decision.action}, ${decision.reason}`;
}

function taskWords(type: string, data: EventView['data']): string {
  const what =
    type === 'document-put'
      ? `${data['key']}, revision ${data['revision']}`
      : [data['status'], data['reason'] ?? data['text'] ?? data['title'] ?? data['why']].filter((part) => typeof part === 'string').join(': ');
  return typeof data['by'] === 'string' ? `${what === '' ? '' : `${what}, `}by ${data['by']}` : what;
}

/** The whole text is in the JSON. */
const reportShownLength = 200;

/** `blocked (who: ops): no key for the registry`, the beginning of it. */
export function reportWords({ kind, text, who }: Pick<ReportView, 'kind' | 'text' | 'who'>): string {
  const words = clean(text);
  const short = words.length > reportShownLength ? `${words.slice(0, reportShownLength - 1)}…` : words;
  return `${kind}${who === null ? '' : ` (who: ${clean(who)})`}: ${short}`;
}
