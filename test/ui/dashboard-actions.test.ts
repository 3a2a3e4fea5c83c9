import { describe, expect, it } from 'vitest';
import { performAction } from '#cli/dashboard/actions.ts';
import { frame } from '#cli/dashboard/frame.ts';
import { press } from '#cli/dashboard/press.ts';
import { splitCommand } from '#cli/dashboard/split-command.ts';
import { begin, finished, type State } from '#cli/dashboard/state.ts';
import { findOpener } from '#launch/open-folder.ts';
import type { RunView } from '#protocol/answers.ts';
import { ClipError } from '#run/errors.ts';
import { aBoard, at, busy, factsOf, pressed, screen } from '../support/dashboard.ts';
import { aView } from '../support/views.ts';

const lone = aView({
  number: 21,
  status: 'succeeded',
  agentName: 'coder',
  endedAt: at(-1_000),
  needsYou: true,
  cwd: '/work/app',
});
const board = aBoard({
  live: [busy.running],
  queued: [busy.queued],
  recent: [busy.failed, lone],
  needsYou: [busy.need],
});
const facts = factsOf(board);
const withAgents: State = { ...begin, agents: ['coder', 'reviewer'] };
/** Presses keys on the row of a run, or on the first row. */
const on = (run: RunView | null, keys: readonly string[], from: State = withAgents) =>
  pressed(facts, keys, { ...from, chosen: run === null ? null : `run:${run.number}` });
const orders = (run: RunView | null, ...keys: string[]) =>
  on(run, keys).orders.filter(({ type }) => type !== 'list-agents');
const foot = (state: State, columns = 100) => screen(state, facts, columns, 30);

describe('a task on the dashboard', () => {
  it('is done after D, from what needs you and from a run of it', () => {
    expect(orders(null, 'D')).toEqual([{ type: 'done', task: 7 }]);
    expect(orders(busy.running, 'D')).toEqual([{ type: 'done', task: 7 }]);
  });

  it('is continued after m, with the words that were typed or without', () => {
    expect(foot(on(null, ['m', ...'go on']).state).slice(-2)).toEqual([
      'Continue T7 with: go on▏',
      '⏎ send  Esc cancel',
    ]);
    expect(orders(null, 'm', ...'go on', 'enter')).toEqual([{ type: 'continue-task', task: 7, words: 'go on' }]);
    expect(orders(busy.running, 'm', 'enter')).toEqual([{ type: 'continue-task', task: 7, words: '' }]);
  });

  it('gets a comment after C, which needs words', () => {
    expect(orders(null, 'C', ...'mind D', 'enter')).toEqual([{ type: 'comment', task: 7, words: 'mind D' }]);
    const { state, orders: sent } = on(null, ['C', 'enter']);
    expect([sent, state.form?.purpose.kind, state.notices[0]?.text]).toEqual([
      [],
      'comment',
      'Type something, or leave with Esc.',
    ]);
  });

  it('is assigned after a to the picked agent, to me or to none', () => {
    expect(orders(null, 'a', 'enter')).toEqual([{ type: 'assign', task: 7, assignee: 'coder' }]);
    expect(orders(null, 'a', 'tab', 'enter')).toEqual([{ type: 'assign', task: 7, assignee: 'reviewer' }]);
    expect(orders(null, 'a', ...'me', 'enter')).toEqual([{ type: 'assign', task: 7, assignee: 'me' }]);
    expect(orders(null, 'a', 'up', 'enter')).toEqual([{ type: 'assign', task: 7, assignee: null }]);
    const unknown = on(null, ['a', ...'nosuch', 'enter']);
    expect(unknown.state.notices[0]?.text).toContain('There is no agent called nosuch.');
  });

  it('is assigned to a typed name before the agents are known', () => {
    const { orders: sent } = on(null, ['a', ...'later', 'enter'], begin);
    expect(sent).toEqual([{ type: 'list-agents' }, { type: 'assign', task: 7, assignee: 'later' }]);
  });

  it('is dismissed after x, and gets more or less priority after + and -', () => {
    expect(orders(null, 'x', '+', '-')).toEqual([
      { type: 'dismiss-task', task: 7 },
      { type: 'prioritize', task: 7, by: 1 },
      { type: 'prioritize', task: 7, by: -1 },
    ]);
  });

  it('is made after n from a title and then an assignee', () => {
    expect(orders(null, 'n', ...'Write it', 'enter', 'enter')).toEqual([
      { type: 'add-task', words: 'Write it', assignee: null },
    ]);
    expect(orders(null, 'n', ...'Write it', 'enter', ...'cod', 'enter')).toEqual([
      { type: 'add-task', words: 'Write it', assignee: 'coder' },
    ]);
  });
});

