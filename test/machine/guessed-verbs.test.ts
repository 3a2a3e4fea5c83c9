import { describe, expect, it } from 'vitest';
import { addSpeaker, codexSays } from '../support/agents.ts';
import { createHome } from '../support/home.ts';

const { session, words, done } = codexSays;
const answers = [session('s1'), words('The parser has three entry points.'), done(10, 1), { exit: 0 }];

describe('clip with a verb that it does not have', () => {
  it('names what was meant, and nothing that deletes', async () => {
    const home = createHome();
    const said = async (...args: string[]) => (await home.clip(args)).stderr;
    expect(await said('stop', '6')).toContain('Did you mean: clip cancel 6');
    expect(await said('--color', 'never', 'tail', 'build')).toContain('Did you mean: clip logs -f build');
    expect(await said('prine')).not.toContain('prune');
    expect(await said('legder')).toContain('Did you mean ledger?');
  });
});

describe('clip run --agent', () => {
  it('takes options after the prompt, and a model for this run', async () => {
    const home = createHome();
    const coder = await addSpeaker(home, [answers]);
    const { code, stdout } = await home.clip(['run', '--agent', 'coder', 'read', 'it', '--model', 'o9', '-w', 'well']);
    expect([code, stdout]).toEqual([0, '1\n']);
    expect(coder.seen()[0]).toMatchObject({ stdin: 'read it well', argv: expect.arrayContaining(['o9']) });
    await home.clip(['retry', '1', '-w']);
    expect(coder.seen()[1]?.argv).toContain('o9');
    const wrong = await home.clip(['run', '--agent', 'coder', 'read', '--frobnicate']);
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining("Unknown option '--frobnicate'") });
    const behind = await home.clip(['run', '--agent', 'coder', '-q', '--', 'read', '--frobnicate']);
    expect(behind.code).toBe(0);
  });
});

describe('clip pause', () => {
  it('starts nothing more until clip resume, and clip queue says what waits', async () => {
    const home = createHome();
    expect((await home.clip(['pause'])).stdout).toContain('Paused: no run and no timer starts; 0 queued.');
    await home.clip(['run', '-q', '--name', 'build', '--', 'true']);
    const queue = await home.clip(['queue']);
    expect(queue.stdout).toMatch(/1 +the queue is held.* build +true/);
    expect(queue.stderr).toContain('the queue is held (clip resume)');
    await home.clip(['resume']);
    expect((await home.clip(['wait', '1'])).code).toBe(0);
  });
});

describe('clip task done', () => {
  it('takes several tasks, and one that cannot be closed stops none of the others', async () => {
    const home = createHome();
    for (const title of ['One', 'Two', 'Three']) await home.clip(['task', 'add', title]);
    const { code, stdout, stderr } = await home.clip(['task', 'done', 'T1', 'T9', 'T3']);
    expect([code, stdout]).toEqual([3, 'T1 is done.\nT3 is done.\n']);
    expect(stderr).toContain('There is no task T9.');
  });
});

describe('clip run with a shell line in one word', () => {
  it('says that clip starts no shell, and how to write it', async () => {
    const home = createHome();
    const plain = await home.clip(['run', 'ls -la']);
    expect([plain.code, plain.stderr]).toEqual([2, expect.stringContaining('Without the quotes: clip run -- ls -la')]);
    const piped = await home.clip(['run', 'ls | wc -l']);
    expect(piped.stderr).toContain("With a shell: clip run -- sh -c 'ls | wc -l'");
  });
});
