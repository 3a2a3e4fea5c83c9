/** Bounded continuation of runs that achieved nothing: the cases of the reference system. */
import { describe, expect, it } from 'vitest';
import { type AgentStep, addSpeaker } from '../../support/agents.ts';
import { deep } from '../../support/deep.ts';
import type { TestHome } from '../../support/home.ts';
import { addTask, atRest, clipStep, ends, gated, homeWith, shownTask, untilRun } from '../../support/task-runs.ts';

describe('runs that plan or are silent', () => {
  // Unlike the reference, the task is blocked, because nothing else would show that it makes no progress.
  it('are continued twice with a key each, then block their task', deep, async () => {
    const { home, seen } = await homeWith(() => [ends.plans, ends.saysNothing, ends.plans]);
    const task = await addTask(home);
    await untilRun(home, task, 3, 'succeeded');
    const { runs, wakes, comments, task: blocked } = await atRest(home, task);
    const [first, second, third] = runs;
    expect(
      runs.map(({ livenessState, continuationAttempt, wakeReason }) => [
        livenessState,
        continuationAttempt,
        wakeReason,
      ]),
    ).toEqual([
      ['plan_only', 0, 'issue_assigned'],
      ['empty_response', 1, 'run_liveness_continuation'],
      ['plan_only', 2, 'run_liveness_continuation'],
    ]);
    const liveness = wakes.filter(({ reason }) => reason === 'run_liveness_continuation').reverse();
    expect(liveness.map(({ idempotencyKey, source, status }) => [idempotencyKey, source, status])).toEqual([
      [`run_liveness_continuation:${task}:${first?.id}:plan_only:1`, 'automation', 'completed'],
      [`run_liveness_continuation:${task}:${second?.id}:empty_response:2`, 'automation', 'completed'],
    ]);
    expect(liveness[0]?.payload).toMatchObject({
      issueId: task,
      sourceRunId: first?.id,
      livenessState: 'plan_only',
      livenessReason: first?.livenessReason,
      continuationAttempt: 1,
      maxContinuationAttempts: 2,
      instruction: first?.nextAction,
    });
    // The prompt explains the continuation, and the session is the same.
    expect(seen().map(({ argv }) => argv.includes('resume'))).toEqual([false, true, true]);
    expect(seen()[1]?.stdin).toMatch(/^You announced this step in run 1, and did nothing\. Do it now/);
    expect(seen()[1]?.stdin).toContain('Attempt 1 of 2');
    expect(seen()[1]?.stdin).toContain('inspect the repo next');
    expect(seen()[2]?.stdin).toContain('Attempt 2 of 2');

    expect(third?.livenessReason).toMatch(/; continuation attempts exhausted$/);
    expect(comments.map(({ author }) => author)).toEqual(['clip']);
    expect(comments[0]?.text).toMatch(
      /^Bounded liveness continuation exhausted\. Last state: plan_only; attempts used: 2\/2; reason: /,
    );
    expect(blocked).toMatchObject({
      status: 'blocked',
      executionRunId: null,
      blockedNext: expect.stringContaining(`clip continue T${task}`),
    });
  });

  it('are counted from zero once a person continues the task', deep, async () => {
    const { home } = await homeWith((gate) => [ends.plans, ends.plans, ends.plans, ends.plans, gated(gate)]);
    const task = await addTask(home);
    await untilRun(home, task, 3, 'succeeded');
    expect((await atRest(home, task)).task.status).toBe('blocked');
    await home.clip(['continue', `T${task}`, 'Begin with the tokens.']);
    const runs = await untilRun(home, task, 5, 'running');
    expect(runs.slice(3).map(({ wakeReason, continuationAttempt }) => [wakeReason, continuationAttempt])).toEqual([
      ['issue_continued', 0],
      ['run_liveness_continuation', 1],
    ]);
  });
});

/** Creates a task with a run that only plans. `during` changes the task before the run ends. */
async function planned(
  meanwhile: (home: TestHome, task: number) => Promise<unknown>,
  last: readonly AgentStep[] = ends.plans.slice(1),
) {
  const { home, open } = await homeWith((gate) => [
    [...ends.plans.slice(0, 1), { await: gate }, ...last],
    gated(`${gate}.never`),
  ]);
  const task = await addTask(home);
  await untilRun(home, task, 1, 'running');
  await meanwhile(home, task);
  open();
  await untilRun(home, task, 1, 'succeeded');
  return { home, task };
}

