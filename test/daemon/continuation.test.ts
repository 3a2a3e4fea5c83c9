import { describe, expect, it } from 'vitest';
import { codexSays } from '../support/agents.ts';
import { asRun, createDaemonHome, type DaemonHome } from '../support/daemon/daemon-home.ts';
import type { Step } from '../support/daemon/fake-process.ts';
import { ends } from '../support/task-runs.ts';

const { session, words, change, done, failed } = codexSays;
const end = [done(10, 1), { exit: 0 }];
const stays = [session('s1')];
const works = [session('s1'), change('a', 'a.txt'), words('Changed a little.'), ...end];

/** Starts a home with an agent that follows these scripts, and a task that is assigned to it. */
async function homeWithTask(scripts: readonly (readonly Step[])[], settings = {}): Promise<DaemonHome> {
  const home = await createDaemonHome(settings);
  await home.addAgent('coder', scripts);
  await home.addTask();
  return home;
}

describe('a task', () => {
  it('whose agent only ever plans is blocked after two continuations', async () => {
    const home = await homeWithTask([ends.plans]);
    const { task, runs, comments, wakes } = await home.atRest(1);
    expect(task).toMatchObject({
      status: 'blocked',
      blockedReason: expect.stringContaining('2 continuations did not change that'),
      checkoutRunId: runs[0]?.id,
      executionRunId: null,
    });
    expect(runs.map(({ livenessState, continuationAttempt }) => [livenessState, continuationAttempt])).toEqual([
      ['plan_only', 0],
      ['plan_only', 1],
      ['plan_only', 2],
    ]);
    expect(runs.map(({ continuationOf }) => continuationOf)).toEqual([null, runs[0]?.id, runs[1]?.id]);
    expect(comments.map(({ text }) => text.split('.')[0])).toEqual(['Bounded liveness continuation exhausted']);
    expect(wakes.map(({ runId }) => runId).sort()).toEqual(runs.map(({ id }) => id).sort());
    const { document } = await home.send('GET', '/tasks/1/documents/continuation-summary');
    expect(document.body).toContain('- Status: blocked');
  });

  it('whose run fails is tried once more, and then blocked with one comment', async () => {
    const home = await homeWithTask([ends.fails]);
    const { task, runs, comments } = await home.atRest(1);
    expect(runs.map(({ status, errorCode, retryReason }) => [status, errorCode, retryReason])).toEqual([
      ['failed', 'adapter_failed', null],
      ['failed', 'adapter_failed', 'issue_continuation_needed'],
    ]);
    expect(comments).toHaveLength(1);
    expect(task).toMatchObject({ status: 'blocked', executionRunId: null });
  });

  it('that makes progress without an end is left to a person after five automatic runs', async () => {
    const home = await homeWithTask([works]);
    const { task, runs } = await home.atRest(1);
    expect(task).toMatchObject({ blockedReason: expect.stringContaining('5 runs in a row'), budgetLeft: 3 });
    expect(runs).toHaveLength(6);
    expect(runs.at(-1)?.decision).toMatchObject({ action: 'block' });
  });

  it('is continued as often as automatic_runs_max allows', async () => {
    const home = await homeWithTask([works], { automatic_runs_max: 2 });
    expect((await home.atRest(1)).runs).toHaveLength(3);
  });

  it('whose agent works without a trace uses up its budget of continuations', async () => {
    const home = await homeWithTask([ends.builds]);
    const { task, runs } = await home.atRest(1);
    expect(runs.map(({ wakeReason, continuationOf }) => [wakeReason, continuationOf])).toEqual([
      ['issue_assigned', null],
      ...runs.slice(0, 3).map(({ id }) => ['run_advanced_continuation', id]),
    ]);
    expect(task).toMatchObject({ status: 'blocked', budgetLeft: 0, checkoutRunId: runs[0]?.id, executionRunId: null });
  });

  it('has all its automatic starts again once a person has commented on it', async () => {
    const home = await homeWithTask([ends.builds]);
    expect((await home.atRest(1)).task).toMatchObject({ status: 'blocked', budgetLeft: 0 });
    await home.send('POST', '/tasks/1/comments', { text: 'the build needs make 4' });
    expect((await home.task(1)).task).toMatchObject({ status: 'blocked', budgetLeft: 3 });
  });

  it('is continued by hand with words that its run gets, and that are kept', async () => {
    const home = await homeWithTask([
      [session('s1'), words('I am blocked: I need the API key for the staging server to continue.'), ...end],
      stays,
    ]);
    expect((await home.atRest(1)).task).toMatchObject({
      status: 'blocked',
      blockedReason: expect.stringContaining('API key'),
      blockedNext: expect.stringContaining('clip continue T1'),
    });
    expect(await home.needsYou()).toMatchObject([
      { kind: 'task', task: 1, status: 'blocked', what: expect.stringContaining('API key') },
    ]);
    const { run } = await home.continueTask(1, 'the key is in the vault');
    expect(run.number).toBe(2);
    const second = await home.process(2);
    expect(second.stdin).toContain('the key is in the vault');
    expect(second.launch.argv).toContain('resume');
    expect((await home.task(1)).comments[0]).toMatchObject({ author: 'me', text: 'the key is in the vault' });
  });

  it('with a live run is continued afterwards, and wakes for the same reason become one', async () => {
    const home = await homeWithTask([stays, stays]);
    const first = await home.process(1);
    expect((await home.continueTask(1, 'first')).busyWith).toBe(1);
    await home.continueTask(1, 'second');
    const { wakes } = await home.task(1);
    expect(wakes.map(({ reason, status, coalescedCount }) => [reason, status, coalescedCount])).toEqual([
      ['issue_continued', 'coalesced', 0],
      ['issue_continued', 'deferred', 1],
      ['issue_assigned', 'claimed', 0],
    ]);
    await first.play(works);
    const second = await home.process(2);
    expect(second.stdin).toMatch(/first[\s\S]*second/);
    expect((await home.show(1)).decision).toMatchObject({ action: 'follows' });
    await home.cancel({ task: 1 });
    const { runs } = await home.atRest(1);
    expect(runs[1]?.decision).toMatchObject({ action: 'none' });
  });

  it('continues by itself when its agent was paused in the middle and is resumed', async () => {
    const home = await homeWithTask([[session('s1'), change('a', 'a.txt')], stays]);
    await home.untilRun('has changed a file', 1, ({ evidence }) => (evidence?.filesChanged ?? 0) > 0);
    await home.send('POST', '/agents/coder/pause', { paused: true, now: true });
    expect(await home.untilSettled(1)).toMatchObject({ stopReason: 'paused', decision: { action: 'skip' } });
    await home.send('POST', '/agents/coder/pause', { paused: false });
    expect(await home.untilStatus(2, 'running')).toMatchObject({
      wakeReason: 'issue_continuation_needed',
      retryReason: null,
      sessionIdBefore: 's1',
    });
  });
});

