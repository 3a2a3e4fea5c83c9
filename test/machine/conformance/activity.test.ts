/**
 * Which activity is listed for the runs of a task, and which events belong to it: the cases of the reference system.
 */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import type { RunView } from '#protocol/answers.ts';
import { codexSays } from '../../support/agents.ts';
import { deep } from '../../support/deep.ts';
import type { TestHome } from '../../support/home.ts';
import { addTask, atRest, clipStep, ends, homeWith, shownTask } from '../../support/task-runs.ts';
import { until } from '../../support/until.ts';

const { session, words, done, command } = codexSays;

const ledger = async (home: TestHome, task: number) =>
  (await home.json<{ runs: RunView[] }>(['ledger', `T${task}`, '--json'])).runs;
const explains = (...steps: readonly object[]) => [
  session('s1'),
  ...steps,
  words('The parser has three entry points.'),
  done(10, 1),
  { exit: 0 },
];

/** Creates an unassigned task with these runs, one after the other. */
async function taskWith(scripts: readonly (readonly object[])[]) {
  const { home } = await homeWith(() => scripts as never);
  const task = await addTask(home, []);
  for (const _ of scripts) await home.clip(['run', '-w', '--agent', 'coder', '--task', `T${task}`, 'go']);
  await atRest(home, task);
  return { home, task };
}

describe('the runs of a task', () => {
  it('are listed with usage and verdict, and without their output', async () => {
    const { home, task } = await taskWith([
      explains(command('a', 'cat secrets-of-the-output'), { raw: 'raw words of the stream\n' }),
    ]);
    const { stdout } = await home.clip(['ledger', `T${task}`, '--json']);
    expect(JSON.parse(stdout).runs).toEqual([
      expect.objectContaining({
        livenessState: 'needs_followup',
        usage: expect.objectContaining({ inputTokens: 10, outputTokens: 1 }),
        stopReason: 'completed',
      }),
    ]);
    expect(stdout).not.toContain('raw words of the stream');
    expect(stdout).not.toContain('secrets-of-the-output');
  });

  it('get a missing verdict in the background, without delaying a request', deep, async () => {
    const { home, task } = await taskWith([ends.explains]);
    await home.clip(['daemon', 'stop']);
    const database = new Database(join(home.folder, 'clip.db'));
    database.exec("update runs set state = json_set(state, '$.liveness', null)");
    database.close();
    expect((await home.clip(['ledger', `T${task}`])).stdout).toContain('No liveness data');
    const judged = await until('the run has a verdict', async () =>
      (await ledger(home, task)).find(({ livenessState }) => livenessState !== null),
    );
    expect(judged).toMatchObject({ livenessState: 'needs_followup', livenessReason: expect.any(String) });
    await home.clip(['daemon', 'restart']);
    expect(await home.show(judged.number)).toMatchObject({ livenessState: 'needs_followup' });
    expect((await home.history(judged.number)).filter(({ type }) => type === 'verdict-added')).toHaveLength(1);
  });

  it('do not count the documents and comments of another run as evidence', deep, async () => {
    const put = [
      { run: 'echo x > notes.md' },
      clipStep('task doc put T1 notes notes.md'),
      clipStep('task comment T1 "half of it"'),
    ];
    const { home, task } = await taskWith([explains(...put), ends.explains]);
    const [second, first] = await ledger(home, task);
    expect(first).toMatchObject({ livenessState: 'advanced', evidence: { documents: 1, comments: 1 } });
    expect(second).toMatchObject({ livenessState: 'needs_followup', evidence: { documents: 0, comments: 0 } });
  });

  it('count no summary, decision or comment of clip as evidence', deep, async () => {
    const { home, task } = await taskWith([ends.explains, ends.explains]);
    const { body } = (await home.json<{ document: { body: string } }>(['handoff', `T${task}`, '--json'])).document;
    expect(body).toContain('- Last run: 2,');
    expect(
      (await ledger(home, task)).map(({ livenessState, evidence }) => [
        livenessState,
        evidence?.documents,
        evidence?.comments,
      ]),
    ).toEqual([
      ['needs_followup', 0, 0],
      ['needs_followup', 0, 0],
    ]);
    expect((await shownTask(home, task)).documents).toEqual([]);
  });
});
