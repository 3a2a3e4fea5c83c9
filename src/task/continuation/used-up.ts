/** Decisions that ask a person, because what clip may do automatically is used up. */

import type { Task } from '../task.ts';
import type { Decision, EndedRun, Situation } from './decision.ts';

/** Returns the decision when a run still only plans or says nothing after all its continuations. */
export function continuationsUsedUp(run: EndedRun, task: Task, now: Situation, attempts: number): Decision {
  const state = run.liveness?.state ?? 'empty_response';
  const why = run.liveness?.reason ?? '';
  const comment =
    `Bounded liveness continuation exhausted. Last state: ${state}; ` +
    `attempts used: ${attempts}/${now.attemptsMax}; reason: ${why} ` +
    'A person should look at it: make the task clearer, block it, or name a concrete next step.';
  const did = state === 'plan_only' ? 'only announced work' : 'said nothing and did nothing';
  const continuations = `${attempts} continuation${attempts === 1 ? '' : 's'}`;
  const blockedReason = `Agent ${now.agent?.name ?? ''} ${did}, and ${continuations} did not change that.`;
  const next = `Say more exactly what to do: clip continue T${task.number} "…"`;
  return {
    action: 'block',
    reason: `It was continued ${attempts} times, and still ended as ${state}.`,
    blockedReason,
    next,
    comment,
    exhausted: true,
  };
}

const noStarts =
  'All automatic starts are used up, and no progress was made meanwhile ' +
  '(no new state of the files, no document, no report done).';

/** Returns the decision when a task has used up its automatic starts. `reason`: what would follow otherwise. */
export function startsUsedUp(run: EndedRun, task: Task, reason: string): Decision {
  const onward = run.liveness?.nextAction ? ` It would go on with: ${run.liveness.nextAction}` : '';
  return {
    action: 'block',
    reason: `${reason} No automatic start is left.`,
    blockedReason: `${noStarts}${onward}`,
    next: `Look at it, then: clip continue T${task.number}`,
    comment: null,
    exhausted: false,
  };
}