describe('a run on the dashboard', () => {
  it('is made after N from a command line, or from an agent and a prompt', () => {
    expect(orders(null, 'N', 'enter', ...'make test', 'enter')).toEqual([
      { type: 'start-run', words: 'make test', agent: null },
    ]);
    expect(orders(null, 'N', ...'rev', 'enter', ...'look', 'enter')).toEqual([
      { type: 'start-run', words: 'look', agent: 'reviewer' },
    ]);
  });

  it('is continued with m without a task, if an agent did it', () => {
    expect(orders(lone, 'm', ...'again', 'enter')).toEqual([{ type: 'continue-run', run: 21, words: 'again' }]);
    expect(on(busy.failed, ['m']).state.notices[0]?.text).toContain('is a plain command');
    expect(on(busy.failed, ['m']).state.form).toBeNull();
  });

  it('is dismissed after x when it needs you, and left alone otherwise', () => {
    expect(orders(lone, 'x')).toEqual([{ type: 'dismiss-run', run: 21 }]);
    expect(on(busy.failed, ['x'])).toMatchObject({
      orders: [],
      state: { notices: [{ text: 'Run 9 does not need you.' }] },
    });
  });

  it('is removed after X only after a question, and never while it lives', () => {
    const { state, orders: none } = on(busy.failed, ['X']);
    expect(foot(state).at(-1)).toBe('Remove run 9 with its logs and its history?  y yes · any other key no');
    expect([none, pressed(facts, ['n'], state).orders]).toEqual([[], []]);
    expect(pressed(facts, ['y'], state).orders).toEqual([{ type: 'remove', run: 9 }]);
    expect(on(busy.running, ['X']).state).toMatchObject({ asking: null, notices: [{ kind: 'result' }] });
  });

  it('has an agent that p pauses or resumes', () => {
    expect(orders(lone, 'p')).toEqual([{ type: 'toggle-pause', agent: 'coder' }]);
    expect(on(busy.failed, ['p']).state.notices[0]?.text).toBe('No agent works on this.');
  });

  it('has a number that y copies, and a folder that Y copies and o opens', () => {
    expect(orders(lone, 'y', 'Y', 'o')).toEqual([
      { type: 'copy', text: '21' },
      { type: 'copy-folder', place: { folder: '/work/app' } },
      { type: 'open-folder', place: { folder: '/work/app' } },
    ]);
    expect(orders(null, 'y')).toEqual([{ type: 'copy', text: 'T7' }]);
  });

  it('keeps its priority in the queue, and the dashboard says so', () => {
    expect(on(busy.queued, ['+'])).toMatchObject({
      orders: [],
      state: { notices: [{ text: expect.stringContaining('was fixed when it was submitted') }] },
    });
  });
});

