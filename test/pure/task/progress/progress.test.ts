import { describe, expect, it } from 'vitest';
import type { ChangedFile, OpenFile, RepositoryState, Snapshot } from '#run/workspace.ts';
import type { OwnChanges } from '#task/progress/own-changes.ts';
import { isProgress, type LeftState, marksOfFile, treeMarks, wholeMark } from '#task/progress/progress.ts';

const naming = { short: (text: string) => text, root: '/repo' };
const change = (path: string, before: string, after: string): ChangedFile => ({
  path,
  kind: 'update',
  before,
  after,
  tracked: true,
  grew: false,
});
const ownOf = (deliberate: readonly ChangedFile[], commits = 0): OwnChanges => ({
  commits,
  files: deliberate,
  deliberate,
  told: 0,
  writtenAt: null,
});

function repository(given: Partial<RepositoryState> = {}, open: Record<string, string> = {}): RepositoryState {
  const files = Object.entries(open).map(([path, version]): [string, OpenFile] => [
    path,
    { base: 'gone', version, size: 1, lines: 1 },
  ]);
  return { path: '', head: 'h1', tree: 't1', open: new Map(files), filtered: [], ...given };
}

const state = (repositories: readonly RepositoryState[], whole = true): Snapshot => ({
  root: '/repo',
  git: true,
  linked: false,
  repositories,
  whole,
});

/**
 * Creates a streak in one folder: each run changes the open files, and the streak reports whether that was progress.
 */
function streak() {
  let files: Record<string, string> = {};
  const seen = new Set<string>();
  return (next: Record<string, string>, deliberate: (path: string) => boolean = () => true): boolean => {
    const changed = [...new Set([...Object.keys(files), ...Object.keys(next)])].flatMap((path) => {
      const [before, after] = [files[path] ?? 'gone', next[path] ?? 'gone'];
      return before === after ? [] : [change(path, before, after)];
    });
    const [found, left] = [state([repository({}, files)]), state([repository({}, next)])];
    const marks = new Map(changed.map((each) => [each.path, marksOfFile(each, naming)]));
    for (const mark of [
      wholeMark(found, naming) ?? '',
      ...treeMarks(found, naming),
      ...[...marks.values()].map((each) => each.found),
    ])
      seen.add(mark);
    const leaves: LeftState = { whole: wholeMark(left, naming), trees: treeMarks(left, naming), files: marks };
    const progress = isProgress(ownOf(changed.filter(({ path }) => deliberate(path))), leaves, seen);
    for (const mark of [leaves.whole ?? '', ...leaves.trees, ...[...marks.values()].map((each) => each.left)])
      seen.add(mark);
    files = next;
    return progress;
  };
}

describe('a change in a streak of runs', () => {
  it('is progress when no run has left or found its state', () => {
    const run = streak();
    expect([run({ a: '1' }), run({ a: '2' }), run({ a: '2', b: '1' }), run({ a: '2' })]).toEqual([
      true,
      true,
      true,
      false,
    ]);
  });

  it('is no progress with the same bytes again, however often', () => {
    const run = streak();
    expect([run({ a: '1' }), run({ a: '1' }), run({ a: '1' })]).toEqual([true, false, false]);
  });

  it('is no progress between two states after the first time', () => {
    const run = streak();
    expect([run({ a: '1' }), run({ a: '2' }), run({ a: '1' }), run({ a: '2' })]).toEqual([true, true, false, false]);
  });

  it('is no progress when it is reverted', () => {
    const run = streak();
    expect([run({ a: '1' }), run({}), run({ a: '1' })]).toEqual([true, false, false]);
  });

  it('is no progress when only others made it', () => {
    const run = streak();
    const own = (path: string) => path === 'a';
    expect([run({ mine: '1' }, own), run({ mine: '2' }, own), run({ mine: '3', a: '1' }, own)]).toEqual([
      false,
      false,
      true,
    ]);
  });

  it("between two states is no progress beside a person's edits", () => {
    const run = streak();
    const own = (path: string) => path === 'a';
    expect([
      run({ a: '1', mine: '1' }, own),
      run({ a: '2', mine: '2' }, own),
      run({ a: '1', mine: '3' }, own),
      run({ a: '2', mine: '4' }, own),
    ]).toEqual([true, true, false, false]);
  });
});

describe('a commit', () => {
  const left = (tree: string): LeftState => ({
    whole: null,
    trees: treeMarks(state([repository({ tree })]), naming),
    files: new Map(),
  });
  const seen = new Set(treeMarks(state([repository({ tree: 't1' })]), naming));

  it('is progress when its tree did not exist before', () => {
    expect(isProgress(ownOf([], 1), left('t2'), seen)).toBe(true);
    expect(isProgress(ownOf([], 1), left('t1'), seen)).toBe(false);
  });

  it('is progress when it belongs to the run', () => {
    expect(isProgress(ownOf([], 0), left('t2'), seen)).toBe(false);
  });
});

describe('the name of a state', () => {
  it('is the same for the same files, in any order', () => {
    expect(wholeMark(state([repository({}, { a: '1', b: '2' })]), naming)).toBe(
      wholeMark(state([repository({}, { b: '2', a: '1' })]), naming),
    );
    expect(wholeMark(state([repository({ head: 'h1' })]), naming)).toBe(
      wholeMark(state([repository({ head: 'h2' })]), naming),
    );
    expect(wholeMark(state([repository({}, { a: '1' })]), naming)).not.toBe(
      wholeMark(state([repository({}, { a: '2' })]), naming),
    );
  });

  it('is null where some file is unknown', () => {
    expect(wholeMark(null, naming)).toBeNull();
    expect(wholeMark(state([repository({ open: null })]), naming)).toBeNull();
    expect(wholeMark(state([repository({}, { a: '?1 2' })]), naming)).toBeNull();
    expect(wholeMark(state([repository({ tree: null })]), naming)).toBeNull();
    expect(wholeMark(state([repository()], false), naming)).toBeNull();
  });
});
