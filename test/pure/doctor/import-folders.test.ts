import { describe, expect, it } from 'vitest';
import { type FoundFolder, type KnownRecords, planImport } from '#doctor/import-folders.ts';

const launch = {
  number: 1,
  argv: ['true'],
  cwd: '/',
  agent: null,
  task: null,
  deadlineAt: null,
  graceMs: 5_000,
  stdin: null,
  mergeOutput: false,
};
const folder = (
  id: string,
  change: Partial<NonNullable<FoundFolder['launch']>> = {},
  rest: Partial<FoundFolder> = {},
): FoundFolder => ({
  ...{
    id,
    launch: { ...launch, ...change },
    launchedAt: 1_000,
    startedAt: 1_010,
    hasEnded: true,
    promptSha256: null,
    worktree: null,
  },
  ...rest,
});
const bare = (id: string): FoundFolder => ({ ...folder(id), launch: null });
const nothing: KnownRecords = {
  ...{ numbers: new Set(), tasks: new Set(), newestOfTasks: new Map(), highestRun: 0 },
  ...{ agentNamed: () => null, originOf: () => null },
};
const coder = {
  id: 'a1',
  name: 'coder',
  adapter: 'codex',
  command: null,
  model: null,
  role: null,
  args: [],
  permission: 'ask',
  mapping: null,
} as const;

describe('the import of run folders', () => {
  it('keeps the numbers of runs in order, and leaves ends to recovery', () => {
    const { taken, highestRun } = planImport([folder('rb', { number: 7 }), folder('ra', { number: 3 })], nothing);
    expect(taken.map(({ run }) => [run.number, run.id, run.state])).toEqual([
      [3, 'ra', { status: 'starting', since: 1_000, stop: null, shortage: null }],
      [7, 'rb', { status: 'starting', since: 1_000, stop: null, shortage: null }],
    ]);
    expect(taken[0]?.events).toEqual([{ at: 1_000, event: { type: 'slot-granted' } }]);
    expect(highestRun).toBe(7);
  });

  it('gives a run with a taken number a new one above all earlier ones', () => {
    const known = { ...nothing, numbers: new Set([3]), highestRun: 12 };
    const { taken, highestRun } = planImport(
      [folder('ra', { number: 3 }), folder('rb', { number: 4 }), folder('rc', { number: 4 })],
      known,
    );
    expect(taken.map(({ run }) => run.number)).toEqual([13, 4, 14]);
    expect(highestRun).toBe(14);
  });

  it('skips a folder without launch.json, and keeps its number used', () => {
    const plan = planImport([bare('rx'), folder('ra', { number: 2 }), bare('ry')], nothing);
    expect([plan.aside, plan.taken.length, plan.highestRun]).toEqual([['rx', 'ry'], 1, 4]);
  });

  it('keeps the exact time limit in whole seconds, and retries nothing', () => {
    const [taken] = planImport([folder('ra', { deadlineAt: 1_010 + 59_970 })], nothing).taken;
    expect(taken?.run.spec).toMatchObject({
      timeoutMs: 60_000,
      timeoutSource: 'config',
      onLoss: 'fail',
      graceMs: 5_000,
    });
  });

  // The adapter of the agent reads the stream, and the worktree is locked. A run of an unknown agent becomes a plain
  // command.
  it("has an agent's stream read, or makes a plain command of it", () => {
    const found = [folder('ra', { agent: 'coder' }, { worktree: '/repo' })];
    const [known] = planImport(found, { ...nothing, agentNamed: () => coder }).taken;
    expect(known?.run.spec).toMatchObject({ agent: coder, adapter: 'codex', locks: ['worktree:/repo'] });
    const [unknown] = planImport(found, nothing).taken;
    expect(unknown?.run.spec).toMatchObject({ agent: null, adapter: 'plain', locks: [] });
  });

  it('gives a task to its live runs and its newest run only', () => {
    const known = { ...nothing, tasks: new Set([5]) };
    const agentRun = (id: string, number: number, hasEnded: boolean) =>
      folder(id, { number, agent: 'coder', task: 5 }, { hasEnded });
    const { taken, highestTask } = planImport(
      [agentRun('ra', 1, true), agentRun('rb', 2, false), agentRun('rc', 3, true)],
      known,
    );
    expect(taken.map(({ run }) => run.lineage.taskId)).toEqual([null, 5, 5]);
    expect(highestTask).toBe(5);
    const newer = planImport([agentRun('rc', 3, true)], { ...known, newestOfTasks: new Map([[5, 9]]) });
    expect(newer.taken[0]?.run.lineage.taskId).toBeNull();
  });

  it('gives no run a task that does not exist', () => {
    expect(planImport([folder('ra', { task: 5 })], nothing).taken[0]?.run.lineage.taskId).toBeNull();
  });
});
