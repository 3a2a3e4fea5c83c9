import { describe, expect, it } from 'vitest';
import type { EventView } from '#protocol/answers.ts';
import { addSpeaker, codexSays } from '../support/agents.ts';
import { deep } from '../support/deep.ts';
import { createHome, resultOf } from '../support/home.ts';
import { until } from '../support/until.ts';

const { session, words, done } = codexSays;
const odd = 'one\u2028two\u2029three';

describe('a Unicode line separator', () => {
  it('in a command or a label breaks neither a wait nor a batch', deep, async () => {
    const home = createHome();
    expect(
      await home.clip(['run', '-w', '--label', `l=${odd}`.replaceAll(/[\u2028\u2029]/g, '-'), '--', 'echo', odd]),
    ).toMatchObject({ code: 0 });
    expect(await home.clip(['wait', '1'])).toMatchObject({ code: 0, stderr: '' });
    const batch = await home.clip(['run', '--batch', '-', '-w'], {
      input: `${JSON.stringify({ command: ['echo', odd] })}\n`,
    });
    expect(batch).toMatchObject({ code: 0, stderr: '' });
    const lines = batch.stdout.split('\n').filter((line) => line !== '');
    expect(lines.map((line) => (JSON.parse(line) as { run: { command: string[] } }).run.command)).toEqual([
      ['echo', odd],
      ['echo', odd],
    ]);
  });

  it('in a final message of an agent breaks no wait and no stream', async () => {
    const home = createHome();
    await addSpeaker(home, [[session('s1'), words(odd), done(1, 1), { exit: 0 }]]);
    expect(await home.clip(['run', '--agent', 'coder', '-w', 'go'])).toMatchObject({ code: 0 });
    expect(await home.clip(['run', '--agent', 'coder', '-f', 'go'])).toMatchObject({ code: 0 });
    expect((await home.show(1)).lastMessage).toBe(odd);
  });

  it('in a comment arrives in the events and on the plain dashboard', deep, async () => {
    const home = createHome();
    await home.clip(['task', 'add', 'One']);
    const events = home.start(['events', '-f']);
    const watching = home.start(['status', '--watch', '--plain']);
    const [eventText, watched] = [resultOf(events), resultOf(watching)];
    await home.clip(['task', 'comment', 'T1', odd]);
    await home.clip(['run', '-q', '--name', 'odd', '--', 'echo', odd]);
    await home.clip(['wait', '1']);
    const all = await home.clip(['events']);
    const texts = all.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as EventView);
    expect(texts.find(({ type }) => type === 'task-commented')?.data['text']).toBe(odd);
    await until('the dashboard has shown the run', async () => (await home.clip(['runs', '--json'])).code === 0);
    await home.clip(['daemon', 'stop']);
    events.kill('SIGINT');
    watching.kill('SIGINT');
    expect((await eventText).stderr).not.toContain('bug');
    expect((await watched).stderr).not.toMatch(/bug|Unterminated/);
  });
});
