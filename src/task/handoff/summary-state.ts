/** Where the work stands: what clip has observed, what an agent claims, and what the last runs were. */

import { lastOf } from '../reports.ts';
import { isUseful } from '../verdict/prose.ts';
import { line, type Piece } from './pieces.ts';
import { inlineCode } from './quoted.ts';
import type { CleanInput, SummaryRun, SummaryTask } from './summary-input.ts';
import { countWords, lastedWords, name, ownWords, runWords, timeWords } from './summary-words.ts';

/** Leaves room in the section for what else there is to say. */
const claimLength = 600;
const documentsShown = 6;
/** Long enough for any folder, branch or session that people work with. */
const placeLength = 200;

export function stateOf({ task, runs, documents }: CleanInput): readonly Piece[] {
  const claimed = claimOf(runs);
  return [line(`- Observed: ${observed(runs)}`), line(`- Not committed: ${uncommitted(runs)}`), line(`- Not done: ${notDone(task, runs)}`)]
    .concat(documents.length === 0 ? [] : [line(`- Documents: ${documentWords(documents)}`)])
    .concat(claimed === null ? [line('- Claimed: nothing was said.')] : [claimed]);
}

function observed(runs: readonly SummaryRun[]): string {
  if (runs.length === 0) return 'nothing, for no run has ended yet.';
  const sum = (of: (run: SummaryRun) => number | null | undefined) => runs.reduce((total, run) => total + (of(run) ?? 0), 0);
  const commits = sum(({ workspace }) => workspace?.commits);
  const changed = sum(({ workspace }) => workspace?.filesChanged);
  const paths = new Set(runs.flatMap(({ account }) => Object.keys(account?.files ?? {}))).size;
  const commands = sum(({ account }) => account?.commands);
  const failed = sum(({ account }) => account?.commandsFailed);
  const parts = [
    commits > 0 ? countWords(commits, 'commit') : null,
    headWords(runs),
    changed > 0 ? `${countWords(changed, 'file')} changed in the work folder${lineWords(runs)}` : null,
    paths > 0 ? `${countWords(paths, 'file')} changed by its tools` : null,
    commands > 0 ? `${countWords(commands, 'command')}${failed > 0 ? `, ${failed} of them failed` : ''}` : null,
  ].filter((part) => part !== null);
  return `${parts.length === 0 ? 'no commits, changed files or commands' : parts.join('; ')}, in the last ${countWords(runs.length, 'run')}.`;
}

function headWords(runs: readonly SummaryRun[]): string | null {
  const from = runs.findLast(({ workspace }) => workspace?.headBefore != null)?.workspace?.headBefore;
  const to = runs.find(({ workspace }) => workspace?.headAfter != null)?.workspace?.headAfter;
  return from == null || to == null || from === to ? null : `HEAD went from ${inlineCode(from, placeLength)} to ${inlineCode(to, placeLength)}`;
}

function lineWords(runs: readonly SummaryRun[]): string {
  const insertions = runs.reduce((sum, { workspace }) => sum + (workspace?.insertions ?? 0), 0);
  const deletions = runs.reduce((sum, { workspace }) => sum + (workspace?.deletions ?? 0), 0);
  // Without git nobody counts lines.
  return runs.every(({ workspace }) => workspace?.insertions == null) ? '' : ` (+${insertions} -${deletions} lines)`;
}

/** The newest look counts; a run that never started has looked at nothing. */
function uncommitted(runs: readonly SummaryRun[]): string {
  const workspace = runs.find((run) => run.workspace?.dirty != null)?.workspace;
  if (workspace?.dirty == null) return 'not known; there is no git repository, or it could not be asked.';
  const seen = `when it was looked at, ${timeWords(workspace.seenAt)}`;
  return workspace.dirty ? `there are changes that are not committed, ${seen}. Look at them first.` : `nothing; all was committed ${seen}.`;
}

