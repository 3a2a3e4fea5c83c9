/** Formats all facts of a run, one line each. */
import type { EventView, ReportView, RunView, ShowAnswer } from '#protocol/answers.ts';
import { clean } from '../terminal/clean.ts';
import type { TextStyle } from '../terminal/style.ts';
import { cleanFact, type Fact, formatFacts } from './facts.ts';
import {
  formatCommand,
  formatDuration,
  formatElapsed,
  formatEnd,
  formatMoment,
  formatPart,
  formatRetrying,
  formatSize,
  formatStatus,
  formatUsed,
  plural,
} from './format.ts';
import { formatReport } from './history.ts';
import { formatRetried } from './ledger.ts';
import { formatWakeReason } from './wake-reasons.ts';

function usedBy(run: RunView): string | null {
  const words = formatUsed(run);
  const model = run.usage?.model ?? null;
  return words === null || model === null ? words : `${words}, ${clean(model)}`;
}

/** Formats the last error of a live run, and whether it is fatal. */
function formatLastError({ lastError }: RunView): string | null {
  if (lastError === null) return null;
  const kind = lastError.class === null ? '' : `${lastError.class}: `;
  return `${kind}${clean(lastError.message)}${lastError.fatal ? ' (it cannot get over it by itself)' : ''}`;
}

/** Returns the API path of a run. */
export function runPath(ref: string): string {
  return `/v1/runs/${encodeURIComponent(ref)}`;
}

/** Formats all facts of a run. */
export function runFacts(look: TextStyle, { run, events }: Pick<ShowAnswer, 'run' | 'events'>): string {
  return formatFacts(look, `Run ${run.number}`, [
    ...listOrigin(run),
    ...listState(look, run, events),
    ...listWork(run, events),
    ...listProcesses(run),
    ...listNames(run),
    ...listRelations(run),
  ]);
}

function listOrigin(run: RunView): Fact[] {
  const permission = run.permission === null ? '' : `, permission ${run.permission}`;
  return [
    ['agent', run.agentName === null ? null : `${clean(run.agentName)} (${run.adapter}${permission})`],
    ['task', run.taskId === null ? null : formatTask(run)],
    ['asked', cleanFact(run.title)],
    ['command', clean(formatCommand(run.command))],
    ['folder', clean(run.cwd)],
  ];
}

function listState(look: TextStyle, run: RunView, events: readonly EventView[]): Fact[] {
  const isJudged = run.livenessState !== null && run.status !== 'cancelled';
  return [
    ['status', `${formatStatus(run, look)}${formatEnd(run) ? ` (${formatEnd(run)})` : ''}`],
    ['error', cleanFact(run.error)],
    ['remark', run.remark],
    ['limit', formatLimits(run, events)],
    ['last error', formatLastError(run)],
    ['retrying', run.retrying === null ? null : `${formatRetrying(run)}: ${clean(run.retrying.message)}`],
    ['open again', run.resetsAt === null ? null : formatMoment(run.resetsAt).slice(0, 19)],
    ['verdict', isJudged ? `${run.livenessState}: ${clean(run.livenessReason ?? '')}` : null],
    ['then', run.decision === null ? null : `${run.decision.action}: ${clean(run.decision.reason)}`],
    ['next', cleanFact(run.nextAction)],
  ];
}

function listWork(run: RunView, events: readonly EventView[]): Fact[] {
  return [
    ['did', formatEvidence(run)],
    ...lastReports(events).map((report): Fact => ['reported', formatReport(report)]),
    ['work folder', formatWorkspace(run)],
    ['said', cleanFact(run.lastMessage)],
    ['used', usedBy(run)],
    ['session', formatSession(run)],
    ['waits for', cleanFact(run.waitingFor)],
    ['time', run.startedAt === null ? null : formatElapsed(run, Date.now())],
  ];
}

function listProcesses(run: RunView): Fact[] {
  const silence = run.silence === null ? '' : `, ${run.silence}`;
  return [
    ['process', run.processPid === null ? null : `${run.processPid}${silence}`],
    ['uses', run.cpuPercent === null ? null : `${run.cpuPercent} % CPU, ${formatSize(run.memoryBytes)}`],
    ['output', formatOutput(run)],
    ['logs', formatLogs(run)],
    ['left behind', formatLeaked(run)],
    ['not seen', formatUnexamined(run)],
    ['held by', formatContainment(run)],
  ];
}

function listNames(run: RunView): Fact[] {
  const labels = Object.entries(run.labels).map(([key, value]) => `${key}=${value}`);
  return [
    ['name', cleanFact(run.name)],
    ['group', cleanFact(run.group)],
    ['labels', labels.length === 0 ? null : clean(labels.join(' '))],
    ['locks', run.locks.length === 0 ? null : clean(run.locks.join(' '))],
    ['key', cleanFact(run.key)],
  ];
}

function listRelations(run: RunView): Fact[] {
  return [
    ['environment', formatEnvironment(run)],
    ['inside run', run.parentRun === null ? run.parentRunId : String(run.parentRun)],
    ['repeated by', run.retriedBy === null ? null : `run ${run.retriedBy}`],
    ['retry of', run.retryOfRunId === null ? null : `${formatRetried(run)} (${run.retryReason})`],
    ['id', run.id],
  ];
}

function formatOutput({ stdoutBytes, stderrBytes, stderrPath }: RunView): string | null {
  if (stdoutBytes === null && stderrBytes === null) return null;
  const stderr = stderrPath === null ? 'stderr merged into it' : `${formatSize(stderrBytes)} stderr`;
  return `${formatSize(stdoutBytes)} stdout, ${stderr}`;
}

