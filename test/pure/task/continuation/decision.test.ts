/** @module-tag fuzz */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { livenessStates } from '#run/run.ts';
import { budgetMax, isDurable, spend } from '#task/continuation/continuation-budget.ts';
import type { Decision, EndedRun, Situation } from '#task/continuation/decision.ts';
import { afterEnd, firstAction, resumed } from '#task/continuation/rules.ts';
import { taskStatuses } from '#task/task.ts';
import { wakeReasons } from '#task/wake.ts';
import { fuzzRuns } from '../../../support/fuzz-runs.ts';
import { anEvidence, commands, files, reports } from '../../../support/liveness.ts';
import { noon } from '../../../support/runs.ts';
import { anEnd, aSituation, aTaskOf, failedWith, judged, woken } from '../../../support/tasks.ts';

const paused = { id: 'agent1', name: 'coder', paused: true };

/** Everything that prevents a start, from this rule of the order on. */
const against = {
  assigneeGone: aSituation({
    task: aTaskOf({ assignee: null }),
    busy: 'Run 43 runs.',
    limitReached: '$5',
    agent: paused,
    budgetLeft: 0,
  }),
  busy: aSituation({ busy: 'Run 43 runs.', limitReached: '$5', agent: paused, budgetLeft: 0 }),
  limit: aSituation({ limitReached: '$5', agent: paused, budgetLeft: 0 }),
  agentPaused: aSituation({ agent: paused, budgetLeft: 0 }),
};

/** The rules in their order. Each row also fits later rules: the earlier rule decides. */
const order: readonly (readonly [string, EndedRun, Situation, Partial<Decision>])[] = [
  [
    'it serves no task',
    judged('plan_only'),
    aSituation({ task: null }),
    { action: 'none', reason: 'It serves no task.' },
  ],
  [
    'the task is closed',
    failedWith('cancelled', { status: 'cancelled', stopReason: 'cancelled' }),
    aSituation({ task: aTaskOf({ status: 'done' }) }),
    { action: 'none', reason: 'T7 is done.' },
  ],
  [
    'a person canceled it',
    failedWith('auth_required', { status: 'cancelled', stopReason: 'cancelled' }),
    against.agentPaused,
    { action: 'none', reason: 'A person cancelled it, so it is not continued.' },
  ],
  [
    'the task was settled before the run began',
    failedWith('auth_required', { status: 'cancelled', stopReason: 'cancelled', cancelledBecause: 'T7 is blocked.' }),
    aSituation({}),
    { action: 'none', reason: 'T7 is blocked.' },
  ],
  [
    'the run it was to follow did not succeed',
    failedWith('cancelled', { status: 'cancelled', stopReason: 'dependency_failed' }),
    aSituation(),
    { action: 'none', reason: 'The run it was to follow did not succeed.' },
  ],
  [
    'its agent was paused',
    failedWith('cancelled', { status: 'cancelled', stopReason: 'paused' }),
    against.limit,
    { action: 'skip', reason: 'Its agent was paused; it goes on when the agent is resumed.' },
  ],
  [
    'a limit was reached',
    failedWith('cancelled', {
      status: 'cancelled',
      stopReason: 'budget_paused',
      limit: { scope: 'agent', words: 'agent coder has used $5', remedy: 'more' },
    }),
    against.limit,
    { action: 'skip', reason: 'It was stopped at a limit: agent coder has used $5.' },
  ],
  [
    'the run alone used too much',
    failedWith('cancelled', {
      status: 'cancelled',
      stopReason: 'budget_paused',
      limit: {
        scope: 'run',
        words: 'run 42 has used $5',
        remedy: 'give more: clip agent edit coder --budget-run AMOUNT',
      },
    }),
    aSituation({}),
    {
      action: 'block',
      blockedReason: 'Run 42 has used $5.',
      next: 'give more: clip agent edit coder --budget-run AMOUNT, then: clip continue T7',
    },
  ],
  [
    'it was lost, and its retry was withheld',
    failedWith('process_lost'),
    aSituation({ ownRetry: 'withheld' }),
    { action: 'block', next: 'Make sure that nothing of it lives any more (clip show 42), then: clip continue T7' },
  ],
  [
    'the task is in review',
    failedWith('auth_required'),
    aSituation({ task: aTaskOf({ status: 'in_review' }) }),
    { action: 'review' },
  ],
  [
    'the task is blocked',
    failedWith('auth_required'),
    aSituation({ task: aTaskOf({ status: 'blocked', blockedReason: 'No key.' }) }),
    { action: 'none', reason: 'T7 is blocked: No key.' },
  ],
  [
    'it was a person’s command',
    judged('advanced', { agentId: null }),
    aSituation(),
    { action: 'none', reason: 'It was a command that a person started.' },
  ],
  [
    'only a person can do something about it',
    failedWith('auth_required'),
    against.busy,
    { action: 'block', reason: 'The agent is not logged in.' },
  ],
  [
    'a repeat of it is there',
    failedWith('process_lost'),
    { ...against.busy, ownRetry: { number: 43 } },
    { action: 'follows', reason: 'Run 43 takes it up again.' },
  ],
  [
    'its agent is gone',
    judged('plan_only'),
    { ...against.assigneeGone, agent: null },
    { action: 'skip', reason: 'Its agent was removed.' },
  ],
  [
    'the task is not assigned',
    judged('plan_only'),
    against.assigneeGone,
    { action: 'skip', reason: 'T7 is not assigned.' },
  ],
  [
    'the task is a person’s',
    judged('plan_only'),
    aSituation({ task: aTaskOf({ assignee: { kind: 'person' } }), busy: 'Run 43 runs.' }),
    { action: 'skip', reason: 'T7 is assigned to a person.' },
  ],
  [
    'the task is another agent’s by now',
    judged('plan_only'),
    aSituation({ task: aTaskOf({ assignee: { kind: 'agent', agentId: 'agent2' } }), busy: 'Run 43 runs.' }),
    { action: 'skip', reason: 'T7 has been assigned to another agent since.' },
  ],
  [
    'the task waits in the backlog',
    judged('plan_only'),
    aSituation({ task: aTaskOf({ status: 'backlog' }), busy: 'Run 43 runs.' }),
    { action: 'skip' },
  ],
  [
    'another run of the task waits or lives',
    judged('plan_only'),
    against.busy,
    { action: 'follows', reason: 'Run 43 runs.' },
  ],
  ['a limit is reached', judged('plan_only'), against.limit, { action: 'skip', reason: 'A limit is reached: $5' }],
  [
    'the agent is paused',
    judged('plan_only'),
    against.agentPaused,
    { action: 'skip', reason: 'Agent coder is paused.' },
  ],
  [
    'the provider refused',
    judged('failed', { status: 'failed', errorCode: 'rate_limited' }),
    aSituation(),
    { action: 'continue' },
  ],
];

