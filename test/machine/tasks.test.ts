import { mkdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { NeedView } from '#protocol/needs.ts';
import type { TaskShowAnswer, TaskView } from '#protocol/tasks.ts';
import { addSpeaker, codexSays } from '../support/agents.ts';
import { deep } from '../support/deep.ts';
import { createHome, program, type TestHome } from '../support/home.ts';
import { until } from '../support/until.ts';

const { session, words, change, done } = codexSays;
const end = [done(10, 1), { exit: 0 }];

const show = (home: TestHome, task: number) =>
  home.asked<TaskShowAnswer>(`/v1/tasks/${task}`, ['task', 'show', `T${task}`, '--json']);
const status = async (home: TestHome, task: number): Promise<TaskView['status']> =>
  (await show(home, task)).task.status;

async function add(home: TestHome, ...args: string[]): Promise<number> {
  const result = await home.clip(['task', 'add', ...args]);
  if (result.code !== 0) throw new Error(result.stderr);
  return Number(result.stdout.trim().slice(1));
}

/** Waits until no run of the task is live, queued or being finalized, and the task has this status. */
async function atRest(home: TestHome, task: number, wanted: TaskView['status']): Promise<TaskShowAnswer> {
  return until(`T${task} is ${wanted} and at rest`, async () => {
    const shown = await show(home, task);
    const { runs } = await home.asked<{ runs: { settled: boolean }[] }>(`/v1/runs?task=${task}`, [
      'runs',
      '--task',
      `T${task}`,
      '--json',
    ]);
    return shown.task.status === wanted && runs.every(({ settled }) => settled) ? shown : null;
  });
}

describe('a task', () => {
  it('is added, listed, shown and changed; its number is never used again', deep, async () => {
    const home = createHome();
    expect(await add(home, 'Fix', 'the', 'login', '--accept', 'npm test passes', '--priority', '3')).toBe(1);
    expect(await add(home, 'Later', '--backlog')).toBe(2);
    const result = await home.clip(['task', 'add', 'From input', '--description', '-', '--json'], {
      input: 'line one\nline two\n',
    });
    expect((JSON.parse(result.stdout) as { task: TaskView }).task).toMatchObject({
      number: 3,
      description: 'line one\nline two\n',
      status: 'todo',
      assignee: null,
    });
    const { tasks } = await home.json<{ tasks: TaskView[] }>(['task', 'list', '--json']);
    expect(tasks.map(({ number, status: each }) => [number, each])).toEqual([
      [3, 'todo'],
      [2, 'backlog'],
      [1, 'todo'],
    ]);
    expect((await home.clip(['task', 'edit', '1', '--title', 'Fix the logout', '--accept', 'none'])).code).toBe(0);
    expect((await show(home, 1)).task).toMatchObject({ title: 'Fix the logout', acceptance: null, priority: 3 });
    expect((await home.clip(['task', 'edit', '1'])).code).toBe(2);
    expect((await home.clip(['task', 'show', 'T99'])).stderr).toContain('There is no task T99.');
    expect((await home.clip(['task', 'show', 'x7'])).code).toBe(2);
  });

  it('changes its status on request, and refuses changes that its status does not allow', deep, async () => {
    const home = createHome();
    await add(home, 'One', '--assign', 'me');
    for (const [args, expected] of [
      [['start', 'T1'], 'in_progress'],
      [['block', 'T1', '--reason', 'no key'], 'blocked'],
      [['reopen', 'T1'], 'todo'],
      [['done', 'T1'], 'done'],
      [['done', 'T1'], 'done'],
      [['reopen', 'T1'], 'todo'],
      [['cancel', 'T1'], 'cancelled'],
    ] as const) {
      expect([args, (await home.clip(['task', ...args])).code, await status(home, 1)]).toEqual([args, 0, expected]);
    }
    const refused = await home.clip(['task', 'start', 'T1']);
    expect([refused.code, refused.stderr]).toEqual([5, expect.stringContaining('clip task reopen T1')]);
    expect((await home.clip(['task', 'block', 'T1'])).code).toBe(2);
  });

  it('keeps a record of each change and its author', deep, async () => {
    const home = createHome();
    await addSpeaker(home, [[session('s1'), change('a', 'a.txt'), { await: join(home.base, 'never') }]]);
    await add(home, 'One', '--kind', 'work', '--assign', 'coder');
    await until('the task has been started', async () => (await status(home, 1)) !== 'todo');
    await home.clip(['task', 'comment', 'T1', 'mind', 'the', 'gap']);
    await home.clip(['task', 'done', 'T1']);
    const { activity, comments } = await show(home, 1);
    expect(comments).toMatchObject([{ author: 'me', text: 'mind the gap', runId: null }]);
    const by = activity.filter(({ type }) => type.startsWith('task-')).map(({ type, data }) => [type, data['by']]);
    expect(by).toEqual([
      ['task-added', 'person'],
      ['task-picked-up', 'clip'],
      ['task-commented', 'person'],
      ['task-done', 'person'],
    ]);
  });

  it('has documents with revisions; a revision that was not read is never overwritten', deep, async () => {
    const home = createHome();
    await add(home, 'One');
    const file = join(home.base, 'plan.md');
    writeFileSync(file, 'first\n');
    expect((await home.clip(['task', 'doc', 'put', 'T1', 'plan', file, '--base', '0'])).code).toBe(0);
    expect((await home.clip(['task', 'doc', 'put', 'T1', 'plan', '--base', '1'], { input: 'second\n' })).code).toBe(0);
    const late = await home.clip(['task', 'doc', 'put', 'T1', 'plan', '-', '--base', '1'], { input: 'third\n' });
    expect([late.code, late.stderr]).toEqual([5, expect.stringContaining('is at revision 2')]);
    expect((await home.clip(['task', 'doc', 'get', 'T1', 'plan'])).stdout).toBe('second\n');
    expect((await home.clip(['task', 'doc', 'get', 'T1', 'plan', '--revision', '1'])).stdout).toBe('first\n');
    expect((await home.clip(['task', 'doc', 'put', 'T1', 'continuation-summary', file])).code).toBe(5);
    expect((await home.clip(['task', 'doc', 'get', 'T1', 'other'])).code).toBe(3);
    const { documents } = await home.json<{ documents: { key: string; revision: number; author: string }[] }>([
      'task',
      'doc',
      'list',
      'T1',
      '--json',
    ]);
    expect(documents).toMatchObject([{ key: 'plan', revision: 2, author: 'me' }]);
  });

  it('that is assigned to an agent starts one run, which gets the task', deep, async () => {
    const home = createHome();
    const report = { run: `'${process.execPath}' '${program}' report done 'all of it'` };
    const coder = await addSpeaker(home, [[session('s1'), change('a', 'a.txt'), report, words('Done.'), ...end]]);
    await add(home, 'Make it right', '--description', 'It is wrong.', '--accept', 'It is right.', '--assign', 'coder');
    await until('the agent has started', () => (coder.seen().length > 0 ? true : null));
    const [first] = coder.seen();
    expect(first?.stdin).toContain('# Task T1: Make it right');
    expect(first?.stdin).toContain('It is wrong.');
    expect(first?.stdin).toContain('clip report done');
    expect(first?.cwd).toBe(home.base);
    const { wakes } = await show(home, 1);
    expect(wakes.filter(({ reason }) => reason === 'issue_assigned')).toHaveLength(1);
    const { task, activity } = await atRest(home, 1, 'in_review');
    expect(task.budgetLeft).toBe(3);
    expect(activity.find(({ type }) => type === 'task-in-review')?.data['by']).toBe('agent coder (run 1)');
    expect(await home.show(1)).toMatchObject({
      livenessState: 'advanced',
      evidence: { reports: 1 },
      decision: { action: 'review' },
    });
    const { needsYou } = await home.json<{ needsYou: NeedView[] }>(['status', '--json']);
    expect(needsYou).toMatchObject([
      { task: 1, status: 'in_review', next: expect.stringContaining('clip task done T1') },
    ]);
  });

  it('of a person, or in the backlog, starts no run', deep, async () => {
    const home = createHome();
    const coder = await addSpeaker(home, [[session('s1'), ...end]]);
    await add(home, 'Mine', '--assign', 'me');
    await add(home, 'Some day', '--assign', 'coder', '--backlog');
    await add(home, 'Now', '--assign', 'coder');
    await until('the third run has started', () => (coder.seen().length > 0 ? true : null));
    for (const task of [1, 2]) expect((await show(home, task)).wakes).toEqual([]);
    await home.clip(['task', 'cancel', 'T3']);
  });

  it('is continued by hand with words that its run gets, and that are kept', deep, async () => {
    const home = createHome();
    const coder = await addSpeaker(home, [
      [session('s1'), words('I am blocked: I need the API key for the staging server to continue.'), ...end],
      [session('s1'), change('a', 'a.txt'), words('Used it.'), ...end],
      [session('s1'), ...end],
    ]);
    await add(home, 'One', '--assign', 'coder');
    const blocked = await atRest(home, 1, 'blocked');
    expect(blocked.task).toMatchObject({
      blockedReason: expect.stringContaining('API key'),
      blockedNext: expect.stringContaining('clip continue T1'),
    });
    const { needsYou } = await home.json<{ needsYou: NeedView[] }>(['status', '--json']);
    expect(needsYou).toMatchObject([
      { kind: 'task', task: 1, status: 'blocked', what: expect.stringContaining('API key') },
    ]);
    const answer = await home.clip(['continue', 'T1', 'the', 'key', 'is', 'in', 'the', 'vault']);
    expect([answer.code, answer.stdout]).toEqual([0, '2\n']);
    await until('the task has continued', () => (coder.seen().length > 1 ? true : null));
    const second = coder.seen()[1];
    expect(second?.stdin).toContain('the key is in the vault');
    expect(second?.argv).toContain('resume');
    expect((await show(home, 1)).comments[0]).toMatchObject({ author: 'me', text: 'the key is in the vault' });
    await home.clip(['task', 'cancel', 'T1']);
  });

  it('with a live run is continued afterwards; wakes for the same reason become one', deep, async () => {
    const home = createHome();
    const gate = join(home.base, 'gate');
    const coder = await addSpeaker(home, [
      [session('s1'), { await: gate }, change('a', 'a.txt'), words('Done.'), ...end],
      [session('s1'), { await: join(home.base, 'never') }],
    ]);
    await add(home, 'One', '--assign', 'coder');
    await until('the agent has started', () => (coder.seen().length > 0 ? true : null));
    expect((await home.clip(['continue', 'T1', 'first'])).stdout).toContain('Run 1 works on T1');
    await home.clip(['continue', 'T1', 'second']);
    const { wakes } = await show(home, 1);
    expect(wakes.map(({ reason, status: each, coalescedCount }) => [reason, each, coalescedCount])).toEqual([
      ['issue_continued', 'coalesced', 0],
      ['issue_continued', 'deferred', 1],
      ['issue_assigned', 'claimed', 0],
    ]);
    writeFileSync(gate, '');
    await until('the next run is live', () => (coder.seen().length > 1 ? true : null));
    expect(coder.seen()[1]?.stdin).toMatch(/first[\s\S]*second/);
    expect((await home.show(1)).decision).toMatchObject({ action: 'follows' });
    await home.clip(['cancel', '--task', 'T1']);
    expect((await home.show(2)).decision).toMatchObject({ action: 'none' });
    expect((await show(home, 1)).wakes.every(({ status: each }) => each !== 'deferred' && each !== 'queued')).toBe(
      true,
    );
  });

  it('that is canceled stops its live run, and its queued runs', deep, async () => {
    const home = createHome();
    await addSpeaker(home, [[session('s1'), { await: join(home.base, 'never') }]]);
    await add(home, 'One', '--assign', 'coder');
    await home.untilStatus(1, 'running');
    await home.clip(['continue', 'T1']);
    await home.clip(['task', 'cancel', 'T1']);
    await home.clip(['wait', '1']);
    expect(await home.show(1)).toMatchObject({ status: 'cancelled', decision: { action: 'none' } });
    expect((await show(home, 1)).wakes[0]).toMatchObject({ status: 'cancelled' });
  });

  it('whose agent cannot be started is blocked with a remedy; then it continues', deep, async () => {
    const home = createHome();
    const folder = join(home.base, 'work');
    mkdirSync(folder);
    await addSpeaker(home, [[session('s'), change('a', 'x.ts'), words('Done.'), ...end]], ['--cwd', folder]);
    rmdirSync(folder);
    const task = await add(home, 'Fix', '--assign', 'coder');
    const { task: blocked, wakes } = await atRest(home, task, 'blocked');
    expect(blocked.blockedReason).toBe(`It could not be started: The work folder ${folder} does not exist.`);
    expect(wakes.map((wake) => wake.status)).toEqual(['failed']);
    mkdirSync(folder);
    expect((await home.clip(['continue', `T${task}`])).code).toBe(0);
    await until('the task has continued', async () => (await status(home, task)) === 'in_progress');
  });

  it('whose folder is gone when its run ends is blocked', deep, async () => {
    const home = createHome();
    const folder = join(home.base, 'work');
    mkdirSync(folder);
    await addSpeaker(
      home,
      [[session('s'), { run: `rmdir '${folder}'` }, words('I removed it.'), ...end]],
      ['--cwd', folder],
    );
    const task = await add(home, 'Fix', '--assign', 'coder');
    expect((await atRest(home, task, 'blocked')).task.blockedReason).toBe(
      `It could not be started again: The work folder ${folder} does not exist.`,
    );
  });

  it('whose agent only ever plans is blocked in the end, as its summary shows', deep, async () => {
    const home = createHome();
    await addSpeaker(home, [[session('s1'), words('I will look at the repo next, and then fix it.'), ...end]]);
    const task = await add(home, 'Fix the login', '--assign', 'coder');
    expect((await atRest(home, task, 'blocked')).task.blockedReason).toContain('2 continuations did not change that');
    const { stdout } = await home.clip(['handoff', 'T1']);
    expect(stdout).toContain('- Status: blocked');
    expect(stdout).toContain('- Task T1 is blocked: a person must act before it can go on.');
  });

  it('is served by a person’s own command, which delays no agent', deep, async () => {
    const home = createHome();
    await add(home, 'One');
    await home.clip(['run', '--wait', '--task', 'T1', '--', 'touch', 'made']);
    expect(await home.show(1)).toMatchObject({ taskId: 1, livenessState: 'advanced', decision: { action: 'none' } });
    expect((await show(home, 1)).task).toMatchObject({ status: 'todo', executionRunId: null });
    expect((await home.clip(['handoff', 'T1'])).stdout).toContain('touch made');
  });

  it('cannot be changed by a run with another run’s token', async () => {
    const home = createHome();
    await add(home, 'One');
    await home.clip(['run', '--wait', '--env', 'X=1', '--', 'sh', '-c', 'true']);
    const { run } = await home.json<{ run: { id: string } }>(['show', '1', '--json']);
    const result = await home.clip(['task', 'comment', 'T1', 'me?'], {
      env: { CLIP_RUN_ID: run.id, CLIP_RUN_TOKEN: 'wrong' },
    });
    expect([result.code, result.stderr]).toEqual([5, expect.stringContaining('token')]);
    expect((await show(home, 1)).comments).toEqual([]);
  });
});

describe('a task with endless progress', () => {
  it('is left to a person after five automatic runs', deep, async () => {
    const home = createHome();
    const coder = await addSpeaker(home, [[session('s1'), change('a', 'a.txt'), words('Changed a little.'), ...end]]);
    await add(home, 'One', '--assign', 'coder');
    const { task } = await atRest(home, 1, 'blocked');
    expect(task).toMatchObject({ blockedReason: expect.stringContaining('5 runs in a row'), budgetLeft: 3 });
    expect(coder.seen()).toHaveLength(6);
    expect((await home.show(6)).decision).toMatchObject({ action: 'block' });
  });
});

describe('an agent that continues its own task', () => {
  it('is stopped after five runs, even with progress', deep, async () => {
    const home = createHome();
    const onward = { run: `'${process.execPath}' '${program}' continue T1` };
    const coder = await addSpeaker(home, [
      [session('s1'), change('a', 'a.txt'), onward, words('Changed a little.'), ...end],
    ]);
    await add(home, 'One', '--assign', 'coder');
    const { task } = await atRest(home, 1, 'blocked');
    expect(task.blockedReason).toContain('5 runs in a row');
    expect(coder.seen()).toHaveLength(6);
  });
});

describe('the handoff of a task', () => {
  it('shows what a person has changed since the last run', deep, async () => {
    const home = createHome();
    await addSpeaker(home, [
      [session('s1'), words('I am blocked: I need the API key for the staging server to continue.'), ...end],
    ]);
    await add(home, 'One', '--assign', 'coder');
    await atRest(home, 1, 'blocked');
    expect((await home.clip(['handoff', 'T1'])).stdout).toContain('- Status: blocked');
    await home.clip(['task', 'done', 'T1']);
    const first = await home.json<{ document: { revision: number; body: string } }>(['handoff', 'T1', '--json']);
    expect(first.document.body).toContain('- Status: done');
    // A second read writes nothing.
    expect((await home.json<typeof first>(['handoff', 'T1', '--json'])).document.revision).toBe(
      first.document.revision,
    );
  });
});

describe('a task whose agent', () => {
  it('has lost its prompt template is blocked after one retry', deep, async () => {
    const home = createHome();
    const template = join(home.base, 'template.md');
    writeFileSync(template, 'Be kind.\n{{prompt}}\n');
    await addSpeaker(
      home,
      [[session('s1'), change('a', 'a.txt'), words('Done.'), ...end]],
      ['--prompt-template', template],
    );
    rmSync(template);
    await add(home, 'One', '--assign', 'coder');
    const { task } = await atRest(home, 1, 'blocked');
    expect(task.blockedReason).toContain('prompt template');
    const { runs } = await home.json<{ runs: { errorCode: string; retryReason: string | null }[] }>(['runs', '--json']);
    expect(runs.map(({ errorCode, retryReason }) => [errorCode, retryReason])).toEqual([
      ['launch_failed', 'assignment_recovery'],
      ['launch_failed', null],
    ]);
  });
});

describe('the timer of an agent', () => {
  it('starts a run for a waiting task, and not twice for one', deep, async () => {
    const home = createHome();
    const coder = await addSpeaker(
      home,
      [[session('s1'), { await: join(home.base, 'never') }]],
      ['--every', '1s', '--force'],
    );
    await home.clip(['agent', 'pause', 'coder']);
    await add(home, 'One', '--assign', 'coder');
    await home.clip(['cancel', '--task', 'T1']);
    await home.clip(['agent', 'resume', 'coder']);
    await until('the timer has fired', () => (coder.seen().length > 0 ? true : null));
    const { wakes } = await show(home, 1);
    expect(wakes.map(({ source, reason }) => [source, reason])).toEqual([
      ['timer', 'heartbeat_timer'],
      ['assignment', 'issue_assigned'],
    ]);
    await home.clip(['agent', 'edit', 'coder', '--every', 'none']);
    await home.clip(['cancel', '--task', 'T1']);
  });
});

describe('a task with a budget', () => {
  it('needs a person when its run reaches it, and goes on with a higher one', deep, async () => {
    const home = createHome();
    const spend = (tokens: number) => done(tokens, 0);
    const never = { await: join(home.base, 'never') };
    const coder = await addSpeaker(home, [
      [session('s1'), change('a', 'a.txt'), spend(600), words('On it.'), never],
      [session('s1'), never],
    ]);
    await add(home, 'One', '--assign', 'coder', '--budget', '500tokens');
    await home.clip(['wait', '1']);
    expect(await home.show(1)).toMatchObject({
      status: 'cancelled',
      stopReason: 'budget_paused',
      decision: { action: 'skip' },
    });
    expect((await show(home, 1)).task).toMatchObject({
      status: 'in_progress',
      paused: expect.stringContaining('600 of 500 tokens'),
    });
    const { needsYou } = await home.json<{ needsYou: NeedView[] }>(['status', '--json']);
    expect(needsYou).toMatchObject([
      { kind: 'budget', task: 1, next: expect.stringContaining('clip task edit T1 --budget') },
    ]);
    // Not even a request by a person starts a run past a limit.
    await home.clip(['continue', 'T1']);
    expect(await home.show(2)).toMatchObject({
      status: 'queued',
      waitingFor: expect.stringContaining('600 of 500 tokens'),
    });
    await home.clip(['task', 'edit', 'T1', '--budget', '2000tokens']);
    await until('the task has continued', () => (coder.seen().length === 2 ? true : null));
    await home.clip(['task', 'cancel', 'T1']);
  });

  it('is blocked when a single run exceeded it, as the next would', deep, async () => {
    const home = createHome();
    await addSpeaker(
      home,
      [[session('s1'), change('a', 'a.txt'), done(600, 0), words('On it.'), { await: join(home.base, 'never') }]],
      ['--budget-run', '500tokens'],
    );
    await add(home, 'One', '--assign', 'coder');
    const { task } = await atRest(home, 1, 'blocked');
    expect(task).toMatchObject({
      blockedReason: expect.stringContaining('600 of 500 tokens'),
      blockedNext: expect.stringContaining('clip agent edit coder --budget-run'),
    });
    expect((await home.json<{ runs: unknown[] }>(['runs', '--json'])).runs).toHaveLength(1);
  });

  it('continues on resume when its agent was paused in the middle', deep, async () => {
    const home = createHome();
    const coder = await addSpeaker(home, [[session('s1'), change('a', 'a.txt'), { await: join(home.base, 'never') }]]);
    await add(home, 'One', '--assign', 'coder');
    await until('the agent is working', async () => ((await home.show(1)).evidence?.filesChanged ?? 0) > 0 || null);
    await home.clip(['agent', 'pause', 'coder', '--now']);
    await home.clip(['wait', '1']);
    expect(await home.show(1)).toMatchObject({ stopReason: 'paused', decision: { action: 'skip' } });
    await home.clip(['agent', 'resume', 'coder']);
    await until('the task has continued', () => (coder.seen().length === 2 ? true : null));
    expect(await home.show(2)).toMatchObject({
      wakeReason: 'issue_continuation_needed',
      retryReason: null,
      sessionIdBefore: 's1',
    });
    await home.clip(['task', 'cancel', 'T1']);
  });
});
