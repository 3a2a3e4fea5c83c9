import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Budgets } from '#daemon/budgets/budgets.ts';
import { createChangeFeed } from '#daemon/core/change-feed.ts';
import { Supervisor } from '#daemon/core/supervisor.ts';
import { Monitor } from '#daemon/processes/monitor.ts';
import { createAttention } from '#daemon/tasks/attention.ts';
import type { NeedView } from '#protocol/needs.ts';
import { isAlive, type Run } from '#run/run.ts';
import { emptyStreamState, type StreamState } from '#run/stream-state.ts';
import { createStore } from '#store/store.ts';
import { addSpeaker, codexSays } from '../support/agents.ts';
import { deep } from '../support/deep.ts';
import { createHome, root, type TestHome } from '../support/home.ts';
import { aProfile, aSpec, leader, noLineage } from '../support/runs.ts';
import { addTask, atRest, ends, gated, homeWith } from '../support/task-runs.ts';
import { openTerminal } from '../support/tmux.ts';
import { until } from '../support/until.ts';

const { session, words, done, failed } = codexSays;
const needsYou = async (home: TestHome) => (await home.json<{ needsYou: NeedView[] }>(['status', '--json'])).needsYou;

async function ok(home: TestHome, ...args: string[]): Promise<string> {
  const result = await home.clip(args);
  if (result.code !== 0) throw new Error(`clip ${args.join(' ')}: ${result.stderr}`);
  return result.stdout;
}

/** Starts a run of the agent, waits for its end without a terminal, and returns its number. */
async function endedRun(home: TestHome, ...options: string[]): Promise<number> {
  const number = await home.submit(['--agent', 'coder', ...options]);
  await home.clip(['wait', String(number)]);
  return number;
}

describe('A task stopped by a person', () => {
  it.each([
    ['its run', ['cancel', '1']],
    ['all runs of the task', ['cancel', '--task', 'T1']],
    ['everything', ['cancel', '--all']],
  ])('by canceling %s needs that person and names the way to continue', deep, async (_, cancel) => {
    const { home } = await homeWith((gate) => [gated(gate)]);
    const task = await addTask(home);
    await home.untilStatus(1, 'running');
    await ok(home, ...cancel);
    await atRest(home, task);
    expect(await needsYou(home)).toEqual([
      {
        kind: 'task',
        task: 1,
        run: 1,
        agent: 'coder',
        title: 'Fix the parser',
        status: 'stopped',
        since: (await home.show(1)).endedAt,
        what: 'Run 1 of it was cancelled, and nothing works on it now.',
        next: 'clip continue T1, or clip task cancel T1',
      },
    ]);
  });

  it('while it waited for a rate limit needs that person', deep, async () => {
    const { home } = await homeWith(() => [
      [session('s1'), failed('429 Too Many Requests, retry after 1h'), { exit: 1 }],
    ]);
    const task = await addTask(home);
    await home.untilStatus(2, 'queued');
    await ok(home, 'cancel', '2');
    await atRest(home, task);
    expect((await needsYou(home)).map(({ task: number, run, status }) => [number, run, status])).toEqual([
      [1, 2, 'stopped'],
    ]);
  });

  it('leaves the list once it is continued, canceled or dismissed', deep, async () => {
    const { home, open } = await homeWith((gate) => [gated(gate)]);
    const task = await addTask(home);
    await home.untilStatus(1, 'running');
    await ok(home, 'cancel', '1');
    await atRest(home, task);
    expect(await ok(home, 'dismiss', 'T1')).toBe('T1 is off the list of what needs you.\n');
    expect(await needsYou(home)).toEqual([]);
    await ok(home, 'continue', 'T1');
    await home.untilStatus(2, 'running');
    expect(await needsYou(home)).toEqual([]);
    await ok(home, 'cancel', '2');
    await atRest(home, task);
    // Another run has ended since the dismissal.
    expect(await needsYou(home)).toHaveLength(1);
    open();
    await ok(home, 'task', 'cancel', 'T1');
    expect(await needsYou(home)).toEqual([]);
  });

  it('is still listed after the daemon was killed', deep, async () => {
    const { home } = await homeWith((gate) => [gated(gate)]);
    await addTask(home);
    await home.untilStatus(1, 'running');
    await ok(home, 'cancel', '1');
    await home.kill(home.daemonPid());
    await home.clip(['daemon', 'start']);
    await until('the task needs a person', async () =>
      (await needsYou(home)).some(({ status }) => status === 'stopped'),
    );
  });
});