describe('after an end, the first matching rule decides:', () => {
  it.each(order)('%s', (_, run, now, expected) => {
    expect(afterEnd(run, now)).toMatchObject(expected);
  });
});

describe('a run that filled its session', () => {
  it.each(['context_exhausted', 'max_turns_exhausted'])(
    '(%s) is continued in a fresh session, with the summary',
    (code) => {
      expect(afterEnd(failedWith(code), aSituation())).toMatchObject({
        action: 'continue',
        budgetLeft: 2,
        wake: {
          reason: 'context_exhausted_continuation',
          key: 'context_exhausted_continuation:7:id42',
          payload: { fresh: true },
        },
      });
    },
  );

  it('is continued while the budget lasts', () => {
    expect(afterEnd(failedWith('context_exhausted'), aSituation({ budgetLeft: 0 }))).toMatchObject({
      action: 'block',
      exhausted: false,
    });
  });
});

describe('a run without work', () => {
  it.each(['plan_only', 'empty_response'] as const)(
    '(%s) is continued twice, with a number and a key for each attempt',
    (state) => {
      for (const before of [0, 1]) {
        const wake = before === 0 ? null : woken('run_liveness_continuation', { continuationAttempt: before });
        expect(afterEnd(judged(state, { wake }, 'Read the test.'), aSituation())).toMatchObject({
          action: 'continue',
          reason: `It ended as ${state}: continuation attempt ${before + 1} of 2.`,
          budgetLeft: 2,
          wake: {
            reason: 'run_liveness_continuation',
            key: `run_liveness_continuation:7:id42:${state}:${before + 1}`,
            retryReason: null,
            payload: {
              sourceRunId: 'id42',
              livenessState: state,
              livenessReason: `It was ${state}.`,
              continuationAttempt: before + 1,
              maxContinuationAttempts: 2,
              instruction: 'Read the test.',
              fresh: false,
            },
          },
        });
      }
    },
  );

  it('is given an instruction of clip when it named no next action', () => {
    const decision = afterEnd(judged('empty_response'), aSituation());
    expect(decision).toMatchObject({ wake: { payload: { instruction: firstAction({ number: 7 }) } } });
  });

  it.each(['plan_only', 'empty_response'] as const)(
    '(%s) a third time blocks the task: exhausted, with one comment',
    (state) => {
      const run = judged(state, { wake: woken('run_liveness_continuation', { continuationAttempt: 2 }) });
      const decision = afterEnd(run, aSituation());
      expect(decision).toMatchObject({
        action: 'block',
        exhausted: true,
        next: 'Say more exactly what to do: clip continue T7 "…"',
      });
      expect(decision).toMatchObject({
        comment: expect.stringMatching(
          new RegExp(
            `^Bounded liveness continuation exhausted\\. Last state: ${state}; attempts used: 2/2; reason: It was ${state}\\. A person`,
          ),
        ),
      });
    },
  );

  it('is exhausted before its budget is used', () => {
    const run = judged('plan_only', { wake: woken('run_liveness_continuation', { continuationAttempt: 2 }) });
    expect(afterEnd(run, aSituation({ budgetLeft: 0 }))).toMatchObject({ action: 'block', exhausted: true });
  });

  it('is counted on after the retry of a lost run, which is the same attempt', () => {
    const afterRetry = (continuationAttempt: number) =>
      afterEnd(judged('plan_only', { wake: woken('process_lost_retry', { continuationAttempt }) }), aSituation());
    expect(afterRetry(1)).toMatchObject({ wake: { payload: { continuationAttempt: 2 } } });
    expect(afterRetry(2)).toMatchObject({ action: 'block', exhausted: true });
  });

  it('is counted from zero after a run for another reason', () => {
    const run = judged('plan_only', { wake: woken('rate_limit_retry', { continuationAttempt: 9 }) });
    expect(afterEnd(run, aSituation())).toMatchObject({ wake: { payload: { continuationAttempt: 1 } } });
  });

  it('is continued as often as configured', () => {
    expect(afterEnd(judged('plan_only'), aSituation({ attemptsMax: 0 }))).toMatchObject({
      action: 'block',
      exhausted: true,
    });
    const third = judged('plan_only', { wake: woken('run_liveness_continuation', { continuationAttempt: 2 }) });
    expect(afterEnd(third, aSituation({ attemptsMax: 5 }))).toMatchObject({
      action: 'continue',
      wake: { payload: { continuationAttempt: 3 } },
    });
  });
});

