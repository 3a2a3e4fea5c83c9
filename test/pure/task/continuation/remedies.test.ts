import { describe, expect, it } from 'vitest';
import { remedyFor } from '#task/continuation/remedies.ts';
import { afterEnd } from '#task/continuation/rules.ts';
import { anEnd, aSituation, aTaskOf, failedWith, judged } from '../../../support/tasks.ts';

const onward = { goOn: 'clip continue T7', task: 7 };

describe('an end left to a person', () => {
  it.each([
    [
      'auth_required',
      'Agent coder is not logged in. It said: It broke.',
      'Log in with its own command, then: clip continue T7',
    ],
    [
      'quota_exhausted',
      'The quota of agent coder is used up. It said: It broke.',
      'Raise it, then: clip continue T7; or give the task to another agent: clip continue T7 --agent NAME',
    ],
    [
      'permission_denied',
      'Agent coder may not do what the task needs. It said: It broke.',
      'Allow more (clip agent edit coder --permission edit), then: clip continue T7',
    ],
  ])('(%s) blocks the task, and names what the person must do', (code, blockedReason, next) => {
    expect(afterEnd(failedWith(code), aSituation())).toMatchObject({
      action: 'block',
      blockedReason,
      next,
      comment: null,
      exhausted: false,
    });
  });

  it.each([
    ['edit', 'Allow everything (clip agent edit coder --permission full), or only this in the settings of its CLI'],
    ['full', 'Its own settings or its sandbox refuse it: allow it there'],
  ] as const)('for want of a permission beyond %s names what is left', (permission, next) => {
    const run = { ...failedWith('permission_denied'), permission };
    expect(remedyFor(run, 'coder', onward)?.next).toBe(`${next}, then: clip continue T7`);
  });

  it('that is blocked by its own words blocks the task with those words', () => {
    const run = judged('blocked', {
      liveness: {
        state: 'blocked',
        reason: 'I need the API key.',
        nextAction: null,
        lastUsefulActionAt: null,
        claimsDone: false,
      },
    });
    expect(afterEnd(run, aSituation())).toMatchObject({
      action: 'block',
      blockedReason: 'I need the API key.',
      next: 'Answer it: clip continue T7 "…"',
    });
  });

  it('takes precedence over a pause, a limit and the budget', () => {
    const now = aSituation({
      budgetLeft: 0,
      limitReached: 'a day of $5',
      agent: { id: 'agent1', name: 'coder', paused: true },
    });
    expect(afterEnd(failedWith('auth_required'), now)).toMatchObject({
      action: 'block',
      blockedReason: expect.stringContaining('not logged in'),
    });
  });

  it.each([
    ['a person', { kind: 'person' } as const],
    ['another agent', { kind: 'agent', agentId: 'agent2' } as const],
  ])('does not block a task that has been assigned to %s', (_, assignee) => {
    expect(afterEnd(failedWith('auth_required'), aSituation({ task: aTaskOf({ assignee }) })).action).toBe('skip');
  });

  it('has one quoted line of the error, cut when it is long', () => {
    expect(
      remedyFor(failedWith('auth_required', { error: `${'x'.repeat(400)}\nmore` }), 'coder', onward)?.blockedReason,
    ).toBe(`Agent coder is not logged in. It said: ${'x'.repeat(299)}…`);
    expect(remedyFor(failedWith('auth_required', { error: null }), 'coder', onward)?.blockedReason).toBe(
      'Agent coder is not logged in.',
    );
  });

  it("has no sentence of clip quoted as the agent's words", () => {
    const refused = failedWith('permission_denied', {
      error: 'It was not allowed to use Bash, and found no other way.',
    });
    expect(remedyFor(refused, 'coder', onward)?.blockedReason).toBe(
      'Agent coder may not do what the task needs. It was not allowed to use Bash, and found no other way.',
    );
  });

  it.each([
    'rate_limited',
    'provider_unavailable',
    'context_exhausted',
    'max_turns_exhausted',
    'process_lost',
    'adapter_failed',
    'timeout',
  ])('does not include %s', (code) => {
    expect(remedyFor(failedWith(code), 'coder', onward)).toBeNull();
  });

  it.each(['completed', 'advanced', 'plan_only', 'empty_response', 'failed', 'needs_followup'] as const)(
    'does not include a run that was %s',
    (state) => {
      expect(remedyFor(judged(state), 'coder', onward)).toBeNull();
      expect(remedyFor(anEnd(), 'coder', onward)).toBeNull();
    },
  );
});