describe('A task assigned to a person', () => {
  it('needs that person until it is done, dismissed or reassigned', deep, async () => {
    const home = createHome();
    await ok(home, 'task', 'add', 'Write the release notes', '--assign', 'me');
    expect(await needsYou(home)).toMatchObject([
      { kind: 'task', task: 1, status: 'todo', what: 'It is assigned to you.' },
    ]);
    expect(await ok(home, 'status')).toMatch(
      /T1 Write the release notes \(todo, \d+ (s|ms) ago\)\n {4}It is assigned to you\./,
    );
    await ok(home, 'task', 'done', 'T1');
    expect(await needsYou(home)).toEqual([]);
  });
});

describe('An agent run without a task', () => {
  it.each([
    [
      'failed',
      [session('s1'), failed('unexpected status 401 Unauthorized'), { exit: 1 }],
      'failed',
      /Agent coder is not logged in\. It said:.*401/,
    ],
    ['only announced work', ends.plans, 'plan_only', /It only announced work: .*inspect the repo/],
    ['said nothing', ends.saysNothing, 'empty_response', /without an answer/],
    ['talked and left no work', ends.explains, 'needs_followup', /left no work/],
  ] as const)(
    'that %s needs a person until it is seen, retried or dismissed',
    deep,
    async (_, script, status, what) => {
      const home = createHome();
      await addSpeaker(home, [script, script, script, ends.changes]);
      for (const _run of [1, 2, 3]) await endedRun(home, 'go');
      const needs = await needsYou(home);
      expect(needs.map(({ run, status: is }) => [run, is])).toEqual([
        [3, status],
        [2, status],
        [1, status],
      ]);
      expect(needs[2]).toMatchObject({
        kind: 'run',
        task: null,
        agent: 'coder',
        title: 'run 1',
        what: expect.stringMatching(what),
      });
      expect(needs[2]?.next).toContain('clip retry 1');
      await ok(home, 'dismiss', '1');
      await ok(home, 'retry', '2');
      await home.clip(['wait', '4']);
      // Reading by a script does not count as seen.
      await home.clip(['show', '3']);
      await home.clip(['show', '3', '--json']);
      expect((await needsYou(home)).map(({ run }) => run)).toEqual([3]);
      expect(await home.show(3)).toMatchObject({ needsYou: true });
      const seen = (await home.history(1)).filter(({ type }) => type === 'acknowledged').map(({ data }) => data);
      expect(seen).toEqual([{ how: 'dismissed' }]);
    },
  );

  it('is not listed when it worked, was canceled, or is inside a run', deep, async () => {
    const home = createHome();
    const gate = join(home.base, 'gate');
    await addSpeaker(home, [ends.changes, gated(gate), ends.plans]);
    await endedRun(home, 'go');
    const cancelled = await home.submit(['--agent', 'coder', 'go']);
    await home.untilStatus(cancelled, 'running');
    await ok(home, 'cancel', String(cancelled));
    const inner = `"$CLIP_BIN" run -q -w --agent coder go`;
    await home.clip(['run', '-q', '-w', '--', 'sh', '-c', inner]);
    expect(await home.show('@last')).toMatchObject({ livenessState: 'plan_only', needsYou: false });
    expect(await needsYou(home)).toEqual([]);
  });

  it('counts as seen when a person waits for it on a terminal', deep, async () => {
    const home = createHome();
    await addSpeaker(home, [ends.plans]);
    const terminal = openTerminal(home);
    await terminal.shows(/^\$/m);
    terminal.keys('clip run --agent coder --wait go', 'Enter');
    await terminal.shows('plan_only');
    await until(
      'the run does not need a person',
      async () => (await needsYou(home)).length === 0 && !(await home.show(1)).needsYou,
    );
  });

  it('cannot be removed from the list by an agent', deep, async () => {
    const home = createHome();
    const bin = '"$CLIP_BIN"';
    await addSpeaker(
      home,
      [ends.plans, [session('s1'), { run: `${bin} dismiss 1 2> dismissed` }, words('Hm.'), done(1, 1), { exit: 0 }]],
      ['--cwd', createFolder(home)],
    );
    await endedRun(home, 'go');
    await endedRun(home, 'go');
    expect((await needsYou(home)).map(({ run }) => run)).toContain(1);
  });
});

