/** The state of the work: what clip observed, what an agent claims, and what the last runs were. */

import { cutBeginning, cutText } from '#run/cut-text.ts';
import { findLast } from '../agent-reports.ts';
import { isUseful } from '../liveness/parse-message.ts';
import { line, type SectionPiece } from './fit-section.ts';
import { cutMark, inlineCode } from './quote.ts';
import {
  findSinceTask,
  formatCount,
  formatEndTime,
  formatLasted,
  formatOwn,
  formatRun,
  formatTime,
  name,
  openCommands,
} from './summary-format.ts';
import type { CleanInput, SummaryRun, SummaryTask } from './summary-input.ts';

/** Leaves room in the section for the other lines. */
const claimLength = 600;
const documentsShown = 6;
/** Longer than any usual folder, branch or session id. */
const placeLength = 200;

/** Builds the section on the state of the work. */
export function buildState({ task, runs, documents }: CleanInput): readonly SectionPiece[] {
  const pieces = [
    line(`- Observed: ${observed(runs)}`),
    line(`- Not committed: ${formatUncommitted(runs)}`),
    line(`- Not done: ${notDone(task, runs)}`),
  ];
  if (documents.length > 0) pieces.push(line(`- Documents: ${formatDocuments(documents)}`));
  pieces.push(buildClaim(runs) ?? line('- Claimed: nothing was said.'));
  return pieces;
}

function observed(runs: readonly SummaryRun[]): string {
  if (runs.length === 0) return 'nothing, for no run has ended yet.';
  const sum = (of: (run: SummaryRun) => number | null | undefined) =>
    runs.reduce((total, run) => total + (of(run) ?? 0), 0);
  const open = sum(({ streamState }) => openCommands(streamState).length);
  const commands = sum(({ streamState }) => streamState?.commands) + open;
  const failed = sum(({ streamState }) => streamState?.commandsFailed);
  const details = [failed > 0 ? `${failed} failed` : null, open > 0 ? `${open} not ended` : null].filter(
    (part) => part !== null,
  );
  const ran =
    commands === 0
      ? 'no commands'
      : `${formatCount(commands, 'command')}${details.length === 0 ? '' : ` (${details.join(', ')})`}`;
  return `${formatFolderChange(runs)}; ${ran} in the last ${formatCount(runs.length, 'run')}.`;
}

/** Describes the difference from the beginning of the task, so that files changed by several runs are counted once. */
export function formatFolderChange(runs: readonly SummaryRun[]): string {
  const since = findSinceTask(runs);
  if (since === null) return 'what changed in the work folder is not known';
  const { commits, filesChanged, insertions, deletions } = since;
  const lines = insertions === null || deletions === null ? '' : ` (+${insertions} -${deletions} lines)`;
  const parts = [
    commits !== null && commits > 0 ? formatCount(commits, 'commit') : null,
    formatHead(runs),
    filesChanged === null
      ? 'how many files changed is not known'
      : filesChanged > 0
        ? `${formatCount(filesChanged, 'file')} changed${lines}`
        : null,
  ].filter((part) => part !== null);
  return `${parts.length === 0 ? 'nothing changed' : parts.join('; ')} in the work folder since run ${since.run} began`;
}

function formatHead(runs: readonly SummaryRun[]): string | null {
  const from = runs.findLast(({ workspace }) => workspace?.headBefore != null)?.workspace?.headBefore;
  const to = runs.find(({ workspace }) => workspace?.headAfter != null)?.workspace?.headAfter;
  return from == null || to == null || from === to
    ? null
    : `HEAD went from ${inlineCode(from, placeLength)} to ${inlineCode(to, placeLength)}`;
}

