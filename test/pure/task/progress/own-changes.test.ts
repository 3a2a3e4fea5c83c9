import { describe, expect, it } from 'vitest';
import type { ChangedFile, Comparison } from '#run/workspace.ts';
import { findOwnChanges, type RunActivity } from '#task/progress/own-changes.ts';
import { noon } from '../../../support/runs.ts';

const file = (path: string, given: Partial<ChangedFile> = {}): ChangedFile => ({
  ...{ path, kind: 'update', before: '100644 a', after: '100644 b', tracked: true, grew: false },
  ...given,
});

const found = (changed: readonly ChangedFile[], given: Partial<Comparison> = {}): Comparison => ({
  ...{ changed, uncertain: false, insertions: null, deletions: null, commits: [], commitCount: 0 },
  ...given,
});

const tools = (given: Partial<NonNullable<RunActivity['tools']>> = {}): NonNullable<RunActivity['tools']> => ({
  ...{ written: [], writtenMore: 0, underWay: [], commands: [], moreCommands: false },
  ...given,
});

const doing = (given: Partial<RunActivity> = {}): RunActivity => ({
  place: { cwd: '/repo', realCwd: '/repo', root: '/repo' },
  ...{ startedAt: noon, endedAt: noon + 60_000, tools: tools(), alone: false, accompanied: false },
  ...given,
});

const own = (comparison: Comparison | null, given: Partial<RunActivity> = {}, ignored: readonly string[] = []) =>
  findOwnChanges(comparison, doing(given), new Set(ignored));
const paths = (files: readonly ChangedFile[]) => files.map(({ path }) => path);
const wrote = (...names: string[]) => tools({ written: names.map((path) => ({ path, at: noon })) });

describe('in a shared checkout,', () => {
  it('a run owns what its tools wrote and its commands name', () => {
    const changed = found([file('src/a.ts'), file('out.txt'), file('mine.txt')]);
    const { files, deliberate } = own(changed, { tools: { ...wrote('/repo/src/a.ts'), commands: ['make > out.txt'] } });
    expect([paths(files), paths(deliberate)]).toEqual([
      ['src/a.ts', 'out.txt'],
      ['src/a.ts', 'out.txt'],
    ]);
  });

  it('a run that reads or writes elsewhere owns nothing of a person', () => {
    const changed = found([file('pager.js')]);
    expect(own(changed, { tools: tools({ commands: ['cat pager.js; echo hi > /elsewhere/x'] }) }).files).toEqual([]);
    expect(own(changed, { tools: tools({ commands: ['ls'] }) }).files).toEqual([]);
  });

  it('a run owns no file that it wrote with unchanged bytes', () => {
    expect(own(found([]), { tools: wrote('/repo/a.txt') })).toMatchObject({ files: [], told: 0, writtenAt: null });
  });

  it('a run owns what its stream reports of an incomparable file', () => {
    expect(own(found([]), { tools: wrote('/elsewhere/x') }).told).toBe(1);
    expect(own(found([]), { tools: wrote('/repo/dist/x') }, ['dist/x']).told).toBe(1);
    expect(own(null, { tools: wrote('a', 'b') })).toMatchObject({ told: 2, deliberate: [], commits: null });
    expect(own(found([], { uncertain: true }), { tools: wrote('a') }).told).toBe(1);
  });

  it('a run owns the file of a tool call that had not ended', () => {
    expect(paths(own(found([file('a.ts')]), { tools: tools({ underWay: ['/repo/a.ts'] }) }).files)).toEqual(['a.ts']);
  });
});

