/** Documents of a task: the cases of the reference system. */
import { describe, expect, it } from 'vitest';
import type { DocumentHeadView } from '#protocol/tasks.ts';
import { deep } from '../../support/deep.ts';
import { addTask, atRest, ends, homeWith, shownTask } from '../../support/task-runs.ts';

/** Creates a task with a document by a person and a summary. */
async function taskWithBoth() {
  const { home } = await homeWith(() => [ends.explains]);
  const task = await addTask(home, []);
  await home.clip(['task', 'doc', 'put', `T${task}`, 'notes'], { input: 'Mind the last token.' });
  await home.clip(['run', '-w', '--agent', 'coder', '--task', `T${task}`, 'go']);
  await atRest(home, task);
  const list = async (...options: string[]) =>
    (
      await home.json<{ documents: DocumentHeadView[] }>(['task', 'doc', 'list', `T${task}`, ...options, '--json'])
    ).documents
      .map(({ key }) => key)
      .sort();
  return { home, task, list };
}

describe('the documents of a task', () => {
  it('are listed without those of the system', async () => {
    const { home, task, list } = await taskWithBoth();
    expect(await list()).toEqual(['notes']);
    expect((await shownTask(home, task)).documents.map(({ key }) => key)).toEqual(['notes']);
  });

  it("include the system's on request; only the system writes them", deep, async () => {
    const { home, task, list } = await taskWithBoth();
    expect(await list('--system')).toEqual(['continuation-summary', 'notes']);
    expect((await home.clip(['task', 'doc', 'get', `T${task}`, 'continuation-summary'])).stdout).toContain(
      '# Continuation summary',
    );
    const refused = await home.clip(['task', 'doc', 'put', `T${task}`, 'continuation-summary'], { input: 'Mine.' });
    expect([refused.code, refused.stderr]).toEqual([5, expect.stringContaining('written by clip itself')]);
  });
});