describe('an open input', () => {
  it('takes keys as letters, and Esc leaves it without a trace', () => {
    const { state, orders: sent } = on(null, ['m', ...'qDcrX?', 'escape']);
    expect([sent, state.form, state.pages]).toEqual([[], null, begin.pages]);
  });

  it('takes pasted text with its line breaks, and sends it only after Enter', () => {
    const { state } = on(null, ['m']);
    const scene = { rows: [], runs: new Map(), run: null, task: null, room: 1, length: 0, text: null };
    const pasted = press(state, { name: 'paste', text: 'first\nsecond' }, scene);
    expect([pasted.order, foot(pasted.state).at(-2)]).toEqual([null, 'Continue T7 with: first⏎second▏']);
    expect(press(pasted.state, { name: 'enter' }, scene).order).toMatchObject({ words: 'first\nsecond' });
  });

  it('begins with the words of an attempt that failed', () => {
    const { state, orders: sent } = on(null, ['m', ...'long words', 'enter']);
    const failed = finished(state, sent[0] as never, { kind: 'error', text: 'The daemon is not running.' });
    expect(pressed(facts, ['m'], failed).state.form?.input.text).toBe('long words');
    expect(pressed(facts, ['j', 'C'], failed).state.form?.input.text).toBe('');
    const sentLater = finished(failed, sent[0] as never, { kind: 'result', text: 'Run 30 goes on with T7.' });
    expect(pressed(facts, ['m'], sentLater).state.form?.input.text).toBe('');
  });

  it.each([40, 80, 120])('fits %i columns with wide words and many agents', (columns) => {
    const agents = Array.from({ length: 40 }, (_, index) => `agent-${index}`);
    const many = { ...begin, agents };
    const lines = foot(on(null, ['a', ...Array(20).fill('tab')], many).state, columns);
    expect(lines.at(-1)).toContain('▸ agent-20');
    expect(foot(on(null, ['m', ...'日本語'.repeat(60)], many).state, columns).at(-2)).toMatch(
      /^Continue T7 with: ….*語▏$/,
    );
  });
});

describe('what was said', () => {
  it('goes with the next key when it is a result', () => {
    const told = finished(begin, { type: 'done', task: 7 }, { kind: 'result', text: 'T7 is done.' });
    expect(foot(told)).toContain('T7 is done.');
    expect(foot(pressed(facts, ['j'], told).state)).not.toContain('T7 is done.');
  });

  it('stays until Esc when it is an error, in full, and one error after the other', () => {
    const words = 'T7 is assigned to no agent. Name one with clip continue T7 --agent NAME, or assign it first.';
    const failed = (state: State, text: string) => finished(state, { type: 'done', task: 7 }, { kind: 'error', text });
    const told = failed(failed(begin, 'The first error.'), words);
    const later = pressed(facts, ['j', 'j', 'enter', 'escape'], told).state;
    expect(
      foot(pressed(facts, ['j', 'k'], told).state, 60)
        .join(' ')
        .replaceAll(/ +/g, ' '),
    ).toContain(`✗ ${words} (Esc: read, then 1 more)`);
    expect(later.pages.at(-1)?.name).toBe('run');
    expect(foot(later).join('\n')).toContain('✗ The first error.  (Esc: read)');
    expect(pressed(facts, ['escape'], later).state).toMatchObject({ notices: [], pages: [{}, { name: 'run' }] });
  });
});

describe('a terminal of few lines', () => {
  it.each([4, 6, 10])('shows no more than its %i lines, with an error, an input and the help', (rows) => {
    const long = 'An error with many words. '.repeat(20);
    const told = finished(withAgents, { type: 'done', task: 7 }, { kind: 'error', text: long });
    for (const keys of [[], ['a'], ['m'], ['c'], ['/'], ['?'], ['enter', 'm']]) {
      const { state } = on(null, keys, told);
      const canvas = { columns: 60, rows, look: { colour: false, width: 60 } };
      const { head, body, notices, foot: below } = frame(state, facts, canvas);
      const tall = below.kind === 'form' && below.tall ? 2 : 1;
      expect([keys, head.length + body.length + notices.length + tall]).toEqual([keys, rows]);
      expect(screen(state, facts, 60, rows).at(-1)).not.toBe('');
    }
  });
});

