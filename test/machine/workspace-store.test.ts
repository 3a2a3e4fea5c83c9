/** What the database stores about work folders, and when it is deleted. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { limits } from '#run/limits.ts';
import type { Snapshot } from '#run/workspace.ts';
import { createStore, type Store } from '#store/store.ts';
import type { TaskStatus } from '#task/task.ts';
import { root } from '../support/home.ts';
import { aRun } from '../support/runs.ts';
import { aTaskOf } from '../support/tasks.ts';

function openStore(): Store {
  const folder = mkdtempSync(join(tmpdir(), 'clip-store-'));
  const store = createStore({ path: join(folder, 'clip.db'), migrations: join(root, 'migrations'), version: '1.0.0' });
  onTestFinished(() => {
    store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return store;
}

const file = { base: 'gone', version: '100644 abc', size: 3, lines: 1 };

function aState(paths: readonly string[]): Snapshot {
  const open = new Map(paths.map((path) => [path, file]));
  return {
    ...{ root: '/repo', git: true, linked: false, whole: true },
    repositories: [{ path: '', head: 'h', tree: 't', open, filtered: [] }],
  };
}

/** Adds a settled run with this number, and a task with this status. */
function withRun(store: Store, number: number): void {
  while ((store.runs.last()?.number ?? 0) < number)
    store.transaction((tx) =>
      store.runs.insert(tx, {
        ...aRun({ status: 'queued', notBefore: null }),
        id: `r${(store.runs.last()?.number ?? 0) + 1}`,
      }),
    );
}

const withTask = (store: Store, number: number, status: TaskStatus): number =>
  store.transaction((tx) => store.tasks.insert(tx, aTaskOf({ number, status }))).number;

describe('a recorded work folder', () => {
  it('is read as it was written, whatever the names of its files', () => {
    const store = openStore();
    const found = aState(['a.txt', '__proto__', 'with\nbreak', '"quoted"', '\0\xe4', '']);
    store.transaction((tx) => store.workspaces.putFound(tx, { run: 1, task: 7, streak: 1, found }));
    expect(store.workspaces.of(1)).toEqual({ run: 1, task: 7, streak: 1, found });
    expect(store.workspaces.of(2)).toBeNull();
  });

  it('is reduced to its commit when it is too large', () => {
    const store = openStore();
    const paths = Array.from({ length: 5_000 }, (_, index) => `${'x'.repeat(300)}${index}`);
    store.transaction((tx) => store.workspaces.putFound(tx, { run: 1, task: null, streak: 1, found: aState(paths) }));
    expect(store.workspaces.of(1)?.found?.repositories).toEqual([
      { path: '', head: 'h', tree: 't', open: null, filtered: [] },
    ]);
  });

  it('is kept until its run has been settled, and then removed', () => {
    const store = openStore();
    withRun(store, 2);
    store.transaction((tx) => store.workspaces.putFound(tx, { run: 1, task: null, streak: 1, found: aState(['a']) }));
    store.transaction((tx) => store.workspaces.putFound(tx, { run: 2, task: 7, streak: 2, found: aState(['a']) }));
    store.transaction((tx) => store.workspaces.putMarks(tx, 2, ['m']));
    expect(store.workspaces.of(2)?.found).toEqual(aState(['a']));
    store.transaction((tx) => store.workspaces.forgetSettled(tx));
    expect([store.workspaces.of(1), store.workspaces.of(2)?.found]).toEqual([null, null]);
    expect([...store.workspaces.seenIn(7, 2, 3)]).toEqual(['m']);
  });

  it('with many files is written and read within milliseconds', () => {
    const store = openStore();
    const state = aState(
      Array.from({ length: limits.workspaceFiles }, (_, index) => `src/some/folder/file-${index}.ts`),
    );
    const begun = performance.now();
    for (let round = 0; round < 5; round++) {
      store.transaction((tx) => store.workspaces.putFound(tx, { run: 1, task: null, streak: 1, found: state }));
      expect(store.workspaces.of(1)?.found?.repositories[0]?.open?.size).toBe(limits.workspaceFiles);
    }
    // Each takes about 10 ms here, and longer on a busy machine.
    expect((performance.now() - begun) / 5).toBeLessThan(200);
  });
});

describe('the states that a streak left', () => {
  it('include those of its earlier runs, but not of the run itself', () => {
    const store = openStore();
    for (const [run, streak] of [
      [1, 1],
      [2, 1],
      [3, 3],
      [4, 3],
    ] as const) {
      store.transaction((tx) => store.workspaces.putFound(tx, { run, task: 7, streak, found: null }));
      store.transaction((tx) => store.workspaces.putMarks(tx, run, [`m${run}`, 'shared']));
    }
    expect([...store.workspaces.seenIn(7, 3, 4)].sort()).toEqual(['m3', 'shared']);
    expect([...store.workspaces.seenIn(7, 1, 3)].sort()).toEqual(['m1', 'm2', 'shared']);
    expect([...store.workspaces.seenIn(8, 3, 9)]).toEqual([]);
    expect([store.workspaces.streakBefore(7, 4), store.workspaces.streakBefore(7, 1)]).toEqual([3, null]);
    store.transaction((tx) => store.workspaces.forgetStreaksBefore(tx, 7, 3));
    expect([store.workspaces.of(2), store.workspaces.of(3)?.streak]).toEqual([null, 3]);
  });
});

describe('the baseline of a task', () => {
  it('is the first recorded state, and is removed when the task is closed', () => {
    const store = openStore();
    const [open, closed] = [withTask(store, 1, 'in_progress'), withTask(store, 2, 'done')];
    for (const task of [open, closed]) {
      store.transaction((tx) => store.workspaces.putBaseline(tx, task, { run: 3, found: aState(['a']) }));
      store.transaction((tx) => store.workspaces.putBaseline(tx, task, { run: 4, found: aState(['b']) }));
    }
    expect(store.workspaces.baselineOf(open, '/repo')).toEqual({ run: 3, found: aState(['a']) });
    expect([store.workspaces.hasBaseline(open, '/repo'), store.workspaces.hasBaseline(open, '/other')]).toEqual([
      true,
      false,
    ]);
    store.transaction((tx) => store.workspaces.forgetSettled(tx));
    expect([store.workspaces.baselineOf(open, '/repo')?.run, store.workspaces.baselineOf(closed, '/repo')]).toEqual([
      3,
      null,
    ]);
  });
});
