import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { NeedView } from '#protocol/needs.ts';
import type { TaskShowAnswer } from '#protocol/tasks.ts';
import { addSpeaker, codexSays } from '../support/agents.ts';
import { deep } from '../support/deep.ts';
import { createHome, program, type TestHome } from '../support/home.ts';
import { until } from '../support/until.ts';

const { session, words, change, done, failed } = codexSays;
const end = [done(10, 1), { exit: 0 }];

const show = (home: TestHome, task: number) =>
  home.asked<TaskShowAnswer>(`/v1/tasks/${task}`, ['task', 'show', `T${task}`, '--json']);
const needsYou = async (home: TestHome) => (await home.json<{ needsYou: NeedView[] }>(['status', '--json'])).needsYou;
const clipIn = (args: string) => ({ run: `'${process.execPath}' '${program}' ${args}` });

async function ok(home: TestHome, ...args: string[]): Promise<string> {
  const result = await home.clip(args);
  if (result.code !== 0) throw new Error(`clip ${args.join(' ')}: ${result.stderr}`);
  return result.stdout;
}

async function blocked(home: TestHome, task: number): Promise<TaskShowAnswer['task']> {
  return until(`T${task} is blocked`, async () => {
    const { task: now } = await show(home, task);
    return now.status === 'blocked' ? now : null;
  });
}

describe('a task that cannot run', () => {
  it("is blocked with a remedy when its agent's variables are unreadable", deep, async () => {
    const home = createHome();
    const file = join(home.base, 'agent.env');
    writeFileSync(file, 'A=1\n');
    await addSpeaker(home, [[session('s1'), ...end]], ['--env-from', file]);
    rmSync(file);
    await ok(home, 'task', 'add', 'One', '--assign', 'coder');
    expect(await blocked(home, 1)).toMatchObject({
      blockedReason: expect.stringContaining('agent.env'),
      blockedNext: expect.stringContaining('clip continue T1'),
    });
    expect(await needsYou(home)).toMatchObject([{ task: 1, status: 'blocked' }]);
    expect((await home.clip(['continue', 'T1'])).code).toBe(5);
    writeFileSync(file, 'A=1\n');
    await ok(home, 'continue', 'T1');
    await home.untilStatus(1, 'succeeded');
    await home.clip(['task', 'cancel', 'T1']);
  });

  it('is blocked when its folder is gone at its turn after another run', deep, async () => {
    const home = createHome();
    const gate = join(home.base, 'gate');
    const file = join(home.base, 'agent.env');
    writeFileSync(file, 'A=1\n');
    await addSpeaker(
      home,
      [[session('s1'), { await: gate }, change('a', 'a.txt'), words('Done.'), ...end]],
      ['--env-from', file],
    );
    await ok(home, 'task', 'add', 'One', '--assign', 'coder');
    await home.untilStatus(1, 'running');
    await ok(home, 'continue', 'T1', 'and then this');
    rmSync(file);
    writeFileSync(gate, '');
    expect(await blocked(home, 1)).toMatchObject({ blockedReason: expect.stringContaining('agent.env') });
  });

  it('is blocked instead of retried when its prompt cannot be written', deep, async () => {
    const home = createHome();
    const template = join(home.base, 'template.md');
    writeFileSync(template, 'Hello. {{prompt}}\n');
    await addSpeaker(home, [[session('s1'), ...end]], ['--prompt-template', template]);
    writeFileSync(template, 'Hello.\n');
    await ok(home, 'task', 'add', 'One', '--assign', 'coder');
    expect(await blocked(home, 1)).toMatchObject({ blockedReason: expect.stringContaining('{{prompt}}') });
    const { runs } = await home.json<{ runs: { status: string; stopReason: string }[] }>(['runs', '--json']);
    expect(runs.map(({ status, stopReason }) => [status, stopReason])).toEqual(
      runs.map(() => ['failed', 'not_started']),
    );
    expect(runs.length).toBeLessThanOrEqual(2);
  });

  it('is blocked when its agent is removed', deep, async () => {
    const home = createHome();
    await addSpeaker(home, [[session('s1'), { await: join(home.base, 'never') }]]);
    await ok(home, 'task', 'add', 'One', '--assign', 'coder');
    await home.untilStatus(1, 'running');
    await ok(home, 'cancel', '1');
    await until('the run has settled', async () => (await home.show(1)).settled || null);
    await ok(home, 'agent', 'rm', 'coder');
    expect(await blocked(home, 1)).toMatchObject({
      blockedReason: expect.stringContaining('coder'),
      blockedNext: expect.stringContaining('--agent'),
    });
  });
});

