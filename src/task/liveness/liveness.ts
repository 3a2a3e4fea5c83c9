/**
 * The verdict on a finished run: what it achieved, and what comes next. The first rule from the top that matches
 * decides. The verdict is based on evidence. Text is only a hint, and in doubt it is ignored: `blocked` stops a task
 * and `plan_only` starts a run, while `needs_followup` does no harm.
 */
import type { EndedStatus, LivenessState } from '#run/run.ts';
import { type AgentReport, findLast, standingBlocker } from '../agent-reports.ts';
import { isClosed, type Task } from '../task.ts';
import { isPlanning } from './asks-for-plan.ts';
import { blockerIn } from './blockers.ts';
import { claimsDone } from './claims-done.ts';
import { type Evidence, formatCounters, isConcrete, lastUsefulAt } from './evidence.ts';
import { derivedNext, labelledNext, nextActionLength } from './next-action.ts';
import { bounded, isUseful, type Line, splitLines, withoutEcho } from './parse-message.ts';
import { onlyAnnounces } from './plan-only.ts';

export type LivenessInput = {
  readonly outcome: {
    readonly status: EndedStatus;
    readonly errorCode: string | null;
    readonly stopReason: string | null;
  };
  readonly task: Pick<Task, 'number' | 'title' | 'description' | 'kind' | 'status' | 'blockedReason'> | null;
  readonly evidence: Evidence;
  /** The agent's final message, never its raw stream. */
  readonly text: string;
  /** The reports of this run, oldest first. */
  readonly reports: readonly AgentReport[];
};

export type Liveness = {
  readonly state: LivenessState;
  /** The reason, in words. */
  readonly reason: string;
  readonly nextAction: string | null;
  readonly lastUsefulActionAt: number | null;
  /** Whether its last message claims that the work is done, and it reported no next step. */
  readonly claimsDone: boolean;
};

const reasonLength = 500;

/** Returns the verdict on a finished run, with its reason and the next action. */
export function classifyLiveness(input: LivenessInput): Liveness {
  const lines = withoutEcho(splitLines(input.text));
  const { state, reason } = verdict(input, lines);
  const useful = state === 'advanced' || state === 'completed' || state === 'blocked';
  return {
    state,
    reason: bounded(reason, reasonLength),
    nextAction: findNext(state, input, lines),
    lastUsefulActionAt: useful ? lastUsefulAt(input.evidence) : null,
    claimsDone: findLast(input.reports, 'next') === null && claimsDone(lines),
  };
}

type Verdict = Pick<Liveness, 'state' | 'reason'>;

function verdict(input: LivenessInput, lines: readonly Line[]): Verdict {
  const { outcome, task, evidence, text, reports } = input;
  if (outcome.status !== 'succeeded') return { state: 'failed', reason: formatEnd(outcome) };
  if (task !== null && isClosed(task.status))
    return { state: 'completed', reason: `Task T${task.number} is ${task.status}.` };
  const blocker = findBlocker(input, lines);
  if (blocker !== null) return { state: 'blocked', reason: blocker };
  const concrete = isConcrete(evidence);
  const announced = findLast(reports, 'next');
  const useful = isUseful(text) || announced !== null;
  if (!useful && !concrete)
    return { state: 'empty_response', reason: 'It succeeded, but said nothing and left no evidence of work.' };
  if (concrete) return { state: 'advanced', reason: `Evidence of work: ${formatCounters(evidence)}.` };
  if (task !== null && isPlanning(task))
    return { state: 'advanced', reason: `Task T${task.number} asks for words, and it gave some.` };
  if (onlyAnnounces(lines) || (announced !== null && !isUseful(text))) {
    return { state: 'plan_only', reason: 'It only announced what it will do, and left no evidence of work.' };
  }
  return { state: 'needs_followup', reason: 'It said something, but left no evidence of work.' };
}

function formatEnd({ status, errorCode, stopReason }: LivenessInput['outcome']): string {
  const code = errorCode === null ? '' : ` (${errorCode})`;
  const why =
    stopReason === null || stopReason === errorCode || stopReason === status ? '' : `, stop reason ${stopReason}`;
  return `The run ended as ${status}${code}${why}.`;
}

function findBlocker({ task, reports }: LivenessInput, lines: readonly Line[]): string | null {
  if (task?.status === 'blocked') {
    const why = task.blockedReason === null ? '' : `: ${task.blockedReason}`;
    return `Task T${task.number} is blocked${why}${why.endsWith('.') ? '' : '.'}`;
  }
  const report = standingBlocker(reports);
  if (report !== null) {
    const helper = report.who === null ? '' : ` (${report.who} can help)`;
    return `The agent reported that it is blocked${helper}: ${report.text}`;
  }
  const said = blockerIn(lines);
  return said === null ? null : `Its last words declare a blocker: ${said}`;
}

/**
 * Returns the next action. A report is the best source, then a label in the text. A likely action is derived only when
 * nothing was done yet.
 */
function findNext(state: LivenessState, { reports }: LivenessInput, lines: readonly Line[]): string | null {
  if (state === 'completed' || state === 'empty_response') return null;
  const reported = findLast(reports, 'next');
  if (reported !== null && isUseful(reported.text)) return bounded(reported.text, nextActionLength);
  if (state === 'failed') return null;
  const labelled = labelledNext(lines);
  if (labelled !== null) return labelled.action;
  return state === 'plan_only' || state === 'needs_followup' ? derivedNext(lines) : null;
}
