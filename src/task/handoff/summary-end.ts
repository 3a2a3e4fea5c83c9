/** How the last run stopped, what stands in the way, and what comes next. */

import { type AgentReport, lastOf, standingBlocker } from '../reports.ts';
import { isUseful } from '../verdict/prose.ts';
import { line, type Piece } from './pieces.ts';
import { inlineCode } from './quoted.ts';
import type { CleanInput, SummaryComment, SummaryRun } from './summary-input.ts';
import { lastedWords, name, ownWords, runWords, timeWords } from './summary-words.ts';

/** The first lines of an error say what it is, the rest is a trace. */
const errorLength = 500;
const reasonLength = 450;
const commentLength = 350;
const personComments = 5;
const agentComments = 2;
const toolLength = 120;

export function blockersOf({ task, runs, comments }: CleanInput): readonly Piece[] {
  const blocker = blockerOf(runs);
  const [run] = runs;
  const pieces: readonly Piece[] = [
    ...(task.status !== 'blocked' ? [] : [line(`- Task T${task.number} is blocked: a person must act before it can go on.`), ...reason(task.blockedReason)]),
    ...(blocker === null ? [] : [agent(`${blocker.what} of ${runWords(blocker.run)}`, blocker.text, reasonLength)]),
    ...(run?.errorCode == null ? [] : [line(`- Run ${run.number} ended with the error code ${inlineCode(run.errorCode, toolLength)}; see below.`)]),
    ...newest(comments, true, personComments).map(comment),
    ...newest(comments, false, agentComments).map(comment),
  ];
  return pieces.length === 0 ? [line('None that was recorded.')] : pieces;
}

/** Set by a person or from a report: so it may be anybody's words. */
function reason(text: string | null): readonly Piece[] {
  return text === null ? [] : [agent('Why', text, reasonLength)];
}

function agent(what: string, text: string, most: number): Piece {
  const label = ownWords(what);
  return { kind: 'agent', label, text, most: most + label.length };
}

type Blocker = { readonly run: SummaryRun; readonly what: string; readonly text: string };

/** The newest one, unless a later run got on without mentioning it. */
function blockerOf(runs: readonly SummaryRun[]): Blocker | null {
  for (const run of runs) {
    const report: AgentReport | null = standingBlocker(run.reports);
    if (report !== null) return { run, what: 'Blocker: `report blocked`', text: report.text };
    if (run.liveness?.state === 'blocked') return { run, what: 'Blocker: the verdict', text: run.liveness.reason };
    if (run.liveness?.state === 'advanced' || run.liveness?.state === 'completed' || lastOf(run.reports, 'done') !== null) return null;
  }
  return null;
}

function newest(comments: readonly SummaryComment[], byPerson: boolean, most: number): readonly SummaryComment[] {
  return comments
    .filter((each) => each.byPerson === byPerson && each.text.trim() !== '')
    .slice(-most)
    .reverse();
}

function comment({ author, text, at, byPerson }: SummaryComment): Piece {
  if (!byPerson) return agent(`Comment of ${name(author)}, ${timeWords(at)}`, text, commentLength);
  return { kind: 'person', label: `Comment of a person, ${name(author)}, ${timeWords(at)}:`, text, most: commentLength + 150 };
}

export function stopOf({ runs }: CleanInput): readonly Piece[] {
  const [run] = runs;
  if (run === undefined) return [line('No run has ended yet.')];
  const open = Object.values(run.account?.openTools ?? {});
  const refused = run.account?.denials.tools ?? [];
  const resets = run.account?.limitResetsAt ?? null;
  return [
    line(`- Run ${run.number} ended as ${run.status} (${run.outcomeWords}) at ${timeWords(run.endedAt)}, ${lastedWords(run)}.`),
    line(`- Stop reason: ${run.stopReason}. ${stopWords(run.stopReason)}`.trimEnd()),
    ...(run.errorCode === null ? [] : [line(`- Error code: ${inlineCode(run.errorCode, toolLength)}.`)]),
    ...(run.error === null || run.error.trim() === '' ? [] : [agent('Its error', run.error, errorLength)]),
    ...(resets === null ? [] : [line(`- The provider's limit opens again at ${timeWords(resets)}.`)]),
    ...open.slice(0, 3).map(({ command, tool }) => line(`- Under way then: ${inlineCode(command ?? tool, toolLength)}. It may or may not have taken effect.`)),
    ...(refused.length === 0 ? [] : [line(`- It was refused: ${refused.map((tool) => name(tool)).join(', ')}.`)]),
  ];
}

