import { describe, expect, it } from 'vitest';
import { frame } from '#cli/dashboard/frame.ts';
import { press } from '#cli/dashboard/press.ts';
import { begin, type State } from '#cli/dashboard/state.ts';
import { wrapped } from '#cli/dashboard/views/lines.ts';
import { measureWidth } from '#cli/terminal/width.ts';
import type { RunView } from '#protocol/answers.ts';
import { runStatuses } from '#run/run.ts';
import { aBoard, at, busy, factsOf, pressed, screen } from '../support/dashboard.ts';
import { hostileText, steering } from '../support/terminal.ts';
import { aView } from '../support/views.ts';

const board = aBoard({ live: [busy.running], queued: [busy.queued], recent: [busy.failed], needsYou: [busy.need] });
const facts = factsOf(board, { lastLine: ({ number }) => (number === 12 ? '$ npm test → exit 0' : null) });
const text = (lines: readonly string[]) => lines.join('\n');

describe('the board', () => {
  it('shows the used slots, the queue and the cost of today', () => {
    expect(screen(begin, facts)[0]).toBe(
      'clip · 1 of 4 commands, 0 of 8 agents · 1 queued · today $1.23, 340k tokens, 12 runs',
    );
    expect(screen(begin, facts, 140)[0]).toContain('up 1 h, pid 77, 0.1.0');
  });

  it('shows what needs a person first, with the command that helps', () => {
    const lines = screen(begin, facts);
    expect(lines.slice(2, 5)).toEqual([
      'Needs you 1',
      '▸ T7 Make the tests pass (blocked): Which database?',
      '    Settle it, then: clip continue T7',
    ]);
  });

  it('shows for each running run its name, duration, usage and last output', () => {
    expect(text(screen(begin, facts, 130))).toMatch(
      /#12 {2}● running {2}coder {2}T7 +4 min 5 s +12 % +340 MiB +talking +– +make test +\$ npm test → exit 0/,
    );
  });

  it('shows what each queued run waits for, and the result of each ended one', () => {
    const all = text(screen(begin, facts, 130));
    expect(all).toMatch(/#13 {2}deploy .*1 min ago {2}a free slot/);
    expect(all).toMatch(/#9 {2}✗ failed +exit 3 .*1 min +30 s ago {2}make test {2}Exited with code 3\./);
  });

  it('never shows an unknown cost as zero', () => {
    const spent = (costUsd: number | null, costKnownUsd: number, tokens: number | null) =>
      screen(
        begin,
        factsOf(aBoard({}, { spentToday: { runs: 2, costUsd, costKnownUsd, tokens, tokensKnown: tokens ?? 0 } })),
      )[0];
    expect(spent(null, 0, null)).toContain('today cost unknown, 2 runs');
    expect(spent(null, 1.5, 900)).toContain('today $1.50+, 900 tokens, 2 runs');
  });

  it('shows the next step when it is empty', () => {
    expect(text(screen(begin, factsOf(aBoard())))).toContain('Nothing runs. Start something: clip run -- make test');
  });

  it('reports that the daemon is gone, and keeps the last state', () => {
    expect(screen(begin, { ...facts, connection: 'gone' })[0]).toMatch(/^clip · reconnecting…/);
    expect(screen(begin, { ...facts, connection: 'stopped' })[0]).toMatch(
      /^clip · the daemon was stopped: clip daemon start/,
    );
    expect(text(screen(begin, { ...facts, connection: 'gone' }))).toContain('#12');
  });

  it('shows the true length of the queue', () => {
    const long = aBoard(
      { queued: [busy.queued] },
      { queue: { held: false, queued: 800, slots: 4, taken: 0, agentSlots: 8, agentsTaken: 0 } },
    );
    expect(text(screen(begin, factsOf(long)))).toContain('Queued 1 of 800');
  });

  it('shows what keeps the daemon from working', () => {
    const trouble = { code: 'disk_full', message: 'The disk is full.', hint: 'Free some space.' };
    expect(screen(begin, factsOf({ ...board, daemon: { ...board.daemon, trouble } }))[1]).toBe(
      'The disk is full. Free some space.',
    );
  });
});

const hostile: RunView[] = runStatuses.map((status, index) =>
  aView({
    number: index + 1,
    status,
    name: `名前${hostileText}مرحبا`,
    agentName: index % 2 ? `実行${hostileText}` : null,
    command: ['sh', '-c', `echo ${hostileText} ${'と'.repeat(120)}`],
    waitingFor: status === 'queued' ? `slot ${hostileText}` : null,
    endedAt: index > 3 ? at(-1_000) : null,
    error: index > 3 ? hostileText : null,
    nextAction: index === 5 ? `next ${hostileText}` : null,
    livenessState: index > 3 ? 'advanced' : null,
    lastMessage: hostileText,
  }),
);
const hostileBoard = aBoard(
  {
    live: hostile.slice(1, 4),
    queued: hostile.slice(0, 1),
    recent: hostile.slice(4),
    needsYou: [{ ...busy.need, title: `題名${hostileText}`, what: `${hostileText} מה `.repeat(20), next: hostileText }],
  },
  { daemon: { ...board.daemon, trouble: { code: 'disk_full', message: hostileText, hint: hostileText } } },
);
const hostileFacts = factsOf(hostileBoard, {
  lastLine: ({ number }) => (number === 2 ? `行${'語'.repeat(200)}` : null),
  opened: {
    run: { schema: 1, run: hostile[1] as RunView, prompt: hostileText, events: [] },
    log: ['ログ'.repeat(300)],
    task: null,
    timeline: hostile,
    trouble: null,
  },
});
const pages = { board: [], run: ['j', 'enter'], log: ['j', 'l'], timeline: ['T'], help: ['?'] };

describe.each(Object.entries(pages))('the page %s', (_, keys) => {
  const { state } = pressed(hostileFacts, keys);

  it.each([40, 80, 200])('fits a terminal of %i columns and 24 lines, whatever the names and the output', (columns) => {
    const lines = screen(state, hostileFacts, columns, 24);
    expect(lines).toHaveLength(24);
    // The terminal cuts text that is too wide for its table. In the program, Ink does that.
    for (const line of lines) expect(line).not.toContain('\n');
  });

  it('prints no sequence that controls or deceives a terminal', () => {
    expect(steering(text(screen(state, hostileFacts, 200, 60, true)))).toEqual([]);
  });

  it('shows the same without colors', () => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the colors that clip sets itself
    const bare = text(screen(state, hostileFacts, 120, 40, true)).replaceAll(/\u001b\[\d+m/g, '');
    expect(
      text(screen(state, hostileFacts, 120, 40))
        .split('\n')
        .map((line) => line.trimEnd()),
    ).toEqual(bare.split('\n').map((line) => line.trimEnd()));
  });
});

describe('a long line', () => {
  it('is wrapped at words, without an additional blank where it was wrapped before', () => {
    const words = 'Make the tests pass, and a long long title that goes on and on to see how it is cut';
    for (let columns = 25; columns < 60; columns++) {
      const inner = wrapped([words], columns, 16).map((line) => line.trim());
      expect(inner.join(' ')).toBe(words);
    }
  });
});

describe('rows of the board', () => {
  it.each([60, 80, 120, 200])('fit %i columns with wide characters in every name', (columns) => {
    const rows = screen(begin, hostileFacts, columns, 40).filter((line) => /^[▸ ] #/.test(line));
    expect(rows).toHaveLength(hostile.length);
    for (const row of rows) expect(measureWidth(row)).toBeLessThanOrEqual(columns);
  });
});

describe('the keys', () => {
  const many = aBoard({
    live: Array.from({ length: 200 }, (_, index) => aView({ number: index + 1, name: `run-${index + 1}` })),
  });

  it('select one row after the other, and the selected row is always visible', () => {
    const all = factsOf(many);
    for (const keys of [
      [],
      ['down'],
      Array(57).fill('j'),
      ['end'],
      ['end', 'k'],
      ['pagedown', 'pagedown'],
      ['end', 'home'],
    ]) {
      const { state } = pressed(all, keys, begin, 24);
      expect(screen(state, all, 80, 24).filter((line) => line.startsWith('▸'))).toHaveLength(1);
    }
    expect(text(screen(pressed(all, ['end'], begin, 24).state, all, 80, 24))).toContain('▸ #200');
  });

  it('show the selected row on a screen of very few lines, through all sections', () => {
    const some = (from: number, given: Partial<RunView>) =>
      Array.from({ length: 4 }, (_, index) => aView({ number: from + index, ...given }));
    const lists = {
      live: some(1, {}),
      queued: some(11, { status: 'queued' }),
      recent: some(21, { status: 'failed', endedAt: at(-1_000) }),
    };
    const all = factsOf(
      aBoard({ ...lists, needsYou: Array.from({ length: 4 }, (_, index) => ({ ...busy.need, task: index + 1 })) }),
    );
    for (let step = 0; step < 16; step += 1) {
      const lines = screen(pressed(all, Array(step).fill('down'), begin, 6).state, all, 80, 6);
      expect([step, lines.filter((line) => line.startsWith('▸'))]).toEqual([step, [expect.any(String)]]);
      // The command that continues the task stands below the reason why it needs a person, and is not cut off.
      if (step < 4) expect(text(lines)).toContain('Settle it, then: clip continue T7');
    }
  });

  it('keep the selected run when others come and go above it', () => {
    const { state } = pressed(factsOf(many), Array(20).fill('down'), begin, 24);
    const fewer = aBoard({ live: many.live.slice(5).map((number) => many.runs.get(number) as RunView) });
    expect(text(screen(state, factsOf(fewer), 80, 24))).toContain('▸ #21 ');
  });

  it('filter by every word, in names, agents, tasks, states and commands', () => {
    const { state } = pressed(facts, ['/', ...'t7 running', 'enter']);
    const all = text(screen(state, facts));
    expect(all).toContain('#12');
    expect(all).not.toContain('#13');
    expect(all).toContain('filter: t7 running');
    expect(text(screen(pressed(facts, ['/', ...'t7 deploy', 'enter']).state, facts))).toContain(
      'Nothing fits the filter.',
    );
    expect(text(screen(pressed(facts, ['/', ...'nobody', 'enter']).state, facts))).toContain(
      'Nothing fits the filter. Esc shows all again.',
    );
    expect(pressed(facts, ['/', ...'xyz', 'enter', 'escape']).state.filter).toBe('');
  });

  it('open a run, its log and its task, and go back one page at a time', () => {
    const opened = pressed(facts, ['j', 'enter']);
    expect(opened.state.pages.at(-1)).toMatchObject({ name: 'run', run: 12, whole: false });
    expect(pressed(facts, ['l'], opened.state).state.pages.at(-1)).toMatchObject({ whole: true });
    expect(pressed(facts, ['t'], opened.state).state.pages.at(-1)).toMatchObject({ name: 'task', task: 7 });
    expect(pressed(facts, ['t', 'escape', 'escape'], opened.state).state.pages).toHaveLength(1);
  });

  it('cancel after a confirmation, kill if stopping, and skip ended runs', () => {
    const asked = pressed(facts, ['j', 'c']);
    expect(screen(asked.state, facts).at(-1)).toBe('Cancel run 12 and all that it started?  y yes · any other key no');
    expect([asked.orders, pressed(facts, ['n'], asked.state).orders]).toEqual([[], []]);
    expect(pressed(facts, ['q'], asked.state).orders).toEqual([]);
    expect(pressed(facts, ['y'], asked.state).orders).toEqual([{ type: 'cancel', run: 12, now: false }]);
    const stopping = factsOf(aBoard({ live: [{ ...busy.running, status: 'stopping' }] }));
    expect(pressed(stopping, ['c']).orders).toEqual([{ type: 'cancel', run: 12, now: true }]);
    const over = pressed(factsOf(aBoard({ recent: [busy.failed] })), ['c']);
    expect(over.orders).toEqual([]);
    expect(over.state.notices).toEqual([{ kind: 'result', text: 'Run 9 has ended already.' }]);
  });

  it('have no effect when they are pasted: only a filter accepts pasted text', () => {
    const paste = (from: State) =>
      press(
        from,
        { name: 'paste', text: 'c\ny\nq' },
        frame(from, facts, { columns: 100, rows: 30, look: { colour: false, width: 100 } }).scene,
      );
    const asked = pressed(facts, ['j', 'c']).state;
    expect(asked.asking).not.toBeNull();
    for (const from of [begin, asked])
      expect(paste(from)).toMatchObject({ order: null, state: { asking: from.asking, pages: from.pages, form: null } });
    expect(paste(pressed(facts, ['/']).state)).toMatchObject({ order: null, state: { filter: 'c y q' } });
  });

  it('retry ended runs, and nothing else', () => {
    expect(pressed(factsOf(aBoard({ recent: [busy.failed] })), ['r']).orders).toEqual([{ type: 'retry', run: 9 }]);
    expect(pressed(facts, ['j', 'r']).orders).toEqual([]);
  });

  it('quit with q and with Ctrl-C, from every page', () => {
    for (const keys of [['q'], ['?', 'q'], ['T', 'interrupt'], ['/', 'interrupt'], ['j', 'c', 'interrupt']])
      expect(pressed(facts, keys).orders.at(-1)).toEqual({ type: 'quit' });
    // While a filter is being typed, `q` is a letter.
    expect(pressed(facts, ['/', 'q']).orders).toEqual([]);
  });
});

describe('the page of a run', () => {
  const log = Array.from({ length: 300 }, (_, index) => `line ${index + 1}`);
  const events = [{ seq: 1, at: at(-245_000), runId: busy.running.id, run: 12, taskId: 7, type: 'admitted', data: {} }];
  const open = {
    ...facts,
    opened: {
      run: { schema: 1 as const, run: busy.running, prompt: null, events },
      log,
      task: null,
      timeline: null,
      trouble: null,
    },
  };
  const { state } = pressed(open, ['j', 'enter']);

  it('has the facts, the history and the end of the log', () => {
    const all = text(screen(state, open));
    expect(all).toContain('Run 12  ● running  4 min 5 s  coder  T7');
    expect(all).toMatch(/History\n.*admitted/);
    expect(all).toMatch(/Log \(live\)\n(line \d+\n)+/);
    expect(all).toContain('line 300');
  });

  it('shows tabs of the log as blanks up to the next stop', () => {
    const tabs = { ...open, opened: { ...open.opened, log: ['ab\tc\t\td'] } };
    expect(text(screen(state, tabs))).toContain('ab      c               d');
  });

  it('scrolls back, and follows again from the end', () => {
    const up = pressed(open, ['l', 'pageup', 'up'], state).state;
    expect(text(screen(up, open))).not.toContain('line 300');
    expect(text(screen(up, open))).toContain('more below, end follows');
    expect(text(screen(pressed(open, ['end'], up).state, open))).toContain('line 300');
    expect(text(screen(pressed(open, ['home'], up).state, open))).toMatch(/^line 1$/m);
  });

  it('has a notice when there is no output, and when the log cannot be read', () => {
    const quiet = { ...open, opened: { ...open.opened, log: [] } };
    expect(text(screen(state, quiet))).toContain('Nothing was said yet.');
    expect(text(screen(state, { ...quiet, opened: { ...quiet.opened, trouble: 'Run 12 is gone.' } }))).toContain(
      'Run 12 is gone.',
    );
  });
});

describe('the timeline', () => {
  const hour = 3_600_000;
  const block = (number: number, from: number, to: number | null, given: Partial<RunView>) =>
    aView({
      number,
      id: `id${number}`,
      startedAt: at(from * hour),
      endedAt: to === null ? null : at(to * hour),
      status: to === null ? 'running' : 'succeeded',
      ...given,
    });
  const timeline = [
    block(1, -5, -4, { agentName: 'coder', livenessState: 'plan_only', taskId: 7 }),
    block(2, -2, -1, { agentName: 'coder', livenessState: 'advanced', taskId: 7, continuationOf: 'id1' }),
    block(3, -3, null, { agentName: null, name: 'dev' }),
    block(4, -4.5, -3.5, { agentName: 'coder', livenessState: 'failed', status: 'failed' }),
  ];
  const open = { ...facts, opened: { run: null, log: null, task: null, timeline, trouble: null } };
  const { state } = pressed(open, ['T']);
  const lanes = screen(state, open, 75);

  it('has a lane per agent, a mark per verdict, and links of continued runs', () => {
    const coder = lanes.filter((line) => /^coder/.test(line))[0] ?? '';
    expect(coder).toMatch(/^coder +P+─+A+/);
    expect(lanes[lanes.indexOf(coder) + 1]).toMatch(/^ +F+$/);
    expect(text(lanes)).toMatch(/commands +▒+/);
    expect(text(lanes)).toContain('P plan only');
    expect(text(lanes)).toContain('T7: #1 → #2');
    expect(text(screen(state, open, 75, 30, true))).toContain('\u001b[32mAAAA');
  });

  it('scrolls to earlier hours, and shows more hours', () => {
    expect(text(screen(pressed(open, ['left', 'left', '-'], state).state, open))).toMatch(
      /Timeline {2}12 h, until \d\d:\d\d/,
    );
    expect(text(screen(pressed(open, ['+', '+'], state).state, open))).toContain('Timeline  1 h');
  });
});
