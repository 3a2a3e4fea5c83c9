/**
 * The beginning of the prompt of a run that follows another: what to do now, how the last run ended, and the words of
 * an agent that this refers to. It gives no advice that the records do not support.
 */
import { isClipsSentence } from '#run/error-author.ts';
import { standingBlocker } from '../agent-reports.ts';
import { isClipsSentence as isClips } from '../clips-words.ts';
import { inlineCode } from './quote.ts';
import type { SummaryRun } from './summary-input.ts';
import { findNamedStep, formatKilled, isKilled } from './summary-outcome.ts';

export type Imperative = {
  readonly text: string;
  /** The words of an agent that the text refers to, or null. */
  readonly quoted: string | null;
};

export type ImperativeInput = {
  readonly task: number;
  /** The last run. */
  readonly run: SummaryRun;
  /** The next step that clip has chosen, in the words of an agent. */
  readonly step: string | null;
  /** Whether a person asks for something of their own. */
  readonly asked: boolean;
  readonly resumed: boolean;
};

const commandLength = 80;

/** Returns what a run that follows another is told first. */
export function buildImperative({ task, run, step: chosen, asked, resumed }: ImperativeInput): Imperative {
  const step = [chosen, findNamedStep(run)].find((each) => each !== null && !isClips(each)) ?? null;
  const goOn = asked ? `Do what is asked below, for task T${task}.` : `Go on with task T${task}.`;
  if (run.status !== 'succeeded') return afterTrouble(run, goOn);
  if (asked) return { text: goOn, quoted: null };
  const { number } = run;
  const asFar = `as far as task T${task} asks for it`;
  const blocker = standingBlocker(run.reports);
  if (blocker !== null) {
    const if_ = 'if it still does, report it again with `clip report blocked`';
    return { text: `${goOn} What is quoted here blocked run ${number}; ${if_}.`, quoted: blocker.text };
  }
  if (step !== null) {
    const what =
      run.liveness?.state === 'plan_only'
        ? `${resumed ? `You announced this step in run ${number}` : `Run ${number} announced this step`}, and did nothing.`
        : `${resumed ? `You named this step in run ${number}` : `Run ${number} named this step`}.`;
    return { text: `${what} Do it now, in this run, ${asFar}:`, quoted: step };
  }
  if (run.liveness?.state === 'empty_response')
    return {
      text: `Run ${number} did and said nothing. Take the first concrete step of task T${task} now.`,
      quoted: null,
    };
  return { text: `${goOn} Report it done when nothing is missing.`, quoted: null };
}

function afterTrouble(run: SummaryRun, goOn: string): Imperative {
  const { error, stopReason } = run;
  const isOwn = error !== null && error.trim() !== '' && !isClipsSentence(stopReason, error) && findStop(run) === null;
  const text = [goOn, formatStop(run), ...underWay(run)].join(' ');
  return isOwn ? { text: `${text} Its error:`, quoted: error } : { text, quoted: null };
}

function formatStop(run: SummaryRun): string {
  if (isKilled(run)) return `The process of run ${run.number} ${formatKilled(run)}.`;
  const stop = findStop(run);
  return stop === null ? `Run ${run.number} failed (${run.outcomeWords}).` : `Run ${run.number} stopped: ${stop}.`;
}

function findStop({ stopReason, errorCode }: SummaryRun): string | null {
  const code = errorCode !== null && Object.hasOwn(stops, errorCode) ? errorCode : stopReason;
  return Object.hasOwn(stops, code) ? (stops[code] ?? null) : null;
}

const stops: Readonly<Record<string, string>> = {
  timeout: 'it ran into its time limit',
  silence: 'it said and did nothing for too long',
  output_limit: 'it wrote more than it may',
  cancelled: 'it was cancelled',
  paused: 'its agent was paused',
  budget_paused: 'its budget was used up',
  process_lost: 'its process was lost, and how it ended is not known',
  not_started: 'its process never came about',
  rate_limited: 'the provider refused it for a while',
  provider_unavailable: 'the provider did not answer for a while',
  context_exhausted: 'its session was full',
  max_turns_exhausted: 'it had used up its turns',
  unknown_session: 'its session was gone',
  auth_required: 'it was not logged in',
  quota_exhausted: 'the quota of its provider was used up',
};

/** Formats the tools that were under way when a run was cut off. */
function underWay({ streamState }: SummaryRun): readonly string[] {
  const [open, ...more] = Object.values(streamState?.openTools ?? {});
  if (open === undefined) return [];
  const beside = more.length > 0 ? ` and ${more.length} more` : '';
  return [
    `Under way then: ${inlineCode(open.command ?? open.tool, commandLength)}${beside}.`,
    'It may or may not have taken effect, so look first.',
  ];
}
