/** Says what is wrong with a run or a task that needs a person, and what to do about it. */
import type { NeedView } from '#protocol/needs.ts';
import type { Ended, Run, Stall } from '#run/run.ts';
import { remedyFor } from '#task/continuation/remedies.ts';
import type { Task } from '#task/task.ts';
import type { ReachedLimit } from '../budgets/budgets.ts';

export type Words = Pick<NeedView, 'what' | 'next'>;

/** Describes a task that is blocked or in review. `lastRun`: its newest run, if that has ended. */
export function formatTask({ number, status, blockedReason, blockedNext }: Task, lastRun: number | null): Words {
  if (status === 'in_review') {
    const who = lastRun === null ? '' : ` (run ${lastRun})`;
    return {
      what: `The agent says that it is done${who}.`,
      next: `Look at it, then: clip task done T${number}, or clip continue T${number} "what is missing"`,
    };
  }
  return {
    what: blockedReason ?? 'It is blocked, without a reason.',
    next: blockedNext ?? `Settle it, then: clip continue T${number}`,
  };
}

/** Describes the end of a run that did not do its work. */
export function formatEnd({ number, spec }: Run, state: Ended): Words {
  const goOn = `clip retry ${number}`;
  const remedy = remedyFor({ ...state, permission: spec.agent?.permission ?? null }, spec.agent?.name ?? 'the agent', {
    goOn,
    task: null,
  });
  if (remedy !== null) return { what: remedy.blockedReason, next: remedy.next };
  const next = `Look at it (clip show ${number}), then: ${goOn}, or clip dismiss ${number}`;
  if (state.status !== 'succeeded')
    return { what: sentence(state.error ?? `it ${state.status.replace('_', ' ')}`), next };
  return { what: formatNothingDone(state.liveness), next };
}

function formatNothingDone(liveness: Ended['liveness']): string {
  const action = liveness?.nextAction ?? null;
  switch (liveness?.state) {
    case 'plan_only':
      return `It only announced work${action === null ? '.' : `: ${action}`}`;
    case 'empty_response':
      return 'It ended without an answer and without work.';
    default:
      return `It ended with words and left no work.${action === null ? '' : ` Next: ${action}`}`;
  }
}

/** Describes a live run that hangs. */
export function formatStall({ number }: Run, { why, since, tool, lastError }: Stall, now: number): Words {
  const minutes = Math.floor((now - since) / 60_000);
  const hangs =
    why === 'tool'
      ? `It has been in a tool for ${minutes} min without a word: ${tool ?? 'unknown'}`
      : `It has said and done nothing for ${minutes} min.`;
  const what = lastError ? `${hangs} Its last error: ${lastError}` : hangs;
  return { what, next: `Look at it (clip logs ${number}), then: clip cancel ${number}, or clip dismiss ${number}` };
}

/** Describes a run that was stopped at a limit. What is not known of the limit is left out. */
export function formatStopped({ number }: Run, { words, remedy }: Partial<ReachedLimit>): Words {
  const more = remedy === undefined ? '' : `${sentence(remedy)}. Then: `;
  return {
    what: `It was stopped at a limit${words === undefined ? '' : `: ${words}`}.`,
    next: `${more}clip retry ${number}, or clip dismiss ${number}`,
  };
}

/** Returns the words with a capital letter. */
export function sentence(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
}
