import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { codexSays } from '../support/agents.ts';
import { asRun, createDaemonHome } from '../support/daemon/daemon-home.ts';
import type { Step } from '../support/daemon/fake-process.ts';

const { session, words, done } = codexSays;
const ends: readonly Step[] = [session('s1'), words('The parser has three entry points.'), done(10, 1), { exit: 0 }];
const noSession: readonly Step[] = [words('Done.'), done(10, 1), { exit: 0 }];

async function homeWithAgent(script = ends) {
  const home = await createDaemonHome();
  await home.addAgent('coder', [script, script]);
  return home;
}

describe('the title of a run', () => {
  it('is the first line of its prompt, without the marks of a heading', async () => {
    const home = await homeWithAgent();
    await home.untilSettled(await home.runAgent('coder', { prompt: '\n# Fix the  parser\n\nIt fails on tabs.' }));
    const { run, prompt } = await home.send('GET', '/runs/1');
    expect([run.title, prompt]).toEqual(['Fix the parser', '\n# Fix the  parser\n\nIt fails on tabs.']);
    expect((await home.runs())[0]?.title).toBe('Fix the parser');
  });

  it('is that of its task, or what a person said to the task', async () => {
    const home = await homeWithAgent([session('s1')]);
    await home.addTask({ title: 'Fix the login', assignee: null });
    await home.send('POST', '/tasks/1/continue', { agent: 'coder', prompt: null });
    await home.run(['make'], { task: 1 });
    expect((await home.runs()).map(({ title, command }) => title ?? command.join(' '))).toEqual([
      'Fix the login',
      'make',
    ]);
  });

  it('does not show a prompt that is secret', async () => {
    const home = await homeWithAgent();
    await home.untilSettled(await home.runAgent('coder', { prompt: 'The key is 12345.', promptSecret: true }));
    const { run, prompt } = await home.send('GET', '/runs/1');
    expect([run.title, prompt]).toEqual([null, null]);
  });
});

describe('words to an ended run of an agent', () => {
  it('are all that its session is told, and name the new run', async () => {
    const home = await homeWithAgent();
    await home.untilSettled(await home.runAgent('coder', { prompt: 'Fix the parser.' }));
    const { run } = await home.send('POST', '/runs/1/retry', { prompt: 'The lexer as well.' });
    const second = await home.process(2);
    expect([second.stdin, second.launch.argv.includes('resume')]).toEqual(['The lexer as well.', true]);
    expect(run).toMatchObject({ title: 'The lexer as well.', sessionIdBefore: 's1', retryOfRunId: expect.any(String) });
  });

  it('come before what was asked, if the agent has no session', async () => {
    const home = await homeWithAgent(noSession);
    await home.untilSettled(await home.runAgent('coder', { prompt: 'Fix the parser.' }));
    await home.send('POST', '/runs/1/retry', { prompt: 'The lexer as well.' });
    expect((await home.process(2)).stdin).toMatch(/^The lexer as well\.\n\n.*was asked:\n\nFix the parser\.$/);
  });

  it('by an agent get no permission that a person chose', async () => {
    const home = await homeWithAgent();
    await home.addAgent('helper', [[]]);
    await home.untilSettled(await home.runAgent('coder', { prompt: 'Fix the parser.', permission: 'full' }));
    const inside = await home.process(await home.runAgent('helper'));
    const refusal = await home.refused('POST', '/runs/1/retry', { prompt: 'Do more.' }, asRun(inside));
    expect(refusal.message).toMatch(/^Only a person chooses the permission of a run/);
    expect((await home.send('POST', '/runs/1/retry', { prompt: 'Do more.' })).run.permission).toBe('full');
  });

  it('start a run although the ended one made its prompt huge', async () => {
    const home = await homeWithAgent();
    await home.untilSettled(await home.runAgent('coder', { prompt: 'Fix the parser.' }));
    const { id } = await home.show(1);
    truncateSync(join(home.home.folder, 'runs', id, 'prompt.txt'), 2 ** 32);
    expect(await home.refused('POST', '/runs/1/retry', {})).toMatchObject({ code: 'refused' });
    await home.send('POST', '/runs/1/retry', { prompt: 'The lexer as well.' });
    expect((await home.process(2)).stdin).toBe('The lexer as well.');
  });

  it('are refused for a command', async () => {
    const home = await createDaemonHome();
    const number = await home.run(['true']);
    await (await home.process(number)).play([{ exit: 0 }]);
    await home.untilSettled(number);
    const refusal = await home.refused('POST', '/runs/1/retry', { prompt: 'again' });
    expect(refusal).toMatchObject({ code: 'usage', message: 'Run 1 is a command, and words are for an agent.' });
  });
});

describe('the name of a task where a run is expected', () => {
  it('means its newest run', async () => {
    const home = await homeWithAgent();
    await home.addTask({ title: 'Fix the login', assignee: null });
    expect((await home.refused('GET', '/runs/T1')).message).toBe('T1 has no run yet.');
    await home.run(['make'], { task: 1 });
    await home.run(['make', 'test'], { task: 1 });
    expect((await home.show('T1')).number).toBe(2);
    expect((await home.show('t1')).number).toBe(2);
    expect((await home.refused('GET', '/runs/T9')).message).toBe('There is no task T9.');
  });
});

describe('the status', () => {
  it('lists a long run that ended after many newer ones', async () => {
    const home = await createDaemonHome();
    const long = await home.process(await home.run(['sleep', '1000']));
    for (let n = 0; n < 51; n += 1) await home.run(['true']);
    await home.untilSettled(52);
    await home.send('GET', '/status?look=true');
    await home.clock.advance(10);
    await long.play([{ exit: 3 }]);
    await home.untilSettled(1);
    expect((await home.send('GET', '/status')).ended).toMatchObject({ total: 1, runs: [{ number: 1 }] });
  });

  it('lists what waits with its reason, and what has ended since a person looked', async () => {
    const home = await createDaemonHome({ max_runs: 1 });
    expect((await home.send('GET', '/status?look=true')).ended).toEqual({ since: null, total: 0, runs: [] });
    await home.run(['make']);
    await home.run(['make', 'test']);
    await home.clock.advance(1_000);
    const { queued } = await home.send('GET', '/status');
    expect(queued).toMatchObject([{ number: 2, waitingFor: expect.stringContaining('slot') }]);
    await (await home.process(1)).play([{ exit: 3 }]);
    await home.untilSettled(1);
    const ended = async (look = '') => (await home.send('GET', `/status${look}`)).ended;
    expect(await ended()).toMatchObject({ total: 1, runs: [{ number: 1, exitCode: 3 }] });
    expect(await ended('?look=true')).toMatchObject({ total: 1, runs: [{ number: 1 }] });
    expect(await ended()).toMatchObject({ total: 0, runs: [] });
  });
});