describe('the foot', () => {
  it('shows the place of the chosen row, and the keys that do something there', () => {
    expect(foot(on(null, []).state).at(-1)).toMatch(/^1\/5 {2}⏎ open {2}m continue {2}D done {2}c cancel {2}x dismiss/);
    expect(foot(on(busy.failed, []).state).at(-1)).toMatch(/^4\/5 {2}⏎ open {2}l log {2}r retry {2}n new task/);
    expect(foot(on(busy.queued, []).state).at(-1)).toMatch(/^3\/5 {2}⏎ open {2}l log {2}c cancel/);
  });

  it.each([40, 60, 80])('fits %i columns on every page, and always shows help and quit', (columns) => {
    for (const keys of [
      ['/', ...'a long filter '.repeat(7), 'enter'],
      [],
      ['j'],
      ['j', 'j', 'j'],
      ['enter'],
      ['j', 'enter'],
      ['T'],
      ['?'],
    ]) {
      const last = foot(on(null, keys).state, columns).at(-1) ?? '';
      expect(last).toMatch(/\? help {2}q quit$/);
      expect(last.length).toBeLessThanOrEqual(columns);
    }
  });
});

describe('the help', () => {
  it.each([80, 120])('lies over the page with all keys by group, in %i columns', (columns) => {
    const { state } = on(null, ['?']);
    const all = [...foot(state, columns), ...foot(pressed(facts, ['G'], state).state, columns)];
    for (const group of ['Moving', 'A run', 'A task', 'More', 'While typing'])
      expect(all.some((line) => line.includes(group))).toBe(true);
    expect(all.some((line) => line.startsWith('╭'))).toBe(true);
    expect(foot(pressed(facts, ['escape'], state).state, columns)).toEqual(foot(on(null, []).state, columns));
  });
});

describe('the sections of the board', () => {
  it('are reached with Tab and Shift-Tab, round at the end', () => {
    const chosen = (...keys: string[]) => on(null, keys).state.chosen;
    expect(chosen('tab')).toBe('run:12');
    expect(chosen('tab', 'tab', 'tab')).toBe('run:9');
    expect(chosen('tab', 'tab', 'tab', 'tab')).toBe('need:task:7');
    expect(chosen('backtab')).toBe('run:9');
  });

  it('keep the place of a row that is gone', () => {
    const { state } = on(busy.queued, ['t']);
    const without = factsOf(aBoard({ live: [busy.running], recent: [busy.failed, lone], needsYou: [busy.need] }));
    expect(screen(state, without).find((line) => line.startsWith('▸'))).toContain('#9');
  });
});

/** Performs an action with a daemon that answers by path, and returns its requests and the result. */
async function performed(order: Parameters<typeof performAction>[1], answers: Readonly<Record<string, unknown>>) {
  const requests: { readonly to: string; readonly body: Readonly<Record<string, unknown>> | null }[] = [];
  const client = {
    async call(method: string, path: string, body: Readonly<Record<string, unknown>> | null = null) {
      requests.push({ to: `${method} ${path}`, body });
      const answer = answers[`${method} ${path}`];
      if (answer instanceof Error) throw answer;
      return answer ?? {};
    },
  };
  const deps = { client: client as never, home: {} as never, env: { PATH: '/bin' }, cwd: () => '/here' };
  return { ...(await performAction(deps, order)), requests };
}

