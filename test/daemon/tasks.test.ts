import { mkdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { codexSays } from '../support/agents.ts';
import { asRun, createDaemonHome } from '../support/daemon/daemon-home.ts';
import { ends } from '../support/task-runs.ts';

const { session, words, change, done, failed } = codexSays;
const end = [done(10, 1), { exit: 0 }];
const works = [session('s1'), change('a', 'a.txt'), words('Changed a little.'), ...end];

describe('a task', () => {
  it('is added, listed, shown and changed, and its number is never used again', async () => {
    const home = await createDaemonHome();
    expect(await home.addTask({ title: 'Fix the login', assignee: null, priority: 3, acceptance: 'It works' })).toBe(1);
    expect(await home.addTask({ title: 'Later', assignee: null, inBacklog: true })).toBe(2);
    const { tasks } = await home.send('GET', '/tasks');
    expect(tasks.map(({ number, status }: { number: number; status: string }) => [number, status])).toEqual([
      [2, 'backlog'],
      [1, 'todo'],
    ]);
    await home.send('PATCH', '/tasks/1', { title: 'Fix the logout', acceptance: null });
    expect((await home.task(1)).task).toMatchObject({ title: 'Fix the logout', acceptance: null, priority: 3 });
    expect(await home.refused('PATCH', '/tasks/1', {})).toMatchObject({ code: 'usage' });
    expect(await home.refused('GET', '/tasks/99')).toMatchObject({ status: 404, message: 'There is no task T99.' });
    expect(await home.addTask({ assignee: null })).toBe(3);
  });

  it('changes its status on request, and refuses what its status does not allow', async () => {
    const home = await createDaemonHome();
    await home.addTask({ assignee: 'me' });
    for (const [move, given, expected] of [
      ['start', {}, 'in_progress'],
      ['block', { reason: 'no key' }, 'blocked'],
      ['reopen', {}, 'todo'],
      ['done', {}, 'done'],
      ['done', {}, 'done'],
      ['reopen', {}, 'todo'],
      ['cancel', {}, 'cancelled'],
    ] as const) {
      await home.move(1, move, given);
      expect([move, (await home.task(1)).task.status]).toEqual([move, expected]);
    }
    expect(await home.refused('POST', '/tasks/1/move', { move: 'start' })).toMatchObject({
      status: 409,
      hint: expect.stringContaining('clip task reopen T1'),
    });
    expect(await home.refused('POST', '/tasks/1/move', { move: 'block' })).toMatchObject({ code: 'usage' });
  });

  it('keeps a record of each change and its author', async () => {
    const home = await createDaemonHome();
    await home.addAgent('coder', [[session('s1'), change('a', 'a.txt')]]);
    await home.addTask();
    await home.until('the task is in progress', async () => (await home.task(1)).task.status === 'in_progress');
    await home.send('POST', '/tasks/1/comments', { text: 'mind the gap' });
    await home.move(1, 'done');
    const { activity, comments } = await home.task(1);
    expect(comments).toMatchObject([{ author: 'me', text: 'mind the gap', runId: null }]);
    const by = activity.filter(({ type }) => type.startsWith('task-')).map(({ type, data }) => [type, data['by']]);
    expect(by).toEqual([
      ['task-added', 'person'],
      ['task-picked-up', 'clip'],
      ['task-commented', 'person'],
      ['task-done', 'person'],
    ]);
  });

  it('has documents with revisions, and an unread revision is never overwritten', async () => {
    const home = await createDaemonHome();
    await home.addTask({ assignee: null });
    const put = (body: string, baseRevision: number) =>
      ['PUT', '/tasks/1/documents/plan', { body, baseRevision }] as const;
    await home.send(...put('first\n', 0));
    await home.send(...put('second\n', 1));
    expect(await home.refused(...put('third\n', 1))).toMatchObject({
      message: expect.stringContaining('is at revision 2'),
    });
    expect((await home.send('GET', '/tasks/1/documents/plan')).document.body).toBe('second\n');
    expect((await home.send('GET', '/tasks/1/documents/plan?revision=1')).document.body).toBe('first\n');
    const summary = await home.refused('PUT', '/tasks/1/documents/continuation-summary', { body: 'mine' });
    expect(summary.status).toBe(409);
    const { documents } = await home.send('GET', '/tasks/1/documents');
    expect(documents).toMatchObject([{ key: 'plan', revision: 2, author: 'me' }]);
  });

  it('that was changed after its last run has the change in its continuation summary', async () => {
    const home = await createDaemonHome();
    await home.addAgent('coder', [[session('s1'), home.reports('done', 'all of it'), ...end]]);
    await home.addTask({ title: 'Fix the login' });
    await home.atRest(1);
    const summary = async () => (await home.send('GET', '/tasks/1/handoff')).document;
    const { revision, body } = await summary();
    expect(body).toContain('- Task: T1: Fix the login');
    await home.clock.advance(1_000);
    expect((await summary()).revision).toBe(revision);
    await home.send('PATCH', '/tasks/1', { title: 'Fix the logout' });
    expect((await summary()).body).toContain('- Task: T1: Fix the logout');
  });

  it('that is assigned to an agent starts one run, which gets the task', async () => {
    const home = await createDaemonHome();
    await home.addAgent('coder', [
      [session('s1'), change('a', 'a.txt'), home.reports('done', 'all of it'), words('Done.'), ...end],
    ]);
    await home.addTask({ title: 'Make it right', description: 'It is wrong.', acceptance: 'It is right.' });
    const { task, wakes, activity, runs } = await home.atRest(1);
    const [first] = home.started('coder');
    for (const text of ['# Task T1: Make it right', 'It is wrong.', 'clip report done'])
      expect(first?.stdin).toContain(text);
    expect(first?.launch).toMatchObject({ cwd: home.work, task: 1 });
    expect(wakes.map(({ reason }) => reason)).toEqual(['issue_assigned']);
    expect(task).toMatchObject({ status: 'in_review', budgetLeft: 3 });
    expect(activity.find(({ type }) => type === 'task-in-review')?.data['by']).toBe('agent coder (run 1)');
    expect(runs).toMatchObject([
      { livenessState: 'advanced', evidence: { reports: 1 }, decision: { action: 'review' } },
    ]);
    expect(await home.needsYou()).toMatchObject([
      { task: 1, status: 'in_review', next: expect.stringContaining('clip task done T1') },
    ]);
  });

  it('is held by its run from the moment that the run is queued', async () => {
    const home = await createDaemonHome();
    await home.addAgent('coder', [works]);
    await home.send('PUT', '/queue', { held: true });
    await home.addTask();
    const { id, status } = await home.show(1);
    expect([status, (await home.task(1)).task.executionRunId]).toEqual(['queued', id]);
    await home.cancel({ task: 1 });
    expect((await home.task(1)).task.executionRunId).toBe(null);
  });

  it('of a person, or in the backlog, starts no run', async () => {
    const home = await createDaemonHome();
    await home.addAgent('coder', [[session('s1')]]);
    await home.addTask({ assignee: 'me' });
    await home.addTask({ inBacklog: true });
    await home.addTask();
    await home.untilStatus(1, 'running');
    for (const task of [1, 2]) expect((await home.task(task)).wakes).toEqual([]);
    expect(await home.runs()).toMatchObject([{ taskId: 3 }]);
  });

  it('that is canceled stops its live run, and its queued runs', async () => {
    const home = await createDaemonHome();
    await home.addAgent('coder', [[session('s1')]]);
    await home.addTask();
    await home.untilStatus(1, 'running');
    await home.continueTask(1);
    await home.move(1, 'cancel');
    const { runs, wakes } = await home.atRest(1);
    expect(runs).toMatchObject([{ status: 'cancelled', decision: { action: 'none' } }]);
    expect(wakes[0]).toMatchObject({ status: 'cancelled' });
  });

  it('whose agent cannot be started is blocked with a remedy, and then continues', async () => {
    const home = await createDaemonHome();
    const folder = join(home.base, 'gone');
    mkdirSync(folder);
    await home.addAgent('coder', [works], { cwd: folder });
    rmdirSync(folder);
    await home.addTask();
    const { task, wakes } = await home.task(1);
    expect(task).toMatchObject({
      status: 'blocked',
      blockedReason: `It could not be started: The work folder ${folder} does not exist.`,
    });
    expect(wakes.map(({ status }) => status)).toEqual(['failed']);
    mkdirSync(folder);
    await home.continueTask(1);
    await home.until('the task has continued', async () => (await home.task(1)).task.status === 'in_progress');
  });

  it('whose folder is gone when its run ends is blocked', async () => {
    const home = await createDaemonHome();
    const folder = join(home.base, 'gone');
    mkdirSync(folder);
    await home.addAgent('coder', [[session('s'), { does: () => rmdirSync(folder) }, words('I removed it.'), ...end]], {
      cwd: folder,
    });
    await home.addTask();
    expect((await home.atRest(1)).task).toMatchObject({
      status: 'blocked',
      blockedReason: `It could not be started again: The work folder ${folder} does not exist.`,
    });
  });

  it('is served by a command of a person, which delays no agent', async () => {
    const home = await createDaemonHome();
    await home.addTask({ assignee: null });
    home.plan({ steps: [{ puts: ['made', ''] }, { exit: 0 }] });
    await home.run(['touch', 'made'], { task: 1 });
    expect(await home.untilSettled(1)).toMatchObject({
      taskId: 1,
      livenessState: 'advanced',
      decision: { action: 'none' },
    });
    expect((await home.task(1)).task).toMatchObject({ status: 'todo', executionRunId: null });
  });

  it('cannot be changed by a run with the token of another run', async () => {
    const home = await createDaemonHome();
    await home.addTask({ assignee: null });
    await home.run(['sleep']);
    const process = await home.process(1);
    const wrong = { ...asRun(process), 'clip-run-token': 'wrong' };
    const refusal = await home.refused('POST', '/tasks/1/comments', { text: 'me?' }, wrong);
    expect(refusal).toMatchObject({ code: 'refused', message: expect.stringContaining('token') });
    expect((await home.task(1)).comments).toEqual([]);
  });
});

describe('a task that cannot run', () => {
  it("is blocked with a remedy when its agent's variables are unreadable", async () => {
    const home = await createDaemonHome();
    const envFile = join(home.base, 'agent.env');
    writeFileSync(envFile, 'A=1\n');
    await home.addAgent('coder', [ends.changes, [session('s')]], { envFile });
    rmSync(envFile);
    await home.addTask();
    expect((await home.task(1)).task).toMatchObject({
      status: 'blocked',
      blockedReason: expect.stringContaining('agent.env'),
      blockedNext: expect.stringContaining('clip continue T1'),
    });
    expect(await home.needsYou()).toMatchObject([{ task: 1, status: 'blocked' }]);
    expect((await home.refused('POST', '/tasks/1/continue', {})).status).toBe(409);
    writeFileSync(envFile, 'A=1\n');
    await home.continueTask(1);
    await home.untilStatus(1, 'succeeded');
  });

  it('is blocked after a retry when its template has no {{prompt}}', async () => {
    const home = await createDaemonHome();
    const promptTemplate = join(home.base, 'template.md');
    writeFileSync(promptTemplate, 'Hello. {{prompt}}\n');
    await home.addAgent('coder', [works], { promptTemplate });
    writeFileSync(promptTemplate, 'Hello.\n');
    await home.addTask();
    const { task, runs } = await home.atRest(1);
    expect(task).toMatchObject({ status: 'blocked', blockedReason: expect.stringContaining('{{prompt}}') });
    expect(runs.map(({ status, errorCode, retryReason }) => [status, errorCode, retryReason])).toEqual([
      ['failed', 'launch_failed', null],
      ['failed', 'launch_failed', 'assignment_recovery'],
    ]);
  });

  it('is blocked when its agent is removed', async () => {
    const home = await createDaemonHome();
    await home.addAgent('coder', [[session('s1')]]);
    await home.addTask();
    await home.untilStatus(1, 'running');
    await home.cancel({ runs: ['1'] });
    await home.untilSettled(1);
    await home.send('DELETE', '/agents/coder');
    expect((await home.task(1)).task).toMatchObject({
      status: 'blocked',
      blockedReason: expect.stringContaining('coder'),
      blockedNext: expect.stringContaining('--agent'),
    });
  });
});

describe('the reason of a blocked task', () => {
  it('holds no value of a variable of its agent', async () => {
    const home = await createDaemonHome();
    const value = 'correct-horse-battery';
    const says = `401 Unauthorized: ${value} is no valid key`;
    await home.addAgent('coder', [[session('s1'), failed(says), { exit: 1 }]], { env: { SHOP_TOKEN: value } });
    await home.addTask();
    const shown = await home.atRest(1);
    expect(shown.task.blockedReason).toContain('[redacted]');
    expect(JSON.stringify([shown, await home.needsYou()])).not.toContain(value);
  });
});