describe('a run that claims to be done', () => {
  it('and is lost is not started again, and a person is asked', deep, async () => {
    const home = createHome();
    const coder = await addSpeaker(home, [
      [session('s1'), clipIn(`report done 'all of it'`), { await: join(home.base, 'never') }],
    ]);
    await ok(home, 'task', 'add', 'One', '--assign', 'coder');
    await until('the task is in review', async () => (await show(home, 1)).task.status === 'in_review' || null);
    const [start] = coder.seen();
    for (const pid of home.pidsOf('keeper')) await home.kill(pid);
    process.kill(start?.pid ?? 0, 'SIGKILL');
    await until('the run has settled', async () => (await home.show(1)).settled || null);
    expect(await home.show(1)).toMatchObject({ stopReason: 'process_lost', decision: { action: 'review' } });
    expect((await home.json<{ runs: unknown[] }>(['runs', '--json'])).runs).toHaveLength(1);
  });
});

describe('a lost run of a reassigned task', () => {
  it('is not started again beside the new agent', deep, async () => {
    const home = createHome();
    const gate = join(home.base, 'gate');
    const coder = await addSpeaker(home, [[session('s1'), { await: join(home.base, 'never') }]], ['--share-worktree']);
    await addSpeaker(
      home,
      [[session('s2'), { await: gate }, clipIn("report done 'all of it'"), ...end]],
      ['--share-worktree'],
      'other',
    );
    await ok(home, 'task', 'add', 'One', '--assign', 'coder');
    await home.untilStatus(1, 'running');
    await ok(home, 'task', 'assign', 'T1', 'other');
    const [start] = coder.seen();
    for (const pid of home.pidsOf('keeper')) await home.kill(pid);
    process.kill(start?.pid ?? 0, 'SIGKILL');
    await home.untilStatus(2, 'running');
    const { runs } = await home.json<{ runs: { agentName: string; status: string }[] }>(['runs', '--json']);
    expect(runs.map(({ agentName, status }) => [agentName, status])).toEqual([
      ['other', 'running'],
      ['coder', 'failed'],
    ]);
    writeFileSync(gate, '');
    await until('the task is in review', async () => (await show(home, 1)).task.status === 'in_review');
    expect((await home.json<{ runs: unknown[] }>(['runs', '--json'])).runs).toHaveLength(2);
  });
});

describe('the reason of a blocked task', () => {
  it('holds no value of a variable of its agent', deep, async () => {
    const home = createHome();
    const value = 'correct-horse-battery';
    await addSpeaker(
      home,
      [[session('s1'), failed(`401 Unauthorized: ${value} is no valid key`), { exit: 1 }]],
      ['--env', `SHOP_TOKEN=${value}`],
    );
    await ok(home, 'task', 'add', 'One', '--assign', 'coder');
    expect((await blocked(home, 1)).blockedReason).toContain('[redacted]');
    expect(JSON.stringify(await show(home, 1))).not.toContain(value);
    expect((await home.clip(['status'])).stdout).not.toContain(value);
  });
});