describe('an action of the dashboard', () => {
  const task = { number: 7, priority: 2, cwd: null, madeIn: '/made' };

  it('continues a task with its words, and says which run goes on', async () => {
    const order = { type: 'continue-task', task: 7, words: 'go' } as const;
    const path = 'POST /v1/tasks/7/continue';
    const started = await performed(order, {
      [path]: { run: aView({ number: 30, waitingFor: null }), busyWith: null },
    });
    expect(started.notice).toEqual({ kind: 'result', text: 'Run 30 goes on with T7.' });
    expect(started.requests[0]?.body).toMatchObject({ prompt: 'go', environment: { PATH: '/bin' } });
    const busyNow = await performed(order, { [path]: { run: null, busyWith: 12 } });
    expect(busyNow.notice.text).toBe('T7 is being worked on by run 12; it is continued when that has ended.');
  });

  it('continues a run without a task by a retry', async () => {
    const path = 'POST /v1/runs/21/retry';
    const answer = { [path]: { run: aView({ number: 31 }), notice: null } };
    const { requests, notice } = await performed({ type: 'continue-run', run: 21, words: 'go' }, answer);
    expect([requests[0]?.to, requests[0]?.body?.['prompt'], notice.text]).toEqual([
      path,
      'go',
      'Run 31 continues run 21.',
    ]);
    const bare = await performed({ type: 'continue-run', run: 21, words: '' }, answer);
    expect(bare.requests[0]?.body).not.toHaveProperty('prompt');
  });

  it('makes tasks and runs in the folder of its start', async () => {
    const added = await performed(
      { type: 'add-task', words: 'Write it', assignee: 'coder' },
      { 'POST /v1/tasks': { task: { ...task, number: 8 }, note: 'No budget limits it.' } },
    );
    expect(added.requests[0]?.body).toMatchObject({ title: 'Write it', madeIn: '/here', assignee: 'coder' });
    expect(added.notice.text).toBe('T8 is added and coder’s, in /here. No budget limits it.');
    const run = { 'POST /v1/runs': { run: aView({ number: 32, waitingFor: 'a free slot' }) } };
    const command = await performed({ type: 'start-run', words: 'make test', agent: null }, run);
    expect(command.requests[0]?.body).toMatchObject({ command: ['make', 'test'], cwd: '/here' });
    expect(command.notice.text).toBe('Run 32 waits: a free slot.');
    const agent = await performed({ type: 'start-run', words: 'look', agent: 'coder' }, run);
    expect(agent.requests[0]?.body).toMatchObject({ agent: 'coder', prompt: 'look' });
  });

  it('pauses an agent, and resumes a paused one', async () => {
    const order = { type: 'toggle-pause', agent: 'coder' } as const;
    const asked = async (pausedBy: 'person' | null) => {
      const agent = { agent: { pausedBy, paused: false } };
      return performed(order, { 'GET /v1/agents/coder': agent, 'POST /v1/agents/coder/pause': agent });
    };
    const [pause, resume] = [await asked(null), await asked('person')];
    expect([pause.requests[1]?.body, resume.requests[1]?.body]).toEqual([{ paused: true }, { paused: false }]);
    expect(resume.notice.text).toBe('coder is resumed.');
  });

  it('changes a priority from what it is now', async () => {
    const path = '/v1/tasks/7';
    const answers = { [`GET ${path}`]: { task }, [`PATCH ${path}`]: { task: { ...task, priority: 3 } } };
    const { requests, notice } = await performed({ type: 'prioritize', task: 7, by: 1 }, answers);
    expect([requests[1]?.body, notice.text]).toEqual([{ priority: 3 }, 'T7 has priority 3.']);
  });

  it('copies the folder of a task, also where no desktop can open it', async () => {
    const answers = { 'GET /v1/tasks/7': { task } };
    for (const type of ['copy-folder', 'open-folder'] as const) {
      const { copy, notice } = await performed({ type, place: { task: 7 } }, answers);
      expect([copy, notice.text.endsWith('Copied, if the terminal takes it: /made')]).toEqual(['/made', true]);
    }
  });

  it('opens folders only on a desktop', () => {
    expect(findOpener({ PATH: '/usr/bin' }, 'linux')).toBeNull();
    expect(findOpener({ PATH: '/usr/bin', DISPLAY: ':0' }, 'freebsd')).toBeNull();
  });

  it('says why it failed, with what to do', async () => {
    const error = new ClipError('refused', 'Run 9 is still running.', 'Stop it first: clip cancel 9');
    const { notice } = await performed({ type: 'remove', run: 9 }, { 'DELETE /v1/runs/9': error });
    expect(notice).toEqual({ kind: 'error', text: 'Run 9 is still running. Stop it first: clip cancel 9' });
  });
});

describe('a typed command line', () => {
  it('is split at its blanks, or left to a shell', () => {
    expect(splitCommand('make  test -j=4')).toEqual(['make', 'test', '-j=4']);
    for (const line of ['A=1 make', 'echo "a b"', 'ls | wc', 'cd ~', 'echo $HOME', 'a;b', 'ls *'])
      expect(splitCommand(line)).toEqual(['sh', '-c', line]);
  });
});