/** Describes uncommitted changes, from the newest snapshot. A run that never started has none. */
export function formatUncommitted(runs: readonly SummaryRun[]): string {
  const workspace = runs.find((run) => run.workspace?.dirty != null)?.workspace;
  if (workspace?.dirty == null) return 'not known; there is no git repository, or it could not be asked.';
  const seen = `when it was looked at, ${formatTime(workspace.seenAt)}`;
  return workspace.dirty
    ? `there are changes that are not committed, ${seen}. Look at them first.`
    : `nothing; all was committed ${seen}.`;
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

/** Formats the documents of a task, a few of them with name and revision. */
export function formatDocuments(documents: CleanInput['documents']): string {
  const shown = documents
    .slice(0, documentsShown)
    .map(
      ({ key, revision, title, updatedAt }) =>
        `${name(key)}${title === null ? '' : ` ${name(title)}`} (revision ${revision}, ${formatTime(updatedAt)})`,
    );
  const more = documents.length - shown.length;
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** Returns the newest claim of work done: a report if there is one, otherwise the last message. */
export function buildClaim(runs: readonly SummaryRun[]): SectionPiece | null {
  for (const run of runs) {
    const report =
      findLast(run.reports, 'summary') ?? findLast(run.reports, 'done') ?? findLast(run.reports, 'progress');
    const text = report?.text ?? cutMiddle(run.streamState?.text ?? '');
    if (!isUseful(text)) continue;
    const what = report === null ? 'the last words' : `\`report ${report.kind}\``;
    return {
      kind: 'agent',
      label: formatOwn(`Claimed, not observed: ${what} of ${formatRun(run)}`),
      text,
      most: claimLength,
    };
  }
  return null;
}

/**
 * Returns the first line and the end of a long last message. The end is where an agent says what came of its work, and a
 * plain program may say it at once.
 */
function cutMiddle(text: string): string {
  const [head = '', ...lines] = text.trim().split('\n');
  const first = cutText(head, firstLineLength);
  let left = claimLength - claimFrameLength - first.length;
  if (text.length + lines.length * lineFrameLength <= left) return text;
  const kept: string[] = [];
  for (let line = lines.pop(); line !== undefined; line = lines.pop()) {
    left -= line.length + lineFrameLength;
    if (left < 0) {
      if (kept.length === 0) kept.unshift(cutBeginning(line, Math.max(0, left + line.length)));
      break;
    }
    kept.unshift(line);
  }
  return [first, cutMark, ...kept].join('\n');
}

const firstLineLength = 120;
/** What the marks of a quotation take of its length: in all, and for each line. */
const claimFrameLength = 80;
const lineFrameLength = 3;

/** Builds the section on the recent runs, a line for each. */
export function buildRecent({ runs }: CleanInput): readonly SectionPiece[] {
  if (runs.length === 0) return [line('None yet.')];
  return runs.map((run) => {
    const attempt = run.attempt > 0 ? `, continuation attempt ${run.attempt}` : '';
    const verdict = run.liveness === null ? '' : ` Verdict: ${run.liveness.state}.`;
    const who = run.agentName === null ? '' : ` (${name(run.agentName)})`;
    const how = `${run.status} (${run.outcomeWords}), ${formatEndTime(run)} ${formatLasted(run)}`;
    return line(`- Run ${run.number}${who} ${how}${attempt}.${verdict}${counters(run)}`);
  });
}

function counters({ streamState, workspace, reports }: SummaryRun): string {
  const parts: readonly (readonly [number, string, string])[] = [
    [streamState?.toolCalls ?? 0, 'tool call', 'tool calls'],
    [(streamState?.commands ?? 0) + openCommands(streamState).length, 'command', 'commands'],
    [streamState?.commandsFailed ?? 0, 'failed', 'failed'],
    [openCommands(streamState).length, 'not ended', 'not ended'],
    [filesOfRun(workspace, streamState), 'file', 'files'],
    [workspace?.own?.commits ?? 0, 'commit', 'commits'],
    [reports.length, 'report', 'reports'],
  ];
  const words = parts.filter(([number]) => number > 0).map(([number, one, many]) => formatCount(number, one, many));
  return words.length === 0 ? '' : ` ${words.join(', ')}.`;
}

/**
 * Returns the number of files that the run changed. Where that was not determined, files count that its tools report as
 * written.
 */
function filesOfRun(workspace: SummaryRun['workspace'], streamState: SummaryRun['streamState']): number {
  return (
    workspace?.own?.files ?? (streamState === null ? 0 : Object.keys(streamState.files).length + streamState.filesMore)
  );
}

/** `owner`: the newest run with a session. `last`: the newest run, which tells whether the session can be resumed. */
function describeSession({ streamState, adapter, number }: SummaryRun, last: SummaryRun): string {
  const session = streamState?.sessionId ?? null;
  if (session === null) return 'none is known; begin a new one.';
  if (session.length > placeLength)
    return `of ${adapter}; it is too long to stand here, \`clip show ${number}\` has it.`;
  const isSpent = last.errorCode === 'unknown_session' || last.errorCode === 'context_exhausted';
  const advice = isSpent ? `; it cannot be gone on with (${last.errorCode}), begin a new one` : '';
  return `${inlineCode(session, placeLength)} of ${adapter} (run ${number})${advice}.`;
}

/** Builds the section on how to resume: session, folder, branch and HEAD. */
export function buildResume({ task, runs }: CleanInput): readonly SectionPiece[] {
  const [run] = runs;
  if (run === undefined) return [line(`- Begin: \`clip continue T${task.number}\`.`)];
  const owner = runs.find(({ streamState }) => streamState?.sessionId != null) ?? run;
  const head = runs.find(({ workspace }) => workspace?.headAfter != null)?.workspace?.headAfter ?? null;
  return [
    line(`- Session: ${describeSession(owner, run)}`),
    line(`- Folder: ${inlineCode(run.cwd, placeLength)}`),
    line(`- Branch: ${run.branch === null ? 'not known' : inlineCode(run.branch, placeLength)}`),
    line(`- HEAD: ${head === null ? 'not known' : inlineCode(head, placeLength)}`),
  ];
}
