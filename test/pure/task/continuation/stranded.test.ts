import { describe, expect, it } from 'vitest';
import { afterEnd } from '#task/continuation/rules.ts';
import { aSituation, aTaskOf, failedWith, judged } from '../../../support/tasks.ts';

const todo = aTaskOf({ status: 'todo', checkoutRunId: null });

describe('a task without a next run is started once more', () => {
  it('by assignment_recovery, while it is todo', () => {
    expect(afterEnd(failedWith('launch_failed'), aSituation({ task: todo }))).toMatchObject({
      action: 'continue',
      reason: 'Run 42 failed. Nothing else would move T7 on, so it is started once more.',
      budgetLeft: 2,
      wake: {
        reason: 'issue_assignment_recovery',
        retryReason: 'assignment_recovery',
        key: 'issue_assignment_recovery:7:id42',
        notBefore: null,
      },
    });
  });

  it('by issue_continuation_needed, while it is in_progress', () => {
    expect(afterEnd(failedWith('adapter_failed'), aSituation())).toMatchObject({
      action: 'continue',
      budgetLeft: 2,
      wake: {
        reason: 'issue_continuation_needed',
        retryReason: 'issue_continuation_needed',
        key: 'issue_continuation_needed:7:id42',
        payload: { sourceRunId: 'id42', livenessState: 'failed', fresh: false },
      },
    });
  });

  it.each([
    ['failed', 'failed', 'Run 42 failed.'],
    ['ran into its time limit', 'timed_out', 'Run 42 ran into a time limit.'],
    ['was stopped by its output limit', 'failed', 'Run 42 failed.'],
  ] as const)('when its run %s', (_, status, words) => {
    expect(afterEnd(failedWith('timeout', { status }), aSituation()).reason).toContain(words);
  });
});

describe('a task that is stranded twice in a row is blocked, with a comment,', () => {
  it('with "retried dispatch" while it is todo', () => {
    const run = failedWith('launch_failed', { retryReason: 'assignment_recovery', error: 'There is no codex.' });
    expect(afterEnd(run, aSituation({ task: todo }))).toMatchObject({
      action: 'block',
      blockedReason: 'Run 42 failed. Latest retry failure: `launch_failed` - There is no codex.',
      comment:
        'clip retried dispatch of this task automatically, and there is still no live run of it. ' +
        'Latest retry failure: `launch_failed` - There is no codex. It is blocked until a person looks at it.',
      next: 'Find out why (clip show 42), then: clip continue T7',
      exhausted: false,
    });
  });

  it('with "retried continuation" while it is in_progress', () => {
    const run = failedWith('adapter_failed', { retryReason: 'issue_continuation_needed' });
    const decision = afterEnd(run, aSituation());
    expect(decision).toMatchObject({ action: 'block', comment: expect.stringContaining('retried continuation') });
    expect(decision).toMatchObject({
      comment: expect.stringContaining('Latest retry failure: `adapter_failed` - It broke.'),
    });
  });

  it('without a failure in the comment, when the recovery succeeded and achieved nothing', () => {
    const wake = { reason: 'issue_continuation_needed', payload: { livenessState: 'needs_followup' } } as never;
    const run = judged('needs_followup', { retryReason: 'issue_continuation_needed', wake });
    expect(afterEnd(run, aSituation())).toMatchObject({
      action: 'block',
      comment: expect.not.stringContaining('Latest retry failure'),
    });
  });

  it('after a loss, whose retry failed as well', () => {
    expect(afterEnd(failedWith('process_lost', { retryReason: 'process_lost' }), aSituation())).toMatchObject({
      action: 'block',
    });
  });

  it('but not after a recovery of another kind: once for todo, once for in_progress', () => {
    const run = failedWith('adapter_failed', { retryReason: 'assignment_recovery' });
    expect(afterEnd(run, aSituation())).toMatchObject({
      action: 'continue',
      wake: { retryReason: 'issue_continuation_needed' },
    });
  });

  it('at once, when no automatic start is left', () => {
    expect(afterEnd(failedWith('adapter_failed'), aSituation({ budgetLeft: 0 }))).toMatchObject({ action: 'block' });
    expect(afterEnd(failedWith('process_lost'), aSituation({ ownRetry: 'spent' }))).toMatchObject({ action: 'block' });
  });
});

describe('the failure in the comment is quoted', () => {
  const quoted = (error: string | null, given = {}) => {
    const decision = afterEnd(
      failedWith('adapter_failed', { error, retryReason: 'issue_continuation_needed', ...given }),
      aSituation(),
    );
    return decision.action === 'block'
      ? /Latest retry failure: .*?(?= It is blocked)/s.exec(decision.comment ?? '')?.[0]
      : null;
  };

  it.each([
    [
      'by its first line that says something',
      '\n  \nBoom!\nat main.js:1',
      'Latest retry failure: `adapter_failed` - Boom!',
    ],
    [
      'by the message in it, when it is JSON',
      '{"type":"error","message":"Overloaded"}',
      'Latest retry failure: `adapter_failed` - Overloaded.',
    ],
    ['in 240 characters at most', 'x'.repeat(300), `Latest retry failure: \`adapter_failed\` - ${'x'.repeat(237)}...`],
    ['as having none, when it has none', null, 'Latest retry failure: `adapter_failed` - no message.'],
  ])('%s', (_, error, words) => {
    expect(quoted(error)).toBe(words);
  });

  it('by its stop reason, when it has no error code', () => {
    expect(quoted('Ended.', { errorCode: null, stopReason: 'output_limit' })).toBe(
      'Latest retry failure: `output_limit` - Ended.',
    );
  });
});

describe('a task is not recovered', () => {
  const failed = failedWith('adapter_failed');

  it.each([
    [
      'assigned to a person',
      { task: aTaskOf({ assignee: { kind: 'person' } as const }) },
      'T7 is assigned to a person.',
    ],
    ['not assigned', { task: aTaskOf({ assignee: null }) }, 'T7 is not assigned.'],
    ['of a paused agent', { agent: { id: 'agent1', name: 'coder', paused: true } }, 'Agent coder is paused.'],
  ])('when it is %s', (_, given, reason) => {
    expect(afterEnd(failed, aSituation(given))).toEqual({ action: 'skip', reason });
  });

  it.each(['backlog', 'in_review', 'blocked', 'done', 'cancelled'] as const)('in status %s', (status) => {
    const { action } = afterEnd(failed, aSituation({ task: aTaskOf({ status }) }));
    expect(['none', 'skip', 'review']).toContain(action);
  });
});