describe('a run with an unfinished task', () => {
  it.each(['advanced', 'needs_followup'] as const)('(%s) is continued with its own next action', (state) => {
    expect(afterEnd(judged(state, {}, 'Write the tests.'), aSituation())).toMatchObject({
      action: 'continue',
      budgetLeft: 2,
      wake: {
        reason: 'run_advanced_continuation',
        key: 'run_advanced_continuation:7:id42',
        payload: { instruction: 'Write the tests.', livenessState: state },
      },
    });
  });

  it('is continued as often as the budget lasts, when it advanced', () => {
    const wake = woken('run_advanced_continuation', { livenessState: 'advanced' });
    expect(afterEnd(judged('advanced', { wake }), aSituation({ budgetLeft: 1 }))).toMatchObject({
      action: 'continue',
      budgetLeft: 0,
    });
    expect(afterEnd(judged('advanced', { wake }, 'Go on.'), aSituation({ budgetLeft: 0 }))).toMatchObject({
      action: 'block',
      exhausted: false,
      blockedReason: expect.stringContaining('It would go on with: Go on.'),
      next: 'Look at it, then: clip continue T7',
    });
  });

  it('is continued once when it only answered, then is stranded', () => {
    const wake = woken('run_advanced_continuation', { livenessState: 'needs_followup' });
    expect(afterEnd(judged('needs_followup', { wake }), aSituation())).toMatchObject({
      wake: { reason: 'issue_continuation_needed' },
    });
    const again = {
      wake: woken('issue_continuation_needed', { livenessState: 'needs_followup' }),
      retryReason: 'issue_continuation_needed',
    };
    expect(afterEnd(judged('needs_followup', again), aSituation())).toMatchObject({ action: 'block' });
  });
});