describe('an instruction of a person', () => {
  it('starts a run at once that would have waited for the provider', deep, async () => {
    const home = createHome();
    const coder = await addSpeaker(home, [
      [session('s1'), failed('429 Too Many Requests: rate limit reached'), { exit: 1 }],
      [session('s1'), { await: join(home.base, 'never') }],
    ]);
    await ok(home, 'task', 'add', 'One', '--assign', 'coder');
    await until(
      'the run waits for the provider',
      async () => (await show(home, 1)).wakes.some(({ reason }) => reason === 'rate_limit_retry') || null,
    );
    await ok(home, 'continue', 'T1', 'it answers again');
    await until('the second run has started', () => (coder.seen().length === 2 ? true : null));
    expect(coder.seen()[1]?.stdin).toContain('it answers again');
    await home.clip(['task', 'cancel', 'T1']);
  });

  it('during the live run of a blocked task outlives that run', deep, async () => {
    const home = createHome();
    const gate = join(home.base, 'gate');
    const coder = await addSpeaker(home, [
      [session('s1'), clipIn(`report blocked 'which key?'`), { await: gate }, words('I am blocked.'), ...end],
      [session('s1'), { await: join(home.base, 'never') }],
    ]);
    await ok(home, 'task', 'add', 'One', '--assign', 'coder');
    await blocked(home, 1);
    await ok(home, 'continue', 'T1', 'the green one');
    writeFileSync(gate, '');
    await until('the task has continued', () => (coder.seen().length === 2 ? true : null));
    expect(coder.seen()[1]?.stdin).toContain('the green one');
    expect((await show(home, 1)).task).toMatchObject({ status: 'in_progress' });
    await home.clip(['task', 'cancel', 'T1']);
  });
});

describe('an agent', () => {
  it('cannot continue its own task forever', deep, async () => {
    const home = createHome();
    const coder = await addSpeaker(home, [
      [session('s1'), clipIn('continue T1 again'), words('I will go on.'), ...end],
    ]);
    // The file in which this agent records its starts would count as work that remains.
    const folder = join(home.base, 'work');
    mkdirSync(folder);
    await ok(home, 'task', 'add', 'One', '--cwd', folder, '--assign', 'coder');
    await blocked(home, 1);
    expect(coder.seen().length).toBe(4);
    const { comments } = await show(home, 1);
    expect(comments.map(({ author }) => author)).toEqual(['coder', 'coder', 'coder']);
  });

  it('is not treated as a person when it acts through a command of its own run', deep, async () => {
    const home = createHome();
    const said = join(home.base, 'said');
    const comment = `'${process.execPath}' '${program}' task comment T1 hello > '${said}' 2>&1`;
    writeFileSync(join(home.base, 'nested.sh'), `${comment}\n`);
    await addSpeaker(home, [
      [
        session('s1'),
        clipIn(`run --wait -- sh '${join(home.base, 'nested.sh')}'`),
        { await: join(home.base, 'never') },
      ],
    ]);
    await ok(home, 'task', 'add', 'One', '--assign', 'coder');
    const { comments } = await until('the task has a comment', async () => {
      const shown = await show(home, 1);
      return shown.comments.length > 0 ? shown : null;
    });
    expect(comments).toMatchObject([{ author: 'coder' }]);
    await home.clip(['task', 'cancel', 'T1']);
  });

  it('cannot raise its own limit', async () => {
    const home = createHome();
    const out = join(home.base, 'out');
    await addSpeaker(home, [
      [
        session('s1'),
        clipIn(`task edit T1 --budget 9000tokens 2>'${out}'`),
        clipIn(`agent edit coder --budget-day 9000tokens 2>>'${out}'`),
        { await: join(home.base, 'never') },
      ],
    ]);
    await ok(home, 'task', 'add', 'One', '--assign', 'coder', '--budget', '500tokens');
    await until(
      'both attempts were made',
      () => (existsSync(out) && readFileSync(out, 'utf8').match(/Only a person/g)?.length === 2) || null,
    );
    expect((await show(home, 1)).task.budget).toMatchObject({ tokens: 500 });
    await home.clip(['task', 'cancel', 'T1']);
  });
});
