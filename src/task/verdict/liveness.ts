/**
 * The verdict on a finished run: did it achieve anything, and what comes next? The rules are tried from the
 * top, and the first that fits decides. Evidence is judged; text is a hint, and in doubt it hints at nothing:
 * `blocked` stops a task and `plan_only` starts a run, while `needs_followup` does neither harm.
 */
import type { EndedStatus } from '../../run/run.ts';
import { type AgentReport, lastOf, standingBlocker } from '../reports.ts';
import { isClosed, type Task } from '../task.ts';
import { blockerIn } from './blockers.ts';
import { countersWords, type Evidence, isConcrete, lastUsefulAt } from './evidence.ts';
import { onlyAnnounces } from './intents.ts';
import { derivedNext, labelledNext, nextActionLength } from './next-action.ts';
import { isPlanning } from './planning.ts';
import { bounded, isUseful, type Line, linesOf } from './prose.ts';

export const livenessStates = ['completed', 'advanced', 'plan_only', 'empty_response', 'blocked', 'failed', 'needs_followup'] as const;
export type LivenessState = (typeof livenessStates)[number];

export type LivenessInput = {
  readonly outcome: { readonly status: EndedStatus; readonly errorCode: string | null; readonly stopReason: string | null };
  readonly task: Pick<Task, 'number' | 'title' | 'description' | 'kind' | 'status' | 'blockedReason'> | null;
  readonly evidence: Evidence;
  /** The agent's final message; never its raw stream. */
  readonly text: string;
  /** What it reported in this run, oldest first. */
  readonly reports: readonly AgentReport[];
};

export type Liveness = {
  readonly state: LivenessState;
  /** Why, in words. */
  readonly reason: string;
  readonly nextAction: string | null;
  readonly lastUsefulActionAt: number | null;
};

const reasonLength = 500;

export function classifyLiveness(input: LivenessInput): Liveness {
  const lines = linesOf(input.text);
  const { state, reason } = verdict(input, lines);
  const useful = state === 'advanced' || state === 'completed' || state === 'blocked';
  return {
    state,
    reason: bounded(reason, reasonLength),
    nextAction: nextOf(state, input, lines),
    lastUsefulActionAt: useful ? lastUsefulAt(input.evidence) : null,
  };
}

type Verdict = Pick<Liveness, 'state' | 'reason'>;

function verdict(input: LivenessInput, lines: readonly Line[]): Verdict {
  const { outcome, task, evidence, text, reports } = input;
  if (outcome.status !== 'succeeded') return { state: 'failed', reason: endWords(outcome) };
  if (task !== null && isClosed(task.status)) return { state: 'completed', reason: `Task T${task.number} is ${task.status}.` };
  const blocker = blockerOf(input, lines);
  if (blocker !== null) return { state: 'blocked', reason: blocker };
  const concrete = isConcrete(evidence);
  const announced = lastOf(reports, 'next');
  const useful = isUseful(text) || announced !== null;
  if (!useful && !concrete) return { state: 'empty_response', reason: 'It succeeded, but said nothing and left no evidence of work.' };
  if (concrete) return { state: 'advanced', reason: `Evidence of work: ${countersWords(evidence)}.` };
  if (task !== null && isPlanning(task)) return { state: 'advanced', reason: `Task T${task.number} asks for words, and it gave some.` };
  if (onlyAnnounces(lines) || (announced !== null && !isUseful(text))) {
    return { state: 'plan_only', reason: 'It only announced what it will do, and left no evidence of work.' };
  }
  return { state: 'needs_followup', reason: 'It said something, but left no evidence of work.' };
}

function endWords({ status, errorCode, stopReason }: LivenessInput['outcome']): string {
  const code = errorCode === null ? '' : ` (${errorCode})`;
  const why = stopReason === null || stopReason === errorCode || stopReason === status ? '' : `, stop reason ${stopReason}`;
  return `The run ended as ${status}${code}${why}.`;
}

function blockerOf({ task, reports }: LivenessInput, lines: readonly Line[]): string | null {
  if (task?.status === 'blocked')
    return `Task T${task.number} is blocked${task.blockedReason === null ? '' : `: ${task.blockedReason}`}${task.blockedReason?.endsWith('.') ? '' : '.'}`;
  const report = standingBlocker(reports);
  if (report !== null) return `The agent reported that it is blocked${report.who === null ? '' : ` (${report.who} can help)`}: ${report.text}`;
  const said = blockerIn(lines);
  return said === null ? null : `Its last words declare a blocker: ${said}`;
}

/** A report says it best, then a label in the text. What is only likely is named where nothing was done yet. */
function nextOf(state: LivenessState, { reports }: LivenessInput, lines: readonly Line[]): string | null {
  if (state === 'completed' || state === 'empty_response') return null;
  const reported = lastOf(reports, 'next');
  if (reported !== null && isUseful(reported.text)) return bounded(reported.text, nextActionLength);
  if (state === 'failed') return null;
  const labelled = labelledNext(lines);
  if (labelled !== null) return labelled.action;
  return state === 'plan_only' || state === 'needs_followup' ? derivedNext(lines) : null;
}
