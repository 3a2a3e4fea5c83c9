/** What an agent says when it repeats the words of clip. */
import { describe, expect, it } from 'vitest';
import { continuationSummary } from '#task/handoff/summary.ts';
import { buildTaskPrompt } from '#task/handoff/task-prompt.ts';
import { classifyLiveness } from '#task/liveness/liveness.ts';
import { anEvidence } from '../../../support/liveness.ts';
import { noon } from '../../../support/runs.ts';
import { aFailedRun, aSummaryInput, aSummaryRun } from '../../../support/summaries.ts';

const succeeded = { status: 'succeeded', errorCode: null, stopReason: 'completed' } as const;

function judge(text: string) {
  return classifyLiveness({ outcome: succeeded, task: null, evidence: anEvidence({}), text, reports: [] });
}

const verdict = (state: 'plan_only' | 'empty_response' | 'blocked' | 'needs_followup', nextAction: string | null) =>
  aSummaryRun({ liveness: { state, reason: 'So.', nextAction, lastUsefulActionAt: null, claimsDone: false } });

const runs = [
  null,
  verdict('plan_only', 'I will write the tests.'),
  verdict('empty_response', null),
  verdict('needs_followup', null),
  aSummaryRun({ reports: [{ kind: 'blocked', text: 'Which API stays?', who: null, at: noon }] }),
  aFailedRun(),
  aFailedRun({ outcomeWords: 'killed by SIGKILL', error: 'Killed by SIGKILL.' }),
  aFailedRun({ status: 'timed_out', stopReason: 'timeout', errorCode: 'timeout' }),
  ...['rate_limited', 'context_exhausted', 'auth_required', 'process_lost'].map((code) =>
    aFailedRun({ stopReason: code, errorCode: code }),
  ),
];

describe('an agent that repeats its prompt', () => {
  it.each(runs.map((run) => [run] as const))('names no step with it, after run %#', (run) => {
    for (const kind of ['work', 'plan'] as const)
      for (const resumed of [true, false])
        for (const request of [null, 'Only the lexer, please.']) {
          const prompt = buildTaskPrompt({
            ...{ task: { number: 7, title: 'Fix the parser', description: null, acceptance: null, kind } },
            ...{ request, resumed, comments: [], wake: { instruction: null, attempt: 1, attemptsMax: 2 } },
            facts: aSummaryInput({ runs: run === null ? [] : [run] }),
          });
          for (const said of [prompt, prompt.replace(/\n\n/g, '\n'), `${prompt}\n${prompt}`])
            expect([said, judge(said)]).toMatchObject([
              said,
              { state: 'needs_followup', nextAction: null, claimsDone: false },
            ]);
        }
  });
});

describe('an agent that repeats the summary of clip', () => {
  it.each(['in_progress', 'blocked', 'in_review', 'done'] as const)('names no step of a task that is %s', (status) => {
    for (const run of runs) {
      const summary = continuationSummary(aSummaryInput({ task: { status }, runs: run === null ? [] : [run] }));
      const said = summary.replace(/```\n[^`]*```/g, '');
      const { state, nextAction, claimsDone } = judge(said);
      expect([said, state, nextAction, claimsDone]).toEqual([said, 'needs_followup', null, false]);
    }
  });
});

describe('an agent that adds words to those of clip', () => {
  it('names its own step', () => {
    const said = 'Go on with task T7. Report it done when nothing is missing.\n\nNext step: handle empty files.';
    expect(judge(said).nextAction).toBe('handle empty files.');
  });

  it('announces with its own sentence', () => {
    expect(judge('Go on with task T7. I will write the tests now.')).toMatchObject({
      state: 'plan_only',
      nextAction: 'I will write the tests now.',
    });
  });
});