function stopWords(stopReason: string): string {
  return Object.hasOwn(stops, stopReason) ? (stops[stopReason] ?? '') : '';
}

const stops: Readonly<Record<string, string>> = {
  completed: 'It ended by itself.',
  timeout: 'It ran into its time limit in the middle of the work.',
  silence: 'It said and did nothing for too long.',
  output_limit: 'It wrote more than it may.',
  cancelled: 'It was cancelled.',
  paused: 'Its agent was paused.',
  budget_paused: 'Its budget was used up.',
  process_lost: 'Its process was lost; how it ended is not known.',
  not_started: 'Its process never came about.',
  dependency_failed: 'The run that had to succeed before it did not.',
  rate_limited: 'The provider let it go no further for now.',
  context_exhausted: 'Its session was full.',
  max_turns_exhausted: 'It had used up its turns.',
};

/** What the last run itself names comes first; what an older one named never outlives a run that succeeded. */
export function nextOf({ task, runs }: CleanInput): readonly Piece[] {
  switch (task.status) {
    case 'done':
      return [line('- Nothing: the task is done.')];
    case 'cancelled':
      return [line('- Nothing: the task was cancelled.')];
    case 'in_review':
      return [line('- Nothing for an agent: wait for the reviewer. If the review asks for more, that is the next action.')];
    default: {
      const [run] = runs;
      if (run === undefined) return [line('- Begin the work: look at the present state, then do what the objective asks.')];
      const blocked = task.status === 'blocked' ? [line('- First a person must remove what blocks the task (see above). Then:')] : [];
      return [...blocked, ...nextAfter(run, runs.slice(1))];
    }
  }
}

function nextAfter(run: SummaryRun, older: readonly SummaryRun[]): readonly Piece[] {
  const named = namedBy(run);
  const step = named === null ? [] : [agent(`Next step, named by ${runWords(run)}`, named, reasonLength)];
  if (run.status === 'succeeded')
    return step.length > 0
      ? [...step, line('- Check it against the objective and the present state, then do it in this run.')]
      : [line(`- ${afterSuccess(run)}`)];
  if (step.length > 0) return [line(`- ${afterTrouble(run)}`), ...step];
  const before = older.find(({ status }) => status === 'succeeded');
  const was = before === undefined ? null : namedBy(before);
  return [
    line(`- ${afterTrouble(run)}`),
    ...(before === undefined || was === null ? [] : [agent(`Before it, ${runWords(before)} had named as the next step`, was, reasonLength)]),
  ];
}

function namedBy(run: SummaryRun): string | null {
  const said = lastOf(run.reports, 'next')?.text ?? run.liveness?.nextAction ?? null;
  return said !== null && isUseful(said) ? said : null;
}

function afterSuccess({ number, liveness }: SummaryRun): string {
  switch (liveness?.state) {
    case 'plan_only':
      return `Run ${number} only announced what to do. Do it in this run.`;
    case 'empty_response':
      return `Run ${number} did and said nothing. Do what the objective asks.`;
    case 'blocked':
      return `Find out whether what blocked run ${number} still stands. If it does not, go on; if it does, report it with \`clip report blocked\`.`;
    default:
      return 'Compare the present state with the acceptance criteria, do what is missing, and report it done when nothing is.';
  }
}

const persons: Readonly<Record<string, string>> = {
  auth_required: 'A person must log the agent in.',
  quota_exhausted: 'A person must give the account credit or budget.',
  permission_denied: 'A person must allow it more, or the work must be done another way.',
};

function afterTrouble({ number, status, stopReason, errorCode }: SummaryRun): string {
  const code = errorCode ?? stopReason;
  if (Object.hasOwn(persons, code)) return `${persons[code]} Then go on from the last action above.`;
  if (stopReason === 'process_lost') return `The process of run ${number} was lost. Look at what has taken effect, then go on from the last action above.`;
  if (code === 'rate_limited' || code === 'provider_unavailable') return 'The provider refused it for a while. Go on from the last action above.';
  if (code === 'context_exhausted' || code === 'max_turns_exhausted' || code === 'unknown_session')
    return 'Go on from the last action above, in a new session if need be.';
  if (status === 'timed_out')
    return `Run ${number} was stopped by a limit (${stopReason}). Look at what has taken effect, then go on from the last action above in smaller steps.`;
  if (status === 'cancelled')
    return `Run ${number} was stopped on purpose (${stopReason}). Find out whether the work is still wanted as it is, then go on from the last action above.`;
  return `Find out why run ${number} failed (${inlineCode(code, toolLength)}), mend the cause, then go on from the last action above.`;
}