function notDone(task: SummaryTask, runs: readonly SummaryRun[]): string {
  switch (task.status) {
    case 'done':
      return 'nothing; the task is done.';
    case 'cancelled':
      return 'the rest is not wanted any more; the task was cancelled.';
    case 'in_review':
      return 'the review; the work was reported done.';
    default: {
      const reported = runs.find(({ reports }) => reports.some(({ kind }) => kind === 'done'));
      return reported === undefined
        ? `the task is ${task.status}, and no run has reported it done.`
        : `the task is ${task.status}, though run ${reported.number} reported it done.`;
    }
  }
}

function documentWords(documents: CleanInput['documents']): string {
  const shown = documents
    .slice(0, documentsShown)
    .map(({ key, revision, title, updatedAt }) => `${name(key)}${title === null ? '' : ` ${name(title)}`} (revision ${revision}, ${timeWords(updatedAt)})`);
  const more = documents.length - shown.length;
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** The newest that says what was done: a report if there is one, else the last words. */
function claimOf(runs: readonly SummaryRun[]): Piece | null {
  for (const run of runs) {
    const report = lastOf(run.reports, 'summary') ?? lastOf(run.reports, 'done') ?? lastOf(run.reports, 'progress');
    const text = report?.text ?? run.account?.text ?? '';
    if (!isUseful(text)) continue;
    const what = report === null ? 'the last words' : `\`report ${report.kind}\``;
    return { kind: 'agent', label: ownWords(`Claimed, not observed: ${what} of ${runWords(run)}`), text, most: claimLength };
  }
  return null;
}

export function recentOf({ runs }: CleanInput): readonly Piece[] {
  if (runs.length === 0) return [line('None yet.')];
  return runs.map((run) => {
    const attempt = run.attempt > 0 ? `, continuation attempt ${run.attempt}` : '';
    const verdict = run.liveness === null ? '' : ` Verdict: ${run.liveness.state}.`;
    const who = run.agentName === null ? '' : ` (${name(run.agentName)})`;
    return line(
      `- Run ${run.number}${who} ${run.status} (${run.outcomeWords}), ${timeWords(run.endedAt)} ${lastedWords(run)}${attempt}.${verdict}${counters(run)}`,
    );
  });
}

function counters({ account, workspace, reports }: SummaryRun): string {
  const parts: readonly (readonly [number, string, string])[] = [
    [account?.toolCalls ?? 0, 'tool call', 'tool calls'],
    [account?.commands ?? 0, 'command', 'commands'],
    [account?.commandsFailed ?? 0, 'failed', 'failed'],
    [account === null ? 0 : Object.keys(account.files).length + account.filesMore, 'file', 'files'],
    [workspace?.commits ?? 0, 'commit', 'commits'],
    [reports.length, 'report', 'reports'],
  ];
  const words = parts.filter(([number]) => number > 0).map(([number, one, many]) => countWords(number, one, many));
  return words.length === 0 ? '' : ` ${words.join(', ')}.`;
}

export function resumeOf({ task, runs }: CleanInput): readonly Piece[] {
  const [run] = runs;
  if (run === undefined) return [line(`- Begin: \`clip continue T${task.number}\`.`)];
  const owner = runs.find(({ account }) => account?.sessionId != null) ?? run;
  const session = owner.account?.sessionId ?? null;
  const spent = run.errorCode === 'unknown_session' || run.errorCode === 'context_exhausted';
  const sessionLine = () => {
    if (session === null) return 'none is known; begin a new one.';
    if (session.length > placeLength) return `of ${owner.adapter}; it is too long to stand here, \`clip show ${owner.number}\` has it.`;
    return `${inlineCode(session, placeLength)} of ${owner.adapter} (run ${owner.number})${spent ? `; it cannot be gone on with (${run.errorCode}), begin a new one` : ''}.`;
  };
  const head = runs.find(({ workspace }) => workspace?.headAfter != null)?.workspace?.headAfter ?? null;
  return [
    line(`- Session: ${sessionLine()}`),
    line(`- Folder: ${inlineCode(run.cwd, placeLength)}`),
    line(`- Branch: ${run.branch === null ? 'not known' : inlineCode(run.branch, placeLength)}`),
    line(`- HEAD: ${head === null ? 'not known' : inlineCode(head, placeLength)}`),
  ];
}
