import { describe, expect, it } from 'vitest';
import { afterEnd } from '#task/continuation/rules.ts';
import { aSituation, aTaskOf, failedWith, judged } from '../../../support/tasks.ts';

const todo = aTaskOf({ status: 'todo', checkoutRunId: null });

describe('a stranded task', () => {
  it('is started once more by assignment_recovery while it is todo', () => {
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

  it('is started once more by issue_continuation_needed in progress', () => {
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
  ] as const)('is started once more when its run %s', (_, status, words) => {
    expect(afterEnd(failedWith('timeout', { status }), aSituation()).reason).toContain(words);
  });
});

describe('a task stranded twice', () => {
  it('is blocked with a comment on the retried dispatch while it is todo', () => {
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

  it('is blocked with a comment on the retried continuation in progress', () => {
    const run = failedWith('adapter_failed', { retryReason: 'issue_continuation_needed' });
    const decision = afterEnd(run, aSituation());
    expect(decision).toMatchObject({ action: 'block', comment: expect.stringContaining('retried continuation') });
    expect(decision).toMatchObject({
      comment: expect.stringContaining('Latest retry failure: `adapter_failed` - It broke.'),
    });
  });

  it('is blocked without a failure in its comment after a useless success', () => {
    const wake = { reason: 'issue_continuation_needed', payload: { livenessState: 'needs_followup' } } as never;
    const run = judged('needs_followup', { retryReason: 'issue_continuation_needed', wake });
    expect(afterEnd(run, aSituation())).toMatchObject({
      action: 'block',
      comment: expect.not.stringContaining('Latest retry failure'),
    });
  });

  it('is blocked after a loss whose retry failed as well', () => {
    expect(afterEnd(failedWith('process_lost', { retryReason: 'process_lost' }), aSituation())).toMatchObject({
      action: 'block',
    });
  });

  it('is not blocked after a recovery of another kind', () => {
    const run = failedWith('adapter_failed', { retryReason: 'assignment_recovery' });
    expect(afterEnd(run, aSituation())).toMatchObject({
      action: 'continue',
      wake: { retryReason: 'issue_continuation_needed' },
    });
  });

  it('is blocked at once when no automatic start is left', () => {
    expect(afterEnd(failedWith('adapter_failed'), aSituation({ budgetLeft: 0 }))).toMatchObject({ action: 'block' });
    expect(afterEnd(failedWith('process_lost'), aSituation({ ownRetry: 'spent' }))).toMatchObject({ action: 'block' });
  });
});

describe('the failure in a comment', () => {
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
  ])('is quoted %s', (_, error, words) => {
    expect(quoted(error)).toBe(words);
  });

  it('is quoted by its stop reason when it has no error code', () => {
    expect(quoted('Ended.', { errorCode: null, stopReason: 'output_limit' })).toBe(
      'Latest retry failure: `output_limit` - Ended.',
    );
  });
});

describe('a task', () => {
  const failed = failedWith('adapter_failed');

  it.each([
    [
      'assigned to a person',
      { task: aTaskOf({ assignee: { kind: 'person' } as const }) },
      'T7 is assigned to a person.',
    ],
    ['not assigned', { task: aTaskOf({ assignee: null }) }, 'T7 is not assigned.'],
    ['of a paused agent', { agent: { id: 'agent1', name: 'coder', paused: true } }, 'Agent coder is paused.'],
  ])('is not recovered when it is %s', (_, given, reason) => {
    expect(afterEnd(failed, aSituation(given))).toEqual({ action: 'skip', reason });
  });

  it.each(['backlog', 'in_review', 'blocked', 'done', 'cancelled'] as const)(
    'is not recovered in status %s',
    (status) => {
      const { action } = afterEnd(failed, aSituation({ task: aTaskOf({ status }) }));
      expect(['none', 'skip', 'review']).toContain(action);
    },
  );
});
