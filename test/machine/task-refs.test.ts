import { describe, expect, it } from 'vitest';
import { addSpeaker, codexSays } from '../support/agents.ts';
import { createHome } from '../support/home.ts';

const { session, words, change, done } = codexSays;
const end = [done(10, 1), { exit: 0 }];
const plans = [session('s1'), words('I will inspect the repo next and then implement the fix.'), ...end];
const reports = [
  session('s1'),
  change('a', 'a.txt'),
  { run: '"$CLIP_BIN" report done "It is fixed."' },
  words('It is fixed.'),
  ...end,
];

async function homeWithTask(scripts: Parameters<typeof addSpeaker>[1]) {
  const home = createHome();
  await addSpeaker(home, scripts);
  await home.clip(['task', 'add', 'Fix the parser', '--assign', 'coder']);
  return home;
}

describe('a task', () => {
  it('is waited for until a person acts, and followed over its runs', async () => {
    const home = await homeWithTask([plans, reports]);
    const [waited, followed] = await Promise.all([
      home.clip(['wait', 'T1']),
      home.clip(['logs', '-f', '--rendered', 'T1']),
    ]);
    expect([waited.code, waited.stdout]).toEqual([122, 'T1 ◉ in_review\n']);
    expect(followed.stdout).toMatch(/I will inspect the repo[\s\S]*It is fixed\./);
    expect(followed.stderr).toContain('Run 2 continues T1.');
    expect((await home.clip(['show', 'T1'])).stdout).toContain('Run 2');
  });

  it('ends a wait with 123 when blocked, and with 0 when done', async () => {
    const home = await homeWithTask([plans]);
    const blocked = await home.clip(['wait', 'T1']);
    expect([blocked.code, blocked.stdout]).toEqual([123, expect.stringContaining('T1 ■ blocked: ')]);
    await home.clip(['task', 'done', 'T1']);
    expect(await home.clip(['wait', 'T1', '--json'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('"status":"done"'),
    });
    expect(await home.clip(['wait', 'T9'])).toMatchObject({ code: 125, stderr: expect.stringContaining('no task T9') });
  });
});

describe('a wait for a task', () => {
  it('outlasts an older run of it', async () => {
    const home = createHome();
    await home.clip(['task', 'add', 'Make it fast']);
    await home.submit(['--task', 'T1', '--', 'sh', '-c', 'sleep 1.5; exit 4']);
    await home.clip(['run', '--wait', '-q', '--task', 'T1', '--', 'true']);
    expect((await home.clip(['wait', 'T1'])).code).toBe(123);
    expect((await home.show(1)).exitCode).toBe(4);
  });
});

describe('clip continue with a run', () => {
  it('tells its agent what to do next, in the same session', async () => {
    const home = createHome();
    const coder = await addSpeaker(home, [plans, reports]);
    await home.clip(['run', '--agent', 'coder', '-w', '--', 'Fix the parser.']);
    const { code, stdout } = await home.clip(['continue', '1', 'The', 'lexer', 'as', 'well.', '--wait']);
    expect([code, stdout.split('\n')[0]]).toEqual([0, '2']);
    expect(coder.seen()[1]).toMatchObject({
      stdin: 'The lexer as well.',
      argv: expect.arrayContaining(['resume', 's1']),
    });
    const { stdout: list } = await home.clip(['runs']);
    expect(list).toMatch(/The lexer as well\.[\s\S]*Fix the parser\./);
  });
});