describe('a run refused by its provider', () => {
  const limited = [session('s1'), failed('429 Too Many Requests, retry after 1h'), { exit: 1 }];

  it('is repeated at the time that the provider names, not before', async () => {
    const home = await homeWithTask([limited, stays]);
    const waiting = await home.untilStatus(2, 'queued');
    const notBefore = Date.parse(waiting.notBefore ?? '');
    expect(notBefore - home.clock.now()).toBeGreaterThan(3_500_000);
    await home.clock.advance(notBefore - home.clock.now() - 1_000);
    expect((await home.show(2)).status).toBe('queued');
    await home.clock.advance(2_000);
    await home.untilStatus(2, 'running');
  });

  it('starts at once with an instruction of a person', async () => {
    const home = await homeWithTask([limited, stays]);
    await home.untilStatus(2, 'queued');
    await home.continueTask(1, 'it answers again');
    await home.until('the second run has started', () => home.started('coder').length === 2);
    expect(home.started('coder')[1]?.stdin).toContain('it answers again');
  });
});

describe('an instruction of a person', () => {
  it('during the live run of a blocked task outlives that run', async () => {
    const home = await createDaemonHome();
    await home.addAgent('coder', [[session('s1'), home.reports('blocked', 'which key?')], stays]);
    await home.addTask();
    await home.until('the task is blocked', async () => (await home.task(1)).task.status === 'blocked');
    await home.continueTask(1, 'the green one');
    await (await home.process(1)).play([words('I am blocked.'), ...end]);
    expect((await home.process(2)).stdin).toContain('the green one');
    expect((await home.task(1)).task.status).toBe('in_progress');
  });

  it('is carried out although the agent, unaware of it, reports done', async () => {
    const home = await createDaemonHome();
    await home.addAgent('coder', [stays, stays]);
    await home.addTask();
    const first = await home.process(1);
    await home.continueTask(1, 'the lexer as well');
    const refusal = await home.refused('POST', '/tasks/1/move', { move: 'done' }, asRun(first));
    expect(refusal.message).toContain('A person has asked for more work on T1');
    await first.play([home.reports('done', 'the parser works'), words('It is done.'), ...end]);
    expect((await home.process(2)).stdin).toContain('the lexer as well');
    expect((await home.task(1)).task.status).toBe('in_progress');
    expect((await home.show(1)).decision).toMatchObject({ action: 'follows' });
  });

  it('is carried out although the agent has continued the task before', async () => {
    const home = await createDaemonHome();
    await home.addAgent('coder', [stays, stays]);
    await home.addTask();
    const first = await home.process(1);
    await home.continueTask(1, 'I go on with the lexer', asRun(first));
    await home.continueTask(1, 'the printer as well');
    await first.play([home.reports('done', 'the parser works'), words('It is done.'), ...end]);
    expect((await home.process(2)).stdin).toContain('the printer as well');
    expect((await home.task(1)).task.status).toBe('in_progress');
  });

  it('begins a new session if it says so and an earlier one did not', async () => {
    const home = await createDaemonHome();
    await home.addAgent('coder', [stays, stays]);
    await home.addTask();
    const first = await home.process(1);
    await home.continueTask(1, 'the lexer as well');
    await home.send('POST', '/tasks/1/continue', { prompt: 'from scratch', fresh: true });
    await first.play([session('s1'), words('It is done.'), ...end]);
    const { launch } = await home.process(2);
    expect([(await home.show(1)).sessionIdAfter, launch.argv.includes('resume')]).toEqual(['s1', false]);
  });

  it('to assign another agent outlives the report of the first', async () => {
    const home = await createDaemonHome();
    await home.addAgent('coder', [stays], { sharesWorktree: true });
    await home.addAgent('other', [stays], { sharesWorktree: true });
    await home.addTask();
    const first = await home.process(1);
    await home.move(1, 'assign', { assignee: 'other' });
    await first.play([home.reports('done', 'the parser works'), words('It is done.'), ...end]);
    expect(await home.untilStatus(2, 'running')).toMatchObject({ agentName: 'other' });
  });

  it('is carried out by one run when the run before it is lost', async () => {
    const home = await createDaemonHome();
    await home.addAgent('coder', [stays]);
    home.plan({ steps: [session('s1'), home.reports('done', 'the parser works')], isLocal: true });
    await home.addTask();
    await home.until('the task is in review', async () => (await home.task(1)).task.status === 'in_review');
    await home.continueTask(1, 'the lexer as well');
    await home.keepers[0]?.die({ runs: true });
    expect((await home.process(2)).stdin).toContain('the lexer as well');
    expect(await home.runs()).toMatchObject([
      { stopReason: 'process_lost', decision: { action: 'follows' } },
      { status: 'running', retryOfRunId: null },
    ]);
  });
});

