/** The text of the ledger: the wording of the reference system. */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { codexSays } from '../../support/agents.ts';
import { deep } from '../../support/deep.ts';
import { addTask, atRest, ends, gated, homeWith, untilRun } from '../../support/task-runs.ts';

const { session, words, done } = codexSays;
const blocked = [session('s1'), words('I cannot proceed because I need access credentials.'), done(10, 1), { exit: 0 }];

/** Creates an unassigned task with these runs, one after the other, and returns its ledger. */
async function taskWithLedger(scripts: readonly (readonly object[])[], options: readonly string[] = []) {
  const { home } = await homeWith(() => scripts as never, options);
  const task = await addTask(home, []);
  for (const _ of scripts) await home.clip(['run', '-w', '--agent', 'coder', '--task', `T${task}`, 'go']);
  await atRest(home, task);
  return { home, task, ledger: async (...more: string[]) => (await home.clip(['ledger', `T${task}`, ...more])).stdout };
}

/** Returns the entry of one run. */
const entry = (ledger: string, run: number) => ledger.split('\n\n').find((part) => part.includes(`#${run} `)) ?? '';

describe('the ledger shows', () => {
  it('every verdict by its name', deep, async () => {
    const { ledger } = await taskWithLedger([
      ends.plans,
      ends.saysNothing,
      ends.changes,
      ends.explains,
      ends.fails,
      blocked,
    ]);
    const text = await ledger();
    const states = ['plan_only', 'empty_response', 'advanced', 'needs_followup', 'failed', 'blocked'];
    for (const [index, state] of states.entries()) expect(entry(text, index + 1)).toContain(`  ${state}`);
  });

  it('Exhausted, and which attempt it was', deep, async () => {
    const { home } = await homeWith(() => [ends.plans]);
    const task = await addTask(home);
    await untilRun(home, task, 3, 'succeeded');
    await atRest(home, task);
    const last = entry((await home.clip(['ledger', `T${task}`])).stdout, 3);
    expect(last).toContain('Exhausted');
    expect(last).toContain('Continuation attempt 2 of 2');
    expect(last).toMatch(/cause +the last run only planned, or said nothing/);
  });

  it('a missing verdict as No liveness data, and unknown facts as Unavailable', async () => {
    const { home, task, ledger } = await taskWithLedger([ends.explains]);
    await home.clip(['daemon', 'stop']);
    const database = new Database(join(home.folder, 'clip.db'));
    database.exec("update runs set state = json_set(state, '$.liveness', null)");
    database.close();
    const text = entry(await ledger(), 1);
    expect(text).toContain('No liveness data');
    expect(text).toMatch(/last useful +Unavailable/);
    expect(task).toBe(1);
  });

  it('a live run as Running now, to be checked after it has finished', deep, async () => {
    const { home } = await homeWith((gate) => [gated(gate)]);
    const task = await addTask(home);
    await untilRun(home, task, 1, 'running');
    const text = (await home.clip(['ledger', `T${task}`])).stdout;
    for (const wanted of ['Running now by coder', 'Checks after finish', 'No action recorded yet', 'Still running'])
      expect(text).toContain(wanted);
    expect(text).not.toContain('Liveness pending');
  });

  it('why each run stopped (limit, person or budget), but no output', deep, async () => {
    const { home } = await homeWith(() => [[session('s1'), { raw: 'raw words of the stream\n' }]]);
    const task = await addTask(home, []);
    const start = (...options: string[]) => home.submit(['--agent', 'coder', '--task', `T${task}`, ...options, 'go']);
    await home.untilStatus(await start('--timeout', '1s'), 'timed_out');
    const second = await start();
    await home.untilStatus(second, 'running');
    await home.clip(['cancel', String(second)]);
    await home.clip(['agent', 'edit', 'coder', '--budget-run', '1s']);
    await home.untilStatus(await start(), 'cancelled');
    await atRest(home, task);
    const { stdout } = await home.clip(['ledger', `T${task}`]);
    expect(entry(stdout, 1)).toMatch(/stop +timeout \(1\.0 s timeout\)\n/);
    expect(entry(stdout, 2)).toMatch(/stop +cancelled\n/);
    expect(entry(stdout, 3)).toMatch(/stop +budget paused(, cancelled)?\n/);
    expect(stdout).not.toContain('raw words of the stream');
  });

  it('the number of older runs that are left out', deep, async () => {
    const { ledger } = await taskWithLedger([ends.saysNothing, ends.saysNothing, ends.saysNothing]);
    expect(await ledger('--limit', '1')).toContain('2 older runs not shown');
    expect(await ledger()).not.toContain('not shown');
  });

  it('the next action of a run', deep, async () => {
    const { ledger } = await taskWithLedger([ends.plans]);
    expect(await ledger()).toMatch(/next +I will inspect the repo next/);
  });
});