describe('in a worktree of one task,', () => {
  const changed = found([
    file('a.ts'),
    file('junit.xml', { tracked: false, kind: 'add', before: 'gone' }),
    file('snap.txt'),
  ]);

  it('a run without a stream owns all changes', () => {
    expect(paths(own(changed, { tools: null, alone: true }).files)).toEqual(['a.ts', 'junit.xml', 'snap.txt']);
    expect(own(changed, { tools: null, alone: false }).files).toEqual([]);
  });

  it('a run owns all changes, and those that it named are on purpose', () => {
    const { files, deliberate } = own(changed, {
      alone: true,
      tools: tools({ commands: ['npm test', 'echo > a.ts'] }),
    });
    expect([paths(files), paths(deliberate)]).toEqual([['a.ts', 'junit.xml', 'snap.txt'], ['a.ts']]);
    expect(own(changed, { alone: true, tools: tools({ commands: ['cat a.ts'] }) }).files).toEqual([]);
  });

  it('a run owns files that programs write, but not on purpose', () => {
    const grown = file('steps.txt', { tracked: false, grew: true });
    const logs = ['test.log', 'coverage/lcov.info', 'junit.xml', 'a.tmp'].map((path) =>
      file(path, { tracked: false, kind: 'add', before: 'gone' }),
    );
    const all = found([
      grown,
      ...logs,
      file('tracked.log'),
      file('new.txt', { tracked: false, kind: 'add', before: 'gone' }),
    ]);
    expect(paths(own(all, { tools: null, alone: true }).deliberate)).toEqual(['tracked.log', 'new.txt']);
    expect(own(all, { tools: null, alone: true }).files).toHaveLength(7);
  });
});

describe('a growing file', () => {
  const grown = found([file('steps.txt', { tracked: false, grew: true })]);

  it('is written on purpose by a writing tool, not by command output', () => {
    expect(own(grown, { tools: wrote('steps.txt') }).deliberate).toHaveLength(1);
    expect(own(grown, { tools: tools({ commands: ['date >> steps.txt'] }) })).toMatchObject({
      files: [{ path: 'steps.txt' }],
      deliberate: [],
    });
  });
});

describe('a commit', () => {
  const at = noon + 1_000;
  const committed = found([], { commits: [{ at, files: ['src/a.ts'] }], commitCount: 1 });

  it('belongs to the run during which a command could have made it', () => {
    expect(own(committed, { tools: tools({ commands: ['git commit -am x'] }) }).commits).toBe(1);
    expect(own(committed, { tools: tools({ commands: ['npm test'] }) }).commits).toBe(0);
    expect(own(committed, { tools: tools({ commands: ['ls'], moreCommands: true }) }).commits).toBe(1);
  });

  it('older than the run does not belong to it, but was fetched', () => {
    const old = found([], { commits: [{ at: noon - 60_000, files: ['src/a.ts'] }], commitCount: 1 });
    expect(own(old, { tools: tools({ commands: ['git pull'] }) }).commits).toBe(0);
  });

  it('beside another run belongs to the run that named its files', () => {
    const both = { accompanied: true, tools: { ...wrote('/repo/src/b.ts'), commands: ['git commit -am x'] } };
    expect(own(committed, both).commits).toBe(0);
    expect(own(found([], { commits: [{ at, files: ['src/b.ts'] }] }), both).commits).toBe(1);
  });

  it('of a person beside the run’s own does not belong to the run', () => {
    const two = found([], {
      commits: [
        { at, files: ['src/a.ts'] },
        { at, files: ['mine.txt'] },
      ],
    });
    const run = (command: string) => own(two, { tools: { ...wrote('/repo/src/a.ts'), commands: [command] } }).commits;
    expect([run('git commit -am x'), run('git commit -am x; git commit -am y'), run('git rebase main')]).toEqual([
      1, 2, 2,
    ]);
  });

  it('of a run without a stream counts in its own worktree', () => {
    expect(own(committed, { tools: null }).commits).toBe(0);
    expect(own(committed, { tools: null, alone: true }).commits).toBe(1);
  });

  it('is of unknown number where commits could not be listed', () => {
    expect(own(found([], { commits: null }), { tools: tools({ commands: ['git commit'] }) }).commits).toBeNull();
  });
});