describe('a queued run of a task', () => {
  it('that is settled meanwhile is cancelled and says why', async () => {
    const home = await homeWithTask([[session('s1'), failed('429 Too Many Requests, retry after 1h'), { exit: 1 }]]);
    await home.untilStatus(2, 'queued');
    await home.move(1, 'done');
    expect(await home.untilSettled(2)).toMatchObject({
      status: 'cancelled',
      error: 'T1 is done.',
      decision: { action: 'none', reason: 'T1 is done.' },
    });
  });
});

describe('an agent', () => {
  const continues = (home: DaemonHome): Step => ({
    does: (run) => home.request('POST', '/tasks/1/continue', { prompt: 'again' }, asRun(run)),
  });

  it('cannot continue its own task forever without work that remains', async () => {
    const home = await createDaemonHome();
    await home.addAgent('coder', [[session('s1'), continues(home), words('I will go on.'), ...end]]);
    await home.addTask();
    const { task, runs, comments } = await home.atRest(1);
    expect([task.status, runs.length]).toEqual(['blocked', 4]);
    expect(comments.map(({ author }) => author)).toEqual(['coder', 'coder', 'coder']);
  });

  it('that continues its own task and makes progress is stopped after five runs', async () => {
    const home = await createDaemonHome();
    await home.addAgent('coder', [[session('s1'), change('a', 'a.txt'), continues(home), words('A bit.'), ...end]]);
    await home.addTask();
    const { task, runs } = await home.atRest(1);
    expect(task.blockedReason).toContain('5 runs in a row');
    expect(runs).toHaveLength(6);
  });

  it('is not treated as a person when it acts through a command of its own run', async () => {
    const home = await homeWithTask([stays]);
    const { id } = await home.process(1);
    const nested = await home.run(['sleep'], { parentRunId: id });
    await home.send('POST', '/tasks/1/comments', { text: 'hello' }, asRun(await home.process(nested)));
    expect((await home.task(1)).comments).toMatchObject([{ author: 'coder' }]);
  });

  it('cannot raise its own limits', async () => {
    const home = await createDaemonHome();
    await home.addAgent('coder', [stays]);
    await home.addTask({ budget: { tokens: 500 } });
    const run = asRun(await home.process(1));
    const more = { tokens: 9_000 };
    for (const [path, body] of [
      ['/tasks/1', { budget: more }],
      ['/agents/coder', { budgetDay: more }],
    ] as const)
      expect((await home.refused('PATCH', path, body, run)).message).toContain('Only a person');
    expect((await home.task(1)).task.budget).toMatchObject({ tokens: 500 });
  });
});