function createFolder(home: TestHome): string {
  const folder = join(home.base, 'work');
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** A heartbeat with the real store and supervisor. The clock and the stream state are the test's. */
function createHeartbeat(streamState: StreamState | null, silentForMs: number) {
  const folder = mkdtempSync(join(tmpdir(), 'clip-stalls-'));
  const store = createStore({ path: join(folder, 'clip.db'), migrations: join(root, 'migrations'), version: '1.0.0' });
  const clock = { at: Date.now() };
  const now = () => clock.at;
  const supervisor = new Supervisor({ store, changeFeed: createChangeFeed(), now, log: () => {} });
  const unused = () => {
    throw new Error('not used here');
  };
  const observer = new Monitor({
    supervisor,
    scanner: { find: unused } as never,
    recovery: { look: async () => {}, sawAlive: () => {} },
    logFollower: { streamStateOf: () => streamState, follow: async () => {} } as never,
    budgets: { stopReached: () => {}, limitsUse: () => false },
    now,
    log: () => {},
    folderOf: () => folder,
    isHeld: () => true,
    isUnderWay: () => false,
    keepers: { sleptByRun: async () => new Map() },
  });
  supervisor.use({
    perform: (effect, run) => effect.type === 'watch' && observer.watch(run),
    views: [],
    grants: () => [],
    react: () => {},
    buildRetry: () => null,
  });
  onTestFinished(() => {
    observer.close();
    store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const spec = aSpec({ agent: aProfile(), adapter: 'codex' });
  const [run] = supervisor.admit([
    { id: 'r1', key: null, queuedAt: clock.at, spec, notBefore: null, folder: null, lineage: noLineage },
  ]);
  if (!run) throw new Error('no run was admitted');
  supervisor.submit(run.number, { type: 'slot-granted' });
  supervisor.submit(run.number, { type: 'spawned', leader, startedAt: clock.at - silentForMs });
  const budgets = { usedUp: () => [], mayStart: () => null, reachedFor: () => null } as unknown as Budgets;
  const needs = createAttention({ store, budgets, now });
  const stall = () => {
    const { state } = supervisor.find(run.number) as Run;
    return isAlive(state) ? state.stall : null;
  };
  return { needs, stall, supervisor, run: run.number, folder, clock };
}

const minute = 60_000;
const inTool: StreamState = {
  ...emptyStreamState,
  openTools: { a: { tool: 'shell', kind: 'command', command: 'npm run watch', paths: [], at: 0 } },
};

describe('A live agent run', () => {
  it('that was silent for ten minutes needs a person until it has output', async () => {
    const beat = createHeartbeat(emptyStreamState, 11 * minute);
    await until('the stall is detected', beat.stall);
    expect(beat.needs()).toMatchObject([
      { kind: 'run', run: 1, status: 'stalled', what: 'It has said and done nothing for 11 min.' },
    ]);
    writeFileSync(join(beat.folder, 'stdout.log'), 'I am back\n');
    await until('the stall is over', () => beat.stall() === null);
    expect(beat.needs()).toEqual([]);
  });

  it('that hangs in a tool for half an hour is listed with the tool', deep, async () => {
    const beat = createHeartbeat(inTool, 31 * minute);
    await until('the stall is detected', beat.stall);
    expect(beat.needs()).toMatchObject([{ what: 'It has been in a tool for 31 min without a word: npm run watch' }]);
  });

  it('that hangs after a temporary error is shown with that error', deep, async () => {
    const failure = { class: null, message: 'stream disconnected before completion', resetsAt: null } as const;
    const beat = createHeartbeat({ ...emptyStreamState, lastError: failure, lastErrorAt: Date.now() }, 11 * minute);
    await until('the stall is detected', beat.stall);
    expect(beat.needs()).toMatchObject([
      { what: 'It has said and done nothing for 11 min. Its last error: stream disconnected before completion' },
    ]);
  });

  it('that was dismissed while it hung is listed again only after output', deep, async () => {
    const beat = createHeartbeat(emptyStreamState, 11 * minute);
    await until('the stall is detected', beat.stall);
    beat.supervisor.submit(beat.run, { type: 'acknowledged', how: 'dismissed' });
    expect(beat.needs()).toEqual([]);
    expect(beat.stall()).toMatchObject({ acknowledged: true });
  });
});
