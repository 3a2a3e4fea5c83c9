/** Everything about one run, a line for each fact. */
import type { EventView, ReportView, RunView, ShowAnswer } from '../protocol/answers.ts';
import { reportWords } from './history-words.ts';
import {
  clean,
  commandWords,
  durationWords,
  elapsedWords,
  endWords,
  type Look,
  paint,
  plural,
  retryingWords,
  sizeWords,
  statusWords,
  usageWords,
} from './words.ts';

export function runFacts(look: Look, { run, events }: Pick<ShowAnswer, 'run' | 'events'>): string {
  const labels = Object.entries(run.labels).map(([key, value]) => `${key}=${value}`);
  const facts: [string, string | null][] = [
    ['agent', run.agentName === null ? null : `${clean(run.agentName)} (${run.adapter}${run.permission === null ? '' : `, permission ${run.permission}`})`],
    ['task', run.taskId === null ? null : taskWords(run)],
    ['command', clean(commandWords(run.command))],
    ['folder', clean(run.cwd)],
    ['status', `${statusWords(run, look)}${endWords(run) ? ` (${endWords(run)})` : ''}`],
    ['error', run.error === null ? null : clean(run.error)],
    ['retrying', run.retrying === null ? null : `${retryingWords(run)}: ${clean(run.retrying.message)}`],
    ['open again', run.resetsAt],
    ['verdict', run.livenessState === null ? null : `${run.livenessState}: ${clean(run.livenessReason ?? '')}`],
    ['then', run.decision === null ? null : `${run.decision.action}: ${clean(run.decision.reason)}`],
    ['next', run.nextAction === null ? null : clean(run.nextAction)],
    ['did', evidenceWords(run)],
    ...lastReports(events).map((report): [string, string] => ['reported', reportWords(report)]),
    ['work folder', workspaceWords(run)],
    ['said', run.lastMessage === null ? null : clean(run.lastMessage)],
    ['used', run.usage === null ? null : `${usageWords(run.usage)}${run.usage.model === null ? '' : `, ${clean(run.usage.model)}`}`],
    ['session', sessionWords(run)],
    ['waits for', run.waitingFor === null ? null : clean(run.waitingFor)],
    ['time', run.startedAt === null ? null : elapsedWords(run, Date.now())],
    ['limit', run.timeoutConfigured ? `${durationWords(run.effectiveTimeoutSec * 1_000)}${run.timeoutFired ? ', reached' : ''}` : null],
    ['process', run.processPid === null ? null : `${run.processPid}${run.silence === null ? '' : `, ${run.silence}`}`],
    ['uses', run.cpuPercent === null ? null : `${run.cpuPercent} % CPU, ${sizeWords(run.memoryBytes)}`],
    [
      'output',
      run.stdoutBytes === null && run.stderrBytes === null
        ? null
        : `${sizeWords(run.stdoutBytes)} stdout, ${run.stderrPath === null ? 'stderr merged into it' : `${sizeWords(run.stderrBytes)} stderr`}`,
    ],
    ['logs', run.startedAt === null ? null : run.logsRemovedAt === null ? clean(run.stdoutPath) : `removed on ${run.logsRemovedAt.slice(0, 10)}`],
    [
      'left behind',
      run.leaked === null || run.leaked.length === 0
        ? null
        : run.leaked.map(({ pid, command, ended }) => `${clean(command)} (pid ${pid}, ${ended ? 'ended' : 'still there'})`).join(', '),
    ],
    ['name', run.name === null ? null : clean(run.name)],
    ['group', run.group === null ? null : clean(run.group)],
    ['labels', labels.length === 0 ? null : clean(labels.join(' '))],
    ['locks', run.locks.length === 0 ? null : clean(run.locks.join(' '))],
    ['key', run.key === null ? null : clean(run.key)],
    ['inside run', run.parentRunId],
    ['repeated by', run.retriedBy === null ? null : `run ${run.retriedBy}`],
    ['retry of', run.retryOfRunId === null ? null : `${run.retryOfRunId} (${run.retryReason})`],
    ['id', run.id],
  ];
  const rows = facts.filter(([, value]) => value !== null).map(([name, value]) => `  ${name.padEnd(12)}${value}`);
  return `${paint(`Run ${run.number}`, 1, look)}\n${rows.join('\n')}`;
}

/** `T7, continuation attempt 1 of 2, woken by run_liveness_continuation`. */
function taskWords({ taskId, continuationAttempt, maxContinuationAttempts, wakeReason }: RunView): string {
  const attempt = continuationAttempt
    ? `, continuation attempt ${continuationAttempt}${maxContinuationAttempts === null ? '' : ` of ${maxContinuationAttempts}`}`
    : '';
  return `T${taskId}${attempt}${wakeReason === null ? '' : `, woken by ${wakeReason}`}`;
}

type Reported = Pick<ReportView, 'kind' | 'text' | 'who'>;

/** The last one of each kind, in the order in which they came. */
function lastReports(events: readonly EventView[]): readonly Reported[] {
  const reports = events.flatMap(({ type, data }) => (type === 'report' ? [data as Reported] : []));
  return reports.filter((report, index) => !reports.slice(index + 1).some(({ kind }) => kind === report.kind));
}

function evidenceWords({ evidence }: RunView): string | null {
  if (evidence === null) return null;
  const { toolCalls, commands, commandsFailed, filesChanged, comments, documents, reports } = evidence;
  const failed = commandsFailed === 0 ? '' : ` (${commandsFailed} failed)`;
  const left = [
    [comments, 'comment'],
    [documents, 'document'],
    [reports, 'report'],
  ] as const;
  const more = left.map(([count, what]) => (count ? `, ${plural(count, what)}` : '')).join('');
  return `${plural(toolCalls, 'tool call')}, ${plural(commands, 'command')}${failed}, ${plural(filesChanged, 'file')} changed${more}`;
}

/** `3 files changed (+12 −4), 1 commit, something is not committed`. */
function workspaceWords({ workspace, evidence }: RunView): string | null {
  if (workspace === null) return null;
  const { filesChanged, insertions, deletions, dirty } = workspace;
  const files = filesChanged === null ? null : `${plural(filesChanged, 'file')} changed${insertions === null ? '' : ` (+${insertions} −${deletions ?? 0})`}`;
  const commits = evidence?.commits ? plural(evidence.commits, 'commit') : null;
  return [files, commits, dirty ? 'something is not committed' : null].filter((part) => part !== null).join(', ');
}

function sessionWords({ sessionIdBefore, sessionIdAfter }: RunView): string | null {
  if (sessionIdAfter === null) return sessionIdBefore === null ? null : `${clean(sessionIdBefore)}, gone on with`;
  return `${clean(sessionIdAfter)}${sessionIdBefore === sessionIdAfter ? ', gone on with' : ''}`;
}