async function livenessWakes(home: TestHome, task: number) {
  return (await shownTask(home, task)).wakes.filter(({ reason }) => reason === 'run_liveness_continuation');
}

describe('no liveness continuation follows', () => {
  it('after a run that advanced the task', deep, async () => {
    const { home, task } = await planned(async () => {}, ends.changes.slice(1));
    const runs = await untilRun(home, task, 2, 'running');
    expect(runs.map(({ livenessState, wakeReason }) => [livenessState, wakeReason])).toEqual([
      ['advanced', 'issue_assigned'],
      [null, 'run_advanced_continuation'],
    ]);
    expect(await livenessWakes(home, task)).toEqual([]);
  });

  it('when the task is done', async () => {
    const { home, task } = await planned((each, number) => each.clip(['task', 'done', `T${number}`]));
    const { runs, wakes } = await atRest(home, task);
    expect([runs.length, wakes.length, runs[0]?.livenessState, runs[0]?.decision?.action]).toEqual([
      1,
      1,
      'completed',
      'none',
    ]);
  });

  it('when the task has another assignee, whose own run starts', deep, async () => {
    const { home, task } = await planned(async (each, number) => {
      await addSpeaker(each, [gated('/nowhere')], [], 'other');
      await each.clip(['task', 'assign', `T${number}`, 'other']);
    });
    const runs = await untilRun(home, task, 2, 'running');
    expect(runs.map(({ agentName, wakeReason }) => [agentName, wakeReason])).toEqual([
      ['coder', 'issue_assigned'],
      ['other', 'issue_assigned'],
    ]);
    expect(runs[0]?.decision).toMatchObject({ action: 'skip', reason: expect.stringContaining('another agent') });
    expect(await livenessWakes(home, task)).toEqual([]);
  });

  it('when the task is in review', deep, async () => {
    const { home, task } = await planned(async () => {}, [
      clipStep('report done "It is fixed."'),
      ...ends.plans.slice(1),
    ]);
    const { runs, task: seen } = await atRest(home, task);
    expect([runs.length, runs[0]?.decision?.action, seen.status]).toEqual([1, 'review', 'in_review']);
  });

  // This differs from the reference, because the task would be forgotten.
  it('while the agent is paused, until its resume', deep, async () => {
    const { home, task } = await planned((each) => each.clip(['agent', 'pause', 'coder']));
    const { runs, task: seen } = await atRest(home, task);
    expect(runs.map(({ decision }) => decision?.action)).toEqual(['skip']);
    expect(seen.status).toBe('in_progress');
    expect(await livenessWakes(home, task)).toEqual([]);
    await home.clip(['agent', 'resume', 'coder']);
    expect((await untilRun(home, task, 2, 'running'))[1]).toMatchObject({
      wakeReason: 'run_liveness_continuation',
      continuationAttempt: 1,
    });
  });

  it('while a budget is used up, until it is raised', deep, async () => {
    const { home, task } = await planned((each) => each.clip(['agent', 'edit', 'coder', '--budget-day', '1runs']));
    const { runs } = await atRest(home, task);
    expect(runs.map(({ decision }) => decision?.action)).toEqual(['skip']);
    expect(await livenessWakes(home, task)).toEqual([]);
    await home.clip(['agent', 'edit', 'coder', '--budget-day', '9runs']);
    expect((await untilRun(home, task, 2, 'running'))[1]).toMatchObject({ wakeReason: 'run_liveness_continuation' });
  });

  it('when another wake waits, which is promoted instead', deep, async () => {
    const { home, task } = await planned((each, number) =>
      each.clip(['continue', `T${number}`, 'Begin with the tokens.']),
    );
    const runs = await untilRun(home, task, 2, 'running');
    expect(runs[0]?.decision).toMatchObject({ action: 'follows' });
    expect(runs[1]).toMatchObject({ wakeReason: 'issue_continued', continuationAttempt: 0 });
    expect(await livenessWakes(home, task)).toEqual([]);
    expect((await shownTask(home, task)).task.executionRunId).toBe(runs[1]?.id);
  });
});
