/** Formats a run in the ledger: one line for its end, one for its verdict, one for what comes next. */
import type { RunView } from '#protocol/answers.ts';
import { exhaustedSuffix } from '#run/state-machine.ts';
import { clean } from '../terminal/clean.ts';
import { type Colour, paint, type TextStyle } from '../terminal/style.ts';
import { span, spansIn, wrap } from '../terminal/styled-text.ts';
import { cleanFact } from './facts.ts';
import { formatAgo, formatDuration, formatElapsed, formatPart, formatStatus, formatUsed, plural } from './format.ts';
import { formatWakeReason } from './wake-reasons.ts';

/** Formats a run in the ledger. `withTask`: its first line also names the task. */
export function ledgerRow(
  look: TextStyle,
  run: RunView,
  { now, withTask }: { readonly now: number; readonly withTask: boolean },
): string {
  const live = run.endedAt === null;
  const head = [
    formatStatus(run, look),
    ...(withTask && run.taskId !== null ? [`T${run.taskId}`] : []),
    ...(run.agentName === null
      ? []
      : [live && run.startedAt !== null ? `Running now by ${clean(run.agentName)}` : clean(run.agentName)]),
    live
      ? run.startedAt === null
        ? 'not started yet'
        : formatElapsed(run, now)
      : `${formatElapsed(run, now)}, ${formatAgo(run.endedAt ?? run.queuedAt, now)}`,
    paint(livenessLabel(run), livenessColour(run), look),
    ...(isExhausted(run) ? [paint('Exhausted', 'yellow', look)] : []),
    ...(run.continuationAttempt
      ? [`Continuation attempt ${formatPart(run.continuationAttempt, run.maxContinuationAttempts)}`]
      : []),
  ];
  const lines: [string, string | null][] = [
    ['stop', formatStop(run)],
    ['last useful', formatLastUseful(run, now)],
    ['why', run.livenessReason === null || isCancelled(run) ? null : clean(run.livenessReason)],
    ['next', cleanFact(run.nextAction)],
    ['then', run.decision === null ? null : `${run.decision.action}: ${clean(run.decision.reason)}`],
    ['cause', run.wakeReason === null ? null : formatWakeReason(run.wakeReason)],
    ['retry', formatRetry(run)],
    ['used', formatUsed(run)],
    ['remark', run.remark],
    ['left behind', run.leaked?.length ? plural(run.leaked.length, 'process', 'processes') : null],
  ];
  const logs = run.startedAt === null || run.logsRemovedAt !== null ? null : run.stdoutPath;
  const number = { ...span(`#${run.number}`, 'bold'), target: logs };
  const first = wrap([number, ...spansIn(`  ${head.join('  ')}`)], look, { first: '', rest: '    ' });
  return [...first, ...lines.flatMap(([name, value]) => (value === null ? [] : factLines(name, value, look)))].join(
    '\n',
  );
}

/** Formats a fact. Continuation lines are aligned with its text. */
function factLines(name: string, value: string, look: TextStyle): string[] {
  return wrap([span(value)], look, {
    first: `    ${name.padEnd(12)}`,
    rest: ' '.repeat(look.width !== null && look.width < 50 ? 6 : 16),
  });
}

/** Returns the verdict with the labels of the reference system. A cancelled run has not failed. */
export function livenessLabel(run: RunView): string {
  if (run.status === 'queued') return 'waits';
  if (run.endedAt === null) return 'Checks after finish';
  if (isCancelled(run)) return '–';
  return run.livenessState ?? 'No liveness data';
}

function isCancelled({ status, livenessState }: RunView): boolean {
  return status === 'cancelled' && livenessState === 'failed';
}

function livenessColour(run: RunView): Colour {
  const { livenessState } = run;
  if (isCancelled(run)) return 'gray';
  switch (livenessState) {
    case 'advanced':
    case 'completed':
      return 'green';
    case 'failed':
      return 'red';
    case 'blocked':
    case 'plan_only':
    case 'empty_response':
    case 'needs_followup':
      return 'yellow';
    default:
      return 'gray';
  }
}

function isExhausted({ livenessReason }: RunView): boolean {
  return livenessReason?.endsWith(exhaustedSuffix) ?? false;
}

/** Formats `timeout (30s timeout)`: the stop reason with the limit. */
export function formatStop(run: RunView): string {
  if (run.status === 'queued') return `Waits: ${clean(run.waitingFor ?? 'it starts in a moment')}`;
  if (run.endedAt === null) return run.startedAt === null ? 'Not started yet' : 'Still running';
  if (run.stopReason === null) return 'Unavailable';
  const limit = run.timeoutFired ? ` (${formatDuration(run.effectiveTimeoutSec * 1_000)} timeout)` : '';
  const code = run.errorCode === null || run.errorCode === run.stopReason ? '' : `, ${run.errorCode}`;
  return `${run.stopReason.replaceAll('_', ' ')}${limit}${code}`;
}

function formatLastUseful(run: RunView, now: number): string {
  if (run.lastUsefulActionAt !== null) return formatAgo(run.lastUsefulActionAt, now);
  if (run.endedAt !== null) return run.livenessState === null ? 'Unavailable' : 'None was seen';
  const tools = run.evidence?.toolCalls ?? 0;
  return tools > 0 ? `${plural(tools, 'tool call')} so far, judged after the end` : 'No action recorded yet';
}

/** Formats which run this one repeats, and which one repeats it. Returns null for neither. */
export function formatRetry(run: RunView): string | null {
  const { retryReason, retriedBy, retryOfRunId } = run;
  const parts = [
    retryOfRunId === null ? null : `repeats ${formatRetried(run)}${retryReason === null ? '' : ` (${retryReason})`}`,
    retriedBy === null ? null : `repeated by #${retriedBy}`,
  ].filter((part) => part !== null);
  return parts.length === 0 ? null : parts.join(', ');
}

/** Formats the run that this one repeats: its number, or its id when it was removed. */
export function formatRetried({ retryOf, retryOfRunId }: Pick<RunView, 'retryOf' | 'retryOfRunId'>): string {
  return retryOf === null ? (retryOfRunId ?? '–') : `#${retryOf}`;
}