describe('a run that claims to be done', () => {
  const claims = (state: 'advanced' | 'needs_followup' | 'plan_only' | 'blocked', given: Partial<EndedRun> = {}) => {
    const run = judged(state, given);
    return { ...run, liveness: run.liveness && { ...run.liveness, claimsDone: true } };
  };

  it.each(['advanced', 'needs_followup'] as const)('(%s) and left nothing new puts its task in review', (state) => {
    expect(afterEnd(claims(state), aSituation())).toMatchObject({
      action: 'review',
      reason: expect.stringContaining('nothing new'),
    });
  });

  it('puts its task in review despite a limit or a paused agent', () => {
    expect(afterEnd(claims('advanced'), aSituation({ limitReached: '$5' }))).toMatchObject({ action: 'review' });
    expect(
      afterEnd(claims('advanced'), aSituation({ agent: { id: 'agent1', name: 'coder', paused: true } })),
    ).toMatchObject({ action: 'review' });
  });

  it('is continued when it made progress', () => {
    expect(afterEnd(claims('advanced', { progress: true }), aSituation())).toMatchObject({ action: 'continue' });
  });

  it('is continued as usual when it only planned or another waits', () => {
    expect(afterEnd(claims('plan_only'), aSituation())).toMatchObject({ action: 'continue' });
    expect(afterEnd(claims('advanced'), aSituation({ busy: 'Run 43 runs.' }))).toMatchObject({ action: 'follows' });
  });

  it('is retried as usual when it failed', () => {
    expect(afterEnd({ ...claims('advanced'), status: 'failed' }, aSituation())).toMatchObject({ action: 'continue' });
  });
});

describe('in a row of automatic runs,', () => {
  const after = (inARow: number, runsMax: number, run: EndedRun) =>
    afterEnd(
      { ...run, wake: woken('run_advanced_continuation', { inARow, livenessState: 'advanced' }) },
      aSituation({ runsMax }),
    );

  it.each([
    ['advanced', judged('advanced')],
    ['failed', failedWith('adapter_failed')],
    ['plan_only', judged('plan_only')],
    ['context_exhausted', failedWith('context_exhausted')],
  ])('a run that ended as %s is the last that automatic_runs_max allows', (_, run) => {
    expect(after(4, 5, run)).toMatchObject({ action: 'continue' });
    expect(after(5, 5, run)).toMatchObject({
      action: 'block',
      reason: expect.stringContaining('automatic_runs_max'),
      exhausted: false,
    });
    expect(after(5, 6, run)).toMatchObject({ action: 'continue' });
  });

  it('a run is not continued at all when automatic_runs_max is 0', () => {
    expect(after(0, 0, judged('advanced'))).toMatchObject({
      action: 'block',
      blockedReason: expect.stringContaining('No run is started without you'),
    });
  });

  it('a run that its provider refused is not counted', () => {
    expect(after(5, 5, failedWith('rate_limited'))).toMatchObject({
      action: 'continue',
      wake: { payload: { inARow: 5 } },
    });
    expect(
      resumed({ ...failedWith('cancelled'), wake: woken('issue_continued', { inARow: 3 }) }, aTaskOf(), 0),
    ).toMatchObject({
      wake: { payload: { inARow: 3 } },
    });
  });
});

describe('the budget of automatic starts', () => {
  it('is three', () => {
    expect(budgetMax).toBe(3);
    expect([3, 2, 1, 0, 99].map(spend)).toEqual([2, 1, 0, null, 2]);
  });

  it.each([
    [
      'a state of the files that was not there before',
      { workspace: { files: 1, progress: true }, streamState: files('src/a.ts') },
      true,
    ],
    ['files that were there before', { workspace: { files: 1 }, streamState: files('src/a.ts') }, false],
    [
      'files that its stream says it changed, where they could not be looked at',
      { streamState: files('src/a.ts') },
      false,
    ],
    [
      'commits of a tree that was there before',
      { workspace: { commits: 1 }, streamState: commands('git commit --allow-empty -m x') },
      false,
    ],
    ['documents', { records: { documents: 1 } }, true],
    ['a report that it is done', { reports: reports(['done', 'Merged.']) }, true],
    ['commands', { streamState: commands('make test', 'ls') }, false],
    ['comments', { records: { comments: 3 } }, false],
    ['reports of progress', { reports: reports(['progress', 'Half of it.'], ['next', 'The rest.']) }, false],
    ['nothing at all', {}, false],
  ])('is refilled by %s: %o → %s', (_, given, durable) => {
    expect(isDurable(anEvidence(given))).toBe(durable);
  });
});

describe('a task held by a pause or a limit', () => {
  it('continues where it was, once, at no cost of the budget', () => {
    expect(resumed(failedWith('cancelled'), aTaskOf(), 0)).toMatchObject({
      action: 'continue',
      budgetLeft: 0,
      wake: { reason: 'issue_continuation_needed', key: 'resumed:7:id42', retryReason: null },
    });
  });
});

