/** A run in the ledger: a line for the end, one for what it came to, one for what comes next. */
import type { RunView } from '../protocol/answers.ts';
import { exhaustedSuffix } from '../run/step.ts';
import { bold, span, spansIn, wrap } from './rendered/spans.ts';
import { agoWords, clean, durationWords, elapsedWords, type Look, paint, plural, statusWords, usageWords } from './words.ts';

export function ledgerRow(look: Look, run: RunView, { now, withTask }: { readonly now: number; readonly withTask: boolean }): string {
  const live = run.endedAt === null;
  const head = [
    statusWords(run, look),
    ...(withTask && run.taskId !== null ? [`T${run.taskId}`] : []),
    ...(run.agentName === null ? [] : [live ? `Running now by ${clean(run.agentName)}` : clean(run.agentName)]),
    live ? (run.startedAt === null ? 'not started yet' : elapsedWords(run, now)) : `${elapsedWords(run, now)}, ${agoWords(run.endedAt ?? run.queuedAt, now)}`,
    paint(livenessLabel(run), livenessColour(run), look),
    ...(isExhausted(run) ? [paint('Exhausted', 33, look)] : []),
    ...(run.continuationAttempt
      ? [`Continuation attempt ${run.continuationAttempt}${run.maxContinuationAttempts === null ? '' : ` of ${run.maxContinuationAttempts}`}`]
      : []),
  ];
  const lines: [string, string | null][] = [
    ['stop', stopWords(run)],
    ['last useful', lastUsefulWords(run, now)],
    ['why', run.livenessReason === null ? null : clean(run.livenessReason)],
    ['next', run.nextAction === null ? null : clean(run.nextAction)],
    ['then', run.decision === null ? null : `${run.decision.action}: ${clean(run.decision.reason)}`],
    ['woken by', run.wakeReason],
    ['retry', retryWords(run)],
    ['used', run.usage === null ? null : usageWords(run.usage)],
    ['left behind', run.leaked?.length ? plural(run.leaked.length, 'process', 'processes') : null],
  ];
  const logs = run.startedAt === null || run.logsRemovedAt !== null ? null : run.stdoutPath;
  const number = { ...span(`#${run.number}`, bold), target: logs };
  const first = wrap([number, ...spansIn(`  ${head.join('  ')}`)], look, { first: '', rest: '    ' });
  return [...first, ...lines.flatMap(([name, value]) => (value === null ? [] : factLines(name, value, look)))].join('\n');
}

/** What goes on in the next line stands under its text. */
function factLines(name: string, value: string, look: Look): string[] {
  return wrap([span(value)], look, { first: `    ${name.padEnd(12)}`, rest: ' '.repeat(look.width !== null && look.width < 50 ? 6 : 16) });
}

/** Words that users of the reference system know. */
export function livenessLabel(run: RunView): string {
  if (run.endedAt === null) return 'Checks after finish';
  return run.livenessState ?? 'No liveness data';
}

function livenessColour({ livenessState }: RunView): number {
  switch (livenessState) {
    case 'advanced':
    case 'completed':
      return 32;
    case 'failed':
      return 31;
    case 'blocked':
    case 'plan_only':
    case 'empty_response':
    case 'needs_followup':
      return 33;
    default:
      return 90;
  }
}

function isExhausted({ livenessReason }: RunView): boolean {
  return livenessReason?.endsWith(exhaustedSuffix) ?? false;
}

/** `timeout (30s timeout)`: with the limit that fired. */
export function stopWords(run: RunView): string {
  if (run.endedAt === null) return 'Still running';
  if (run.stopReason === null) return 'Unavailable';
  const limit = run.timeoutFired ? ` (${durationWords(run.effectiveTimeoutSec * 1_000)} timeout)` : '';
  const code = run.errorCode === null || run.errorCode === run.stopReason ? '' : `, ${run.errorCode}`;
  return `${run.stopReason.replaceAll('_', ' ')}${limit}${code}`;
}

function lastUsefulWords(run: RunView, now: number): string {
  if (run.lastUsefulActionAt !== null) return agoWords(run.lastUsefulActionAt, now);
  return run.endedAt === null ? 'No action recorded yet' : 'Unavailable';
}

export function retryWords({ retryReason, retriedBy, retryOfRunId }: RunView): string | null {
  const parts = [
    retryOfRunId === null ? null : `repeats ${retryOfRunId}${retryReason === null ? '' : ` (${retryReason})`}`,
    retriedBy === null ? null : `repeated by #${retriedBy}`,
  ].filter((part) => part !== null);
  return parts.length === 0 ? null : parts.join(', ');
}
