/** What is handed over from run to run, and when it is created: the cases of the reference system. */
import { describe, expect, it } from 'vitest';
import type { DocumentView } from '#protocol/tasks.ts';
import { codexSays } from '../../support/agents.ts';
import { deep } from '../../support/deep.ts';
import type { TestHome } from '../../support/home.ts';
import { endWithoutRecord } from '../../support/records.ts';
import { headings } from '../../support/summaries.ts';
import { addTask, atRest, ends, gated, homeWith, untilRun } from '../../support/task-runs.ts';
import { until } from '../../support/until.ts';

const { session, words, done, command, change } = codexSays;

type Handoff = { document: DocumentView; history: { revision: number }[] };
const handoff = async (home: TestHome, task: number) =>
  home.json<Handoff>(['handoff', `T${task}`, '--history', '--json']);

/** Returns the text under a heading. */
function section(body: string, heading: string): string {
  const [, text = ''] = body.split(`\n## ${heading}\n`);
  return (text.split('\n## ')[0] ?? '').trim();
}

/** Waits for the summary of this run. */
const summaryOf = (home: TestHome, task: number, run: number) =>
  until(`the summary is of run ${run}`, async () => {
    const { stdout } = await home.clip(['handoff', `T${task}`, '--json']);
    const body = stdout === '' ? '' : (JSON.parse(stdout) as Handoff).document.body;
    return body.includes(`- Last run: ${run},`) ? body : null;
  });

const told = ['--description', 'The parser drops the last token.', '--accept', 'All tests pass.'];

describe('the continuation summary', () => {
  it('has all sections and facts of the run within 8,000 characters', deep, async () => {
    const work = [
      command('a', 'npm test', 1),
      change('b', 'src/parse.ts'),
      words('The last token is read now.'),
      done(10, 1),
      { exit: 0 },
    ];
    const { home } = await homeWith(() => [[session('s1'), ...work]]);
    const task = await addTask(home, told);
    await home.clip(['run', '-w', '--agent', 'coder', '--task', `T${task}`, 'go']);
    await atRest(home, task);
    const { document, history } = await handoff(home, task);
    expect([document.key, document.author, document.revision, history.length]).toEqual([
      'continuation-summary',
      'clip',
      1,
      1,
    ]);
    const { body } = document;
    expect(body.match(/^## .+$/gm)).toEqual(headings.map((heading) => `## ${heading}`));
    expect(section(body, 'Objective')).toContain('The parser drops the last token.');
    expect(section(body, 'Acceptance criteria')).toContain('All tests pass.');
    expect(body).toContain('- Last run: 1, succeeded, advanced');
    expect(section(body, 'Files touched')).toContain('src/parse.ts');
    expect(section(body, 'Commands run')).toMatch(/npm test.*1/s);
    expect(section(body, 'How to resume')).toContain('s1');
    expect(body.length).toBeLessThanOrEqual(8_000);
  });

  // Unlike the reference, a later success removes the error.
  it('of a failed run leaves its error to the next prompt alone', deep, async () => {
    const { home, seen } = await homeWith((gate) => [ends.fails, ends.changes, gated(gate)]);
    const task = await addTask(home, [...told, '--assign', 'coder']);
    await untilRun(home, task, 3, 'running');
    expect(seen()[1]?.stdin).toMatch(/^Go on with task T\d+\. Run 1 failed \(exited \d\)\. Its error:\n/);
    const body = await summaryOf(home, task, 2);
    expect(section(body, 'Next action')).not.toContain('Find out why');
    expect(seen()[2]?.stdin).not.toContain('Its error');
  });

  // This differs from the reference, because the run knows it best.
  it('has the next action that the run named', async () => {
    const { home } = await homeWith(() => [ends.plans]);
    const task = await addTask(home, told);
    await home.clip(['run', '-w', '--agent', 'coder', '--task', `T${task}`, 'go']);
    expect(section(await summaryOf(home, task, 1), 'Next action')).toContain('inspect the repo next');
  });

  // This differs from the reference, because it is needed most then.
  it('is written after a cancel and a loss', deep, async () => {
    const { home } = await homeWith((gate) => [[session('s1'), change('a', 'src/parse.ts'), { await: gate }]]);
    const task = await addTask(home, told);
    const first = await home.submit(['--agent', 'coder', '--task', `T${task}`, 'go']);
    await until('the agent is working', async () => (await home.show(first)).evidence?.filesChanged === 1);
    await home.clip(['cancel', String(first)]);
    expect(section(await summaryOf(home, task, first), 'How the last run stopped')).toContain('Stop reason: cancelled');
    const second = await home.submit(['--agent', 'coder', '--task', `T${task}`, '--on-loss', 'fail', 'go']);
    await until('the agent is working', async () => (await home.show(second)).evidence?.filesChanged === 1);
    await endWithoutRecord(home, await home.show(second));
    const body = await summaryOf(home, task, second);
    expect(section(body, 'How the last run stopped')).toContain('Stop reason: process_lost');
    expect(section(body, 'Files touched')).toContain('src/parse.ts');
  });
});
