import type { Command } from 'commander';
import type { EventView, ReportView, RunView, ShowAnswer } from '../../protocol/answers.ts';
import type { Context } from '../context.ts';
import type { Choose } from '../verb.ts';
import { clean, commandWords, durationWords, elapsedWords, endWords, paint, plural, retryingWords, sizeWords, statusWords, usageWords } from '../words.ts';

/** The whole text is in the JSON. */
const reportShownLength = 200;

export function addShow(program: Command, choose: Choose): void {
  program
    .command('show <run>')
    .description('everything about one run, with its history')
    .option('--json', 'as JSON')
    .action((ref: string, options: { json?: boolean }) =>
      choose({ json: options.json ?? false }, async (context) => {
        const answer = await context.client().call<ShowAnswer>('GET', `/v1/runs/${encodeURIComponent(ref)}`);
        if (context.json) context.printJson(answer);
        else context.print(`${factsText(context, answer)}\n\n${historyText(context, answer.events)}`);
        return 0;
      }),
    );
}

function factsText({ look }: Context, { run, events }: ShowAnswer): string {
  const labels = Object.entries(run.labels).map(([key, value]) => `${key}=${value}`);
  const facts: [string, string | null][] = [
    ['agent', run.agentName === null ? null : `${clean(run.agentName)} (${run.adapter}${run.permission === null ? '' : `, permission ${run.permission}`})`],
    ['command', clean(commandWords(run.command))],
    ['folder', clean(run.cwd)],
    ['status', `${statusWords(run, look)}${endWords(run) ? ` (${endWords(run)})` : ''}`],
    ['error', run.error === null ? null : clean(run.error)],
    ['retrying', run.retrying === null ? null : `${retryingWords(run)}: ${clean(run.retrying.message)}`],
    ['open again', run.resetsAt],
    ['verdict', run.livenessState === null ? null : `${run.livenessState}: ${clean(run.livenessReason ?? '')}`],
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
    ['logs', run.startedAt === null ? null : clean(run.stdoutPath)],
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

type Reported = Pick<ReportView, 'kind' | 'text' | 'who'>;

/** The last one of each kind, in the order in which they came. */
function lastReports(events: readonly EventView[]): readonly Reported[] {
  const reports = events.flatMap(({ type, data }) => (type === 'report' ? [data as Reported] : []));
  return reports.filter((report, index) => !reports.slice(index + 1).some(({ kind }) => kind === report.kind));
}

/** `blocked (who: ops): no key for the registry`, the beginning of it. */
function reportWords({ kind, text, who }: Reported): string {
  const words = clean(text);
  const short = words.length > reportShownLength ? `${words.slice(0, reportShownLength - 1)}…` : words;
  return `${kind}${who === null ? '' : ` (who: ${clean(who)})`}: ${short}`;
}

function evidenceWords({ evidence }: RunView): string | null {
  if (evidence === null) return null;
  const { toolCalls, commands, commandsFailed, filesChanged } = evidence;
  const failed = commandsFailed === 0 ? '' : ` (${commandsFailed} failed)`;
  return `${plural(toolCalls, 'tool call')}, ${plural(commands, 'command')}${failed}, ${plural(filesChanged, 'file')} changed`;
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

function historyText({ look }: Context, events: readonly EventView[]): string {
  const rows = events.map(({ at, type, data }) => `  ${at.slice(0, 10)} ${at.slice(11, 23)}  ${type.padEnd(16)}${clean(detailOf(type, data))}`);
  return `${paint('History (UTC)', 1, look)}\n${rows.join('\n')}`;
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
  if (type === 'step-done') return String(data['step']);
  if (type === 'stop-requested') return `${data['order']}${data['now'] ? ', now' : ''}`;
  if (type === 'session') return [data['sessionId'], data['model'], data['permission']].filter((part) => typeof part === 'string').join(', ');
  if (type === 'result') return data['message'] === null ? 'well' : `${data['class'] ?? 'failed'}: ${data['message']}`;
  if (type === 'report') return reportWords(data as Reported);
  if (type === 'slept') return durationWords(Number(data['gapMs']));
  return typeof data['message'] === 'string' ? data['message'] : '';
}