describe('a lost run', () => {
  it('of a task is started once more', async () => {
    const home = await createDaemonHome();
    await home.addAgent('coder', [stays]);
    home.plan({ steps: stays, isLocal: true });
    await home.addTask();
    await home.untilStatus(1, 'running');
    await home.keepers[0]?.die({ runs: true });
    await home.untilStatus(2, 'running');
    expect(await home.runs()).toMatchObject([
      { status: 'failed', stopReason: 'process_lost', exitKnown: false },
      { retryOfRunId: (await home.show(1)).id, processLossRetryCount: 1 },
    ]);
  });

  it('that claimed to be done is not started again, and a person is asked to look', async () => {
    const home = await createDaemonHome();
    await home.addAgent('coder', [stays]);
    home.plan({ steps: [session('s1'), home.reports('done', 'all of it')], isLocal: true });
    await home.addTask();
    await home.until('the task is in review', async () => (await home.task(1)).task.status === 'in_review');
    await home.keepers[0]?.die({ runs: true });
    expect(await home.untilSettled(1)).toMatchObject({ stopReason: 'process_lost', decision: { action: 'review' } });
    expect(await home.runs()).toHaveLength(1);
  });

  it('of a task that another agent has now is not started again', async () => {
    const home = await createDaemonHome();
    await home.addAgent('coder', [stays], { sharesWorktree: true });
    await home.addAgent('other', [stays], { sharesWorktree: true });
    home.plan({ steps: stays, isLocal: true });
    await home.addTask();
    await home.untilStatus(1, 'running');
    await home.move(1, 'assign', { assignee: 'other' });
    await home.keepers[0]?.die({ runs: true });
    await home.untilStatus(2, 'running');
    expect((await home.runs()).map(({ agentName, status }) => [agentName, status])).toEqual([
      ['coder', 'failed'],
      ['other', 'running'],
    ]);
    await (await home.process(2)).play([home.reports('done', 'all of it'), ...end]);
    await home.atRest(1);
    expect(await home.runs()).toHaveLength(2);
  });
});

describe('a daemon that dies repeatedly around the ends of runs', () => {
  it('follows up each end exactly once', async () => {
    const home = await createDaemonHome({ max_runs: 8 });
    await home.addAgent('planner', [ends.plans], { sharesWorktree: true, concurrency: 2 });
    await home.addAgent('failer', [ends.fails], { sharesWorktree: true, concurrency: 2 });
    for (const assignee of ['planner', 'planner', 'failer']) await home.addTask({ assignee });
    let seen = 0;
    for (let crashes = 0; crashes < 12; crashes += 1) {
      const before = seen;
      const goal = before + 1 + ((crashes * 5) % 7);
      await home.until('more has happened, or nothing can', async () => {
        seen = (await home.events()).length;
        return seen >= goal || (await home.runs()).every(({ settled }) => settled);
      });
      await home.crash();
      await home.start();
    }
    const ofTasks = [await home.atRest(1), await home.atRest(2), await home.atRest(3)];
    expect(ofTasks.map(({ runs, comments, task }) => [runs.length, comments.length, task.status])).toEqual([
      [3, 1, 'blocked'],
      [3, 1, 'blocked'],
      [2, 1, 'blocked'],
    ]);
    const decided = (await home.events()).filter(({ data }) => data['step'] === 'wake').map(({ run }) => run);
    expect(decided.toSorted()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });
});

describe('a daemon stopped with its runs', () => {
  it('cancels automatic runs that follow, and starts none later', async () => {
    const home = await createDaemonHome();
    await home.addAgent('coder', [works], { sharesWorktree: true, concurrency: 2 });
    for (let n = 0; n < 3; n += 1) await home.addTask();
    await home.until('work continues by itself', async () => (await home.runsOf(1)).length > 1);
    const stopping = home.send('POST', '/daemon/stop', { cancelRuns: true });
    await home.untilExited();
    await stopping;
    await home.start();
    expect((await home.runs()).filter(({ settled }) => !settled)).toEqual([]);
  });
});