function formatLogs({ startedAt, logsRemovedAt, stdoutPath }: RunView): string | null {
  if (startedAt === null) return null;
  return logsRemovedAt === null ? clean(stdoutPath) : `removed on ${formatMoment(logsRemovedAt).slice(0, 10)}`;
}

function formatLeaked({ leaked }: RunView): string | null {
  if (leaked === null || leaked.length === 0) return null;
  return leaked
    .map(({ pid, command, ended }) => `${clean(command)} (pid ${pid}, ${ended ? 'ended' : 'still there'})`)
    .join(', ');
}

/** Formats the time limit of a run, and the budget limit that it has reached. */
function formatLimits(run: RunView, events: readonly EventView[]): string | null {
  const time = run.timeoutConfigured
    ? `${formatDuration(run.effectiveTimeoutSec * 1_000)}${run.timeoutFired ? ', reached' : ''}`
    : null;
  const { words, remedy } = (events.findLast(({ type }) => type === 'budget-reached')?.data ?? {}) as {
    words?: string;
    remedy?: string;
  };
  const reached = [words, remedy]
    .flatMap((text) => (text === undefined ? [] : `${sentenceCase(clean(text))}.`))
    .join(' ');
  return [time, reached].filter((part) => part !== null && part !== '').join('. ') || null;
}

function sentenceCase(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

/** Formats how the processes of a run are identified. */
function formatContainment({ containment }: RunView): string | null {
  switch (containment) {
    case 'cgroup':
      return 'a control group of its own';
    case 'pid-namespace':
      return 'a pid namespace of its own';
    case 'mark':
      return 'the marks of its processes';
    case null:
      return null;
  }
}

function formatUnexamined({ unexamined }: RunView): string | null {
  if (unexamined === null || unexamined === 0) return null;
  const which = plural(unexamined, 'process', 'processes');
  return `${which} of yours could not be looked at, and may have been left behind by it`;
}

/** Formats `T7, continuation attempt 1 of 2; cause: the last run only planned, or said nothing`. */
function formatTask({ taskId, continuationAttempt, maxContinuationAttempts, wakeReason }: RunView): string {
  const attempt = continuationAttempt
    ? `, continuation attempt ${formatPart(continuationAttempt, maxContinuationAttempts)}`
    : '';
  return `T${taskId}${attempt}${wakeReason === null ? '' : `; cause: ${formatWakeReason(wakeReason)}`}`;
}

/** Formats whose environment a run started from. Returns null when it was its submitter's. */
function formatEnvironment({ environmentSource, taskId }: RunView): string | null {
  switch (environmentSource) {
    case 'task':
      return `of the person who assigned or last continued T${taskId}`;
    case 'timer':
      return "of the person who set the agent's timer";
    case 'daemon':
      return "the daemon's own, as no person's was kept";
    default:
      return null;
  }
}

type Reported = Pick<ReportView, 'kind' | 'text' | 'who'>;

/** Returns the last report of each kind, in order. */
function lastReports(events: readonly EventView[]): readonly Reported[] {
  const reports = events.flatMap(({ type, data }) => (type === 'report' ? [data as Reported] : []));
  return reports.filter((report, index) => !reports.slice(index + 1).some(({ kind }) => kind === report.kind));
}

function formatEvidence({ evidence }: RunView): string | null {
  if (evidence === null) return null;
  const { toolCalls, commands, commandsFailed, commandsOpen, filesChanged, commits, comments, documents, reports } =
    evidence;
  const details = [
    commandsFailed > 0 ? `${commandsFailed} failed` : null,
    commandsOpen > 0 ? `${commandsOpen} not ended` : null,
  ].filter((part) => part !== null);
  const ran = `${plural(commands + commandsOpen, 'command')}${details.length === 0 ? '' : ` (${details.join(', ')})`}`;
  const left = [
    [commits, 'commit'],
    [comments, 'comment'],
    [documents, 'document'],
    [reports, 'report'],
  ] as const;
  const more = left.map(([count, what]) => (count ? `, ${plural(count, what)}` : '')).join('');
  return `${plural(toolCalls, 'tool call')}, ${ran}, ${plural(filesChanged, 'file')} changed${more}`;
}

/**
 * Formats `3 files changed (+12 −4): a.ts, b.ts, c.ts, 1 commit, something is not committed`. Changes of others are
 * included.
 */
function formatWorkspace({ workspace }: RunView): string | null {
  if (workspace === null) return null;
  const { filesChanged, insertions, deletions, commits, dirty, files: named } = workspace;
  const shown = named.slice(0, namesShown).map(({ path }) => clean(path));
  const more = (filesChanged ?? named.length) - shown.length;
  const names = shown.length === 0 ? '' : `: ${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  const lines = insertions === null ? '' : ` (+${insertions} −${deletions ?? 0})`;
  const files =
    filesChanged === null
      ? `changed files not counted${names}`
      : `${plural(filesChanged, 'file')} changed${lines}${names}`;
  return [files, commits ? plural(commits, 'commit') : null, dirty ? 'something is not committed' : null]
    .filter((part) => part !== null)
    .join(', ');
}

/** The number of changed files that are named on one line. */
const namesShown = 5;

function formatSession({ sessionIdBefore, sessionIdAfter }: RunView): string | null {
  if (sessionIdAfter === null) return sessionIdBefore === null ? null : `${clean(sessionIdBefore)}, gone on with`;
  return `${clean(sessionIdAfter)}${sessionIdBefore === sessionIdAfter ? ', gone on with' : ''}`;
}