const anyRun: fc.Arbitrary<EndedRun> = fc
  .record({
    status: fc.constantFrom('succeeded', 'failed', 'cancelled', 'timed_out' as const),
    stopReason: fc.constantFrom(
      'completed',
      'adapter_failed',
      'process_lost',
      'timeout',
      'cancelled',
      'paused',
      'budget_paused',
      'dependency_failed',
    ),
    errorCode: fc.constantFrom(
      null,
      'adapter_failed',
      'rate_limited',
      'provider_unavailable',
      'context_exhausted',
      'auth_required',
      'process_lost',
    ),
    state: fc.constantFrom(null, ...livenessStates),
    reason: fc.constantFrom(null, ...wakeReasons),
    attempt: fc.nat(20),
    before: fc.constantFrom(null, ...livenessStates),
    retryReason: fc.constantFrom(null, 'process_lost', 'assignment_recovery', 'issue_continuation_needed'),
    resetsAt: fc.option(fc.integer({ min: noon - 1_000, max: noon + 10_000_000 })),
    agentId: fc.constantFrom('agent1', 'agent1', 'agent2', null),
  })
  .map(({ state, reason, attempt, before, ...rest }) =>
    anEnd({
      ...rest,
      liveness:
        state === null
          ? null
          : { state, reason: 'So it is.', nextAction: null, lastUsefulActionAt: null, claimsDone: false },
      wake: reason === null ? null : woken(reason, { continuationAttempt: attempt, livenessState: before }),
    }),
  );

const anySituation: fc.Arbitrary<Situation> = fc
  .record({
    status: fc.constantFrom(...taskStatuses),
    assignee: fc.constantFrom(
      { kind: 'agent', agentId: 'agent1' } as const,
      { kind: 'agent', agentId: 'agent1' } as const,
      { kind: 'person' } as const,
      null,
    ),
    budgetLeft: fc.integer({ min: 0, max: 3 }),
    isPaused: fc.boolean(),
    busy: fc.constantFrom(null, null, 'Run 43 runs.'),
    asked: fc.boolean(),
    limitReached: fc.constantFrom(null, null, '$5'),
    ownRetry: fc.constantFrom<Situation['ownRetry']>('none', 'none', 'spent', { number: 43 }),
  })
  .map(({ status, assignee, isPaused, ...rest }) =>
    aSituation({
      ...rest,
      task: aTaskOf({ status, assignee }),
      agent: { id: 'agent1', name: 'coder', paused: isPaused },
    }),
  );

describe('after any end,', () => {
  const always = (holds: (decision: Decision, run: EndedRun, now: Situation) => void) =>
    fc.assert(
      fc.property(anyRun, anySituation, (run, now) => void holds(afterEnd(run, now), run, now)),
      { numRuns: fuzzRuns(2_000) },
    );

  it('there is a decision with a reason in words', () => {
    always(({ reason }) => {
      expect(reason).toMatch(/^\S.{4,}/s);
    });
  });

  it('a run starts only for an open task of an agent, with nothing against it', () => {
    always((decision, run, { task, busy, limitReached, agent }) => {
      if (decision.action !== 'continue') return;
      expect(['todo', 'in_progress']).toContain(task?.status);
      expect(task?.assignee).toEqual({ kind: 'agent', agentId: run.agentId });
      expect([busy, limitReached, agent?.paused]).toEqual([null, null, false]);
      expect(['cancelled', 'paused', 'budget_paused', 'dependency_failed']).not.toContain(run.stopReason);
    });
  });

  it('each start uses one of the budget, or waits for a provider', () => {
    always((decision, _, { budgetLeft }) => {
      if (decision.action !== 'continue') return;
      if (decision.wake.notBefore === null) expect(decision.budgetLeft).toBe(budgetLeft - 1);
      else expect(decision.budgetLeft).toBe(budgetLeft);
    });
  });

  it('an open task is continued, waits for a reason, or is left to a person', () => {
    always((decision, run, now) => {
      const open = now.task?.status === 'todo' || now.task?.status === 'in_progress';
      if (!open || run.agentId === null || decision.action !== 'none') return;
      expect(['cancelled', 'dependency_failed']).toContain(run.stopReason);
    });
  });

  it("a wake's key has its reason, task and run, so that one end starts one run", () => {
    always((decision, run) => {
      if (decision.action !== 'continue') return;
      expect(decision.wake.key.split(':').slice(0, 3)).toEqual([decision.wake.reason, '7', run.id]);
    });
  });

  it('a task is blocked with a reason and a remedy', () => {
    always((decision) => {
      if (decision.action !== 'block') return;
      expect(decision.blockedReason).not.toBe('');
      expect(decision.next).toMatch(/clip (continue|show) /);
    });
  });
});
